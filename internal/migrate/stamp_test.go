package migrate_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// looker is a database whose schema is looked at, and counts how often.
type looker struct {
	t     *testing.T
	conn  *pgx.Conn
	files []migrate.File
	o     migrate.Options
	looks int
}

func newLooker(t *testing.T, sql ...string) *looker {
	t.Helper()
	l := &looker{t: t, conn: connect(t, pgtest.Empty(t)), files: load(t, sql...)}
	l.o = migrate.Options{Stamp: catalog.Stamp, Shape: func(ctx context.Context, conn *pgx.Conn, namespace string) (migrate.Shape, error) {
		l.looks++
		c, err := catalog.Read(ctx, conn, namespace, migrate.Tables()...)
		return migrate.Shape{Fingerprint: "x:" + c.Fingerprint(), Text: c.Text()}, err
	}}
	return l
}

// expect runs something and counts the looks that it takes.
func (l *looker) expect(what string, want int, do func() error) {
	l.t.Helper()
	l.looks = 0
	if err := do(); err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
	if l.looks != want {
		l.t.Errorf("%s: %d looks at the schema, want %d", what, l.looks, want)
	}
}

// deploy applies the first n files.
func (l *looker) deploy(n int) func() error {
	return func() error {
		_, err := migrate.Deploy(l.t.Context(), l.conn, l.files[:n], l.o)
		return err
	}
}

// same insists that nothing differs after n files, by Drift and by Deploy.
func (l *looker) same(n int) func() error {
	return func() error {
		if d := drift(l.t, l.conn, l.files[:n], l.o); d != nil {
			return d
		}
		res, err := migrate.Deploy(l.t.Context(), l.conn, l.files[:n], l.o)
		if err == nil && (res.Fingerprint == "" || len(res.Applied) > 0) {
			l.t.Errorf("deploy with nothing to do: %+v", res)
		}
		return err
	}
}

// Where the stamp is the same nobody looks at the schema; where it is another
// one, somebody does, and finds what was changed.
func TestStampSparesTheLook(t *testing.T) {
	t.Parallel()
	l := newLooker(t, "CREATE TABLE a (x int)", "CREATE TABLE b (x int)")
	l.expect("from empty", 2, l.deploy(2))
	l.expect("nothing to do", 0, l.same(2))
	run(t, l.conn, "INSERT INTO a VALUES (1); ANALYZE")
	l.expect("rows", 0, l.same(2))
	run(t, l.conn, "REINDEX TABLE af_auth_migrations")
	l.expect("no change of the schema, but another stamp", 2, l.same(2))

	run(t, l.conn, "ALTER TABLE a ADD y int")
	if d := drift(t, l.conn, l.files, l.o); d == nil || d.Want.Text == d.Have.Text {
		t.Fatalf("a change by hand: %+v", d)
	}
	l.expect("accept", 1, func() error {
		_, err := migrate.AcceptDrift(t.Context(), l.conn, l.files, "why", l.o)
		return err
	})
	l.expect("accepted", 0, l.same(2))
	run(t, l.conn, "ALTER TABLE a DROP y; ALTER TABLE a ADD y int")
	l.expect("the same by another way", 2, l.same(2))
}

// A file that changes rows only leaves the stamp as it was, there and back.
func TestStampOfRows(t *testing.T) {
	t.Parallel()
	l := newLooker(t, "CREATE TABLE a (x int)", "INSERT INTO a VALUES (1)")
	l.expect("from empty", 1, l.deploy(1))
	l.expect("rows by a file", 1, l.deploy(2))
	l.expect("nothing to do", 0, l.same(2))
	if _, err := migrate.Rollback(t.Context(), l.conn, l.files, "", l.o); err != nil {
		t.Fatal(err)
	}
	l.expect("rolled back", 0, l.same(1))
	for _, column := range []string{"stamp", "description"} {
		if n := ask[int](t, l.conn, "SELECT count(*) FROM af_auth_migrations WHERE "+column+" IS NOT NULL"); n != 1 {
			t.Errorf("%d rows keep a %s, want 1", n, column)
		}
	}
}
