package migrate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// steps is a folder of three tables with their ways back.
func steps(t *testing.T, downs ...string) []migrate.File {
	t.Helper()
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()", "CREATE TABLE c ()")
	for i := range files {
		files[i].Down, files[i].NoDown = downs[i], false
	}
	return files
}

func deployed(t *testing.T, o migrate.Options) *pgx.Conn {
	t.Helper()
	conn := connect(t, pgtest.Empty(t))
	all := steps(t, "", "", "")
	for i := range all { // one by one, so that each has a fingerprint
		if _, err := migrate.Deploy(t.Context(), conn, all[:i+1], o); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// A down file that does not lead back is taken back before it commits: its file
// stays applied, those rolled back before it stay rolled back, and both ways on
// from there are open.
func TestWayBackLeadsElsewhere(t *testing.T) {
	t.Parallel()
	for _, down := range []string{"SELECT 1", "DROP TABLE b; CREATE TABLE z ()", "DROP TABLE a, b; SET LOCAL search_path = pg_catalog"} {
		t.Run(down, func(t *testing.T) {
			t.Parallel()
			o := migrate.Options{Shape: shape}
			conn := deployed(t, o)
			bad := steps(t, "DROP TABLE a", down, "DROP TABLE c")
			res, err := migrate.Rollback(t.Context(), conn, bad, version(1), o)
			var wrong *migrate.WayBackError
			if !errors.As(err, &wrong) || applied(res) != "3" || wrong.To != bad[0].UpName() || wrong.Before.Text != "tables a b public, pg_temp" ||
				!strings.Contains(err.Error(), "_m2.down.sql does not lead to the schema before it") ||
				strings.Contains(err.Error(), "leaves the schema as it is") != (down == "SELECT 1") ||
				!strings.Contains(hint(err), "mend the down file") || !strings.Contains(hint(err), "resolve --rolled-back "+version(2)+" --force") {
				t.Fatalf("%+v, %v (hint: %s)", res, err, hint(err))
			}
			st, err := migrate.Read(t.Context(), conn, bad)
			if err != nil || len(st.Applied) != 2 || len(st.FailedBack) != 1 || !ask[bool](t, conn, "SELECT to_regclass('a') IS NOT NULL AND to_regclass('b') IS NOT NULL") {
				t.Errorf("state %+v, %v", st, err)
			}
			if d := drift(t, conn, bad, o); d != nil || texts(t, conn) != "m2: tables a b public, pg_temp" {
				t.Errorf("drift %+v, the ledger keeps %q", d, texts(t, conn))
			}
			good := steps(t, "DROP TABLE a", "DROP TABLE b", "DROP TABLE c")
			if res, err := migrate.Rollback(t.Context(), conn, good, "", o); err != nil || applied(res) != "2" {
				t.Errorf("mended: %+v, %v", res, err)
			}
			if _, err := migrate.Deploy(t.Context(), conn, good, o); err != nil {
				t.Errorf("forward: %v", err)
			}
		})
	}
}

// Where the schema had been changed by hand, no down file could have led back:
// the error is about that. Once it is accepted it is in the way of nothing.
func TestWayBackOverDrift(t *testing.T) {
	t.Parallel()
	o := migrate.Options{Shape: shape}
	conn := deployed(t, o)
	files := steps(t, "DROP TABLE a", "DROP TABLE b", "DROP TABLE c")
	run(t, conn, "CREATE TABLE by_hand ()")
	res, err := migrate.Rollback(t.Context(), conn, files, "", o)
	var drifted *migrate.DriftError
	if !errors.As(err, &drifted) || len(res.Applied) != 0 || drifted.After != files[2].UpName() || drifted.Want.Text != "tables a b c public, pg_temp" {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, err := migrate.AcceptDrift(t.Context(), conn, files, "it stays", o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3", "2"} {
		if res, err := migrate.Rollback(t.Context(), conn, files, "", o); err != nil || applied(res) != want {
			t.Fatalf("%+v, %v, want %s", res, err, want)
		}
	}
	if got := texts(t, conn); got != "m1: tables a by_hand public, pg_temp" {
		t.Errorf("the ledger keeps %q", got)
	}
	if _, err := migrate.Deploy(t.Context(), conn, files, o); err != nil {
		t.Errorf("forward: %v", err)
	}
}
