package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// The world that attacks happen in: the real binary, as in production. These
// hosts exist in no name server; strangers reach them by their Host header, as
// through a proxy that holds the certificate.
const (
	ownOrigin = "https://auth.example.test"
	appOrigin = "https://app.example.test"
	elseApp   = "https://wiki.example.test"

	clientID = "Iv1.attack"
	// octocat and hubot are in the simulator from the start.
	octocat = 583231
	hubot   = 480938

	// decideWithin is how soon a question that cannot be answered is refused.
	decideWithin = 3 * time.Second
)

// world is a database, a GitHub and some servers in front of both.
type world struct {
	database string // superuser's URL
	sim      *githubsim.Sim
	tap      *tap
	github   *httptest.Server
	doors    []*door

	clientSecret, metricsToken string
	// settings are the environment of each server, NAME → value.
	settings map[string]string
}

// newWorld starts n servers. settings are added to what they need; an empty
// value takes one away.
func newWorld(t *testing.T, n int, settings map[string]string) *world {
	t.Helper()
	return newWorldOn(t, pgtest.New(t), n, settings)
}

// newWorldOn is newWorld on the database of a superuser's URL.
func newWorldOn(t *testing.T, database string, n int, settings map[string]string) *world {
	t.Helper()
	w := &world{
		database:     database,
		clientSecret: "canary-client-secret-5d1f09a7", metricsToken: "canary-metrics-token-83c1f6",
	}
	w.sim = githubsim.New(githubsim.Options{
		ClientID: clientID, ClientSecret: w.clientSecret, AppName: "attacked", NoTokenLimit: true,
		RedirectURIs: []string{ownOrigin + "/auth/github/callback", "http://127.0.0.1/auth/github/callback"},
	})
	w.tap = newTap(w.sim)
	w.github = httptest.NewServer(w.tap)
	t.Cleanup(w.github.Close)
	w.sim.SetURL(w.github.URL)
	w.settings = map[string]string{
		"DATABASE_URL": w.database, "AF_AUTH_URL": ownOrigin, "AF_AUTH_LISTEN": "127.0.0.1:0",
		"AF_AUTH_HOSTS": "app.example.test=The App,wiki.example.test", "AF_AUTH_SIGN_IN_RATE": "10000",
		"GITHUB_URL": w.github.URL, "GITHUB_CLIENT_ID": clientID, "GITHUB_CLIENT_SECRET": w.clientSecret,
		"AF_AUTH_LOG_FORMAT": "json", "AF_AUTH_LOG_LEVEL": "debug", "AF_AUTH_METRICS_TOKEN": w.metricsToken,
		// Faults must show in seconds; the sequence itself has its own test.
		"DB_RETRY_DELAY_MS": "100",
	}
	for name, value := range settings {
		w.settings[name] = value
	}
	for range n {
		w.doors = append(w.doors, w.newDoor(t, nil))
	}
	return w
}

// door is one running server.
type door struct {
	address string
	cmd     *exec.Cmd
	log     *syncBuffer
	ended   chan struct{} // closed when the process is gone
}

// newDoor starts a server and returns when it listens.
func (w *world) newDoor(t *testing.T, settings map[string]string) *door {
	t.Helper()
	d := &door{cmd: exec.Command(program, "serve"), log: &syncBuffer{}, ended: make(chan struct{})}
	d.cmd.Dir = t.TempDir() // no .env lies there
	d.cmd.Env = w.environment(settings)
	lines, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listens := make(chan string, 1)
	go d.read(bufio.NewReader(lines), listens)
	t.Cleanup(func() {
		// An orderly end takes a second, and has tests of its own.
		d.kill()
		// Of a server that was built with GOFLAGS=-race.
		if strings.Contains(d.log.String(), "DATA RACE") {
			t.Errorf("two goroutines race:\n%s", d.log)
		}
		if t.Failed() {
			t.Logf("a server wrote:\n%s", lastLines(d.log.String(), 12))
		}
	})
	select {
	case d.address = <-listens:
	case <-d.ended:
		t.Fatalf("the server ended at once:\n%s", d.log)
	case <-time.After(startWithin):
		t.Fatalf("the server does not listen after %v", startWithin)
	}
	return d
}

func (w *world) environment(settings map[string]string) []string {
	env := cleanEnv()
	for _, from := range []map[string]string{w.settings, settings} {
		for name, value := range from {
			env = slices.DeleteFunc(env, func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
			if value != "" {
				env = append(env, name+"="+value)
			}
		}
	}
	return env
}

// read keeps what the server logs, and tells where it listens.
func (d *door) read(lines *bufio.Reader, listens chan<- string) {
	defer close(d.ended)
	for {
		line, err := lines.ReadString('\n')
		_, _ = d.log.Write([]byte(line))
		var said struct{ Msg, Listen string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "serving" {
			listens <- said.Listen
		}
		if err != nil {
			_ = d.cmd.Wait()
			return
		}
	}
}

// stop asks the server to end, and insists after a while.
func (d *door) stop(t *testing.T) {
	t.Helper()
	_ = d.cmd.Process.Signal(os.Interrupt)
	select {
	case <-d.ended:
	case <-time.After(stopWithin):
		t.Errorf("a server still runs %v after an interrupt", stopWithin)
		d.kill()
	}
}

// kill is kill -9.
func (d *door) kill() {
	_ = d.cmd.Process.Kill()
	<-d.ended
}

// command runs another command of the binary against the same database.
func (w *world) command(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = t.TempDir(), w.environment(nil)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// exec runs SQL as somebody in psql would: no actor is claimed.
func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	w.withConn(t, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

// value returns the one value that a query gives, as text.
func (w *world) value(t *testing.T, sql string, args ...any) (found string) {
	t.Helper()
	w.withConn(t, func(ctx context.Context, conn *pgx.Conn) error {
		var v any
		err := conn.QueryRow(ctx, sql, args...).Scan(&v)
		found = fmt.Sprint(v)
		return err
	})
	return found
}

func (w *world) withConn(t *testing.T, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := do(ctx, conn); err != nil {
		t.Fatal(err)
	}
}

// allow puts a GitHub id on the whitelist.
func (w *world) allow(t *testing.T, githubID int64) {
	t.Helper()
	w.exec(t, `INSERT INTO users (github_user_id, is_whitelisted) VALUES ($1, true)
		ON CONFLICT (github_user_id) DO UPDATE SET is_whitelisted = true, whitelist_until = NULL`, githubID)
}

// events counts the lines of the record of a kind.
func (w *world) events(t *testing.T, kind string) string {
	t.Helper()
	return w.value(t, `SELECT count(*) FROM events WHERE kind = $1`, kind)
}

// eventually waits for a condition, and fails where it does not come.
func eventually(t *testing.T, what string, within time.Duration, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}

// rounds is a short count, or the stated one where SOAK is set. make soak runs
// the tests named Soak alone, so only these have one.
func rounds(t *testing.T, short, stated int) int {
	t.Helper()
	if !strings.Contains(t.Name(), "Soak") {
		t.Error("make soak does not run this test, and so never its full count\nhint: put Soak into its name")
	}
	if os.Getenv("SOAK") != "" {
		return stated
	}
	return short
}

// hostOf is the host of an origin.
func hostOf(origin string) string { return path.Base(origin) }

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
