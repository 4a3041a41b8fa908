package migrate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// A table that somebody else holds is given up after lock_timeout, so that what
// queues behind the migration goes on, and tried again; both are told, with who
// is in the way.
func TestTableLockedBySomebodyElse(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn, app := connect(t, url), connect(t, url, named("shop"))
	if _, err := migrate.Deploy(t.Context(), conn, load(t, "CREATE TABLE a ()"), migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	run(t, app, "BEGIN; SELECT\n  * FROM a")
	files := load(t, "CREATE TABLE a ()", "SELECT 1;\nALTER TABLE a ADD COLUMN x int")
	var seen []string
	_, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{LockTries: 2, Progress: func(e migrate.Event) {
		seen = append(seen, fmt.Sprintf("%s %d/%d", e.Kind, e.Try, e.Tries))
	}})
	pid := app.PgConn().PID()
	var blocked *migrate.BlockedError
	var se *migrate.SQLError
	if !errors.As(err, &blocked) || !errors.As(err, &se) || se.SQLSTATE != "55P03" || se.Line != 4 {
		t.Fatalf("got %v (hint: %s)", err, hint(err))
	}
	if want := fmt.Sprintf("through 2 tries: process %d (shop) of role ", pid); !strings.Contains(err.Error(), want) ||
		!strings.Contains(err.Error(), "idle in transaction since ") || !strings.Contains(err.Error(), ": BEGIN; SELECT * FROM a") {
		t.Errorf("message %q, want %q", err, want)
	}
	if want := fmt.Sprintf("pg_terminate_backend(%d)", pid); !strings.Contains(hint(err), want) {
		t.Errorf("hint %q, want %q", hint(err), want)
	}
	if got, want := strings.Join(seen, ", "), "applying 0/0, blocked 1/2, retrying 2/2, blocked 2/2"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || len(st.Failed) != 1 || !strings.Contains(st.Failed[0].Detail, fmt.Sprintf("process %d (shop)", pid)) {
		t.Errorf("state %+v, %v", st, err)
	}
	run(t, app, "COMMIT")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Errorf("again: %v", err)
	}
}

// While a file rests between two tries, nobody waits behind it; and it goes
// through once the other is done.
func TestRetrySucceeds(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn, app, other := connect(t, url), connect(t, url), connect(t, url)
	run(t, app, "CREATE TABLE a ()")
	run(t, app, "BEGIN; LOCK TABLE a IN ACCESS SHARE MODE")
	res, err := migrate.Deploy(t.Context(), conn, load(t, "ALTER TABLE a ADD COLUMN x int"), migrate.Options{
		LockTimeout: 300 * time.Millisecond,
		Progress: func(e migrate.Event) {
			switch e.Kind {
			case migrate.Blocked:
				if len(e.Blockers) != 1 || e.Blockers[0].PID != int(app.PgConn().PID()) {
					t.Errorf("blockers %+v", e.Blockers)
				}
			case migrate.Retrying:
				run(t, other, "SET lock_timeout = 1; SELECT * FROM a")
				run(t, app, "COMMIT")
			}
		},
	})
	if err != nil || len(res.Applied) != 1 {
		t.Errorf("%+v, %v", res, err)
	}
}

// Two that lock the same tables the other way round: the server ends one of
// them, and where it is the migration, that is tried again.
func TestDeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn, app := connect(t, url), connect(t, url)
	run(t, app, "CREATE TABLE a (); CREATE TABLE b (); SET deadlock_timeout = '1h'")
	run(t, app, "BEGIN; LOCK TABLE b")
	tries := 0
	ended := make(chan error, 1)
	_, err := migrate.Deploy(t.Context(), conn, load(t, "SET LOCAL deadlock_timeout = '300ms'; ALTER TABLE a ADD x int; ALTER TABLE b ADD x int"), migrate.Options{
		LockTimeout: time.Minute,
		Progress: func(e migrate.Event) {
			switch e.Kind {
			case migrate.Blocked:
				if tries++; tries > 1 {
					return
				}
				go func() {
					_, err := app.PgConn().Exec(t.Context(), "LOCK TABLE a; COMMIT").ReadAll()
					ended <- err
				}()
			case migrate.Retrying:
				if err := <-ended; err != nil {
					t.Errorf("the other: %v", err)
				}
			}
		},
	})
	if err != nil || tries == 0 {
		t.Errorf("blocked %d times, %v", tries, err)
	}
}

// A role that may not see others' queries learns at least who it is.
func TestBlockerOfAnotherRole(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn, app := connect(t, url), connect(t, url, named("shop"))
	quoted := role(t, conn)
	run(t, conn, "CREATE TABLE a (); ALTER TABLE a OWNER TO "+quoted+"; GRANT CREATE ON SCHEMA public TO "+quoted+"; ALTER ROLE "+quoted+" LOGIN PASSWORD 'word'")
	run(t, app, "BEGIN; SELECT 'a secret' FROM a")
	limited := connect(t, url, func(c *pgx.ConnConfig) { c.User, c.Password = strings.Trim(quoted, `"`), "word" })
	_, err := migrate.Deploy(t.Context(), limited, load(t, "ALTER TABLE a ADD COLUMN x int"), migrate.Options{LockTries: 1, LockTimeout: 600 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d (shop)", app.PgConn().PID())) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	// No second connection: then nobody can tell who it is.
	run(t, conn, "ALTER ROLE "+quoted+" CONNECTION LIMIT 1")
	_, err = migrate.Deploy(t.Context(), limited, load(t, "ALTER TABLE a ADD COLUMN x int"), migrate.Options{LockTries: 1, LockTimeout: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "through one try: the server does not tell which") || !strings.Contains(hint(err), "deploy again when that session is done") {
		t.Errorf("without a second connection: %v (hint: %s)", err, hint(err))
	}
	run(t, app, "COMMIT")
	_ = limited.Close(t.Context())
}
