package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgserver"
	"github.com/af-auth/af-auth/internal/postgres"
)

// site is the server that the lines about the gate share, and the databases that
// they have asked it for.
type site struct {
	options
	cluster
	programs pgserver.Binaries
	made     map[string]crowd
}

// crowd is a database of so many people, each with so many sessions: session n
// is that of person (n-1) mod people + 1.
type crowd struct {
	url          string
	people, each int
}

func (c crowd) sessions() int { return c.people * c.each }

// crowd returns the database of that name, which it makes when it is asked for
// the first time.
func (s *site) crowd(ctx context.Context, name string, people, each int) (crowd, error) {
	if c, there := s.made[name]; there {
		return c, nil
	}
	begun := time.Now()
	url, err := s.create(ctx, name)
	if err != nil {
		return crowd{}, err
	}
	c := crowd{url, people, each}
	if err := c.with(ctx, c.fill); err != nil {
		return crowd{}, fmt.Errorf("filling %s: %w", name, err)
	}
	s.made[name] = c
	fmt.Fprintf(os.Stderr, "bench: %d people with %d sessions were made in %s\n", people, c.sessions(), time.Since(begun).Round(100*time.Millisecond))
	return c, nil
}

// create makes an empty database, and starts the server where that was not done.
// It returns the database's URL.
func (s *site) create(ctx context.Context, name string) (string, error) {
	if s.server == nil {
		if err := s.start(ctx); err != nil {
			return "", err
		}
		var err error
		if s.programs, err = pgserver.Find(); err != nil {
			return "", err
		}
	}
	if err := s.server.CreateDatabase(ctx, name); err != nil {
		return "", err
	}
	return s.server.URL(name), nil
}

// with runs fn on a connection of its own.
func (c crowd) with(ctx context.Context, fn func(context.Context, *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(ctx, conn)
}

// fill makes the schema, people and sessions.
func (c crowd) fill(ctx context.Context, conn *pgx.Conn) error {
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		return err
	}
	if _, err := migrate.Deploy(ctx, conn, files, migrate.Options{Actor: "bench"}); err != nil {
		return err
	}
	return c.fillRows(ctx, conn)
}

// fillRows writes people and sessions, without the record of their arrival, and
// makes the indexes when all rows are there. People came one after another, the
// last of them now.
func (c crowd) fillRows(ctx context.Context, conn *pgx.Conn) error {
	users := fmt.Sprintf(`INSERT INTO users (github_user_id, login, name, email, is_whitelisted, whitelist_decided_at, created_at)
    SELECT n, 'dev-' || left(h, 8), 'Person ' || substr(h, 9, 6), left(h, 8) || '@example.com', true, now(), now() - (%[1]d - n) * interval '1 second'
    FROM generate_series(1, %[1]d) n, encode(sha256(n::text::bytea), 'hex') h`, c.people)
	// The same tokens as those of token().
	sessions := fmt.Sprintf(`INSERT INTO sessions (token_hash, user_id, host, expires_at)
    SELECT sha256(rtrim(translate(encode(sha256(('bench ' || s)::bytea), 'base64'), '+/', '-_'), '=')::bytea), u.id, '%s', now() + interval '7 days'
    FROM users u, generate_series(0, %d) k, LATERAL (SELECT u.github_user_id + k * %d::bigint AS s) number`, host, c.each-1, c.people)
	for _, sql := range []string{"SET session_replication_role = replica", "SET maintenance_work_mem = '512MB'", "SET synchronous_commit = off",
		withoutIndexes("users", users), withoutIndexes("sessions", sessions),
		"RESET session_replication_role", "VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// withoutIndexes runs a statement on a table whose indexes are made anew behind
// it, with their comments: much faster than keeping them for each row. Those of
// constraints stay.
func withoutIndexes(table, sql string) string {
	return `DO $bench$
DECLARE
    i record;
BEGIN
    CREATE TEMPORARY TABLE bench_indexes ON COMMIT DROP AS
    SELECT c.relname AS name, pg_get_indexdef(c.oid) AS definition, obj_description(c.oid, 'pg_class') AS comment
    FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
    WHERE x.indrelid = '` + table + `'::regclass AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid);
    FOR i IN SELECT * FROM bench_indexes LOOP
        EXECUTE format('DROP INDEX %I', i.name);
    END LOOP;
    ` + sql + `;
    FOR i IN SELECT * FROM bench_indexes ORDER BY name LOOP
        EXECUTE i.definition;
        EXECUTE format('COMMENT ON INDEX %I IS %L', i.name, i.comment);
    END LOOP;
END $bench$`
}
