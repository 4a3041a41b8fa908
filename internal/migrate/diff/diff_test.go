package diff_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func config(t testing.TB, url string) *pgx.ConnConfig {
	t.Helper()
	c, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shadowOf is a shadow database of a test's own.
func shadowOf(t testing.TB) diff.Shadow { return diff.At(config(t, pgtest.Empty(t))) }

// sql is a source of one text.
func sql(text string) diff.Source {
	return diff.Replay("sql", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, text).ReadAll()
		return err
	})
}

// db is a database of a test's own.
type db struct {
	*pgx.Conn
	t testing.TB
}

func open(t testing.TB, url string) db {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	d := db{conn, t}
	d.run("SET search_path TO public, pg_temp")
	return d
}

// run executes SQL, as a migration does.
func (d db) run(text string) {
	d.t.Helper()
	if _, err := d.PgConn().Exec(context.Background(), text).ReadAll(); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
}

// fingerprint reads a database, rights included.
func (d db) fingerprint() string {
	d.t.Helper()
	c, err := catalog.Read(context.Background(), d.Conn, "public")
	if err != nil {
		d.t.Fatal(err)
	}
	return c.Fingerprint(catalog.Grants)
}

// ask returns one value as text.
func (d db) ask(query string) string {
	d.t.Helper()
	var v string
	if err := d.QueryRow(context.Background(), "SELECT ("+query+")::text").Scan(&v); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return v
}

// lines writes differences.
func lines(list []catalog.Difference) string {
	var out []string
	for _, d := range list {
		out = append(out, d.String())
	}
	return strings.Join(out, "\n")
}
