package migrate_test

import (
	"slices"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestStrangers(t *testing.T) {
	t.Parallel()
	files := load(t, `CREATE TABLE a (); CREATE TABLE IF NOT EXISTS b (); CREATE UNLOGGED TABLE c ()`,
		`CREATE TABLE public."D d" (); CREATE TABLE "e" (); CREATE TEMP TABLE f (); CREATE TABLE IF NOT EXISTS public.g (); CREATE INDEX ON a ((1))`)
	conn := connect(t, pgtest.Empty(t))
	look := func() []string {
		t.Helper()
		st, err := migrate.Read(t.Context(), conn, files)
		if err != nil {
			t.Fatal(err)
		}
		got, err := migrate.Strangers(t.Context(), conn, st, files)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := look(); len(got) != 0 {
		t.Errorf("in an empty database: %v", got)
	}
	run(t, conn, `CREATE TABLE b (); CREATE TABLE "D d" (); CREATE TABLE e (); CREATE TABLE f (); CREATE VIEW g AS SELECT 1; CREATE TABLE other ()`)
	if got := look(); !slices.Equal(got, []string{`"D d"`, "b", "e", "g"}) {
		t.Errorf("got %q", got)
	}
	run(t, conn, `DROP TABLE b, "D d", e; DROP VIEW g`)
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := look(); len(got) != 0 {
		t.Errorf("after a deployment: %v", got)
	}
}

func TestHoldsRows(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	look := func() string {
		t.Helper()
		got, err := migrate.HoldsRows(t.Context(), conn, "public")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := look(); got != "" {
		t.Errorf("in an empty database: %q", got)
	}
	if _, err := migrate.Deploy(t.Context(), conn, load(t, `CREATE TABLE a (x int); CREATE TABLE "B b" (x int)`), migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := look(); got != "" {
		t.Errorf("the ledger counts: %q", got)
	}
	run(t, conn, `INSERT INTO "B b" VALUES (1)`)
	if got := look(); got != "B b" {
		t.Errorf("got %q", got)
	}
	run(t, conn, `DELETE FROM "B b"; CREATE TABLE p (x int) PARTITION BY RANGE (x); CREATE TABLE p1 PARTITION OF p DEFAULT; INSERT INTO p VALUES (1)`)
	if got := look(); got != "p" {
		t.Errorf("got %q", got)
	}
}
