package migrate_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// counting are options with real stamps and shapes, that count the looks at the
// whole schema.
func counting(looks *int) migrate.Options {
	return migrate.Options{Stamp: catalog.Stamp, Shape: func(ctx context.Context, conn *pgx.Conn, namespace string) (migrate.Shape, error) {
		*looks++
		c, err := catalog.Read(ctx, conn, namespace, migrate.Tables()...)
		return migrate.Shape{Fingerprint: "x:" + c.Fingerprint(), Text: c.Text()}, err
	}}
}

// Where the stamp is the same nobody looks at the schema; where it is another
// one, somebody does, and finds what was changed.
func TestStampSparesTheLook(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a (x int)", "CREATE TABLE b (x int)", "INSERT INTO b VALUES (1)")
	looks := 0
	o := counting(&looks)
	deploy := func(n int) (migrate.Result, error) { return migrate.Deploy(t.Context(), conn, files[:n], o) }
	// expect runs something and counts the looks that it takes.
	expect := func(what string, want int, do func() error) {
		t.Helper()
		looks = 0
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if looks != want {
			t.Errorf("%s: %d looks at the schema, want %d", what, looks, want)
		}
	}
	same := func(n int) func() error {
		return func() error {
			if d := drift(t, conn, files[:n], o); d != nil {
				return d
			}
			before := looks
			res, err := deploy(n)
			if err == nil && (res.Fingerprint == "" || looks-before > 1) {
				t.Errorf("deploy with nothing to do: %+v", res)
			}
			return err
		}
	}
	expect("from empty", 3, func() error { _, err := deploy(2); return err })
	expect("nothing to do", 0, same(2))
	run(t, conn, "INSERT INTO a VALUES (1); ANALYZE")
	expect("rows", 0, same(2))
	run(t, conn, "REINDEX TABLE af_auth_migrations")
	expect("no change of the schema, but another stamp", 2, same(2))

	run(t, conn, "ALTER TABLE a ADD y int")
	if d := drift(t, conn, files[:2], o); d == nil || d.Want.Text == d.Have.Text {
		t.Fatalf("a change by hand: %+v", d)
	}
	expect("accept", 1, func() error {
		_, err := migrate.AcceptDrift(t.Context(), conn, files[:2], "why", o)
		return err
	})
	expect("accepted", 0, same(2))
	run(t, conn, "ALTER TABLE a DROP y; ALTER TABLE a ADD y int")
	expect("the same by another way", 2, same(2))
}

// Of the rows of the ledger, the newest alone keeps stamp and description; the
// way back hands them on.
func TestStampOfTheNewest(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := load(t, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (1)")
	looks := 0
	o := counting(&looks)
	for n := range 2 {
		if _, err := migrate.Deploy(t.Context(), conn, files[:n+1], o); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := migrate.Rollback(t.Context(), conn, files, "", o); err != nil {
		t.Fatal(err)
	}
	looks = 0
	if d := drift(t, conn, files[:1], o); d != nil || looks != 0 {
		t.Errorf("after the way back: %+v, %d looks", d, looks)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM af_auth_migrations WHERE stamp IS NOT NULL"); n != 1 {
		t.Errorf("%d stamps are kept, want 1", n)
	}
	if n := ask[int](t, conn, "SELECT count(*) FROM af_auth_migrations WHERE description IS NOT NULL AND stamp IS NOT NULL"); n != 1 {
		t.Error("the stamp and the description are not of one row")
	}
}
