package lint_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/migrate/lint"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// shadowOf is a shadow database of a test's own.
func shadowOf(t testing.TB) diff.Shadow {
	t.Helper()
	config, err := pgx.ParseConfig(pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	return diff.At(config)
}

// folder makes migrations of pairs of texts, up and down; "" for a down file
// that is not there.
func folder(t testing.TB, texts ...string) []migrate.File {
	t.Helper()
	fsys := fstest.MapFS{}
	for i := 0; i < len(texts); i += 2 {
		name := fmt.Sprintf("2026010112%04d_f.", i/2)
		fsys[name+"up.sql"] = &fstest.MapFile{Data: []byte(texts[i])}
		if texts[i+1] != "" {
			fsys[name+"down.sql"] = &fstest.MapFile{Data: []byte(texts[i+1])}
		}
	}
	files, err := migrate.Rules{HeaderOptional: true, DownOptional: true}.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// run lints the last of some files.
func run(t testing.TB, files []migrate.File) []lint.Finding {
	t.Helper()
	found, err := lint.Run(t.Context(), files, lint.Options{Shadow: shadowOf(t), Only: []string{files[len(files)-1].Version}})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// text writes what a test compares: one finding a line.
func text(found []lint.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%d %s %s: %s", f.Line, f.Severity, f.Rule, f.Message)
		if f.Lock != "" {
			b.WriteString(" | " + f.Lock)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// base is what is there before the file that a test looks at.
const base = `CREATE TABLE users (id bigint PRIMARY KEY, login text, name varchar(40), age integer, paid numeric(10,2), at timestamptz);
CREATE INDEX users_age_idx ON users (age);
CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint, body text);
CREATE TABLE log (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE log_2025 PARTITION OF log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE log_2026 (at date NOT NULL, what text);
CREATE VIEW logins AS SELECT login, name FROM users;
CREATE FUNCTION full_name(text) RETURNS text LANGUAGE sql RETURN $1;
CREATE FUNCTION on_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TYPE color AS ENUM ('red', 'green');
CREATE DOMAIN short AS text;
CREATE TABLE paints (id bigint PRIMARY KEY, color color, during int4range, s short);
CREATE MATERIALIZED VIEW ages AS SELECT age FROM users;
CREATE UNIQUE INDEX ages_idx ON ages (age);
CREATE SEQUENCE numbers;
CREATE SCHEMA other;
CREATE TABLE other.things (id bigint PRIMARY KEY);`
