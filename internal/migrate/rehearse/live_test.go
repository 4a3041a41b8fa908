package rehearse_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/rehearse"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// The live database gives sizes, shares of NULL and widths, and is only read.
func TestLiveIsOnlyRead(t *testing.T) {
	t.Parallel()
	files := load(t, `CREATE TABLE t (id bigint PRIMARY KEY, long text, gone text); CREATE TABLE fresh (id int); CREATE TABLE "Odd" (id int)`, noop,
		"ALTER TABLE t ADD COLUMN more int", "ALTER TABLE t DROP COLUMN more")
	url := pgtest.Empty(t)
	conn := connect(t, url)
	if _, err := migrate.Deploy(t.Context(), conn, files[:1], migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	exec(t, url, `INSERT INTO t SELECT n, repeat('x', 80), NULL FROM generate_series(1, 3000) n; ANALYZE t`)
	reader := connect(t, url)
	l, err := rehearse.ReadLive(t.Context(), reader, files)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.State.Pending) != 1 || l.Rows["t"] != 3000 || l.Rows[`"Odd"`] != 0 || l.PostgreSQL == "" || !slices.Contains(l.Roles, "postgres") || l.Drift != nil {
		t.Errorf("%+v", l)
	}
	if _, err := reader.Exec(t.Context(), "CREATE TABLE x ()"); !isReadOnly(err) {
		t.Errorf("the session can write: %v", err)
	}
	rows, notes := l.Capped(1000)
	if rows["t"] != 1000 || l.Rows["t"] != 3000 || len(notes) != 1 || !strings.HasPrefix(notes[0], "t has about 3000 rows, and was rehearsed with 1000") {
		t.Errorf("%v, %q", rows, notes)
	}
	o := rehearse.Options{Files: files, Rows: rows, Columns: l.Columns}
	there := elsewhere(t, &o)
	if r := rehearsal(t, o); !r.Good || one[string](t, there, "SELECT count(*) || ' ' || count(gone) || ' ' || avg(length(long))::int FROM t") != "1000 0 81" {
		t.Errorf("%+v, %s", r, one[string](t, there, "SELECT count(*) || ' ' || count(gone) || ' ' || avg(length(long))::int FROM t"))
	}
}

func isReadOnly(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "25006"
}
