package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

func connect(t *testing.T, url string, change ...func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(cfg)
	}
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// cleanupContext is for what runs after a test, when its own context is over.
func cleanupContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Second)
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func ask[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// load makes migrations of pieces of SQL: the first has version 1, and so on.
func load(t *testing.T, ups ...string) []migrate.File {
	t.Helper()
	var pairs []string
	for i, up := range ups {
		name := fmt.Sprintf("%s_m%d", version(i+1), i+1)
		pairs = append(pairs, name+".up.sql", fmt.Sprintf("-- schema: 1.%d.0\n-- kind: expand\n%s", i, up), name+".down.sql", "")
	}
	return loadFS(t, folder(pairs...))
}

func loadFS(t *testing.T, fsys fs.FS) []migrate.File {
	t.Helper()
	files, err := migrate.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func version(n int) string { return fmt.Sprintf("202601010000%02d", n) }

// applied returns the numbers of the files that a deployment applied.
func applied(res migrate.Result) string {
	var out []string
	for _, r := range res.Applied {
		out = append(out, strings.TrimLeft(strings.TrimPrefix(r.Version, "2026010100"), "0"))
	}
	return strings.Join(out, " ")
}

func TestDeploy(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)")

	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || st.InSync() || len(st.Pending) != 2 || st.SchemaVersion != "" || st.Namespace != "public" {
		t.Fatalf("an empty database: %+v, %v", st, err)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != 0 {
		t.Fatalf("Read made %d relations", n)
	}

	var events []string
	res, err := migrate.Deploy(t.Context(), conn, files[:1], migrate.Options{Actor: "cli:ada", Progress: func(e migrate.Event) {
		events = append(events, fmt.Sprintf("%s %s %d/%d", e.Kind, e.File.Name, e.Number, e.Total))
	}})
	if err != nil || res.SchemaVersion != "1.0.0" || len(res.Applied) != 1 {
		t.Fatalf("first: %+v, %v", res, err)
	}
	if want := []string{"applying m1 1/1", "applied m1 1/1"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
	res, err = migrate.Deploy(t.Context(), conn, files, migrate.Options{})
	if err != nil || res.SchemaVersion != "1.1.0" || applied(res) != "2" {
		t.Fatalf("second: %+v, %v", res, err)
	}
	if n := ask[int](t, conn, "SELECT sum(x)::int FROM a"); n != 3 {
		t.Errorf("sum %d", n)
	}

	st, err = migrate.Read(t.Context(), conn, files)
	if err != nil || !st.InSync() || st.SchemaVersion != "1.1.0" || len(st.Applied) != 2 {
		t.Fatalf("after: %+v, %v", st, err)
	}
	r := st.Applied[0]
	role := ask[string](t, conn, "SELECT session_user")
	if r.Version != files[0].Version || r.Name != "m1" || r.Schema != "1.0.0" || r.Kind != migrate.Expand ||
		r.Checksum != files[0].Checksum || r.Actor != "cli:ada" || r.Role != role || time.Since(r.AppliedAt).Abs() > time.Minute {
		t.Errorf("ledger row %+v", r)
	}
	if st.Applied[1].Actor != "" {
		t.Errorf("actor %q", st.Applied[1].Actor)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"); n != 0 {
		t.Error("the lock was kept")
	}
}

// counted counts what goes to the server: pgx sends one piece a round trip.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

func TestNothingToDoIsTwoRoundTrips(t *testing.T) {
	t.Parallel()
	var writes atomic.Int64
	conn := connect(t, pgtest.Empty(t), func(cfg *pgx.ConnConfig) {
		dial := cfg.DialFunc
		cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return counted{c, &writes}, err
		}
	})
	files := load(t, "CREATE TABLE a (x int)")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	writes.Store(0)
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	if n := writes.Load(); n != 2 {
		t.Errorf("%d round trips, want 2", n)
	}
}

// What a file made must not depend on the role's settings or on another file.
func TestSettingsOfAFile(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	run(t, conn, `CREATE SCHEMA "My Schema"; CREATE SCHEMA other; SET search_path = nobody, "My Schema", other, public;
		SET statement_timeout = '1h'; SET standard_conforming_strings = off; SET default_transaction_read_only = on;
		SET default_transaction_isolation = 'serializable'; CREATE TEMP TABLE af_auth_migrations (x int)`)
	const settings = `CREATE TABLE %s AS SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS statement,
		current_setting('lock_timeout') AS lock, current_setting('transaction_isolation') AS isolation, E'\\'::text || '\' AS text;
		CREATE FUNCTION f%[1]s() RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT 1'`
	files := load(t, fmt.Sprintf(settings, "a")+"; SET search_path = other; SET ROLE NONE", fmt.Sprintf(settings, "b"))
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"a", "b"} {
		got := ask[string](t, conn, fmt.Sprintf(`SELECT concat_ws('|', path, statement, lock, isolation, text) FROM "My Schema".%s`, table))
		if want := `"My Schema", pg_temp|0|1s|read committed|\\`; got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
		got = ask[string](t, conn, "SELECT proconfig[1] FROM pg_proc WHERE proname = $1", "f"+table)
		if want := `search_path="My Schema", pg_temp`; got != want {
			t.Errorf("function: %s, want %s", got, want)
		}
	}
	if n := ask[int](t, conn, `SELECT count(*) FROM "My Schema".af_auth_migrations`); n != 2 {
		t.Errorf("%d ledger rows", n)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	a, b, c, d := "CREATE TABLE a ()", "CREATE TABLE b ()", "CREATE TABLE c ()", "CREATE TABLE d ()"
	tests := []struct {
		name    string
		applied func([]migrate.File) []migrate.File
		now     []string
		drop    int // 1-based index of the file to leave out of now; 0: none
		want    string
		hint    string
	}{
		{"edited", nil, []string{a, b + "; SELECT 1", c, d}, 0, version(2) + "_m2.up.sql: was edited after it had been applied", "put the edited file back"},
		{"reordered", nil, []string{a, c, b, d}, 0, version(2) + "_m2.up.sql: was edited", "put the edited file back"},
		{"deleted", nil, []string{a, b, c, d}, 2, version(2) + "_m2.up.sql: was applied by release 9.9.9, but the file is not here", "bring the missing file back"},
		{"database is newer", nil, []string{a, b}, 0, version(3) + "_m3.up.sql: was applied by release 9.9.9, but the file is not here: it was deleted, or a newer release brought it", "use the release that has it"},
		{"two branches, one time", func(f []migrate.File) []migrate.File { f[1].Name = "other"; return f }, []string{a, b + "; SELECT 1", c, d}, 0,
			version(2) + "_m2.up.sql: another file of the same version is applied: two branches chose the same time", "give the file that is not applied a later time"},
		{"older than applied", func(f []migrate.File) []migrate.File { return slices.Delete(f, 1, 2) }, []string{a, b, c, d}, 0,
			version(2) + "_m2.up.sql: is new, but older than " + version(3) + "_m3.up.sql, which has been applied", "give the older file a later time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			before := load(t, a, b, c)
			if tt.applied != nil {
				before = tt.applied(before)
			}
			if _, err := migrate.Deploy(t.Context(), conn, before, migrate.Options{Release: "9.9.9"}); err != nil {
				t.Fatal(err)
			}
			now := load(t, tt.now...)
			if tt.drop > 0 {
				now = slices.Delete(now, tt.drop-1, tt.drop)
			}
			res, err := migrate.Deploy(t.Context(), conn, now, migrate.Options{})
			var refused *migrate.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint(err), tt.hint) {
				t.Fatalf("got %v (hint: %s)", err, hint(err))
			}
			if len(res.Applied) != 0 || ask[bool](t, conn, "SELECT to_regclass('d') IS NOT NULL") {
				t.Error("something was applied")
			}
			st, err := migrate.Read(t.Context(), conn, now)
			if err != nil || st.InSync() || st.Refusal() == nil {
				t.Errorf("Read: %+v, %v", st, err)
			}
		})
	}
}

// The server splits by its own grammar; the scanner must count as it does.
func TestScannerAgreesWithServer(t *testing.T) {
	t.Parallel()
	tests := []string{
		`SELECT 'a;b', E'c\';d', $$;$$, $x$;$$;$x$, "e;""f" FROM (SELECT 1 AS "e;""f") t; SELECT 2;;`,
		"/* /* ; */ ; */ SELECT E'a'\n 'b\\';c'; -- ;\nSELECT U&'d\\0061;', B'1', X'f', N'g;'",
		"CREATE TABLE t (a int); CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SELECT 3",
		"CREATE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 END; SELECT 2; END; SELECT 3",
		`CREATE OR REPLACE FUNCTION "end;"() RETURNS int LANGUAGE sql RETURN CASE WHEN true THEN 1 ELSE 2 END; SELECT 3`,
		"CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; DO $b$ BEGIN NULL; END $b$",
		"SELECT 1 AS a$b$, 2 AS é; SELECT 3",
	}
	for _, f := range loadFS(t, postgres.Migrations()) {
		if !f.Outside { // the others cannot be sent as one query
			tests = append(tests, f.Up+";\n"+f.Down)
		}
	}
	for _, sql := range tests {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			for _, f := range loadFS(t, postgres.Migrations()) {
				if strings.HasPrefix(sql, f.Up) {
					break
				}
				for _, one := range migrate.Statements(f.Up) {
					run(t, conn, one)
				}
			}
			results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			if got := len(migrate.Statements(sql)); got != len(results) {
				t.Errorf("scanner: %d statements, server: %d, in\n%s", got, len(results), sql)
			}
		})
	}
}

// Whoever measures a file sees its locks before the commit lets them go, and can
// still take the file back.
func TestBeforeCommit(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()", "ALTER TABLE a ADD COLUMN x int")
	var locked []string
	o := migrate.Options{BeforeCommit: func(ctx context.Context, conn *pgx.Conn, f migrate.File) error {
		var mode string
		err := conn.QueryRow(ctx, "SELECT max(mode) FROM pg_locks WHERE relation = to_regclass('a') AND pid = pg_backend_pid() AND mode = 'AccessExclusiveLock'").Scan(&mode)
		locked = append(locked, f.Name+" "+mode)
		if f.Name == "m2" {
			return errors.New("not like this")
		}
		return err
	}}
	_, err := migrate.Deploy(t.Context(), conn, files, o)
	if err == nil || !strings.Contains(err.Error(), "_m2.up.sql: before its commit: not like this") || hint(err) == "" {
		t.Errorf("got %v (hint: %s)", err, hint(err))
	}
	if want := []string{"m1 AccessExclusiveLock", "m2 AccessExclusiveLock"}; !slices.Equal(locked, want) {
		t.Errorf("locks %q, want %q", locked, want)
	}
	if st, err := migrate.Read(t.Context(), conn, files); err != nil || len(st.Applied) != 1 || len(st.Failed) != 1 {
		t.Errorf("state %+v, %v", st, err)
	}
}
