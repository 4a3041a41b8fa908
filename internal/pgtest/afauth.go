package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Migrations names the environment variable that holds a folder of migrations
// which stand in for those built in: so a release is tested on the schema of the
// one after it.
const Migrations = "PGTEST_MIGRATIONS"

func migrations() fs.FS {
	if dir := os.Getenv(Migrations); dir != "" {
		return os.DirFS(dir)
	}
	return postgres.Migrations()
}

// New returns the superuser's URL of a new database that has had all of
// af-auth's migrations, applied as `af-auth db migrate deploy` applies them. It
// is dropped when the test ends, whoever is still connected to it.
func New(t testing.TB) (url string) {
	t.Helper()
	files, err := migrate.Load(migrations())
	if err != nil {
		fail(t, err)
	}
	return Clone(t, Template{
		Key: migrationsKey(files),
		Prepare: func(ctx context.Context, url string) (err error) {
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				return err
			}
			// A template with a connection open cannot be copied.
			defer func() { err = errors.Join(err, conn.Close(ctx)) }()
			if _, err := migrate.Deploy(ctx, conn, files, migrate.Options{Actor: "test"}); err != nil {
				return fmt.Errorf("make the template: %w", err)
			}
			return nil
		},
	})
}

// migrationsKey stands for the files: an edited one makes another template.
func migrationsKey(files []migrate.File) string {
	var b strings.Builder
	b.WriteString("af-auth")
	for _, f := range files {
		b.WriteString(" " + f.UpName() + " " + f.Checksum)
	}
	return b.String()
}
