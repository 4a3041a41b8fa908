package catalog_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

// TestStamp: whatever changes what Load returns changes the stamp too. When it
// stays the same is not asked: it tells of roles, and other tests make some.
func TestStamp(t *testing.T) {
	ctx := t.Context()
	url := pgtest.Empty(t)
	u, err := pgurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(ctx, database.Options{URL: u, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	stamp := func() (stamp string) {
		t.Helper()
		err := db.Read(ctx, database.Limits{}, func(tx *database.Tx) (err error) {
			stamp, err = catalog.Stamp(ctx, tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return stamp
	}
	role := pgx.Identifier{"stamp_" + conn.Config().Database}.Sanitize() // roles are the whole server's
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	before := stamp()
	for _, sql := range []string{
		"CREATE TABLE people (id bigint PRIMARY KEY, name text, secret text)",
		"ALTER TABLE people ADD COLUMN note text",
		"ALTER TABLE people RENAME COLUMN note TO remark",
		"ALTER TABLE people ALTER COLUMN remark TYPE varchar",
		"ALTER TABLE people ALTER COLUMN remark SET NOT NULL",
		"ALTER TABLE people ALTER COLUMN remark SET DEFAULT 'a'",
		"ALTER TABLE people ALTER COLUMN remark SET DEFAULT 'b'",
		"ALTER TABLE people DROP COLUMN remark",
		"ALTER TABLE people ADD COLUMN twin text GENERATED ALWAYS AS (upper(secret)) STORED",
		"COMMENT ON COLUMN people.name IS 'first and last'",
		"COMMENT ON TABLE people IS 'all of them'",
		"CREATE INDEX by_name ON people (name)",
		"ALTER INDEX by_name RENAME TO named",
		"CREATE TABLE cards (person bigint, code text)",
		"ALTER TABLE cards ADD CONSTRAINT holder FOREIGN KEY (person) REFERENCES people",
		"ALTER TABLE cards RENAME CONSTRAINT holder TO owner",
		"CREATE VIEW names AS SELECT id, name FROM people",
		"CREATE OR REPLACE VIEW names AS SELECT id, secret AS name FROM people",
		"CREATE TYPE mood AS ENUM ('fine')",
		"ALTER TYPE mood ADD VALUE 'tired'",
		"ALTER TYPE mood RENAME VALUE 'fine' TO 'well'",
		"CREATE DOMAIN short AS text",
		"CREATE TABLE parted (at date) PARTITION BY RANGE (at)",
		"CREATE TABLE part (at date)",
		"ALTER TABLE parted ATTACH PARTITION part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
		"CREATE FUNCTION ten() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 10'",
		"ALTER FUNCTION ten() RENAME TO decem",
		"CREATE ROLE " + role,
		"GRANT SELECT ON people TO " + role,
		"GRANT SELECT (code) ON cards TO " + role,
		"GRANT pg_read_all_data TO " + role,
		"CREATE SCHEMA other",
		"GRANT USAGE ON SCHEMA other TO " + role,
		"ALTER TABLE cards SET SCHEMA other",
		"DROP TABLE other.cards",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		after := stamp()
		if after == before {
			t.Errorf("the stamp does not see: %s", sql)
		}
		before = after
	}
}
