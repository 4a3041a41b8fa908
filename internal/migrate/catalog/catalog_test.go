package catalog_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// everything asks for all that can count.
var everything = []catalog.Part{catalog.Owners, catalog.Grants, catalog.Database, catalog.Order}

// db is a database of a test and its superuser's connection.
type db struct {
	*pgx.Conn
	t testing.TB
}

func empty(t testing.TB) db { return open(t, pgtest.Empty(t)) }

func open(t testing.TB, url string) db {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return db{conn, t}
}

// run executes any number of statements. ROLE stands for the role of
// [db.role].
func (d db) run(sql string) {
	d.t.Helper()
	if strings.Contains(sql, "ROLE_") {
		sql = strings.ReplaceAll(sql, "ROLE_", d.role())
	}
	if _, err := d.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
}

// role returns the name of a role that lives as long as the test. Roles belong
// to the whole server, so each database has its own.
func (d db) role() string {
	d.t.Helper()
	var name string
	var there bool
	ctx := context.Background()
	err := d.QueryRow(ctx, "SELECT 'r_' || current_database(), EXISTS (SELECT FROM pg_roles WHERE rolname = 'r_' || current_database())").
		Scan(&name, &there)
	if err != nil {
		d.t.Fatal(err)
	}
	if there {
		return name
	}
	d.run("CREATE ROLE " + name)
	d.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := d.PgConn().Exec(ctx, "ROLLBACK; DROP OWNED BY "+name+" CASCADE; DROP ROLE "+name).ReadAll(); err != nil {
			d.t.Errorf("drop the role: %v", err)
		}
	})
	return name
}

func (d db) read(exclude ...string) catalog.Catalog {
	d.t.Helper()
	c, err := catalog.Read(context.Background(), d.Conn, "public", exclude...)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// lines writes differences as people see them.
func lines(list []catalog.Difference) string {
	var out []string
	for _, d := range list {
		out = append(out, d.String())
	}
	return strings.Join(out, "\n")
}
