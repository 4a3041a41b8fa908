package access_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	host    = "auth.example.com"
	octocat = 583231 // is at the simulator from the start
)

// world is a whitelist on a database of its own, with a GitHub to ask.
type world struct {
	t      *testing.T
	db     *postgres.DB
	people *access.People
	github *githubsim.Sim
	sql    *pgx.Conn
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, github: githubsim.New(githubsim.Options{ClientID: "Ov23li", ClientSecret: "secret", RedirectURIs: []string{"http://127.0.0.1/"}})}
	w.connect(pgtest.New(t))
	w.people = access.New(w.db, client(t, w.github), afauth.SessionLimits{Idle: 24 * time.Hour, Max: 7 * 24 * time.Hour})
	return w
}

// client is the real client of a GitHub that a handler plays.
func client(t *testing.T, h http.Handler) *github.Client { return clientWith(t, h, "secret") }

func clientWith(t *testing.T, h http.Handler, secret string) *github.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := github.New(github.Options{BaseURL: s.URL, ClientID: "Ov23li", ClientSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) connect(url string) {
	w.t.Helper()
	u, err := pgurl.Parse(url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.db, err = postgres.Open(w.t.Context(), postgres.Options{
		Dialer:  postgres.Dialer{URL: u, Timeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler)},
		PoolMax: 4, Wait: 5 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.db.Close)
	if w.sql, err = pgx.Connect(w.t.Context(), url); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.sql.Close(context.Background()) })
}

func (w *world) run(sql string) {
	w.t.Helper()
	if _, err := w.sql.PgConn().Exec(w.t.Context(), sql).ReadAll(); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) count(sql string) (n int) {
	w.t.Helper()
	if err := w.sql.QueryRow(w.t.Context(), sql).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// signIn lets somebody come back from GitHub.
func (w *world) signIn(githubID int64, login string) postgres.SignedIn {
	w.t.Helper()
	out, err := w.db.SignIn(w.t.Context(), postgres.SignIn{
		GitHubID: githubID, Login: login, Session: afauth.NewToken().Hash(), Host: host, MaxAge: time.Hour,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// ada is who decides in these tests.
func ada() access.Actor { return access.Actor{Name: "cli:ada", Reason: "because"} }

// fails checks an error's code and that its words hold all of some parts.
func fails(t *testing.T, what string, err error, code afauth.Code, parts ...string) {
	t.Helper()
	var e *afauth.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: error %v, want code %s", what, err, code)
		return
	}
	for _, part := range parts {
		if !strings.Contains(e.Message+"\n"+e.Hint, part) {
			t.Errorf("%s: %q is not in: %s\nhint: %s", what, part, e.Message, e.Hint)
		}
	}
	if e.Hint == "" {
		t.Errorf("%s: no hint", what)
	}
}

// A login that two ids have had names nobody: both are shown.
func TestAmbiguousLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(octocat, "octocat")
	w.signIn(77, "OctoCat")
	w.run("UPDATE users SET last_sign_in_at = '2026-02-03 04:05Z', is_whitelisted = true WHERE github_user_id = 77; UPDATE users SET last_sign_in_at = NULL WHERE github_user_id = 583231")
	ask := map[string]func() error{
		"find":     func() error { _, err := w.people.Find(t.Context(), "octocat"); return err },
		"allow":    func() error { _, err := w.people.Allow(t.Context(), ada(), "octocat", access.Grant{}); return err },
		"revoke":   func() error { _, err := w.people.Revoke(t.Context(), ada(), "octocat"); return err },
		"sign out": func() error { _, _, err := w.people.SignOut(t.Context(), ada(), "octocat"); return err },
	}
	for name, f := range ask {
		fails(t, name, f(), afauth.CodeAmbiguous, "2 GitHub ids", "#583231 (waiting, never signed in)", "#77 (allowed, last signed in 2026-02-03)", "name the id that you mean, for instance '#583231'")
	}
	if p, err := w.people.Find(t.Context(), "#77"); err != nil || p.Login != "OctoCat" {
		t.Errorf("%+v, %v", p, err)
	}
	if n := w.github.Calls("/api/v3/users/{login}"); n != 0 {
		t.Errorf("GitHub was asked %d times", n)
	}
}

// Who is unknown cannot be revoked, and nobody is made up for it.
func TestUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for ref, called := range map[string]string{
		"octocat": `nobody called "octocat" `, "@octocat": `nobody called "octocat" `, "#583231": "nobody with the GitHub id 583231 ",
		"00000000-0000-4000-8000-000000000001": "nobody with the id 00000000-0000-4000-8000-000000000001 ",
	} {
		_, err := w.people.Revoke(t.Context(), ada(), ref)
		fails(t, "revoke", err, afauth.CodeNotFound, called, "af-auth users")
		_, _, err = w.people.SignOut(t.Context(), ada(), ref)
		fails(t, "sign out", err, afauth.CodeNotFound, called, "af-auth users")
		_, err = w.people.Find(t.Context(), ref)
		fails(t, "find", err, afauth.CodeNotFound, called, "af-auth users")
	}
	if _, err := w.people.Get(t.Context(), afauth.ID{1}); !errors.Is(err, afauth.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if n := w.count("SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM events)"); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestRevokeAndSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(octocat, "octocat")
	id := w.signIn(octocat, "octocat").User.ID
	if s, err := w.people.Sessions(t.Context(), id); err != nil || len(s) != 2 {
		t.Errorf("%d sessions, %v", len(s), err)
	}
	p, n, err := w.people.SignOut(t.Context(), ada(), "octocat")
	if err != nil || n != 2 || p.ID != id || p.Access() != afauth.Waiting {
		t.Errorf("sign-out: %d, %+v, %v", n, p, err)
	}
	if w.signIn(octocat, "octocat").SessionID == nil {
		t.Error("signed out, and refused afterwards")
	}
	c, err := w.people.Revoke(t.Context(), ada(), "octocat")
	if err != nil || c.SessionsEnded != 1 || c.Before.Access() != afauth.Waiting || c.After.Access() != afauth.Refused {
		t.Errorf("revoke: %+v, %v", c, err)
	}
	if w.signIn(octocat, "octocat").SessionID != nil {
		t.Error("refused, and signed in afterwards")
	}
	list, err := w.people.List(t.Context(), access.Filter{Access: afauth.Refused, Limit: 10})
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("list: %+v, %v", list, err)
	}
	if p, err := w.people.Get(t.Context(), id); err != nil || p.Login != "octocat" {
		t.Errorf("get: %+v, %v", p, err)
	}
}

// A database that is away is no unknown person, and nobody is then looked for
// at GitHub.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("DROP TABLE tickets, sessions, requests, users")
	_, err := w.people.Allow(t.Context(), ada(), "octocat", access.Grant{})
	fails(t, "allow", err, afauth.CodeSchema, "af-auth db migrate deploy")
	_, err = w.people.Revoke(t.Context(), ada(), "#583231")
	fails(t, "revoke", err, afauth.CodeSchema, "af-auth db migrate deploy")
	if n := w.github.Calls("/api/v3/users/{login}"); n != 0 {
		t.Errorf("GitHub was asked %d times", n)
	}
}
