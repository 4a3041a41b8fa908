package migrate_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// adoptable are two files, and a database that has had the first, but for a
// default.
func adoptable(t *testing.T) (*pgx.Conn, []migrate.File, migrate.Adoption) {
	t.Helper()
	conn := connect(t, pgtest.Empty(t))
	run(t, conn, "CREATE TABLE a (x int); INSERT INTO a VALUES (1)")
	return conn, load(t, "CREATE TABLE a (x int DEFAULT 5)", "CREATE TABLE b ()"),
		migrate.Adoption{Files: 1, From: "a test", Statements: []string{"ALTER TABLE a ALTER COLUMN x SET DEFAULT 5"}}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	conn, files, a := adoptable(t)
	var looked []string
	look := func(when string) func(context.Context, *pgx.Conn, string) error {
		return func(ctx context.Context, conn *pgx.Conn, namespace string) error {
			var has bool
			err := conn.QueryRow(ctx, "SELECT atthasdef FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'x'").Scan(&has)
			looked = append(looked, when, namespace, map[bool]string{true: "default", false: "none"}[has])
			return err
		}
	}
	a.Before, a.After = look("before"), look("after")
	o := migrate.Options{Actor: "cli:ada", Release: "1.2.3", Shape: shape}
	records, err := migrate.Adopt(t.Context(), conn, files, a, o)
	if err != nil || len(records) != 1 || !records[0].Resolved || records[0].Fingerprint == "" || records[0].Actor != "cli:ada" || records[0].AppliedAt.IsZero() {
		t.Fatalf("%+v, %v", records, err)
	}
	if got := strings.Join(looked, " "); got != "before public none after public default" {
		t.Errorf("looked %s", got)
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || len(st.Applied) != 1 || len(st.Pending) != 1 || !st.Applied[0].Resolved || st.SchemaVersion != "1.0.0" {
		t.Errorf("%+v, %v", st, err)
	}
	if d := drift(t, conn, files, o); d != nil {
		t.Errorf("drift %v", d)
	}
	h, err := migrate.History(t.Context(), conn)
	if err != nil || len(h) != 1 || h[0].Action != migrate.MarkApplied || h[0].Outcome != migrate.Done || h[0].Detail != "adopted from a test" || h[0].Release != "1.2.3" {
		t.Errorf("history %+v, %v", h, err)
	}
	if records, err := migrate.Adopt(t.Context(), conn, files, a, o); err != nil || len(records) != 0 || len(looked) != 6 {
		t.Errorf("again: %+v, %v, looked %v", records, err, looked)
	}
	if res, err := migrate.Deploy(t.Context(), conn, files, o); err != nil || applied(res) != "2" {
		t.Errorf("the rest: %+v, %v", res, err)
	}
}

// Whatever goes wrong, nothing of an adoption is there, and each says what next.
func TestAdoptFails(t *testing.T) {
	t.Parallel()
	no := func(context.Context, *pgx.Conn, string) error { return errors.New("it is another schema") }
	for name, tt := range map[string]struct {
		change func(*migrate.Adoption)
		want   string
		hint   string
	}{
		"statement": {func(a *migrate.Adoption) { a.Statements = append(a.Statements, "SELECT 1 / 0") }, "adoption:2: division by zero", "nothing was changed; mend it, then adopt again"},
		"before":    {func(a *migrate.Adoption) { a.Before = no }, "it is another schema", "adopt again"},
		"after":     {func(a *migrate.Adoption) { a.After = no }, "it is another schema", "adopt again"},
		"commit":    {func(a *migrate.Adoption) { a.Statements = append(a.Statements, "COMMIT") }, "ended its transaction", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, files, a := adoptable(t)
			tt.change(&a)
			_, err := migrate.Adopt(t.Context(), conn, files, a, migrate.Options{})
			check(t, "Adopt", err, tt.want, tt.hint)
			if name == "commit" {
				return
			}
			if n := ask[int](t, conn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != 1 {
				t.Errorf("%d relations", n)
			}
			if ask[bool](t, conn, "SELECT atthasdef FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'x'") {
				t.Error("a statement stayed")
			}
		})
	}
}

// A ledger that somebody wrote meanwhile counts, where it fits.
func TestAdoptLate(t *testing.T) {
	t.Parallel()
	conn, files, a := adoptable(t)
	if _, err := migrate.Adopt(t.Context(), conn, files, a, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	later := append(files[:1:1], load(t, "SELECT 1", "CREATE TABLE c ()")[1])
	later[1].Up, later[1].Outside = "CREATE TABLE c (); SELECT 1 / 0", true
	if _, err := migrate.Deploy(t.Context(), conn, later, migrate.Options{}); err == nil {
		t.Fatal("no error")
	}
	if records, err := migrate.Adopt(t.Context(), conn, later, a, migrate.Options{}); err != nil || len(records) != 0 {
		t.Errorf("adopted, and the next file half done: %+v, %v", records, err)
	}
	run(t, conn, "DELETE FROM af_auth_migrations_history WHERE outcome = 'failed'")
	a.Files = 2
	_, err := migrate.Adopt(t.Context(), conn, files, a, migrate.Options{})
	check(t, "more files", err, "the ledger holds migrations already, and 20260101000002_m2.up.sql is not among them", "deploy applies")
	edited := append([]migrate.File(nil), files...)
	edited[0].Checksum = "other"
	_, err = migrate.Adopt(t.Context(), conn, edited, a, migrate.Options{})
	check(t, "an edited file", err, "was edited after it had been applied", "nothing was changed")

	half := loadFS(t, folder(version(1)+"_m.up.sql", header+"-- transaction: none\nCREATE TABLE c (); SELECT 1 / 0", version(1)+"_m.down.sql", ""))
	other := connect(t, pgtest.Empty(t))
	if _, err := migrate.Deploy(t.Context(), other, half, migrate.Options{}); err == nil {
		t.Fatal("no error")
	}
	_, err = migrate.Adopt(t.Context(), other, half, migrate.Adoption{Files: 1}, migrate.Options{})
	check(t, "half done, and no ledger", err, "is half done by an earlier attempt", "deploy goes on with it")
}

// Two at once, and one beside a deployment: the work is done once.
func TestAdoptAtOnce(t *testing.T) {
	t.Parallel()
	first, files, a := adoptable(t)
	a.Statements = append(a.Statements, "INSERT INTO a VALUES (2)")
	var done sync.WaitGroup
	wrote := make([]int, 5)
	for i := range wrote {
		conn := connect(t, first.Config().ConnString())
		done.Go(func() {
			records, err := migrate.Adopt(t.Context(), conn, files, a, migrate.Options{})
			if err == nil {
				_, err = migrate.Deploy(t.Context(), conn, files, migrate.Options{})
			}
			if err != nil {
				t.Errorf("adopter %d: %v", i, err)
			}
			wrote[i] = len(records)
		})
	}
	done.Wait()
	total := 0
	for _, n := range wrote {
		total += n
	}
	if rows := ask[int](t, first, "SELECT count(*) FROM a"); total != 1 || rows != 2 {
		t.Errorf("%d records by all together, %d rows", total, rows)
	}
}

// A table that others hold is waited for with patience, and they are named.
func TestAdoptBlocked(t *testing.T) {
	t.Parallel()
	conn, files, a := adoptable(t)
	other := connect(t, conn.Config().ConnString())
	run(t, other, "BEGIN; LOCK TABLE a IN ACCESS SHARE MODE")
	var retries int
	_, err := migrate.Adopt(t.Context(), conn, files, a, migrate.Options{LockTimeout: 300 * time.Millisecond, LockTries: 2, Progress: func(e migrate.Event) {
		if e.Kind == migrate.Retrying {
			retries++
			run(t, other, "COMMIT")
		}
	}})
	if err != nil || retries != 1 {
		t.Errorf("%v after %d retries", err, retries)
	}
}

func TestCreates(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"CREATE TABLE IF NOT EXISTS Users (id int); CREATE UNLOGGED TABLE public.logs (); CREATE TABLE \"a\"\".b\" ()":                                  `Users logs "a"".b"`,
		"CREATE OR REPLACE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW x.m AS SELECT 1; CREATE RECURSIVE VIEW r (a) AS SELECT 1; CREATE SEQUENCE s":    "v m r s",
		"CREATE FOREIGN TABLE f () SERVER s; CREATE TABLE \"S\".\"T\" (); CREATE /* x */ TABLE -- y\n t ()":                                             `f "T" t`,
		"CREATE TEMP TABLE t (); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'CREATE TABLE z ()'; ALTER TABLE q ADD c int; CREATE INDEX i ON t (a)": "",
	} {
		if got := strings.Join(migrate.Creates(migrate.File{Up: sql}), " "); got != want {
			t.Errorf("%s: got %s, want %s", sql, got, want)
		}
	}
}
