package studio_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/studio"
)

// world is studio on a database of its own.
type world struct {
	t      *testing.T
	url    string // of the database
	app    *studio.Server
	origin string
	client *http.Client // that does not follow redirects
	log    *logBuffer
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newWorld serves studio on an empty database that sql has filled.
func newWorld(t *testing.T, sql string, change ...func(*studio.Options)) *world {
	t.Helper()
	w := &world{t: t, url: pgtest.Empty(t), log: &logBuffer{}}
	w.exec(sql)
	w.serve(change...)
	return w
}

func (w *world) serve(change ...func(*studio.Options)) {
	w.t.Helper()
	u, err := pgurl.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	o := studio.Options{URL: u, Logger: slog.New(slog.NewTextHandler(w.log, nil))}
	for _, c := range change {
		c(&o)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	if w.app, err = studio.New(w.t.Context(), l.Addr(), o); err != nil {
		w.t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: w.app}}
	server.Start()
	w.t.Cleanup(func() { server.Close(); w.app.Close() })
	w.origin = server.URL
	w.client = browser(w.t)
}

// browser keeps cookies, and does not follow redirects.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// open uses a fresh link.
func (w *world) open() *world {
	w.t.Helper()
	if status, _ := w.get(strings.TrimPrefix(w.app.Link(w.origin), w.origin)); status != http.StatusSeeOther {
		w.t.Fatalf("opening by link: %d", status)
	}
	return w
}

func (w *world) exec(sql string) {
	w.t.Helper()
	conn, err := pgx.Connect(context.Background(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		w.t.Fatal(err)
	}
}

// ask returns a text that the database answers with.
func (w *world) ask(sql string) string {
	w.t.Helper()
	conn, err := pgx.Connect(context.Background(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var text string
	if err := conn.QueryRow(context.Background(), sql).Scan(&text); err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.origin+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, body := w.do(req)
	return res.StatusCode, body
}

func (w *world) do(req *http.Request) (*http.Response, string) {
	w.t.Helper()
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, string(body)
}

// page returns a page that must be there.
func (w *world) page(path string) string {
	w.t.Helper()
	status, body := w.get(path)
	if status != http.StatusOK {
		w.t.Fatalf("GET %s: %d\n%s", path, status, body)
	}
	return body
}

func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}
