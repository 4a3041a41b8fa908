package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestSQLErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, up  string
		line      int // of the file; the header has two
		state     string
		statement string
		hint      string
	}{
		{"syntax error in statement 3 of 5", "CREATE TABLE x ();\n-- ü;\nSELECT 'é';\nCREATE\n TABEL y ();\nSELECT 4;\nSELECT 5", 7, "42601", "CREATE\n TABEL y ()", "nothing of this file was kept"},
		{"unknown table", "CREATE TABLE x ();\n\nSELECT *\nFROM nowhere;", 6, "42P01", "SELECT *\nFROM nowhere", "nothing of this file was kept"},
		{"exists already: no position", "CREATE TABLE x ();\n/* ; */\nCREATE TABLE\nx ();\nSELECT 1", 5, "42P07", "CREATE TABLE\nx ()", ""},
		{"after statements with rows", "SELECT 1; SELECT 2 WHERE false; CREATE TABLE x (a int UNIQUE);\nINSERT INTO x VALUES (1);\nINSERT INTO x VALUES (1);", 5, "23505", "INSERT INTO x VALUES (1)", ""},
		{"rows, then an error", "SELECT 1;\nSELECT 1 / (3 - n) FROM generate_series(1, 5) n;\nSELECT 2", 4, "22012", "SELECT 1 / (3 - n) FROM generate_series(1, 5) n", ""},
		{"end of input", "SELECT 1;\nSELECT (\n\n-- so\n", 4, "42601", "SELECT (", ""},
		{"hint of the server", "CREATE TABLE x (name int);\nSELECT nam FROM x", 4, "42703", "SELECT nam FROM x", `Perhaps you meant to reference the column "x.name"; nothing of this file was kept`},
		{"in a block", "DO $$\nBEGIN\n RAISE EXCEPTION 'no' USING HINT = 'do that', ERRCODE = 'AF001', DETAIL = 'why';\nEND $$", 3, "AF001", "DO $$\nBEGIN\n RAISE EXCEPTION 'no' USING HINT = 'do that', ERRCODE = 'AF001', DETAIL = 'why';\nEND $$", "do that; nothing"},
		{"not in a transaction", "CREATE TABLE x (a int) PARTITION BY RANGE (a); CREATE INDEX i ON x (a);\nREINDEX INDEX i", 4, "25001", "REINDEX INDEX i", `the header line "-- transaction: none"`},
		{"an enum's new value", "CREATE TYPE e AS ENUM ('a'); CREATE TABLE y (e e);\nALTER TYPE e ADD VALUE 'b'; CREATE TYPE f AS ENUM ('a'); ALTER TYPE first_e ADD VALUE 'b';\nSELECT 'b'::first_e", 5, "55P04", "SELECT 'b'::first_e", "in a migration after this one"},
		{"COMMIT in a block", "CREATE TABLE x ();\nDO $$ BEGIN COMMIT; END $$", 4, "2D000", "DO $$ BEGIN COMMIT; END $$", ""},
	}
	const first = "CREATE TABLE first (); CREATE TYPE first_e AS ENUM ('a')"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			files := load(t, first, tt.up)
			res, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{})
			var se *migrate.SQLError
			if !errors.As(err, &se) {
				t.Fatalf("got %v", err)
			}
			if se.File != files[1].UpName() || se.Line != tt.line || se.SQLSTATE != tt.state || se.Statement != tt.statement {
				t.Errorf("got %s:%d %s %q, want line %d %s %q", se.File, se.Line, se.SQLSTATE, se.Statement, tt.line, tt.state, tt.statement)
			}
			if !strings.HasPrefix(err.Error(), fmt.Sprintf("%s:%d: %s (SQLSTATE %s)", se.File, se.Line, se.Message, se.SQLSTATE)) {
				t.Errorf("message %q", err)
			}
			if !strings.Contains(hint(err), tt.hint) {
				t.Errorf("hint %q, want %q", hint(err), tt.hint)
			}
			// The first file stays, nothing of the second does, and a mended
			// one goes through on the same connection.
			if applied(res) != "1" || res.SchemaVersion != "1.0.0" {
				t.Errorf("result %+v", res)
			}
			if ask[bool](t, conn, "SELECT to_regclass('x') IS NOT NULL") {
				t.Error("half of the file stayed")
			}
			if _, err := migrate.Deploy(t.Context(), conn, load(t, first, "CREATE TABLE x ()"), migrate.Options{}); err != nil {
				t.Errorf("mended: %v", err)
			}
		})
	}
}

func TestDeferredConstraintFailsTheFile(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE x (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO x VALUES (1), (1)")
	_, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{})
	if err == nil || !strings.Contains(err.Error(), files[0].UpName()+": at its COMMIT") || hint(err) == "" {
		t.Fatalf("got %v", err)
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || len(st.Applied) != 0 || ask[bool](t, conn, "SELECT to_regclass('x') IS NOT NULL") {
		t.Errorf("something stayed: %+v, %v", st, err)
	}
}

// Ctrl-C in the middle of a file, and a server that ends the connection: the
// file is taken back, and the next migrator gets the lock.
func TestStoppedInTheMiddle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		stop func(t *testing.T, admin *pgx.Conn, cancel func())
		want string
	}{
		{"by the caller", func(_ *testing.T, _ *pgx.Conn, cancel func()) { cancel() }, "stopped: context canceled"},
		{"by the server", func(t *testing.T, admin *pgx.Conn, _ func()) {
			run(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
		}, "terminating connection due to administrator command"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			admin, conn := connect(t, url), connect(t, url)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			files := load(t, "CREATE TABLE a (); SELECT pg_sleep(600)")
			ended := make(chan error, 1)
			go func() {
				_, err := migrate.Deploy(ctx, conn, files, migrate.Options{})
				ended <- err
			}()
			until(t, "the file sleeps", func() bool {
				return ask[int](t, admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") == 1
			})
			tt.stop(t, admin, cancel)
			if err := <-ended; err == nil || !strings.Contains(err.Error(), tt.want) || hint(err) == "" {
				t.Errorf("got %v (hint: %s)", err, hint(err))
			}
			res, err := migrate.Deploy(t.Context(), admin, load(t, "CREATE TABLE a ()"), migrate.Options{})
			if err != nil || len(res.Applied) != 1 {
				t.Errorf("the next one: %+v, %v", res, err)
			}
		})
	}
}
