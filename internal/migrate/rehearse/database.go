package rehearse

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
)

func (r *run) disconnect(ctx context.Context) {
	for _, conn := range []*pgx.Conn{r.conn, r.watching} {
		if conn != nil {
			_ = conn.Close(ctx)
		}
	}
}

// reconnect opens both connections, the former ones closed.
func (r *run) reconnect(ctx context.Context) (err error) {
	r.disconnect(ctx)
	if r.conn, err = r.connect(ctx, ""); err != nil {
		return err
	}
	r.watching, err = r.connect(ctx, "")
	return err
}

// connect opens a connection to a database; "" is the one that was handed in.
func (r *run) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(r.url)
	if err != nil {
		return nil, err
	}
	if database != "" {
		config.Database = database
	}
	config.RuntimeParams["application_name"] = "af-auth rehearse"
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["search_path"] = pgx.Identifier{r.o.Namespace}.Sanitize()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the rehearsal's database: %w", err)
	}
	return conn, nil
}

// duplicate makes the copy. Nobody may be connected to what is copied. As files,
// a copy costs little, and nothing of it goes to the log.
func (r *run) duplicate(ctx context.Context) error {
	config := r.conn.Config()
	r.disconnect(ctx)
	conn, err := r.connect(ctx, "template1")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	r.copy = "af_auth_rehearsal_" + strings.ToLower(rand.Text()[:12])
	sql := "CREATE DATABASE " + pgx.Identifier{r.copy}.Sanitize() + " TEMPLATE " + pgx.Identifier{config.Database}.Sanitize()
	if major, _ := strconv.Atoi(majorOf(conn)); major >= 15 {
		sql += " STRATEGY file_copy"
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("copy the rehearsal's database: %w", err)
	}
	return r.reconnect(ctx)
}

// settings reads what the numbers depend on.
func (r *run) settings(ctx context.Context) error {
	err := r.conn.QueryRow(ctx, `SELECT split_part(current_setting('server_version'), ' ', 1), current_setting('fsync')::bool AND current_setting('full_page_writes')::bool
    AND current_setting('synchronous_commit') <> 'off'`).Scan(&r.report.PostgreSQL, &r.report.Durable)
	if err != nil {
		return fmt.Errorf("read the server's settings: %w", err)
	}
	return nil
}

// makeRoles makes the schema and the roles that files may name.
func (r *run) makeRoles(ctx context.Context) error {
	name := pgx.Identifier{r.o.Namespace}.Sanitize()
	// The load's connections find the schema by a setting of the database.
	statements := []string{"CREATE SCHEMA IF NOT EXISTS " + name,
		"ALTER DATABASE " + pgx.Identifier{r.conn.Config().Database}.Sanitize() + " SET search_path = " + name}
	var there []string
	if err := r.conn.QueryRow(ctx, `SELECT array_agg(rolname::text) FROM pg_catalog.pg_roles`).Scan(&there); err != nil {
		return fmt.Errorf("list the roles: %w", err)
	}
	for _, role := range r.o.Roles {
		if !slices.Contains(there, role) {
			statements = append(statements, "CREATE ROLE "+pgx.Identifier{role}.Sanitize())
		}
	}
	for _, sql := range statements {
		if _, err := r.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare the rehearsal's database: %w", err)
		}
	}
	return nil
}

// replay runs what is applied already.
func (r *run) replay(ctx context.Context) error {
	if r.o.Applied == "" {
		return nil
	}
	f, err := migrate.Find(r.o.Files, r.o.Applied)
	if err != nil {
		return err
	}
	r.start = 1 + slices.IndexFunc(r.o.Files, func(o migrate.File) bool { return o.Version == f.Version })
	r.report.Applied = f.Version + "_" + f.Name
	r.tell("replaying up to %s", r.report.Applied)
	if _, err := migrate.Deploy(ctx, r.conn, r.o.Files[:r.start], migrate.Options{Pause: -1}); err != nil {
		return fmt.Errorf("bring an empty database to the state before: %w", err)
	}
	return nil
}

// asFound asks the ledger of a database that was handed in what is applied.
func (r *run) asFound(ctx context.Context) error {
	st, err := migrate.Read(ctx, r.conn, r.o.Files)
	if err != nil {
		return err
	}
	if err := st.Refusal(); err != nil {
		return err
	}
	if r.start = len(st.Applied); r.start > 0 {
		r.report.Applied = st.Applied[r.start-1].FileName()
	}
	return nil
}
