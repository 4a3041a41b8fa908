package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/webhook"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	secret = "a-secret-of-24-characters"
	// patience is for a busy machine: what is waited for comes in a fraction.
	patience = 20 * time.Second
)

// world is a database, and a log that senders share.
type world struct {
	conn   *pgx.Conn
	db     *postgres.DB
	dialer postgres.Dialer

	mu      sync.Mutex
	log     bytes.Buffer
	counted map[string]int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{counted: map[string]int{}}
	address := pgtest.New(t)
	u, err := pgurl.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w.dialer = postgres.Dialer{URL: u, Timeout: 5 * time.Second, Logger: telemetry.NewLogger(w, "json", slog.LevelDebug), Application: "test lead"}
	w.dialer.Retry.Base = 20 * time.Millisecond
	if w.db, err = postgres.Open(t.Context(), postgres.Options{Dialer: w.dialer, PoolMax: 4, Wait: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	if w.conn, err = pgx.Connect(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.conn.Close(context.Background()) })
	// So that what a test does first is put aside too.
	w.exec(t, "INSERT INTO webhooks DEFAULT VALUES")
	return w
}

// Write is the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) count(outcome string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counted[outcome]
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// until asks the database until the answer is yes.
func (w *world) until(t *testing.T, what, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for yes := false; !yes; {
		if err := w.conn.QueryRow(ctx, "SELECT "+sql+" FROM pg_sleep(0.02)").Scan(&yes); err != nil {
			t.Fatalf("%s: %v\n%s", what, err, w.logged())
		}
	}
}

// run starts a sender, as one server has it. It ends with the test or by stop.
func (w *world) run(t *testing.T, to string, allow ...string) (stop func()) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	o := webhook.Options{DB: w.db, Direct: w.dialer, URL: u, Secret: secret, Release: "1.2.3", Poll: 10 * time.Millisecond, Logger: w.dialer.Logger,
		Counted: func(outcome string, n int) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.counted[outcome] += n
		}}
	for _, p := range allow {
		o.Allow = append(o.Allow, netip.MustParsePrefix(p))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); webhook.New(o).Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// told is one try, as the receiver has it.
type told struct {
	header http.Header
	body   []byte
	ID     string
	Kind   string
	At     time.Time
	User   struct {
		ID       string
		GitHubID *int64 `json:"github_user_id"`
		Login    *string
	}
	Actor, Reason *string
	Details       map[string]any
}

// receiver is a server that checks signatures; answer says what it answers.
func receiver(t *testing.T, answer http.HandlerFunc) (server *httptest.Server, heard chan told) {
	t.Helper()
	heard = make(chan told, 100)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := told{header: r.Header}
		d.body, _ = io.ReadAll(r.Body)
		if err := json.Unmarshal(d.body, &d); err != nil {
			t.Errorf("%v: %s", err, d.body)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(r.Header.Get("X-AF-Auth-Timestamp") + "." + string(d.body)))
		if got, want := r.Header.Get("X-AF-Auth-Signature-256"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signature %q, want %q", got, want)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-AF-Auth-Delivery") != d.ID || r.UserAgent() != "af-auth/1.2.3" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		heard <- d
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server, heard
}

func next(t *testing.T, w *world, heard <-chan told) told {
	t.Helper()
	select {
	case d := <-heard:
		return d
	case <-time.After(patience):
		t.Fatalf("nothing is told\n%s", w.logged())
		return told{}
	}
}

// TestTells: what is told of a person, from the first sign-in to the end.
func TestTells(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, heard := receiver(t, nil)
	w.run(t, server.URL+"/hook?token=in-the-address", "127.0.0.0/8")
	for _, c := range []struct{ sql, kind string }{
		{"INSERT INTO users (github_user_id, login) VALUES (583231, 'octocat')", "access.waiting"},
		{"UPDATE users SET is_whitelisted = true", "access.allowed"},
		{"UPDATE users SET apps = '{a.example.test}'", "access.changed"},
		{"UPDATE users SET is_whitelisted = false", "access.revoked"},
		{"DELETE FROM users", "user.deleted"},
	} {
		w.exec(t, "SELECT set_config('af_auth.actor', 'cli:ann', false), set_config('af_auth.reason', 'as asked', false)")
		w.exec(t, c.sql)
		d := next(t, w, heard)
		if d.Kind != c.kind || d.User.GitHubID == nil && c.kind != "user.deleted" || d.At.IsZero() || d.Details == nil {
			t.Errorf("%s: %s", c.kind, d.body)
		}
		if c.kind == "user.deleted" && (d.User.Login != nil || d.User.GitHubID == nil || *d.User.GitHubID != 583231) {
			t.Errorf("deleted: %s", d.body)
		}
		if c.kind == "access.revoked" && (*d.User.Login != "octocat" || d.Actor == nil || *d.Actor != "cli:ann" || *d.Reason != "as asked" || d.Details["was"] != "allowed") {
			t.Errorf("revoked: %s", d.body)
		}
		stamp, err := strconv.ParseInt(d.header.Get("X-AF-Auth-Timestamp"), 10, 64)
		if age := time.Since(time.Unix(stamp, 0)); err != nil || age < -time.Minute || age > time.Minute {
			t.Errorf("timestamp %d, %v", stamp, err)
		}
	}
	w.until(t, "all finished", "NOT EXISTS (SELECT FROM deliveries)")
	for _, hidden := range []string{secret, "in-the-address"} {
		if strings.Contains(w.logged(), hidden) {
			t.Errorf("the log holds %s", hidden)
		}
	}
}

// TestAgain: what the receiver does not take is told again, under the same id.
func TestAgain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"500":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"404":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"a kept one": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"hung up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var mu sync.Mutex
			tries := 0
			server, heard := receiver(t, func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/hook" {
					t.Error("a redirect was followed")
				}
				mu.Lock()
				defer mu.Unlock()
				if tries++; tries == 1 {
					answer(rw, r)
				}
			})
			w.exec(t, "INSERT INTO users (github_user_id) VALUES (1)")
			w.run(t, server.URL+"/hook?token=in-the-address", "127.0.0.0/8")
			first := next(t, w, heard)
			w.until(t, "put off", "EXISTS (SELECT FROM deliveries WHERE last_error <> '' AND last_error NOT LIKE '%in-the-address%' AND attempts = 1 AND next_at > now() + interval '1 second' AND next_at < now() + interval '10 seconds')")
			w.exec(t, "UPDATE deliveries SET next_at = now()")
			if again := next(t, w, heard); again.ID != first.ID || !bytes.Equal(again.body, first.body) {
				t.Errorf("first %s, then %s", first.body, again.body)
			}
			w.until(t, "finished", "NOT EXISTS (SELECT FROM deliveries)")
			if w.count("failed") != 1 || w.count("delivered") != 1 {
				t.Errorf("counted %v", w.counted)
			}
			if strings.Contains(w.logged(), "in-the-address") || strings.Contains(w.logged(), secret) {
				t.Error("the log holds a secret")
			}
		})
	}
}

// TestCrash: a server that ends between the answer and the end of the row
// leaves a delivery that is told again, with the same id.
func TestCrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reached, release := make(chan struct{}, 1), make(chan struct{})
	server, heard := receiver(t, func(http.ResponseWriter, *http.Request) {
		select {
		case reached <- struct{}{}:
			<-release // the sender ends meanwhile
		default:
		}
	})
	w.exec(t, "INSERT INTO users (github_user_id) VALUES (1)")
	stop := w.run(t, server.URL, "127.0.0.0/8")
	first := next(t, w, heard)
	stop()
	close(release)
	w.until(t, "leased", "EXISTS (SELECT FROM deliveries WHERE attempts = 1 AND next_at > now() + interval '30 seconds')")
	w.exec(t, "UPDATE deliveries SET next_at = now()") // the lease runs out
	w.run(t, server.URL, "127.0.0.0/8")
	if again := next(t, w, heard); again.ID != first.ID {
		t.Errorf("first %s, then %s", first.ID, again.ID)
	}
	w.until(t, "finished", "NOT EXISTS (SELECT FROM deliveries)")
}

// TestOneSends: of two servers one sends, and the other takes over from it.
func TestOneSends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, heard := receiver(t, nil)
	for range 2 {
		w.run(t, server.URL, "127.0.0.0/8")
	}
	const leads = "FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
	w.until(t, "a leader", "(SELECT count(*) = 1 "+leads+")")
	w.exec(t, "INSERT INTO users (github_user_id) SELECT g FROM generate_series(1, 20) g")
	ids := map[string]bool{}
	for range 20 {
		ids[next(t, w, heard).ID] = true
	}
	w.exec(t, "SELECT pg_terminate_backend(pid) "+leads)
	w.exec(t, "INSERT INTO users (github_user_id) VALUES (21)")
	ids[next(t, w, heard).ID] = true
	w.until(t, "finished", "NOT EXISTS (SELECT FROM deliveries)")
	if len(ids) != 21 || len(heard) != 0 {
		t.Errorf("%d ids, and %d told twice", len(ids), len(heard))
	}
}

// TestPrivate: no name and no spelling leads to an address that is not public
// (C35).
func TestPrivate(t *testing.T) {
	t.Parallel()
	server, heard := receiver(t, nil)
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.255.255.1"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(t, "INSERT INTO users (github_user_id) VALUES (1)")
			w.run(t, "http://"+host+port+"/", "192.168.7.0/24")
			w.until(t, "refused", "EXISTS (SELECT FROM deliveries WHERE last_error LIKE '%not public%')")
		})
	}
	t.Cleanup(func() {
		if len(heard) != 0 {
			t.Error("the receiver was reached")
		}
	})
}

// TestGivenUp: what nobody takes for a week is dropped, and the log says so.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, heard := receiver(t, nil)
	w.exec(t, "INSERT INTO users (github_user_id) VALUES (1), (2)")
	w.exec(t, "UPDATE deliveries SET at = now() - interval '8 days' WHERE details->>'github_user_id' = '1'")
	w.run(t, server.URL, "127.0.0.0/8")
	if d := next(t, w, heard); *d.User.GitHubID != 2 {
		t.Errorf("told %s", d.body)
	}
	w.until(t, "finished", "NOT EXISTS (SELECT FROM deliveries)")
	if w.count("given_up") != 1 || !strings.Contains(w.logged(), "given up") {
		t.Errorf("counted %v, logged %s", w.counted, w.logged())
	}
}

// TestWanted: the database puts deliveries aside because a sender asks for them.
func TestWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server, _ := receiver(t, nil)
	w.exec(t, "UPDATE webhooks SET wanted_at = now() - interval '8 days'")
	w.exec(t, "INSERT INTO users (github_user_id) VALUES (1)")
	w.until(t, "nothing", "NOT EXISTS (SELECT FROM deliveries)")
	w.run(t, server.URL, "127.0.0.0/8")
	w.until(t, "wanted", "EXISTS (SELECT FROM webhooks WHERE wanted_at > now() - interval '1 minute')")
}
