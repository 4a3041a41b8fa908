package lint_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/migrate/lint"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestWayBack(t *testing.T) {
	t.Parallel()
	const noWay = "1 error down-differs: does not lead back to the schema before the up file:\n"
	for _, test := range []struct{ name, up, down, want string }{
		{"there and back", "CREATE TABLE t (a int);\nALTER TABLE notes ADD COLUMN x int;", "ALTER TABLE notes DROP COLUMN x;\nDROP TABLE t;", ""},
		{"something stays", "CREATE TABLE t (a int);\nCREATE TYPE mood AS ENUM ('ok');", "DROP TABLE t;", noWay + "  enum mood: stays\n"},
		{"something does not come back", "-- kind: contract\nDROP VIEW logins;", "SELECT 1;", noWay + "  view logins: does not come back\n"},
		{"something differs", "ALTER TABLE notes ALTER COLUMN body SET DEFAULT 'x';", "ALTER TABLE notes ALTER COLUMN body SET DEFAULT 'y';",
			noWay + "  column notes.body: default: not wanted: 'y'::text\n"},
		{"rights", "GRANT SELECT ON notes TO PUBLIC;", "SELECT 1;", noWay + "  table notes: grants differs:\n    - SELECT TO PUBLIC\n"},
		{"it says so", "ALTER TYPE color ADD VALUE 'blue';", "-- lost: nothing; the value blue stays, because PostgreSQL cannot drop one\nSELECT 1;", ""},
		{"it does not run", "CREATE TABLE t (a int);", "DROP TABLE t;\nDROP TABLE\n    u;", "2 error down-differs: does not run: ERROR: table \"u\" does not exist (SQLSTATE 42P01)\n"},
		{"outside a transaction", outside + "CREATE INDEX CONCURRENTLY i ON users (login);", outside + "DROP INDEX CONCURRENTLY i;", ""},
		{"outside, and something stays", outside + "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (login);", outside + "SELECT 1;",
			"2 warning if-not-exists: IF NOT EXISTS hides something else that has the name\n" + noWay + "  index users.i: stays\n"},
		{"no down file", "CREATE TABLE t (a int);", "", "1 warning down-missing: there is no 20260101120001_f.down.sql\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := text(run(t, folder(t, base, "", test.up, test.down)))
			if got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// A file of its own hands such statements to Run only where nobody has loaded it.
func TestConcurrentInside(t *testing.T) {
	t.Parallel()
	files := folder(t, base, "", outside+"CREATE INDEX CONCURRENTLY i ON users (login);", outside+"DROP INDEX CONCURRENTLY i;")
	files[1].Outside = false
	if got, want := text(run(t, files)), "2 error concurrently-in-transaction: cannot run in a transaction\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Files that are not asked for are run, and not looked at.
func TestOnly(t *testing.T) {
	t.Parallel()
	files := folder(t, base, "", "DROP VIEW logins;", "", "DROP TABLE notes;", "", "this is no SQL;", "")
	found, err := lint.Run(t.Context(), files, lint.Options{Shadow: shadowOf(t), Only: []string{files[2].Version}})
	if err != nil || len(found) != 2 || found[0].File != files[2].UpName() || found[1].File != files[2].UpName() {
		t.Errorf("%v\n%s", err, text(found))
	}
	found, err = lint.Run(t.Context(), files, lint.Options{Shadow: shadowOf(t), Only: []string{}})
	if err != nil || found != nil {
		t.Errorf("%v\n%s", err, text(found))
	}
}

// Another schema than public, files that set things and say them to the session,
// and a backfill over rows that a file before it wrote.
func TestOrdinaryFiles(t *testing.T) {
	t.Parallel()
	files := folder(t,
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nSET client_min_messages TO warning;\nDEALLOCATE ALL;\nCREATE TABLE t (id int PRIMARY KEY, a int);\nINSERT INTO t VALUES (1), (2);", "DROP TABLE t;",
		"-- kind: backfill\n-- batch: t by id 1\nUPDATE t SET a = id WHERE id BETWEEN $1 AND $2;", "-- lost: nothing\nSELECT 1;",
		outside+"SET statement_timeout = 0;\nALTER TABLE t ADD CONSTRAINT filled CHECK (a = id) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT filled;\n"+
			"CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; END';\nCALL p();", "DROP PROCEDURE p();\nALTER TABLE t DROP CONSTRAINT filled;",
		"SET LOCAL lock_timeout = '2s';\nCREATE EXTENSION citext;\nCREATE TEMP TABLE tmp AS SELECT * FROM t;\nDROP TABLE tmp;", "DROP EXTENSION citext;",
	)
	found, err := lint.Run(t.Context(), files, lint.Options{Shadow: shadowOf(t), Schema: "My schema"})
	if err != nil || len(found) > 0 {
		t.Errorf("%v\n%s", err, text(found))
	}
}

// What the server refuses is said with file and line, and what was found before
// it is not lost. The shadow is empty again.
func TestRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	files := folder(t, base, "SELECT 1;", "DROP VIEW logins;\nSELECT 'ä',\n    no_such FROM users;", "")
	for range 2 {
		found, err := lint.Run(t.Context(), files, lint.Options{Shadow: diff.At(config)})
		var refused *diff.FileError
		if !errors.As(err, &refused) || refused.File != files[1].UpName() || refused.Line != 3 {
			t.Errorf("%v", err)
		}
		if len(found) == 0 || found[0].Rule != lint.DownDiffers {
			t.Errorf("%s", text(found))
		}
	}
	if _, err := lint.Run(t.Context(), files, lint.Options{}); err == nil {
		t.Error("without a shadow: no error")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := lint.Run(stopped, files, lint.Options{Shadow: diff.At(config)}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
