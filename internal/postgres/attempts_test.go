package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// tally counts tries to open a connection, as the metrics do.
type tally struct{ ok, failed, retried atomic.Int64 }

func (c *tally) count(o *postgres.Options) {
	o.Attempted = func(outcome string) {
		switch outcome {
		case "ok":
			c.ok.Add(1)
		case "failed":
			c.failed.Add(1)
		}
	}
	o.Retried = func() { c.retried.Add(1) }
}

// The pool dials by itself, long after the start. Its tries count.
func TestDialsOfThePoolAreCounted(t *testing.T) {
	t.Parallel()
	var c tally
	db, p := remote(t, c.count)
	back(t, db)
	// The first connection, and the pool's.
	if ok, failed := c.ok.Load(), c.failed.Load(); ok != 2 || failed != 0 {
		t.Errorf("at the start: %d ok, %d failed", ok, failed)
	}
	p.refuse()
	p.cut()
	// The first request meets a broken connection, the next one has none.
	eventually(t, "a failed dial is counted", func() bool {
		took, err := find(t, db)
		refused(t, took, err)
		return c.failed.Load() > 0
	})
	before := c.ok.Load()
	p.accept()
	back(t, db)
	if c.ok.Load() <= before {
		t.Error("the dial that succeeded is not counted")
	}
	if n := c.retried.Load(); n != 0 {
		t.Errorf("%d retries: the pool has no sequence", n)
	}
}

// A connection that leads to another schema is of no use, and counts as failed.
func TestDialsIntoAnotherSchemaAreCounted(t *testing.T) {
	t.Parallel()
	var c tally
	o := options(t, with(pgtest.New(t), "schema=elsewhere"))
	c.count(&o)
	if _, err := o.Connect(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if ok, failed := c.ok.Load(), c.failed.Load(); ok != 0 || failed != 1 {
		t.Errorf("%d ok, %d failed", ok, failed)
	}
}

// LISTEN comes back by the sequence, again and again; each try counts.
func TestDialsOfListenAreCounted(t *testing.T) {
	t.Parallel()
	var c tally
	p := newProxy(t, pgtest.New(t))
	o := options(t, p.url(""))
	o.Retry = postgres.Retry{Max: 2, Base: time.Millisecond}
	c.count(&o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); postgres.NewListener(postgres.ListenerOptions{Dialer: o.Dialer}).Run(ctx) }()
	eventually(t, "it listens", func() bool { return c.ok.Load() == 1 })
	p.refuse()
	p.cut()
	eventually(t, "two sequences have failed", func() bool { return c.failed.Load() >= 6 && c.retried.Load() >= 4 })
	p.accept()
	eventually(t, "it listens again", func() bool { return c.ok.Load() == 2 })
	cancel()
	<-done
}

// What we give up ourselves is no failure of the database.
func TestDialsGivenUpAreNotCounted(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, silent)
	var c tally
	o := options(t, "postgresql://af@"+s.Addr().String()+"/af_auth?sslmode=disable")
	o.Timeout = time.Minute
	c.count(&o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := o.Connect(ctx)
		done <- err
	}()
	eventually(t, "the dial comes in", func() bool { return len(s.came()) == 1 })
	cancel()
	if err := <-done; err == nil || c.failed.Load() != 0 {
		t.Errorf("%v, %d failed", err, c.failed.Load())
	}
}
