package postgres_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// hold takes n connections of the pool until release is called.
func hold(t *testing.T, db *postgres.DB, n int) (release func()) {
	t.Helper()
	let, held := make(chan struct{}), make(chan error)
	for range n {
		go func() {
			held <- db.WithConn(t.Context(), func(*pgx.Conn) error {
				held <- nil
				<-let
				return nil
			})
		}()
		if err := <-held; err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		close(let)
		for range n {
			if err := <-held; err != nil {
				t.Error(err)
			}
		}
	}
}

// A pool whose connections are all in use, and a database that is away while
// they are: one look tells which.
func TestConditionOfABusyPool(t *testing.T) {
	t.Parallel()
	db, p := remote(t, func(o *postgres.Options) { o.PoolMax = 2 })
	if c := db.Condition(t.Context()); c.Err != nil || c.Busy != 0 {
		t.Errorf("at rest: %+v", c)
	}
	release := hold(t, db, 2)
	defer release()
	begun := time.Now()
	if c := db.Condition(t.Context()); c.Err != nil || c.Busy != 2 {
		t.Errorf("busy: %+v", c)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	p.refuse()
	if c := db.Condition(t.Context()); afauth.CodeOf(c.Err) != afauth.CodeUnavailable || c.Busy != 0 || !strings.Contains(c.Err.Error(), "nothing listens") {
		t.Errorf("busy and away: %+v", c)
	}
}

func TestConditionOfADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	db, p := remote(t)
	p.refuse()
	p.cut()
	if c := db.Condition(t.Context()); afauth.CodeOf(c.Err) != afauth.CodeUnavailable || c.Busy != 0 {
		t.Errorf("%+v", c)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, sql string
		want      []string
	}{
		{"nothing", "SELECT 1", nil},
		{"a table", "DROP TABLE events", []string{"the table events"}},
		{"columns", "ALTER TABLE users DROP COLUMN login, DROP COLUMN email; ALTER TABLE tickets RENAME COLUMN host TO hosts",
			[]string{"the column users.login", "the column users.email", "the column tickets.host"}},
		{"a table that went elsewhere", "CREATE SCHEMA elsewhere; ALTER TABLE instances SET SCHEMA elsewhere", []string{"the table instances"}},
		{"all", "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
			[]string{"the table users", "the table requests", "the table sessions", "the table tickets", "the table events", "the table instances",
				"the table confirmations", "the table webhooks", "the table deliveries"}},
		{"a column more", "ALTER TABLE users ADD COLUMN team text", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, w world) {
				w.run(tt.sql)
				if got, err := w.db.Missing(t.Context()); err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("missing %q (%v), want %q", got, err, tt.want)
				}
			})
		})
	}
}

// The columns that are looked for are those that PostgreSQL makes of the schema.
func TestColumnsAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	p := newProbe(t, pgtest.New(t))
	want := p.lines(`SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name NOT LIKE 'af\_auth\_migrations%' ORDER BY 1`)
	got := postgres.ColumnsForTest(t)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("read from schema/: %q\nin the database: %q", got, want)
	}
}
