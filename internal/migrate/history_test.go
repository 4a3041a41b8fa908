package migrate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// A file that fails in its transaction leaves nothing but its trace, blocks
// nobody, and the trace stays when the mended file goes through.
func TestFailureLeavesItsTrace(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	broken := load(t, "CREATE TABLE a (x int UNIQUE)", "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1)")
	for range 2 {
		if _, err := migrate.Deploy(t.Context(), conn, broken, migrate.Options{Actor: "cli:ada", Release: "1.2.3"}); err == nil {
			t.Fatal("no error")
		}
	}
	if _, err := migrate.Deploy(t.Context(), conn, load(t, "CREATE TABLE a (x int UNIQUE)", "INSERT INTO a VALUES (1)"), migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	history, err := migrate.History(t.Context(), conn)
	if err != nil || len(history) != 4 {
		t.Fatalf("history %+v, %v", history, err)
	}
	var outcomes []string
	for _, a := range history {
		outcomes = append(outcomes, string(a.Outcome))
	}
	if got := strings.Join(outcomes, " "); got != "done failed failed done" {
		t.Errorf("outcomes %s", got)
	}
	a := history[2]
	if a.Number != 2 || a.FailedStatement != 2 || a.Line != 4 || a.SQLState != "23505" || a.Detail != "Key (x)=(1) already exists." ||
		!strings.HasPrefix(a.Message, "duplicate key value") || a.Statement != "INSERT INTO a VALUES (1)" || a.NextCommand != "deploy" ||
		!strings.Contains(a.Hint, "nothing of this file was kept") || a.StatementsDone != 0 || a.Actor != "cli:ada" || a.Release != "1.2.3" {
		t.Errorf("attempt %+v", a)
	}
	if history, err := migrate.History(t.Context(), connect(t, pgtest.Empty(t))); err != nil || len(history) != 0 {
		t.Errorf("an empty database: %+v, %v", history, err)
	}
}

// A COMMIT that a deferred constraint refuses is traced too.
func TestCommitFailureIsTraced(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE x (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO x VALUES (1), (1)")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err == nil {
		t.Fatal("no error")
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || len(st.Failed) != 1 || st.Failed[0].SQLState != "23505" || !strings.Contains(st.Failed[0].Message, "at its COMMIT") {
		t.Errorf("state %+v, %v", st, err)
	}
}

func TestPlanChangesNothing(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := loadFS(t, folder(everyKind()...))
	plan, err := migrate.PlanDeploy(t.Context(), conn, files)
	if err != nil || len(plan.Steps) != 5 {
		t.Fatalf("%+v, %v", plan, err)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != 0 {
		t.Errorf("planning made %d relations", n)
	}
	var alone []string
	for _, s := range plan.Steps[2].Statements {
		if s.Alone {
			alone = append(alone, strings.Join(strings.Fields(s.SQL)[:2], " "))
		}
	}
	if got := strings.Join(alone, ", "); got != "CREATE INDEX, CREATE UNIQUE, REINDEX INDEX, DROP INDEX, VACUUM a" || !plan.Steps[2].Outside || plan.Steps[1].Outside {
		t.Errorf("alone: %s", got)
	}
	if s := plan.Steps[1].Statements[2]; s.Number != 3 || s.Line != 5 || s.SQL != "ALTER TABLE a ADD COLUMN k kind" || s.Alone {
		t.Errorf("statement %+v", s)
	}
	edited := everyKind()
	if _, err := migrate.Deploy(t.Context(), conn, files[:1], migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	edited[1] += " "
	var refused *migrate.RefusedError
	if plan, err := migrate.PlanDeploy(t.Context(), conn, loadFS(t, folder(edited...))); !errors.As(err, &refused) || len(plan.State.Edited) != 1 {
		t.Errorf("%+v, %v", plan, err)
	}
}

// shape is a fingerprint for tests: the names of the tables.
func shape(ctx context.Context, conn *pgx.Conn, _ string) (migrate.Shape, error) {
	var s string
	err := conn.QueryRow(ctx, `SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') || ' ' || current_setting('search_path') FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT starts_with(relname, 'af_auth_migrations')`).Scan(&s)
	return migrate.Shape{Fingerprint: s, Text: "tables " + s}, err
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()", "CREATE TABLE c ()")
	const want = "a b c public, pg_temp"
	o := migrate.Options{Shape: shape}
	if res, err := migrate.Deploy(t.Context(), conn, files, o); err != nil || res.Fingerprint != want {
		t.Fatalf("%+v, %v", res, err)
	}
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || st.Applied[0].Fingerprint != "a public, pg_temp" || st.Applied[1].Fingerprint != "a b public, pg_temp" || st.Applied[2].Fingerprint != want {
		t.Fatalf("%+v, %v", st.Applied, err)
	}
	var drift *migrate.DriftError

	run(t, conn, "CREATE TABLE by_hand ()")
	for name, files := range map[string][]migrate.File{"nothing to do": files, "something to do": load(t, "CREATE TABLE a ()", "CREATE TABLE b ()", "CREATE TABLE c ()", "CREATE TABLE d ()")} {
		res, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{Shape: shape})
		if !errors.As(err, &drift) || drift.After != files[2].UpName() || drift.Want != (migrate.Shape{Fingerprint: want, Text: "tables " + want}) || drift.Have.Text != "tables a b by_hand c public, pg_temp" || len(res.Applied) != 0 {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
		if !strings.Contains(err.Error(), "was changed outside of migrations") || !strings.Contains(hint(err), "resolve --accept-drift") {
			t.Errorf("message %v, hint %s", err, hint(err))
		}
	}
	run(t, conn, "DROP TABLE by_hand")
	// The way back ends where the file before had ended; if not, it says so.
	bad := files
	for i := range bad {
		bad[i].Down = map[int]string{0: "DROP TABLE a", 1: "SELECT 1", 2: "DROP TABLE c"}[i]
	}
	if res, err := migrate.Rollback(t.Context(), conn, bad, "", o); err != nil || res.Fingerprint != "a b public, pg_temp" {
		t.Errorf("back: %+v, %v", res, err)
	}
	var wrong *migrate.WayBackError
	if res, err := migrate.Rollback(t.Context(), conn, bad, "", o); !errors.As(err, &wrong) || wrong.To != files[0].UpName() || len(res.Applied) != 0 {
		t.Errorf("a way back that does not lead back: %+v, %v", res, err)
	}
}

// A half-done file outside a transaction stands between two fingerprints.
func TestFingerprintWithHalfAFile(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	o := migrate.Options{Shape: shape}
	texts := func(third string) []migrate.File {
		return loadFS(t, folder(
			version(1)+"_a.up.sql", header+"CREATE TABLE a ()", version(1)+"_a.down.sql", "",
			version(2)+"_b.up.sql", outsideHeader+"CREATE TABLE b (); CREATE TABLE c (); "+third, version(2)+"_b.down.sql", ""))
	}
	if _, err := migrate.Deploy(t.Context(), conn, texts("SELECT 1/0"), o); err == nil {
		t.Fatal("no error")
	}
	// Its own work is nobody's drift, and cannot be accepted as such.
	if d := drift(t, conn, texts("SELECT 1/0"), o); d != nil {
		t.Errorf("half done: %+v", d)
	}
	if st, err := migrate.Read(t.Context(), conn, texts("SELECT 1/0")); err != nil || len(st.Between()) != 1 {
		t.Errorf("state %+v, %v", st, err)
	}
	if _, err := migrate.AcceptDrift(t.Context(), conn, texts("SELECT 1/0"), "mine", o); err == nil || !strings.Contains(err.Error(), "stands between two files") {
		t.Errorf("accepted: %v", err)
	}
	if res, err := migrate.Deploy(t.Context(), conn, texts("SELECT 1"), o); err != nil || res.Fingerprint != "a b c public, pg_temp" {
		t.Errorf("%+v, %v", res, err)
	}
}

// The look comes after the file's work: where it fails, the file is applied all
// the same, and the next deployment looks again.
func TestFingerprintFails(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()")
	failing := migrate.Options{Shape: func(ctx context.Context, conn *pgx.Conn, _ string) (migrate.Shape, error) {
		var s migrate.Shape
		return s, conn.QueryRow(ctx, "SELECT 1/0").Scan(&s.Fingerprint)
	}}
	res, err := migrate.Deploy(t.Context(), conn, files, failing)
	if err == nil || hint(err) == "" || applied(res) != "1" || !ask[bool](t, conn, "SELECT to_regclass('a') IS NOT NULL") {
		t.Errorf("%+v, %v", res, err)
	}
	if res, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{Shape: shape}); err != nil || res.Fingerprint != "a public, pg_temp" {
		t.Errorf("with nothing to do: %+v, %v", res, err)
	}
	if got := texts(t, conn); got != "m1: tables a public, pg_temp" {
		t.Errorf("the ledger keeps %q", got)
	}
}
