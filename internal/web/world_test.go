package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/signin"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/web"
	"github.com/af-auth/af-auth/internal/web/page"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	own = "auth.example.test"
	app = "app.example.test"
)

// world is a Server on a database of its own, wired as package cli does it.
type world struct {
	*web.Server
	sim    *githubsim.Sim
	github *httptest.Server
	log    *lines
	conn   *pgx.Conn
	stop   chan struct{} // close it to shut down
	ended  sync.Once
}

// setting changes an option before the server is made.
type setting func(*web.Options)

func newWorld(t *testing.T, settings ...setting) *world {
	t.Helper()
	w := &world{log: &lines{}, stop: make(chan struct{})}
	logger := telemetry.NewLogger(w.log, "json", slog.LevelDebug)
	address := pgtest.New(t)
	u, err := pgurl.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dialer := postgres.Dialer{URL: u, Timeout: 5 * time.Second, Logger: logger, Application: "test"}
	dialer.Retry.Base = 50 * time.Millisecond
	db, err := postgres.Open(t.Context(), postgres.Options{Dialer: dialer, PoolMax: 6, Wait: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if w.conn, err = pgx.Connect(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.conn.Close(context.Background()) })
	heard := postgres.NewListener(postgres.ListenerOptions{Dialer: dialer})
	hearing, deaf := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); heard.Run(hearing) }()
	t.Cleanup(func() { deaf(); <-done })

	o := web.Options{
		Origin: &url.URL{Scheme: "https", Host: own}, Apps: map[string]string{app: "The App"},
		Watch: heard.Watch, Metrics: telemetry.NewMetrics("1.2.3"), Logger: logger, Release: "1.2.3",
		Limits: afauth.SessionLimits{Idle: time.Hour, Max: 2 * time.Hour}, SignInRate: 10_000, MetricsToken: "metrics-token-16",
		Ready: func(context.Context) []web.Check { return []web.Check{{Name: "database", OK: true}} },
	}
	if o.Pages, err = page.New(); err != nil {
		t.Fatal(err)
	}
	for _, set := range settings {
		set(&o)
	}
	w.wire(t, db, &o)
	w.Server = web.New(w.stop, o)
	t.Cleanup(w.shutDown)
	return w
}

// wire makes what depends on the origin.
func (w *world) wire(t *testing.T, db *postgres.DB, o *web.Options) {
	t.Helper()
	w.sim = githubsim.New(githubsim.Options{ClientID: "id", ClientSecret: "secret", NoTokenLimit: true,
		RedirectURIs: []string{o.Origin.String() + "/auth/github/callback"}})
	w.github = httptest.NewServer(w.sim)
	t.Cleanup(w.github.Close)
	w.sim.SetURL(w.github.URL)
	client, err := github.New(github.Options{BaseURL: w.github.URL, ClientID: "id", ClientSecret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	var apps []string
	for host := range o.Apps {
		apps = append(apps, host)
	}
	o.Places = signin.NewPlaces(o.Origin, apps)
	if o.Flow, err = signin.New(signin.Options{DB: db, GitHub: client, Secret: "secret", Places: o.Places, Limits: o.Limits, Logger: o.Logger}); err != nil {
		t.Fatal(err)
	}
	o.Gate = gate.New(gate.Options{DB: db, Seen: postgres.NewSeen(db), Idle: o.Limits.Idle, Memory: 1000, Logger: o.Logger, Now: time.Now})
	o.People = access.New(db, client, o.Limits)
}

func onLoopback(o *web.Options) {
	o.Origin = &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}
	o.Apps = map[string]string{"127.0.0.1:8081": "the demo"}
}

func (w *world) shutDown() { w.ended.Do(func() { close(w.stop) }) }

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (w *world) count(t *testing.T, from string) (n int) {
	t.Helper()
	if err := w.conn.QueryRow(t.Context(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) allow(t *testing.T) {
	t.Helper()
	w.exec(t, "INSERT INTO users (github_user_id, is_whitelisted) VALUES (583231, true) ON CONFLICT (github_user_id) DO UPDATE SET is_whitelisted = true")
}

// browser keeps cookies by host.
type browser struct {
	w   *world
	jar map[string][]*http.Cookie
}

func (w *world) browser() *browser { return &browser{w: w, jar: map[string][]*http.Cookie{}} }

// ask sends a request as a browser does and keeps the cookies that it is given.
// target is an absolute address, or a path on our own host; change may be nil.
func (b *browser) ask(method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	if strings.HasPrefix(target, "/") {
		target = b.w.Origin.String() + target
	}
	r := httptest.NewRequest(method, target, nil)
	// As net/http hands a request over: origin form, and no TLS of ours.
	r.URL.Scheme, r.URL.Host, r.TLS = "", "", nil
	r.Header.Set("Accept", "text/html")
	host := r.Host // as the browser sees it; change may say how a proxy calls us
	for _, c := range b.jar[host] {
		r.AddCookie(c)
	}
	if change != nil {
		change(r)
	}
	out := httptest.NewRecorder()
	b.w.ServeHTTP(out, r)
	for _, c := range out.Result().Cookies() {
		b.jar[host] = slices.DeleteFunc(b.jar[host], func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			b.jar[host] = append(b.jar[host], c)
		}
	}
	return out
}

func (b *browser) get(target string) *httptest.ResponseRecorder {
	return b.ask(http.MethodGet, target, nil)
}

func (b *browser) cookie(host, name string) string {
	for _, c := range b.jar[host] {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func to(r *httptest.ResponseRecorder) string { return r.Header().Get("Location") }

// signIn goes to GitHub and back as the login.
func (b *browser) signIn(t *testing.T, login, query string) *httptest.ResponseRecorder {
	t.Helper()
	at := to(b.get("/auth/github" + query))
	r := httptest.NewRequest(http.MethodPost, at, strings.NewReader(url.Values{"login": {login}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out := httptest.NewRecorder()
	b.w.sim.ServeHTTP(out, r)
	if !strings.HasPrefix(to(out), b.w.Origin.String()+"/auth/github/callback?") {
		t.Fatalf("GitHub answers %d to %q (asked at %q)", out.Code, to(out), at)
	}
	return b.get(to(out))
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// problemJSON is a fault as programs read it.
type problemJSON struct {
	Type, Title, Detail, Hint, Code, Access string
	RequestID                               string `json:"request_id"`
	Status                                  int
}

func (p problemJSON) sentences() []string { return []string{p.Detail, p.Hint} }

// problem reads a JSON problem (RFC 9457), and fails where the answer is none.
func problem(t *testing.T, r *httptest.ResponseRecorder) (p problemJSON) {
	t.Helper()
	if media := r.Header().Get("Content-Type"); media != "application/problem+json" {
		t.Errorf("%d is %s", r.Code, media)
	}
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
	if p.Status != r.Code || p.Title != http.StatusText(r.Code) || p.Type != "about:blank" || p.Detail == "" || p.Hint == "" || p.RequestID == "" || p.RequestID != r.Header().Get("X-Request-Id") {
		t.Errorf("%d: %+v", r.Code, p)
	}
	return p
}

func trusting(prefixes ...string) setting {
	return func(o *web.Options) {
		for _, p := range prefixes {
			o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(p))
		}
	}
}
