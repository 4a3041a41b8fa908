package diff

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"crypto/rand"

	"github.com/jackc/pgx/v5"
)

// NewDatabase is a shadow in a server of our own: a new database, which is
// dropped when it is closed. url must lead to a database of that server, as a
// role that may create another.
func NewDatabase(ctx context.Context, url string) (*pgx.ConnConfig, func(context.Context) error, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, fmt.Errorf("open the shadow database: %w", err)
	}
	name := "af_auth_shadow_" + strings.ToLower(rand.Text()[:12])
	admin := config.Copy()
	if err := execute(ctx, admin, "CREATE DATABASE "+quote(name)+" TEMPLATE template0"); err != nil {
		return nil, nil, fmt.Errorf("make the shadow database: %w", err)
	}
	config.Database = name
	return config, func(ctx context.Context) error {
		if err := execute(ctx, admin, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop the shadow database: %w", err)
		}
		return nil
	}, nil
}

// execute runs one statement on a connection of its own.
func execute(ctx context.Context, config *pgx.ConnConfig, sql string) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}
