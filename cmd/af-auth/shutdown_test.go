package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// origin is what browsers call the server of these tests; it listens elsewhere.
const origin = "http://127.0.0.1:8080"

// within bounds each wait.
const within = 20 * time.Second

// TestServeDrains sends SIGTERM to a server with a sign-in and an open stream
// under way: the sign-in is finished, the stream ends, /ready turns red, nothing
// new is let in, and the server leaves no row and the exit code 0.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	sim := newSlowGitHub(t)
	s := startServe(t, url, sim.url)
	s.await(t, "the row of this server", func() bool { return count(t, url, "instances") == 1 })

	waiting := s.signIn(t, "hubot")
	if waiting == nil {
		t.Fatal("hubot got no session")
	}
	stream, ended := s.stream(t, waiting)
	for line := range stream {
		if strings.HasPrefix(line, "event: access") {
			break
		}
	}

	sim.hold.Store(true)
	session := make(chan *http.Cookie, 1)
	go func() { session <- s.signIn(t, "octocat") }()
	<-sim.held

	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// For a moment it goes on answering, so that a proxy can see why not to ask.
	s.await(t, "/ready turned red", func() bool {
		status, body := s.ready(t)
		return status == http.StatusServiceUnavailable && strings.Contains(body, "shutting down")
	})
	select {
	case <-ended:
	case <-time.After(within):
		t.Fatal("the stream goes on after SIGTERM")
	}
	s.await(t, "the end of listening", func() bool {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	sim.letGo()
	if c := <-session; c == nil {
		t.Error("the sign-in under way was not finished")
	}
	if err := s.wait(t); err != nil {
		t.Errorf("af-auth serve: %v", err)
	}
	s.toldItsEnd(t)
	if n := count(t, url, "instances"); n != 0 {
		t.Errorf("%d rows of servers are left", n)
	}
	if n := count(t, url, "sessions"); n != 2 {
		t.Errorf("%d sessions, want those of hubot and octocat", n)
	}
}

// TestServeStopsWhileConnecting: whoever stops a server that still looks for its
// database does not have to wait, and systemd calls it no failure.
func TestServeStopsWhileConnecting(t *testing.T) {
	t.Parallel()
	s := prepareServe(t, "postgres://postgres@127.0.0.1:1/af_auth", "http://127.0.0.1:1")
	s.cmd.Env = append(s.cmd.Env, "DB_RETRY_DELAY_MS=60000")
	lines := s.start(t)
	for line := range lines {
		if line.Message == "database connection failed" {
			break
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range lines { // to the end of its words
	}
	if err := s.wait(t); err != nil {
		t.Errorf("af-auth serve: %v", err)
	}
}

// slowGitHub is a GitHub that can hold back its answer to a code.
type slowGitHub struct {
	url     string
	hold    atomic.Bool
	held    chan struct{}
	release chan struct{}
	letGo   func() // closes release
}

func newSlowGitHub(t *testing.T) *slowGitHub {
	t.Helper()
	g := &slowGitHub{held: make(chan struct{}, 1), release: make(chan struct{})}
	g.letGo = sync.OnceFunc(func() { close(g.release) })
	sim := githubsim.New(githubsim.Options{ClientID: "af-auth-test", ClientSecret: "a-client-secret",
		RedirectURIs: []string{origin + "/auth/github/callback"}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login/oauth/access_token" && g.hold.Load() {
			g.held <- struct{}{}
			select {
			case <-g.release:
			case <-r.Context().Done():
			}
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { g.letGo(); server.Close() })
	sim.SetURL(server.URL)
	g.url = server.URL
	return g
}

// serving is a running `af-auth serve`.
type serving struct {
	cmd     *exec.Cmd
	address string
	client  *http.Client
	ended   chan error

	mu   sync.Mutex
	said []string // all its lines so far
}

// says reports whether a line of the server holds all of these.
func (s *serving) says(parts ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.said, func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

func prepareServe(t *testing.T, database, github string) *serving {
	t.Helper()
	s := &serving{cmd: exec.Command("af-auth", "serve"), ended: make(chan error, 1)}
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = []string{
		"DATABASE_URL=" + database, "AF_AUTH_URL=" + origin, "AF_AUTH_LISTEN=127.0.0.1:0", "AF_AUTH_LOG_FORMAT=json",
		"GITHUB_URL=" + github, "GITHUB_CLIENT_ID=af-auth-test", "GITHUB_CLIENT_SECRET=a-client-secret",
	}
	return s
}

// logLine is a line of the server's log.
type logLine struct {
	Message string `json:"msg"`
	Listen  string `json:"listen"`
}

// start starts the program and hands over its log.
func (s *serving) start(t *testing.T) <-chan logLine {
	t.Helper()
	// The end of the words is read before the process is waited for.
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan logLine, 1000)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			s.mu.Lock()
			s.said = append(s.said, scan.Text())
			s.mu.Unlock()
			var line logLine
			if json.Unmarshal(scan.Bytes(), &line) == nil {
				lines <- line
			}
		}
	}()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return lines
}

func startServe(t *testing.T, database, github string) *serving {
	t.Helper()
	s := prepareServe(t, database, github)
	s.serves(t)
	return s
}

// serves starts the program and waits until it listens.
func (s *serving) serves(t *testing.T) {
	t.Helper()
	lines := s.start(t)
	deadline := time.After(within)
	for s.address == "" {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatal("af-auth serve ended before it served")
			}
			s.address = line.Listen
		case <-deadline:
			t.Fatalf("af-auth serve does not serve after %v", within)
		}
	}
	go func() {
		for range lines {
		}
		s.ended <- s.cmd.Wait()
	}()
	s.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if "http://"+address == origin {
				address = s.address
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}},
	}
}

// wait waits for the end of the program.
func (s *serving) wait(t *testing.T) error {
	t.Helper()
	if s.client == nil { // started without a goroutine that waits
		return s.cmd.Wait()
	}
	select {
	case err := <-s.ended:
		return err
	case <-time.After(within):
		t.Fatalf("af-auth serve still runs after %v", within)
		return nil
	}
}

func (s *serving) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not there after %v: %s", within, what)
		}
	}
}

// signIn walks the three steps of a sign-in and returns the session's cookie,
// or nil. It may run beside the test's own goroutine.
func (s *serving) signIn(t *testing.T, login string) *http.Cookie {
	toGitHub, ok := s.do(t, http.MethodGet, origin+"/auth/github", nil)
	if !ok {
		return nil
	}
	back, ok := s.do(t, http.MethodPost, toGitHub.Header.Get("Location"), strings.NewReader("login="+login))
	if !ok {
		return nil
	}
	done, ok := s.do(t, http.MethodGet, back.Header.Get("Location"), nil, toGitHub.Cookies()...)
	if !ok {
		return nil
	}
	cookies := done.Cookies()
	i := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == "af_auth_8080" && c.Value != "" })
	if done.StatusCode != http.StatusSeeOther || i < 0 {
		t.Errorf("signing in as %s: %s with %v", login, done.Status, cookies)
		return nil
	}
	return cookies[i]
}

func (s *serving) do(t *testing.T, method, url string, body io.Reader, cookies ...*http.Cookie) (*http.Response, bool) {
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Error(err)
		return nil, false
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	res, err := s.client.Do(r)
	if err != nil {
		t.Error(err)
		return nil, false
	}
	if res.StatusCode >= 400 {
		t.Errorf("%s %s: %s", method, url, res.Status)
	}
	return res, res.Body.Close() == nil
}

// ready asks /ready; 0 where nobody answers.
func (s *serving) ready(t *testing.T) (int, string) {
	t.Helper()
	res, err := s.client.Get("http://" + s.address + "/ready")
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// stream opens the waiting page's stream and hands over its lines; ended is
// closed at its end.
func (s *serving) stream(t *testing.T, session *http.Cookie) (lines <-chan string, ended <-chan struct{}) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/auth/waiting/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(session)
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	found, over := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(over)
		for scan := bufio.NewScanner(res.Body); scan.Scan(); {
			found <- scan.Text()
		}
	}()
	return found, over
}

// count counts the rows of one of af-auth's tables.
func count(t *testing.T, url, table string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
