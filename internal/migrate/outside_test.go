package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

const outsideHeader = "-- schema: 1.0.0\n-- kind: expand\n-- transaction: none\n"

// outside makes a migration without a transaction around it.
func outside(t *testing.T, up, down string) []migrate.File {
	t.Helper()
	return loadFS(t, folder(version(1)+"_m.up.sql", outsideHeader+up, version(1)+"_m.down.sql", down))
}

// kinds notes the events of a deployment, those of statements with their number.
func kinds(into *[]string) func(migrate.Event) {
	return func(e migrate.Event) {
		text := string(e.Kind)
		if e.Statement > 0 {
			text += fmt.Sprintf(" %d", e.Statement)
		}
		if e.Object != "" {
			text += " " + e.Object
		}
		*into = append(*into, text)
	}
}

func invalid(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	return ask[string](t, conn, "SELECT coalesce(string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text), '') FROM pg_index WHERE NOT indisvalid")
}

// A syntax error in statement 3 of 5: two are done and stay, the error says so,
// and the mended file goes on with the third.
func TestOutsideFailsInTheMiddle(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	const text = "CREATE TABLE a (x int);\nCREATE INDEX CONCURRENTLY a_x ON a (x);\n\n%s;\nINSERT INTO a VALUES (4);\nINSERT INTO a VALUES (5)"
	broken, mended := outside(t, fmt.Sprintf(text, "INSERT INTO a\n VALUE (3)"), ""), outside(t, fmt.Sprintf(text, "INSERT INTO a VALUES (3)"), "")
	for range 2 { // the second time changes nothing
		_, err := migrate.Deploy(t.Context(), conn, broken, migrate.Options{Actor: "cli:ada", Release: "1.2.3"})
		var se *migrate.SQLError
		if !errors.As(err, &se) || se.Line != 8 || se.Number != 3 || se.Total != 5 || se.SQLSTATE != "42601" || se.Statement != "INSERT INTO a\n VALUE (3)" {
			t.Fatalf("got %v, %+v", err, se)
		}
		if want := "statements 1 to 2 of 5 are done, and the next attempt goes on behind them; mend it, then deploy again"; hint(err) != want {
			t.Errorf("hint %q, want %q", hint(err), want)
		}
	}
	st, err := migrate.Read(t.Context(), conn, broken)
	if err != nil || len(st.Failed) != 1 || len(st.Pending) != 1 {
		t.Fatalf("state %+v, %v", st, err)
	}
	a := st.Failed[0]
	role := ask[string](t, conn, "SELECT session_user")
	if a.Number != 2 || a.Action != migrate.Apply || a.StatementsDone != 2 || a.Statements != 5 || a.FailedStatement != 3 || a.Line != 8 || a.SQLState != "42601" ||
		a.Message != `syntax error at or near "VALUE"` || !strings.Contains(a.Hint, "deploy again") || a.NextCommand != "deploy" ||
		a.Statement != "INSERT INTO a\n VALUE (3)" || a.Actor != "cli:ada" || a.Role != role || a.Release != "1.2.3" || a.Address != "" ||
		time.Since(a.FinishedAt).Abs() > time.Minute || a.FinishedAt.Before(a.StartedAt) || a.Checksum != broken[0].Checksum {
		t.Errorf("attempt %+v", a)
	}

	plan, err := migrate.PlanDeploy(t.Context(), conn, mended)
	if err != nil || len(plan.Steps) != 1 || plan.Steps[0].Done != 2 || len(plan.Steps[0].Statements) != 3 || plan.Steps[0].Statements[0].Number != 3 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	changed := outside(t, strings.Replace(fmt.Sprintf(text, "SELECT 3"), "(x int)", "(x bigint)", 1), "")
	_, err = migrate.Deploy(t.Context(), conn, changed, migrate.Options{})
	var refused *migrate.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "changed in the half that is done: statements 1 to 2 of 5 are done") {
		t.Errorf("changed before: %v", err)
	}
	whole := loadFS(t, folder(version(1)+"_m.up.sql", header+"SELECT 1", version(1)+"_m.down.sql", ""))
	if _, err = migrate.Deploy(t.Context(), conn, whole, migrate.Options{}); !errors.As(err, &refused) {
		t.Errorf("another kind of file: %v", err)
	}

	var events []string
	if _, err := migrate.Deploy(t.Context(), conn, mended, migrate.Options{Progress: kinds(&events)}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"applying", "running 3", "running 4", "running 5", "applied"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
	if sum := ask[int](t, conn, "SELECT sum(x)::int FROM a"); sum != 12 {
		t.Errorf("sum %d", sum)
	}
}

// Settings are meant for the statements after them: who goes on says them again.
func TestOutsideSettings(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	run(t, conn, "CREATE SCHEMA other; CREATE TABLE public.t (path text, mem text); SET statement_timeout = '1h'")
	const text = "SET work_mem = '7MB'; SET search_path = other;\nINSERT INTO public.t VALUES (current_setting('search_path'), current_setting('work_mem'));\n"
	if _, err := migrate.Deploy(t.Context(), conn, outside(t, text+"SELECT 1/0", ""), migrate.Options{}); err == nil {
		t.Fatal("no error")
	}
	run(t, conn, "RESET work_mem")
	if got := ask[string](t, conn, "SELECT concat_ws('|', current_setting('search_path'), current_setting('statement_timeout'), current_setting('default_transaction_read_only'), current_setting('lock_timeout'))"); got != `"$user", public|1h|off|0` {
		t.Errorf("settings afterwards: %s", got)
	}
	var events []string
	if _, err := migrate.Deploy(t.Context(), conn, outside(t, text+"INSERT INTO public.t VALUES (current_setting('search_path'), current_setting('work_mem')); CREATE TABLE made ()", ""),
		migrate.Options{Progress: kinds(&events)}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"applying", "running 1", "running 2", "running 4", "running 5", "applied"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
	if got := ask[string](t, conn, "SELECT string_agg(path || ' ' || mem, ', ') || (to_regclass('other.made') IS NOT NULL) FROM t"); got != "other 7MB, other 7MBtrue" {
		t.Errorf("got %s", got)
	}
}

// Duplicates: the unique index cannot be built, and nothing of it stays.
func TestUniqueIndexOverDuplicates(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	run(t, conn, "CREATE TABLE a (x int); INSERT INTO a VALUES (1), (1)")
	files := outside(t, "CREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x)", "")
	_, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{})
	var se *migrate.SQLError
	if !errors.As(err, &se) || se.SQLSTATE != "23505" || !strings.Contains(hint(err), "nothing of this file was kept") {
		t.Fatalf("got %v (hint: %s)", err, hint(err))
	}
	if ask[bool](t, conn, "SELECT to_regclass('a_x') IS NOT NULL") {
		t.Error("an invalid index was left")
	}
	run(t, conn, "DELETE FROM a WHERE ctid = (SELECT min(ctid) FROM a)")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Error(err)
	}
}

// IF NOT EXISTS alone would take an invalid index, whoever left it, for the one
// that is wanted.
func TestInvalidIndexIsBuiltAgain(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	run(t, conn, "CREATE TABLE a (x int); INSERT INTO a VALUES (1), (1)")
	if _, err := conn.Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x)"); err == nil || invalid(t, conn) != "a_x" {
		t.Fatalf("%v, invalid: %s", err, invalid(t, conn))
	}
	var events []string
	_, err := migrate.Deploy(t.Context(), conn, outside(t, "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x)", ""), migrate.Options{Progress: kinds(&events)})
	if want := []string{"applying", "running 1", "repairing 1 public.a_x", "applied"}; err != nil || !slices.Equal(events, want) {
		t.Errorf("events %q, %v", events, err)
	}
	if invalid(t, conn) != "" || ask[bool](t, conn, "SELECT indisunique FROM pg_index WHERE indexrelid = 'a_x'::regclass") {
		t.Error("the old index is still there")
	}
}

// A migrator is killed while its CONCURRENTLY statement, half done, waits for a
// transaction of somebody else.
func TestKilledWithinConcurrently(t *testing.T) {
	t.Parallel()
	tests := []struct {
		statement string
		left      string // the invalid indexes that the kill leaves
		events    string // of the next deployment
		end       string // the indexes then
	}{
		{"CREATE INDEX CONCURRENTLY a_x ON a (x)", "a_x", "running 1, repairing 1 public.a_x", "a_x a_y"},
		{"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_x ON ONLY public.a (x)", "a_x", "running 1, repairing 1 public.a_x", "a_x a_y"},
		{"DROP INDEX CONCURRENTLY a_y", "a_y", "running 1", ""},
		{"REINDEX INDEX CONCURRENTLY a_y", "a_y_ccnew", "running 1, repairing 1 public.a_y_ccnew", "a_y"},
		{"REINDEX (VERBOSE) TABLE CONCURRENTLY a", "a_y_ccnew", "running 1, repairing 1 public.a_y_ccnew", "a_y"},
		{"REINDEX (CONCURRENTLY) SCHEMA public", "a_y_ccnew", "running 1, repairing 1 public.a_y_ccnew", "a_y"},
	}
	for _, tt := range tests {
		t.Run(tt.statement, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			conn, app := connect(t, url), connect(t, url)
			run(t, conn, "CREATE TABLE a (x int, y int); CREATE INDEX a_y ON a (y)")
			run(t, app, "BEGIN; INSERT INTO a VALUES (1, 1)")
			if strings.HasPrefix(tt.statement, "REINDEX (CONCURRENTLY)") {
				// Our own tables come later in the schema; a reader makes it wait.
				run(t, app, "DECLARE c CURSOR FOR SELECT * FROM a")
			}
			cmd := migratorAt(t, url, outsideHeader+tt.statement, 0, "")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			until(t, "it waits", func() bool {
				return ask[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'virtualxid'") == 1
			})
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed: the error is what was asked for
			until(t, "its backend is gone", func() bool {
				return ask[int](t, conn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == 0
			})
			if got := invalid(t, conn); got != tt.left {
				t.Errorf("left %q, want %q", got, tt.left)
			}
			run(t, app, "COMMIT")
			var events []string
			if _, err := migrate.Deploy(t.Context(), conn, outside(t, tt.statement, ""), migrate.Options{Progress: kinds(&events)}); err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Join(events, ", "), "applying, "+tt.events+", applied"; got != want {
				t.Errorf("events %s, want %s", got, want)
			}
			if got := ask[string](t, conn, "SELECT coalesce(string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text), '') FROM pg_index WHERE indrelid = 'a'::regclass"); got != tt.end || invalid(t, conn) != "" {
				t.Errorf("indexes %q, want %q; invalid %q", got, tt.end, invalid(t, conn))
			}
		})
	}
}

// A CONCURRENTLY statement waits for others without end in sight: they are
// named, the wait is bounded, and nothing is left.
func TestConcurrentlyBlocked(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn, app := connect(t, url), connect(t, url, named("report"))
	run(t, conn, "CREATE TABLE a (x int)")
	run(t, app, "BEGIN; INSERT INTO a VALUES (1)")
	files := outside(t, "CREATE INDEX CONCURRENTLY a_x ON a (x)", "")
	var events []string
	_, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{ConcurrentWait: 700 * time.Millisecond, Progress: kinds(&events)})
	var blocked *migrate.BlockedError
	if !errors.As(err, &blocked) || len(blocked.Blockers) != 1 || blocked.Blockers[0].ApplicationName != "report" {
		t.Fatalf("got %v", err)
	}
	if !slices.Contains(events, "blocked") {
		t.Errorf("events %q", events)
	}
	run(t, app, "COMMIT")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil || invalid(t, conn) != "" {
		t.Errorf("then: %v, invalid %q", err, invalid(t, conn))
	}
}

// A second migrator that waits must not hold the snapshot that the first one's
// CREATE INDEX CONCURRENTLY waits for.
func TestManyAtOnceWithConcurrently(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	files := loadFS(t, folder(everyKind()...))
	const n = 10
	ended := make(chan error, n)
	for range n {
		conn := connect(t, url)
		go func() {
			_, err := migrate.Deploy(context.Background(), conn, files, migrate.Options{Pause: -1})
			ended <- err
		}()
	}
	for range n {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	end, _ := undisturbed(t, "every")
	sameEnd(t, connect(t, url), end)
}

// What happens to stand in the way of a statement of its own transaction is
// tried again like a file.
func TestOutsideStatementIsTriedAgain(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn, app := connect(t, url), connect(t, url)
	run(t, conn, "CREATE TABLE a (x int); CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO a VALUES (1); COMMIT; INSERT INTO a VALUES (2); END $$")
	run(t, app, "BEGIN; LOCK TABLE a IN ACCESS SHARE MODE")
	_, err := migrate.Deploy(t.Context(), conn, outside(t, "CALL p(); ALTER TABLE a ADD y int; VACUUM a", ""), migrate.Options{
		LockTimeout: 100 * time.Millisecond,
		Progress: func(e migrate.Event) {
			if e.Kind == migrate.Retrying {
				run(t, app, "COMMIT")
			}
		},
	})
	if err != nil || ask[int](t, conn, "SELECT sum(x)::int FROM a") != 3 {
		t.Errorf("got %v", err)
	}
}
