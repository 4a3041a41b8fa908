package migrate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// drift is what Drift says now.
func drift(t *testing.T, conn *pgx.Conn, files []migrate.File, o migrate.Options) *migrate.DriftError {
	t.Helper()
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil {
		t.Fatal(err)
	}
	d, err := migrate.Drift(t.Context(), conn, st, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// texts returns how many rows of the ledger keep a description, and whose.
func texts(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	return ask[string](t, conn, "SELECT coalesce(string_agg(name || ': ' || description, ', '), '') FROM af_auth_migrations WHERE description IS NOT NULL")
}

func TestDrift(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()", "CREATE TABLE c ()")
	o := migrate.Options{Shape: shape, Actor: "cli:ada"}
	if d := drift(t, conn, files, o); d != nil {
		t.Errorf("an empty database: %+v", d)
	}
	for i := range 3 {
		if _, err := migrate.Deploy(t.Context(), conn, files[:i+1], o); err != nil {
			t.Fatal(err)
		}
	}
	if got := texts(t, conn); got != "m3: tables a b c public, pg_temp" {
		t.Errorf("the ledger keeps %q", got)
	}
	if d := drift(t, conn, files, o); d != nil {
		t.Errorf("untouched: %+v", d)
	}
	run(t, conn, "CREATE TABLE by_hand ()")
	d := drift(t, conn, files, o)
	if d == nil || d.After != files[2].UpName() || d.Want.Text != "tables a b c public, pg_temp" || d.Have.Text != "tables a b by_hand c public, pg_temp" {
		t.Fatalf("%+v", d)
	}

	// Somebody says that it is to stay.
	if d, err := migrate.AcceptDrift(t.Context(), conn, files, "made at night", o); err != nil || d == nil {
		t.Fatalf("%+v, %v", d, err)
	}
	if d := drift(t, conn, files, o); d != nil {
		t.Errorf("accepted: %+v", d)
	}
	if _, err := migrate.Deploy(t.Context(), conn, files, o); err != nil {
		t.Errorf("accepted: %v", err)
	}
	history, err := migrate.History(t.Context(), conn)
	if err != nil || len(history) != 4 {
		t.Fatalf("%+v, %v", history, err)
	}
	if a := history[3]; a.Action != migrate.Accept || a.Detail != "made at night" || a.Actor != "cli:ada" || !a.Forced {
		t.Errorf("%+v", a)
	}
	// There is nothing to accept any more, and nothing is recorded.
	if d, err := migrate.AcceptDrift(t.Context(), conn, files, "again", o); err != nil || d != nil {
		t.Errorf("%+v, %v", d, err)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM af_auth_migrations_history"); n != 4 {
		t.Errorf("%d rows of history", n)
	}
	// The way back keeps the text of where it ends.
	run(t, conn, "DROP TABLE by_hand")
	back := append([]migrate.File(nil), files...)
	back[2].Down = "DROP TABLE c"
	if _, err := migrate.Rollback(t.Context(), conn, back, "", o); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, conn); got != "m2: tables a b public, pg_temp" {
		t.Errorf("after the way back the ledger keeps %q", got)
	}
}

// Another major version of PostgreSQL writes some things in other words: its
// fingerprints are not held against those of the one before.
func TestDriftAcrossVersions(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a ()")
	o := migrate.Options{}
	as := func(fingerprint string) migrate.Options {
		o.Shape = func(context.Context, *pgx.Conn, string) (migrate.Shape, error) {
			return migrate.Shape{Fingerprint: fingerprint, Text: fingerprint}, nil
		}
		return o
	}
	if _, err := migrate.Deploy(t.Context(), conn, files, as("15:x")); err != nil {
		t.Fatal(err)
	}
	if d := drift(t, conn, files, as("16:y")); d != nil {
		t.Errorf("after an upgrade: %+v", d)
	}
	if d := drift(t, conn, files, as("15:y")); d == nil {
		t.Error("no drift")
	}
}

// Of many files the last one's shape is taken.
func TestShapeOfManyFiles(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	var sql []string
	for i := range 21 {
		sql = append(sql, fmt.Sprintf("CREATE TABLE t%d ()", i))
	}
	files := load(t, sql...)
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{Shape: shape}); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](t, conn, "SELECT count(fingerprint) FROM af_auth_migrations"); n != 1 {
		t.Errorf("%d fingerprints", n)
	}
	if d := drift(t, conn, files, migrate.Options{Shape: shape}); d != nil {
		t.Errorf("%+v", d)
	}
}
