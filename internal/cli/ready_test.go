package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/web"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// looker is a readiness on a database of its own, with its clock and its log.
type looker struct {
	*readiness
	t    *testing.T
	conn *pgx.Conn
	log  *bytes.Buffer
	at   time.Time
}

func newLooker(t *testing.T, url string) *looker {
	t.Helper()
	u, err := pgurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	l := &looker{t: t, log: &bytes.Buffer{}, at: noon()}
	db := openPool(t, u)
	if l.conn, err = pgx.Connect(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.conn.Close(context.Background()) })
	l.readiness = &readiness{db: db, logger: telemetry.NewLogger(l.log, "json", slog.LevelInfo), now: func() time.Time { return l.at }, queueLimit: queueLimit}
	return l
}

func openPool(t *testing.T, u pgurl.URL) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{
		Dialer:  postgres.Dialer{URL: u, Timeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler), Application: "test"},
		PoolMax: 2, Wait: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func (l *looker) run(sql string) {
	l.t.Helper()
	if _, err := l.conn.PgConn().Exec(l.t.Context(), sql).ReadAll(); err != nil {
		l.t.Fatalf("%s: %v", sql, err)
	}
}

// check returns what a look some time later finds out about one thing.
func (l *looker) check(name string) web.Check {
	l.t.Helper()
	l.at = l.at.Add(time.Minute)
	for _, c := range l.checks(l.t.Context()) {
		if c.Name == name {
			return c
		}
	}
	l.t.Fatalf("no check %q", name)
	return web.Check{}
}

// lines returns what was logged since the last call, as "level message: check".
func (l *looker) lines() []string {
	l.t.Helper()
	var out []string
	for line := range strings.Lines(l.log.String()) {
		var e struct{ Level, Msg, Check string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			l.t.Fatal(err)
		}
		out = append(out, e.Level+" "+e.Msg+": "+e.Check)
	}
	l.log.Reset()
	return out
}

func (l *looker) logged(want ...string) {
	l.t.Helper()
	if got := strings.Join(l.lines(), "\n"); got != strings.Join(want, "\n") {
		l.t.Errorf("logged %q, want %q", got, want)
	}
}

// TestReadySchema: what is amiss with the schema is named, and what to run.
func TestReadySchema(t *testing.T) {
	t.Parallel()
	const deploy, status = "af-auth db migrate deploy", "af-auth db migrate status"
	for name, c := range map[string]struct{ sql, detail, hint string }{
		"all there":      {"SELECT 1", "", ""},
		"a table gone":   {"DROP TABLE events CASCADE", "the table events is missing", status},
		"a column gone":  {"ALTER TABLE users DROP COLUMN last_sign_in_at", "the column users.last_sign_in_at is missing", status},
		"more than one":  {"DROP TABLE tickets, instances", "the table tickets and 1 more are missing", status},
		"no schema yet":  {"DROP TABLE af_auth_migrations", "the database has no schema yet", deploy},
		"an older one":   {"UPDATE af_auth_migrations SET schema_version = '0.9.0'", "the database is at 0.9.0; this release serves ", deploy},
		"a later major":  {"UPDATE af_auth_migrations SET schema_version = '2.0.0'", "the database is at 2.0.0; this release serves ", "run a newer release of af-auth"},
		"an odd version": {"UPDATE af_auth_migrations SET schema_version = 'latest'", "the database is at latest; this release serves ", deploy},
		"no ledger":      {"ALTER TABLE af_auth_migrations RENAME COLUMN version TO v", "the list of migrations cannot be read", status},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLooker(t, pgtest.New(t))
			l.run(c.sql)
			got := l.check("schema")
			if c.detail == "" {
				if !got.OK {
					t.Errorf("%+v", got)
				}
				l.logged()
				return
			}
			if got.OK || !strings.HasPrefix(got.Detail, c.detail) || got.Hint != c.hint {
				t.Errorf("%+v, want %q, %q", got, c.detail, c.hint)
			}
			l.logged("WARN not ready: schema")
		})
	}
}

// TestReadyChangesAreLogged: however often somebody asks, the log has one line
// when a check turns, and one when it turns back.
func TestReadyChangesAreLogged(t *testing.T) {
	t.Parallel()
	l := newLooker(t, pgtest.New(t))
	for range 3 {
		l.check("schema")
	}
	l.logged()
	l.run("ALTER TABLE events RENAME TO elsewhere")
	for range 3 {
		l.check("schema")
	}
	l.logged("WARN not ready: schema")
	l.run("ALTER TABLE sessions RENAME TO elsewhere2")
	for range 3 {
		l.check("schema")
	}
	l.logged("WARN not ready: schema") // it says something else now
	l.run("ALTER TABLE elsewhere RENAME TO events; ALTER TABLE elsewhere2 RENAME TO sessions")
	for range 3 {
		l.check("schema")
	}
	l.logged("INFO ready again: schema")
}

// TestReadyRights: the GRANTs that the server's role lacks are in the hint.
func TestReadyRights(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t)
	owner, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	role := owner.Config().Database + "_role" // roles are the whole server's
	l := newLooker(t, address)
	l.run("CREATE ROLE " + role + "; GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, tickets, instances, requests, confirmations, webhooks, deliveries TO " + role +
		"; GRANT SELECT, INSERT (kind, user_id, actor, address, reason, details) ON events TO " + role + "; GRANT SELECT ON af_auth_migrations, af_auth_migrations_history TO " + role)
	t.Cleanup(func() {
		if _, err := owner.Exec(context.Background(), "DROP OWNED BY "+role); err != nil {
			t.Error(err)
		}
		if _, err := owner.Exec(context.Background(), "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	u, err := pgurl.Parse(address + "&options=-c%20role%3D" + role)
	if err != nil {
		t.Fatal(err)
	}
	l.db = openPool(t, u)
	if got := l.check("schema"); !got.OK {
		t.Errorf("%+v", got)
	}
	l.run("REVOKE DELETE ON sessions FROM " + role + "; REVOKE INSERT (reason) ON events FROM " + role + "; REVOKE ALL ON af_auth_migrations FROM " + role)
	got := l.check("schema")
	want := `as their owner: GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO "` + role +
		`"; GRANT SELECT, INSERT (kind, user_id, actor, address, reason, details) ON events TO "` + role + `"; GRANT SELECT ON af_auth_migrations TO "` + role + `"`
	if got.OK || got.Detail != "the role of DATABASE_URL lacks rights on the tables" || got.Hint != want {
		t.Errorf("%+v, want %q", got, want)
	}
}

// TestReadyBusy: a pool that is merely busy is told apart from a database that
// does not answer, and is no word about the schema.
func TestReadyBusy(t *testing.T) {
	t.Parallel()
	l := newLooker(t, pgtest.New(t))
	let, held := make(chan struct{}), make(chan error, 2)
	var taken sync.WaitGroup
	for range 2 {
		taken.Add(1)
		go func() {
			held <- l.db.WithConn(t.Context(), func(*pgx.Conn) error { taken.Done(); <-let; return nil })
		}()
	}
	taken.Wait()
	for range 2 {
		if got := l.check("database"); got.OK || got.Detail != "answers, but all 2 connections of this server are in use" || !strings.Contains(got.Hint, "DB_POOL_MAX") {
			t.Errorf("%+v", got)
		}
	}
	if got := l.list[1]; got.OK || got.Detail != "not known while no connection is free" {
		t.Errorf("%+v", got)
	}
	l.logged("WARN not ready: database")
	close(let)
	for range 2 {
		if err := <-held; err != nil {
			t.Fatal(err)
		}
	}
	if got := l.check("schema"); !got.OK {
		t.Errorf("%+v", got)
	}
	l.logged("INFO ready again: database")
}

// TestReadyAway: an outage is one line with its cause, which stays out of the
// answer, and one when it is over.
func TestReadyAway(t *testing.T) {
	t.Parallel()
	l := newLooker(t, pgtest.New(t))
	name := l.conn.Config().Database
	admin, err := pgx.Connect(t.Context(), pgtest.Server(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	l.conn = admin // it would be cut off as well
	open := func(yes string) {
		l.run(`ALTER DATABASE "` + name + `" WITH ALLOW_CONNECTIONS ` + yes)
		l.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	}
	open("false")
	for range 3 {
		if got := l.check("database"); got.OK || got.Detail != "does not answer" || got.Hint != "see the log of this server" {
			t.Errorf("%+v", got)
		}
	}
	if text := l.log.String(); !strings.Contains(text, `"error":"`) || strings.Contains(text, "\\n") {
		t.Errorf("the log: %s", text)
	}
	l.logged("WARN not ready: database")
	open("true")
	l.check("database") // may still meet a broken connection
	if got := l.check("database"); !got.OK {
		t.Errorf("%+v", got)
	}
	l.logged("INFO ready again: database")
}

// TestReadyNotifications: a session that listens and sits in a transaction keeps
// the queue of notifications. That is told, and this server stays in use.
func TestReadyNotifications(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t)
	l := newLooker(t, address)
	l.queueLimit = 0.0002 // of 8 GB; the queue is shared with other tests
	if got := l.check("notifications"); !got.OK || got.Warning {
		t.Errorf("at first: %+v", got)
	}
	sleeper, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sleeper.Close(context.Background()) })
	for _, sql := range []string{"LISTEN somewhere", "BEGIN; SELECT 1"} {
		if _, err := sleeper.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	l.run(`SELECT count(pg_notify('somewhere', g || repeat('x', 7900))) FROM generate_series(1, 500) g`)
	for range 3 {
		if got := l.check("notifications"); !got.OK || !got.Warning || !strings.Contains(got.Hint, "pg_stat_activity") {
			t.Errorf("while somebody sits in a transaction: %+v", got)
		}
	}
	l.logged("WARN ready, but not for long: notifications")
	_ = sleeper.Close(t.Context())
	limit := time.Now().Add(20 * time.Second)
	for l.check("notifications").Warning {
		if time.Now().After(limit) {
			t.Fatal("it is told 20 s after nobody keeps the queue any more")
		}
	}
	l.logged("INFO ready again: notifications")
}
