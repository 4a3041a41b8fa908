// Package githubsim is a simulator of GitHub for development and for tests.
//
// It is as strict as GitHub where strictness finds bugs: codes and refresh
// tokens work once, PKCE is checked, old tokens end, limits bite, and errors
// come with HTTP 200. It keeps its state in memory, as real state: people,
// codes, tokens, counters. What GitHub does not document, it refuses.
//
// It has three doors. Browsers get /login/oauth/authorize, where one picks who
// to be, and /_sim, where faults are set. Servers get the token endpoint and
// the REST API under /api/v3, as an Enterprise Server lays them out, so a
// client needs only this base URL. Tests in Go call [Sim.AddUser],
// [Sim.Rename], [Sim.Fault], [Sim.Calls] and their like.
//
// It never authenticates anybody: whoever opens the page may be whom they
// like. So it must never stand behind a server that others trust. It is
// imported by the development command and by tests only.
package githubsim

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options describe the app that is registered at this GitHub, and the means.
type Options struct {
	// ClientID and ClientSecret are the app's credentials.
	ClientID, ClientSecret string

	// AppName is shown to the person; "" means "af-auth".
	AppName string

	// RedirectURIs are the registered callbacks, the first is the default.
	// A redirect_uri fits if scheme, host and port are those of a callback
	// and its path is the callback's or below it. As at GitHub, a callback on
	// a loopback host fits with any port; unlike GitHub, never a sub-domain.
	RedirectURIs []string

	// GitHubApp makes it a GitHub App: tokens begin with ghu_ and have no
	// scopes. Otherwise it is an OAuth App with gho_ and scopes.
	GitHubApp bool

	// TokensExpire gives tokens a lifetime and refresh tokens beside them.
	TokensExpire bool

	// LongTokens makes tokens 520 characters long with dots in them, the
	// longest that GitHub has announced.
	LongTokens bool

	// NoTokenLimit lifts the limits of ten live tokens and of ten new tokens
	// an hour for a person, for load tests. Tokens then pile up in memory.
	NoTokenLimit bool

	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// Rand makes codes and tokens; nil means crypto/rand.
	Rand io.Reader

	// Logger gets one line for each decision, without codes and tokens; nil
	// means silence.
	Logger *slog.Logger
}

// Sim is a GitHub. It is an http.Handler and is safe for concurrent use.
type Sim struct {
	o    Options
	mux  http.Handler
	page *pages

	mu      sync.Mutex // guards all below
	base    string
	people  []*person // in the order of their coming
	codes   map[string]*code
	access  map[string]*token
	refresh map[string]*token
	order   []*token // live and dead tokens, oldest first
	windows map[string]*window
	faults  []*armed
	calls   map[string]int
}

// New returns a GitHub with octocat and hubot in it.
func New(o Options) *Sim {
	if o.AppName == "" {
		o.AppName = "af-auth"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Sim{
		o:       o,
		page:    newPages(),
		codes:   map[string]*code{},
		access:  map[string]*token{},
		refresh: map[string]*token{},
		windows: map[string]*window{},
		calls:   map[string]int{},
		people: []*person{
			{User: User{ID: 583231, Login: "octocat", Name: "Mona Octocat"}},
			{User: User{ID: 480938, Login: "hubot", Name: "Hubot"}},
		},
	}
	s.mux = s.routes()
	return s
}

// routes is the table of all doors.
func (s *Sim) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range []struct {
		pattern string
		door    http.HandlerFunc
	}{
		{"GET /{$}", s.home},
		{"GET /login/oauth/authorize", s.authorizePage},
		{"POST /login/oauth/authorize", s.authorizeAnswer},
		{"GET /_sim", s.panel},
		{"POST /_sim/faults", s.panelFaults},
		{"POST /_sim/people", s.panelPeople},
		{"GET /_sim/style.css", s.page.style},
		{"GET /avatars/u/{id}", s.avatar},

		{"POST /login/oauth/access_token", s.machine("/login/oauth/access_token", s.accessToken)},
		{"GET /api/v3/meta", s.machine("/api/v3/meta", s.meta)},
		{"GET /api/v3/user", s.machine("/api/v3/user", s.getUser)},
		{"GET /api/v3/user/emails", s.machine("/api/v3/user/emails", s.getEmails)},
		{"GET /api/v3/user/{id}", s.machine("/api/v3/user/{id}", s.getUserByID)},
		{"GET /api/v3/users/{login}", s.machine("/api/v3/users/{login}", s.getUserByLogin)},
		{"POST /api/v3/applications/{client_id}/token", s.machine("/api/v3/applications/{client_id}/token", s.checkToken)},
		{"DELETE /api/v3/applications/{client_id}/token", s.machine("/api/v3/applications/{client_id}/token", s.deleteToken)},
		{"DELETE /api/v3/applications/{client_id}/grant", s.machine("/api/v3/applications/{client_id}/grant", s.deleteGrant)},
		{"POST /api/v3/credentials/revoke", s.machine("/api/v3/credentials/revoke", s.revokeCredentials)},
		{"/api/v3/", s.machine("/api/v3/", s.noSuchAPI)},
		{"/", s.noSuchPage},
	} {
		mux.HandleFunc(r.pattern, r.door)
	}
	// The forms need no token: a browser says where a POST comes from, and
	// scripts that say nothing are let through.
	return http.NewCrossOriginProtection().Handler(mux)
}

// ServeHTTP answers as GitHub would, under its own name only: a page elsewhere
// whose name is made to lead here (DNS rebinding) must not work the panel.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.ownHost(r) {
		http.Error(w, "this GitHub is not called that", http.StatusMisdirectedRequest)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// ownHost accepts the host of the URL that was set, and this machine's own names
// with that port or the one that the request came in by.
func (s *Sim) ownHost(r *http.Request) bool {
	s.mu.Lock()
	base := s.base
	s.mu.Unlock()
	own, err := url.Parse(base)
	if base == "" || err != nil || strings.EqualFold(r.Host, own.Host) {
		return true
	}
	name, port, err := net.SplitHostPort(r.Host)
	if err != nil || name != "127.0.0.1" && !strings.EqualFold(name, "localhost") {
		return false
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && port == strconv.Itoa(local.Port) {
		return true
	}
	return port == own.Port()
}

// SetURL fixes the address under which this GitHub is reached, without a
// trailing slash, for instance "http://127.0.0.1:8082". It enters iss and the
// links in answers. Until it is set, each request's Host header is believed.
func (s *Sim) SetURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = strings.TrimSuffix(base, "/")
}

// Calls counts the requests so far at a server's door, whatever the method
// and whatever came of them. path is as in the routes, for instance
// "/login/oauth/access_token", "/api/v3/user" or "/api/v3/users/{login}".
func (s *Sim) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

// baseURL is this GitHub's own address. s.mu is held.
func (s *Sim) baseURL(r *http.Request) string {
	if s.base != "" {
		return s.base
	}
	return (&url.URL{Scheme: "http", Host: r.Host}).String()
}
