package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// term is one time of leading.
type term struct {
	name string
	over context.Context
}

// candidate leads where it can, and tells of each term. How many lead at once is
// in leading.
func candidate(t *testing.T, d postgres.Dialer, name, job string, leading *atomic.Int32, terms chan<- term) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		postgres.Lead(ctx, d, job, func(over context.Context) {
			leading.Add(1)
			defer leading.Add(-1)
			terms <- term{name, over}
			<-over.Done()
		})
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func elected(t *testing.T, terms <-chan term) term {
	t.Helper()
	select {
	case now := <-terms:
		return now
	case <-time.After(20 * time.Second):
		t.Fatal("nobody leads")
		return term{}
	}
}

// TestLead: one at a time; the next when it ends, or loses its connection.
func TestLead(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	d := options(t, url).Dialer
	d.Application = "candidate"
	var leading, others atomic.Int32
	terms, elsewhere := make(chan term, 10), make(chan term, 10)
	stops := map[string]func(){}
	for _, name := range []string{"a", "b", "c"} {
		stops[name] = candidate(t, d, name, "job", &leading, terms)
	}
	candidate(t, d, "d", "another job", &others, elsewhere)
	elected(t, elsewhere) // whoever leads in one job does not keep others from theirs
	first := elected(t, terms)
	if n := leading.Load(); n != 1 {
		t.Errorf("%d lead", n)
	}
	stops[first.name]()
	second := elected(t, terms)
	if second.name == first.name || leading.Load() != 1 {
		t.Errorf("after %s leads %s, of %d", first.name, second.name, leading.Load())
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'candidate' AND datname = current_database()"); err != nil {
		t.Fatal(err)
	}
	elected(t, terms)
	select {
	case <-second.over.Done():
	case <-time.After(20 * time.Second):
		t.Error("leads on without the lock")
	}
}

// TestLeadHalfOpen: a connection on which nothing comes any more ends the term.
func TestLeadHalfOpen(t *testing.T) {
	t.Parallel()
	p := newProxy(t, pgtest.New(t))
	var leading atomic.Int32
	terms := make(chan term, 10)
	candidate(t, options(t, p.url("")).Dialer, "a", "job", &leading, terms)
	first := elected(t, terms)
	p.freeze()
	select {
	case <-first.over.Done():
	case <-time.After(20 * time.Second):
		t.Error("leads on, unheard")
	}
}
