package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
)

// clock is a gate's own, which the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// leased is a world whose gate holds a lease that the test gives and takes.
type leased struct {
	*world
	clock  *clock
	server postgres.Server
}

func newLeased(t *testing.T, memory int) *leased {
	t.Helper()
	h := &leased{world: newWorld(t), clock: &clock{at: time.Now()}}
	h.gate = gate.New(gate.Options{DB: h.db, Seen: h.seen, Idle: idle, Memory: memory, Logger: slog.New(slog.DiscardHandler), Now: h.clock.now})
	h.server = postgres.Server{Started: h.micros("pg_postmaster_start_time()"), Timeline: 1}
	h.renew()
	return h
}

// micros asks for a time.
func (w *world) micros(expression string) (at int64) {
	w.t.Helper()
	if err := w.sql.QueryRow(w.t.Context(), "SELECT (extract(epoch FROM "+expression+") * 1000000)::bigint").Scan(&at); err != nil {
		w.t.Fatal(err)
	}
	return at
}

// renew is a heartbeat that was asked for now.
func (h *leased) renew() { h.renewAt(time.UnixMicro(h.micros("clock_timestamp()"))) }

func (h *leased) renewAt(database time.Time) {
	h.gate.Renewed(postgres.Beat{Asked: h.clock.now(), Now: database, Server: h.server})
}

// from says where the answer to a question came from.
func (w *world) from(token afauth.Token) (string, error) {
	w.t.Helper()
	before := w.gate.Stats()
	_, err := w.check(token)
	after := w.gate.Stats()
	if after.FromMemory > before.FromMemory {
		return "memory", err
	}
	return "database", err
}

// answers fails unless the answer is yes and comes from there.
func (w *world) answers(what, from string, token afauth.Token) {
	w.t.Helper()
	if got, err := w.from(token); err != nil || got != from {
		w.t.Errorf("%s: from %s, %v; want a yes from %s", what, got, err, from)
	}
}

// The second question is answered from memory, and as the first.
func TestMemoryAnswers(t *testing.T) {
	t.Parallel()
	h := newLeased(t, 100)
	token, user := h.allowed(nil)
	first, err := h.check(token)
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.check(token)
	if err != nil || second.User.ID != user || second.User.GitHubID != first.User.GitHubID || second.User.Login != first.User.Login ||
		second.User.Name != first.User.Name || second.User.Email != first.User.Email || second.Session.ID != first.Session.ID ||
		second.Session.UserID != user || second.Session.Host != host || second.Access != afauth.Allowed {
		t.Errorf("%+v, %v; before %+v", second, err, first)
	}
	if s := h.gate.Stats(); s.FromMemory != 1 || s.FromDatabase != 1 || s.Sessions != 1 || !s.Leased {
		t.Errorf("%+v", s)
	}
	if _, err := h.gate.Check(t.Context(), token, "app.example.com"); !errors.Is(err, afauth.ErrNotSignedIn) {
		t.Errorf("on another host: %v", err)
	}
	h.answers("still", "memory", token)
}

// What ends a lease, and what brings memory back.
func TestLease(t *testing.T) {
	t.Parallel()
	h := newLeased(t, 100)
	token, _ := h.allowed(nil)
	h.answers("first", "database", token)
	h.clock.pass(afauth.Lease - 1)
	h.answers("just before the end", "memory", token)
	h.clock.pass(1)
	h.answers("at the end", "database", token)
	h.answers("after the end", "database", token)
	h.renew()
	h.answers("after a gap memory begins anew", "database", token)
	h.answers("and goes on", "memory", token)
	for range 70 {
		h.clock.pass(900 * time.Millisecond)
		h.renew()
	}
	h.answers("after a minute the database is asked, whatever was heard", "database", token)
	h.gate.Lost()
	h.answers("lost", "database", token)
	h.renew()
	h.answers("back", "database", token)
	h.answers("back again", "memory", token)
	if h.gate.Stats().Drops == 0 {
		t.Error("no drop is counted")
	}
}

// Another server or timeline behind the address: memory is dropped, and what a
// connection to the former one says is not kept.
func TestAnotherServer(t *testing.T) {
	t.Parallel()
	h := newLeased(t, 100)
	token, _ := h.allowed(nil)
	pid := func() (pid uint32) {
		err := h.db.WithConn(t.Context(), func(c *pgx.Conn) error { pid = c.PgConn().PID(); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	h.answers("first", "database", token)
	h.answers("second", "memory", token)
	before := pid()
	real := h.server
	h.server = postgres.Server{Started: real.Started, Timeline: 2}
	h.renew()
	h.answers("promoted: dropped", "database", token)
	if now := pid(); now == before {
		t.Error("promoted: the connection of before is used")
	}
	h.server = postgres.Server{Started: real.Started + 1, Timeline: 3}
	h.renew()
	for range 2 {
		before = pid()
		d, err := h.check(token)
		no(t, "this connection leads elsewhere", d, err)
		if who, err := h.gate.Who(t.Context(), token, host); afauth.CodeOf(err) != afauth.CodeUnavailable {
			t.Errorf("of whoever leads elsewhere: %+v, %v", who, err)
		}
		if pid() == before {
			t.Error("a connection that leads elsewhere is used again")
		}
	}
	if s := h.gate.Stats(); s.Sessions != 0 {
		t.Errorf("%+v", s)
	}
	h.gate.Lost()
	h.answers("where nothing is heard any server answers", "database", token)
	// The loss in between does not hide that it is another one.
	h.server = real
	h.renew()
	h.answers("the real one", "database", token)
	h.answers("is kept", "memory", token)
	before = pid()
	h.gate.Lost()
	h.server.Started++
	h.renew()
	if pid() == before {
		t.Error("after a loss, another server: the connection of before is used")
	}
}

// An end is reached by the database's clock alone, as a heartbeat told it:
// this machine's may be wrong by hours.
func TestMemoryEndsByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-time.Hour, 0, time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			h := newLeased(t, 100)
			h.clock.pass(off)
			h.renew()
			until := time.UnixMicro(h.micros("clock_timestamp()")).Add(10 * time.Minute)
			token, _ := h.allowed(&until)
			h.answers("first", "database", token)
			h.answers("long before", "memory", token)
			h.renewAt(until.Add(-afauth.Lease / 2))
			h.answers("half a second before", "memory", token)
			h.clock.pass(afauth.Lease/2 - time.Millisecond)
			h.answers("a millisecond before", "memory", token)
			h.clock.pass(time.Millisecond)
			// The database is asked, and by its clock it is not yet so late.
			h.answers("at the end", "database", token)
		})
	}
}

// When memory is full, the session used longest ago goes.
func TestLeastRecentlyUsedGoes(t *testing.T) {
	t.Parallel()
	h := newLeased(t, 3)
	var tokens []afauth.Token
	for range 4 {
		token, _ := h.allowed(nil)
		tokens = append(tokens, token)
	}
	h.renew()
	for _, n := range []int{0, 1, 2} {
		h.answers("fill", "database", tokens[n])
	}
	h.answers("used again", "memory", tokens[0])
	h.answers("one more", "database", tokens[3])
	for _, n := range []int{0, 2, 3} {
		h.answers(fmt.Sprintf("session %d stays", n), "memory", tokens[n])
	}
	h.answers("session 1 has gone", "database", tokens[1])
}

// A flood of cookies that are nobody's leaves memory as it was.
func TestFloodPushesNothingOut(t *testing.T) {
	t.Parallel()
	h := newLeased(t, 3)
	var tokens []afauth.Token
	for range 3 {
		token, _ := h.allowed(nil)
		tokens = append(tokens, token)
	}
	h.renew()
	for _, token := range tokens {
		h.answers("fill", "database", token)
	}
	var flood sync.WaitGroup
	for range 4 {
		flood.Go(func() {
			for range 2500 {
				if _, err := h.gate.Check(t.Context(), afauth.NewToken(), host); !errors.Is(err, afauth.ErrNotSignedIn) {
					t.Errorf("a cookie of nobody's: %v", err)
				}
			}
		})
	}
	flood.Wait()
	for _, token := range tokens {
		h.answers("after the flood", "memory", token)
	}
	if s := h.gate.Stats(); s.Sessions != 3 || s.FromDatabase != 10_003 {
		t.Errorf("%+v", s)
	}
}

// hear runs a real Listener for the world's gate. With a row it is a server
// that revocations wait for.
func (w *world) hear(url string, row bool) {
	w.t.Helper()
	u, err := pgurl.Parse(url)
	if err != nil {
		w.t.Fatal(err)
	}
	id := afauth.NewID()
	l := postgres.NewListener(postgres.ListenerOptions{Instance: id, Hearer: w.gate, Dialer: postgres.Dialer{
		URL: u, Timeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler), Application: "af-auth listen", Retry: postgres.Retry{Base: time.Millisecond},
	}})
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	if row {
		running.Go(func() { w.db.KeepInstance(ctx, id, "1.2.3", "192.0.2.1:80") })
	}
	w.t.Cleanup(func() { cancel(); running.Wait() })
}

// A server without a row is not waited for, so it must not remember.
func TestNoRowNoMemory(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	w := through(t, url, url)
	token, _ := w.allowed(nil)
	w.hear(url, false)
	for range 4 { // heartbeats
		var last string
		const started = `SELECT coalesce(max(query_start::text), '') FROM pg_stat_activity WHERE datname = current_database()
			AND application_name = 'af-auth listen' AND query LIKE '%pg_walfile_name%'`
		if err := w.sql.QueryRow(t.Context(), started).Scan(&last); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the next heartbeat", func() bool {
			var now string
			return w.sql.QueryRow(t.Context(), started).Scan(&now) == nil && now != last
		})
		w.answers("without a row", "database", token)
	}
	if s := w.gate.Stats(); s.Leased || s.Sessions != 0 {
		t.Errorf("%+v", s)
	}
}
