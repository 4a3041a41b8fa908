package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	host = "auth.example.com"
	idle = 24 * time.Hour
)

// world is a gate before a database of its own, and a connection beside it.
type world struct {
	t    *testing.T
	db   *postgres.DB
	seen *postgres.Seen
	gate *gate.Gate
	sql  *pgx.Conn
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := pgtest.New(t)
	return through(t, url, url)
}

// through is a gate that reaches its database by another way than the
// connection beside it.
func through(t *testing.T, way, direct string, change ...func(*postgres.Options)) *world {
	t.Helper()
	u, err := pgurl.Parse(way)
	if err != nil {
		t.Fatal(err)
	}
	o := postgres.Options{
		Dialer:  postgres.Dialer{URL: u, Timeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler), Retry: postgres.Retry{Max: 3, Base: time.Minute}},
		PoolMax: 4, Wait: 5 * time.Second,
	}
	for _, f := range change {
		f(&o)
	}
	w := &world{t: t}
	if w.db, err = postgres.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	if w.sql, err = pgx.Connect(t.Context(), direct); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sql.Close(context.Background()) })
	w.seen = postgres.NewSeen(w.db)
	w.gate = gate.New(gate.Options{DB: w.db, Seen: w.seen, Idle: idle, Memory: 1000, Logger: o.Logger, Now: time.Now})
	return w
}

func (w *world) run(sql string) {
	w.t.Helper()
	if _, err := w.sql.PgConn().Exec(w.t.Context(), sql).ReadAll(); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// yes asks the database a question that is answered by yes or no.
func (w *world) yes(sql string) (answer bool) {
	w.t.Helper()
	if err := w.sql.QueryRow(w.t.Context(), sql).Scan(&answer); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// allowed signs somebody in who is on the whitelist until then.
func (w *world) allowed(until *time.Time) (afauth.Token, afauth.ID) {
	w.t.Helper()
	if _, err := w.db.Allow(w.t.Context(), postgres.Actor{Name: "cli:test"}, 583231, "octocat", postgres.Grant{Until: until}); err != nil {
		w.t.Fatal(err)
	}
	token := afauth.NewToken()
	out, err := w.db.SignIn(w.t.Context(), postgres.SignIn{
		GitHubID: 583231, Login: "octocat", Name: "Mona", Email: "mona@example.com", Session: token.Hash(), Host: host, MaxAge: 7 * 24 * time.Hour,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return token, out.User.ID
}

func (w *world) check(token afauth.Token) (gate.Decision, error) {
	return w.gate.Check(w.t.Context(), token, host)
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("after 20 s not yet: %s", what)
		}
	}
}

// no fails unless the answer keeps everybody out: an error, and nothing beside
// it that says otherwise.
func no(t *testing.T, what string, d gate.Decision, err error) {
	t.Helper()
	if err == nil || d.Access.MayEnter() {
		t.Errorf("%s: access %q, error %v", what, d.Access, err)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token, user := w.allowed(nil)
	d, err := w.check(token)
	if err != nil || d.Access != afauth.Allowed || d.User.ID != user || d.User.GitHubID != 583231 || d.User.Login != "octocat" ||
		d.User.Name != "Mona" || d.User.Email != "mona@example.com" || d.Session.UserID != user || d.Session.Host != host || d.Now.IsZero() {
		t.Errorf("%+v, %v", d, err)
	}
}

// What each state of the whitelist means at the gate. Triggers are off: they
// would end the sessions, and here the sessions must not matter.
func TestAccess(t *testing.T) {
	t.Parallel()
	for access, set := range map[afauth.Access]string{
		afauth.Waiting: "is_whitelisted = false, whitelist_decided_at = NULL",
		afauth.Refused: "is_whitelisted = false, whitelist_decided_at = now()",
		afauth.Expired: "whitelist_until = now()",
	} {
		t.Run(string(access), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token, user := w.allowed(nil)
			w.run("ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET " + set)
			d, err := w.check(token)
			no(t, "check", d, err)
			// Who it is is known: the page can say why.
			if !errors.Is(err, afauth.ErrNotWhitelisted) || d.Access != access || d.User.ID != user {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

// Everything that makes a session no session. Nobody learns which it was.
func TestNotSignedIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, sql, host string
		token           func(afauth.Token) afauth.Token
	}{
		{name: "another token", token: func(afauth.Token) afauth.Token { return afauth.NewToken() }},
		{name: "no token", token: func(afauth.Token) afauth.Token { return "" }},
		{name: "another host", host: "app.example.com"},
		{name: "a host in capitals", host: "AUTH.EXAMPLE.COM"},
		{name: "a host with a port", host: host + ":8080"},
		{name: "no host", host: " "},
		{name: "ended", sql: "DELETE FROM sessions"},
		{name: "at its end", sql: "UPDATE sessions SET expires_at = now()"},
		{name: "unused for as long as allowed", sql: "UPDATE sessions SET seen_at = now() - interval '24 hours'"},
		{name: "revoked", sql: "UPDATE users SET is_whitelisted = false"},
		{name: "deleted", sql: "DELETE FROM users"},
		{name: "emptied", sql: "TRUNCATE sessions CASCADE"},
		{name: "handed to somebody else", sql: "UPDATE sessions SET token_hash = sha256('x')"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token, _ := w.allowed(nil)
			w.run(tt.sql)
			at := host
			if tt.host != "" {
				at = tt.host
			}
			if tt.token != nil {
				token = tt.token(token)
			}
			d, err := w.gate.Check(t.Context(), token, at)
			if !errors.Is(err, afauth.ErrNotSignedIn) || !reflect.DeepEqual(d, gate.Decision{}) {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

// A permission, and a session, end when the database's clock gets there: no
// event, no write, and nobody's own clock.
func TestEndsByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, set, over string
		want            error
	}{
		{"permission", "UPDATE users SET whitelist_until = now() + interval '700 milliseconds'", "SELECT now() >= whitelist_until FROM users", afauth.ErrNotWhitelisted},
		{"session", "UPDATE sessions SET expires_at = now() + interval '700 milliseconds'", "SELECT now() >= expires_at FROM sessions", afauth.ErrNotSignedIn},
		{"use", "UPDATE sessions SET seen_at = now() - interval '24 hours' + interval '700 milliseconds'",
			"SELECT now() >= seen_at + interval '24 hours' FROM sessions", afauth.ErrNotSignedIn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token, _ := w.allowed(nil)
			w.run(tt.set)
			if _, err := w.check(token); err != nil {
				// Only a machine that took so long may be late already.
				if !w.yes(tt.over) {
					t.Errorf("before its end: %v", err)
				}
			}
			w.run("DELETE FROM events")
			eventually(t, "its end", func() bool { return w.yes(tt.over) })
			d, err := w.check(token)
			no(t, "after its end", d, err)
			if !errors.Is(err, tt.want) {
				t.Errorf("after its end: %v", err)
			}
			if !w.yes("SELECT count(*) = 0 FROM events") {
				t.Error("an event was needed")
			}
		})
	}
}

// A revocation counts from its commit, and not from before.
func TestRevocationCountsFromItsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, sql := range []string{"UPDATE users SET is_whitelisted = false", "DELETE FROM users", "UPDATE users SET whitelist_until = now()"} {
		token, _ := w.allowed(nil)
		w.run("BEGIN; " + sql)
		if _, err := w.check(token); err != nil {
			t.Errorf("%s, not committed: %v", sql, err)
		}
		w.run("COMMIT")
		d, err := w.check(token)
		no(t, sql, d, err)
	}
}

// The gate never writes: it works where nobody can.
func TestNeverWrites(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	token, _ := through(t, url, url).allowed(nil)
	w := through(t, url, url)
	var name string
	if err := w.sql.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	w.run("UPDATE sessions SET seen_at = now() - interval '1 hour'")
	w.run(fmt.Sprintf("ALTER DATABASE %s SET default_transaction_read_only = on", pgx.Identifier{name}.Sanitize()))
	readOnly := through(t, url, url)
	if _, err := readOnly.check(token); err != nil {
		t.Error(err)
	}
	if !w.yes("SELECT seen_at < now() - interval '50 minutes' FROM sessions") {
		t.Error("the session's last use was written")
	}
}

// Each use is noted, whatever the decision: somebody who waits is there too.
func TestUseIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token, _ := w.allowed(nil)
	w.run("ALTER TABLE users DISABLE TRIGGER USER; UPDATE sessions SET seen_at = now() - interval '1 hour'; UPDATE users SET is_whitelisted = false, whitelist_decided_at = NULL")
	if _, err := w.check(token); !errors.Is(err, afauth.ErrNotWhitelisted) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.seen.Run(ctx)
	if !w.yes("SELECT seen_at > now() - interval '1 minute' FROM sessions") {
		t.Error("the use was not noted")
	}
}
