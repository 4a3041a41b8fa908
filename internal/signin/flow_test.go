package signin_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/signin"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const octocat = 583231

// stage is a Flow on a database of its own, in front of the simulator.
type stage struct {
	flow   *signin.Flow
	sim    *githubsim.Sim
	github *httptest.Server
	places signin.Places
	conn   *pgx.Conn
}

func newStage(t *testing.T, scopes ...string) *stage {
	t.Helper()
	s := &stage{places: places(t)}
	address := pgtest.New(t)
	u, err := pgurl.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(t.Context(), postgres.Options{
		Dialer:  postgres.Dialer{URL: u, Timeout: 5 * time.Second, Logger: quiet, Application: "test"},
		PoolMax: 4, Wait: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if s.conn, err = pgx.Connect(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close(context.Background()) })
	s.sim = githubsim.New(githubsim.Options{ClientID: "id", ClientSecret: "secret", RedirectURIs: []string{origin + "/auth/github/callback"}})
	s.github = httptest.NewServer(s.sim)
	t.Cleanup(s.github.Close)
	s.sim.SetURL(s.github.URL)
	client, err := github.New(github.Options{BaseURL: s.github.URL, ClientID: "id", ClientSecret: "secret", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s.flow, err = signin.New(signin.Options{
		DB: db, GitHub: client, Secret: "secret", Places: s.places, Scopes: scopes, Logger: quiet,
		Limits: afauth.SessionLimits{Idle: time.Hour, Max: 2 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) count(t *testing.T, from string) (n int) {
	t.Helper()
	if err := s.conn.QueryRow(t.Context(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// answer starts a sign-in and lets the login agree at GitHub.
func (s *stage) answer(t *testing.T, login string, to signin.Destination) signin.Answer {
	t.Helper()
	started, err := s.flow.Start(to, false)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", started.URL, strings.NewReader(url.Values{"login": {login}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	back, err := url.Parse(w.Header().Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("GitHub answers %d to %v", w.Code, back)
	}
	return signin.Answer{Query: back.Query(), Sealed: started.Sealed, UserAgent: "browser", Address: "192.0.2.1"}
}

func TestStart(t *testing.T) {
	t.Parallel()
	s := newStage(t, "user:email")
	started, err := s.flow.Start(s.places.Home(), true)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(started.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"client_id": "id", "redirect_uri": origin + "/auth/github/callback", "state": started.State, "scope": "user:email",
		"code_challenge_method": "S256", "prompt": "select_account",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if strings.Contains(started.URL+started.Sealed, "secret") || len(q.Get("code_challenge")) != 43 {
		t.Errorf("the address is %s", started.URL)
	}
	if n := s.count(t, "users") + s.count(t, "sessions") + s.count(t, "events"); n != 0 {
		t.Errorf("starting writes %d rows", n)
	}
}

// What a browser carries fits into its two cookies and through a proxy, whatever
// the address is made of; what is larger would be dropped without a word.
func TestSealedFitsIntoCookies(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for part, n := range map[string]int{"a": 4095, "&": 2380, "%20": 1365, `"`: 2380, "<>": 1190, "'": 2380} {
		path := "/" + strings.Repeat(part, n)
		started, err := s.flow.Start(s.places.Parse("https://"+app+path, nonce), false)
		if err != nil || len(started.Sealed) > 6000 {
			t.Errorf("%q: %d bytes, %v", part, len(started.Sealed), err)
		}
		out, err := s.flow.Finish(t.Context(), s.answer(t, "octocat", s.places.Parse("https://"+app+path, nonce)))
		if err != nil || out.To.Host != app || out.To.Path != path && out.To.Path != "/" {
			t.Errorf("%q: %+v, %v", part, out.To, err)
		}
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	to := signin.Destination{Host: app, Path: "/x?y", Nonce: nonce}
	for name, c := range map[string]struct {
		sql     string
		access  afauth.Access
		session bool
	}{
		"new":     {"SELECT 1", afauth.Waiting, true},
		"allowed": {"INSERT INTO users (github_user_id, is_whitelisted) VALUES (583231, true)", afauth.Allowed, true},
		"refused": {"INSERT INTO users (github_user_id, whitelist_decided_at) VALUES (583231, now())", afauth.Refused, false},
		"expired": {"INSERT INTO users (github_user_id, is_whitelisted, whitelist_until) VALUES (583231, true, now())", afauth.Expired, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "user:email")
			s.exec(t, c.sql)
			previous := afauth.NewToken()
			answer := s.answer(t, "octocat", to)
			answer.Previous = &previous
			out, err := s.flow.Finish(t.Context(), answer)
			if err != nil || out.Access != c.access || out.To != to {
				t.Fatalf("%+v, %v", out, err)
			}
			if _, ok := afauth.ParseToken(out.Token.Reveal()); ok != c.session || out.SessionID.IsZero() == c.session {
				t.Errorf("session %v, token %v", out.SessionID, ok)
			}
			if out.User.GitHubID != octocat || out.User.Login != "octocat" || out.User.Email != "octocat@example.com" {
				t.Errorf("%+v", out.User)
			}
			if n := s.count(t, "sessions WHERE host = 'auth.example.test' AND expires_at > now() + interval '119 minutes'"); (n == 1) != c.session {
				t.Errorf("%d sessions", n)
			}
			if n := s.count(t, "events WHERE kind LIKE 'sign_in.%' AND address = '192.0.2.1'"); n != 1 {
				t.Errorf("%d events", n)
			}
			if n := s.count(t, "users WHERE github_access_token IS NOT NULL OR github_refresh_token IS NOT NULL"); n != 0 {
				t.Error("GitHub's token is kept")
			}
		})
	}
}

// TestFinishEndsWhatWasThere: the session that the browser had ends, and only
// that one.
func TestFinishEndsWhatWasThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first, err := s.flow.Finish(t.Context(), s.answer(t, "octocat", s.places.Home()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.flow.Finish(t.Context(), s.answer(t, "octocat", s.places.Home())); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, "sessions"); n != 2 {
		t.Errorf("two browsers have %d sessions", n)
	}
	answer := s.answer(t, "hubot", s.places.Home())
	answer.Previous = &first.Token
	if _, err := s.flow.Finish(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, "sessions"); n != 2 {
		t.Errorf("one browser that signs in again leaves %d sessions", n)
	}
}

func TestFinishRefuses(t *testing.T) {
	t.Parallel()
	set := func(name string, values ...string) func(*stage, *signin.Answer) {
		return func(_ *stage, a *signin.Answer) { a.Query[name] = values }
	}
	fault := func(path string, f githubsim.Fault) func(*stage, *signin.Answer) {
		return func(s *stage, _ *signin.Answer) { f.Path = path; s.sim.Fault(1, f) }
	}
	const token, user = "/login/oauth/access_token", "/api/v3/user"
	for name, c := range map[string]struct {
		spoil  func(*stage, *signin.Answer)
		code   afauth.Code
		github int // calls to GitHub's token endpoint
		knows  bool
	}{
		"no cookie":            {func(_ *stage, a *signin.Answer) { a.Sealed = "" }, afauth.CodeStateMissing, 0, false},
		"another cookie":       {func(_ *stage, a *signin.Answer) { a.Sealed = "A" + a.Sealed[1:] }, afauth.CodeStateMismatch, 0, false},
		"a notice as cookie":   {func(s *stage, a *signin.Answer) { a.Sealed, _ = s.flow.SealNotice(afauth.ID{}) }, afauth.CodeStateMismatch, 0, false},
		"another state":        {set("state", afauth.NewToken().Reveal()), afauth.CodeStateMismatch, 0, false},
		"no state":             {set("state"), afauth.CodeStateMismatch, 0, false},
		"two states":           {func(_ *stage, a *signin.Answer) { a.Query.Add("state", a.Query.Get("state")) }, afauth.CodeInvalid, 0, false},
		"two issuers":          {func(_ *stage, a *signin.Answer) { a.Query.Add("iss", "x") }, afauth.CodeInvalid, 0, false},
		"another issuer":       {set("iss", "https://github.com/login/oauth"), afauth.CodeIssuerMismatch, 0, true},
		"empty issuer":         {set("iss", ""), afauth.CodeIssuerMismatch, 0, true},
		"denied":               {set("error", "access_denied"), afauth.CodeGitHubDenied, 0, true},
		"application at fault": {set("error", "redirect_uri_mismatch"), afauth.CodeGitHubBadSetup, 0, true},
		"no code":              {set("code"), afauth.CodeStateMismatch, 0, true},
		"an invented code":     {set("code", "x"), afauth.CodeGitHubBadCode, 1, true},
		"GitHub is down":       {fault(token, githubsim.Fault{Kind: githubsim.ServerError}), afauth.CodeGitHubDown, 1, true},
		"GitHub is cut":        {fault(token, githubsim.Fault{Kind: githubsim.Closed}), afauth.CodeGitHubDown, 1, true},
		"GitHub stammers":      {fault(token, githubsim.Fault{Kind: githubsim.Truncated}), afauth.CodeGitHubDown, 1, true},
		"GitHub is slow":       {fault(token, githubsim.Fault{Kind: githubsim.Latency}), afauth.CodeGitHubDown, 1, true},
		"GitHub limits":        {fault(token, githubsim.Fault{Kind: githubsim.RateLimited}), afauth.CodeGitHubLimited, 1, true},
		"nobody is there":      {fault(user, githubsim.Fault{Kind: githubsim.ServerError}), afauth.CodeGitHubDown, 1, true},
		"revoked in between":   {fault(user, githubsim.Fault{Kind: githubsim.Revoked, Login: "octocat"}), afauth.CodeGitHubBadCode, 1, true},
		"address not verified": {func(s *stage, _ *signin.Answer) {
			_, _ = s.sim.AddUser(githubsim.User{Login: "octocat", Emails: []githubsim.Email{{Address: "a@b.c", Primary: true}}})
		}, afauth.CodeGitHubUnverified, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			to := signin.Destination{Path: "/after"}
			answer := s.answer(t, "octocat", to)
			c.spoil(s, &answer)
			out, err := s.flow.Finish(t.Context(), answer)
			if code := afauth.CodeOf(err); err == nil || code != c.code {
				t.Fatalf("%v, want %s", err, c.code)
			}
			if known := out.To == to; known != c.knows || out.Token != "" {
				t.Errorf("the outcome is %+v", out)
			}
			if n := s.sim.Calls(token); n != c.github {
				t.Errorf("GitHub is asked %d times", n)
			}
			if n := s.count(t, "users") + s.count(t, "sessions") + s.count(t, "events"); n != 0 {
				t.Errorf("%d rows are written", n)
			}
		})
	}
}

// An e-mail address that GitHub does not give is no reason to stay outside.
func TestFinishWithoutAddress(t *testing.T) {
	t.Parallel()
	s := newStage(t, "user:email")
	answer := s.answer(t, "octocat", s.places.Home())
	s.sim.Fault(1, githubsim.Fault{Kind: githubsim.ServerError, Path: "/api/v3/user/emails"})
	if out, err := s.flow.Finish(t.Context(), answer); err != nil || out.User.Email != "" || out.Token == "" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestFinishWithoutTables(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	answer := s.answer(t, "octocat", s.places.Home())
	s.exec(t, "ALTER TABLE events RENAME TO away")
	if _, err := s.flow.Finish(t.Context(), answer); afauth.CodeOf(err) != afauth.CodeSchema {
		t.Errorf("%v", err)
	}
	if n := s.count(t, "users") + s.count(t, "sessions"); n != 0 {
		t.Errorf("half a sign-in: %d rows", n)
	}
}
