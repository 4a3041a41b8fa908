package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
)

func TestMain(m *testing.M) {
	net.DefaultResolver = nameServer()
	os.Exit(pgtest.Main(m))
}

const (
	ownHost = "auth.example.com"
	appHost = "app.example.com"
	idle    = 24 * time.Hour
)

// world is a database of its own, a plain connection to look at it, and
// af-auth's data layer on it.
type world struct {
	probe
	db  *postgres.DB
	url string
}

func newWorld(t *testing.T, change ...func(*postgres.Options)) world {
	t.Helper()
	url := pgtest.New(t)
	return world{newProbe(t, url), openDB(t, url, change...), url}
}

// inBothModes runs a test on a database as it is, and again as behind
// PgBouncer: no named statements, no settings of the session.
func inBothModes(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	t.Run("named statements", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t))
	})
	t.Run("pgbouncer=true", func(t *testing.T) {
		t.Parallel()
		url := pgtest.New(t)
		test(t, world{newProbe(t, url), openDB(t, with(url, "pgbouncer=true")), url})
	})
}

// with adds a parameter to a URL.
func with(url, parameter string) string {
	if strings.Contains(url, "?") {
		return url + "&" + parameter
	}
	return url + "?" + parameter
}

// options are what a test opens a database with. Nothing is tried twice.
func options(t *testing.T, url string) postgres.Options {
	t.Helper()
	u, err := pgurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return postgres.Options{
		Dialer: postgres.Dialer{
			URL: u, Timeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler), Application: "af-auth test",
			Retry: postgres.Retry{Base: time.Millisecond},
		},
		PoolMax: 4, Wait: 5 * time.Second,
	}
}

func openDB(t *testing.T, url string, change ...func(*postgres.Options)) *postgres.DB {
	t.Helper()
	o := options(t, url)
	for _, f := range change {
		f(&o)
	}
	db, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// octocat signs in on af-auth's own host.
func octocat(session afauth.Token) postgres.SignIn {
	return postgres.SignIn{
		GitHubID: 583231, Login: "octocat", Name: "The Octocat", Email: "octocat@github.com",
		AvatarURL: "https://avatars.example.com/u/583231",
		Session:   session.Hash(), Host: ownHost, MaxAge: 7 * 24 * time.Hour,
		UserAgent: "Mozilla/5.0", Address: "192.0.2.7",
	}
}

// signIn writes a sign-in that must succeed.
func (w world) signIn(in postgres.SignIn) postgres.SignedIn {
	w.t.Helper()
	out, err := w.db.SignIn(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// allow puts a GitHub id on the whitelist.
func (w world) allow(githubID int64) postgres.Change {
	w.t.Helper()
	c, err := w.db.Allow(w.t.Context(), postgres.Actor{Name: "cli:test"}, githubID, "", postgres.Grant{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// count returns the single number that a query gives.
func (p probe) count(sql string, args ...any) int {
	p.t.Helper()
	var n int
	if err := p.QueryRow(p.t.Context(), sql, args...).Scan(&n); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// waitFor polls the database until the query gives true.
func (p probe) waitFor(what, sql string, args ...any) {
	p.t.Helper()
	eventually(p.t, what, func() bool {
		var yes bool
		if err := p.QueryRow(p.t.Context(), sql, args...).Scan(&yes); err != nil {
			p.t.Fatalf("%s: %v", sql, err)
		}
		return yes
	})
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

// journal keeps what is logged.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// entries returns the lines so far.
func (j *journal) entries(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(j.text()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, entry)
	}
	return out
}

// account makes a role that may log in, with the rest of its definition, and
// returns its name.
func (p probe) account(definition string) string {
	p.t.Helper()
	role := "l_" + p.lines("SELECT current_database()::text")[0]
	name := pgx.Identifier{role}.Sanitize()
	p.run("CREATE ROLE " + name + " LOGIN " + definition)
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := p.PgConn().Exec(ctx, "DROP OWNED BY "+name+" CASCADE; DROP ROLE "+name).ReadAll(); err != nil {
			p.t.Errorf("drop the account: %v", err)
		}
	})
	return role
}
