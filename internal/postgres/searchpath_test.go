package postgres_test

import (
	"slices"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// inSchema makes a database whose tables stand in a schema of their own, by the
// URL that a project on Prisma would give.
func inSchema(t *testing.T, schema string) (url string) {
	t.Helper()
	url = pgtest.Empty(t)
	p := newProbe(t, url)
	p.run(`CREATE SCHEMA "` + schema + `"`)
	conn, err := options(t, with(url, "schema="+schema)).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.Deploy(t.Context(), conn, loadMigrations(t), migrate.Options{Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.lines("SELECT DISTINCT table_schema::text FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"); !slices.Equal(got, []string{schema}) {
		t.Fatalf("the tables stand in %q", got)
	}
	return url
}

// The whole of a sign-in in another schema: queries, triggers, foreign keys.
func passThrough(t *testing.T, w world) {
	t.Helper()
	c := w.allow(583231)
	out := w.signIn(octocat(afauth.NewToken()))
	w.enter(*out.SessionID)
	if out.Access != afauth.Allowed || out.User.ID != c.After.ID {
		t.Errorf("%+v", out)
	}
	if c, err := w.db.Revoke(t.Context(), postgres.Actor{Name: "cli:test"}, out.User.ID, idle); err != nil || c.SessionsEnded != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	if events, err := w.db.Events(t.Context(), postgres.EventFilter{Limit: 10}); err != nil || len(events) != 5 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func TestAnotherSchema(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{"mine", "Mine-2"} {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			url := inSchema(t, schema)
			passThrough(t, world{newProbe(t, url), openDB(t, with(url, "schema="+schema)), url})
		})
	}
}

// Behind PgBouncer the schema is the role's own, and is only verified.
func TestAnotherSchemaBehindPgBouncer(t *testing.T) {
	t.Parallel()
	url := inSchema(t, "mine")
	p := newProbe(t, url)
	p.run(`ALTER DATABASE "` + p.lines("SELECT current_database()::text")[0] + `" SET search_path = mine`)
	passThrough(t, world{p, openDB(t, with(url, "schema=mine&pgbouncer=true")), url})
}

// A role whose path was turned elsewhere after the start: the next connection
// is refused, and no query ever runs on it.
func TestSchemaIsVerifiedOnEachConnection(t *testing.T) {
	t.Parallel()
	url := inSchema(t, "mine")
	p := newProbe(t, url)
	name := p.lines("SELECT current_database()::text")[0]
	p.run(`ALTER DATABASE "` + name + `" SET search_path = mine`)
	db := openDB(t, with(url, "schema=mine&pgbouncer=true"))
	p.run(`CREATE SCHEMA trap; ALTER DATABASE "` + name + `" SET search_path = trap`)
	p.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	for range 5 {
		if err := db.Ping(t.Context()); afauth.CodeOf(err) != afauth.CodeUnavailable {
			t.Errorf("ping: %v", err)
		}
	}
}
