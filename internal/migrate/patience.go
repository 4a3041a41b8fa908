package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// When the watcher looks, and how long the rests between tries are.
const (
	lookFirst = 200 * time.Millisecond
	lookLast  = 2 * time.Second
	restFirst = 500 * time.Millisecond
	restLast  = 10 * time.Second
)

// patiently runs what, which leaves nothing behind when it fails, until nobody
// stands in its way. Between the tries it holds no lock on a table, so that those
// who queued behind it go on.
func (r *runner) patiently(ctx context.Context, s Step, tries int, what func() error) error {
	rest := restFirst
	for try := 1; ; try++ {
		blockers, err := r.watched(ctx, s, Event{Try: try, Tries: tries}, what)
		code := sqlState(err)
		if code != lockNotAvailable && code != deadlockDetected {
			return err
		}
		r.rollback(ctx)
		if try == tries {
			var se *SQLError
			if code == lockNotAvailable && errors.As(err, &se) {
				return &BlockedError{SQL: se, Blockers: blockers, Tries: tries}
			}
			return err
		}
		r.event(s, Event{Kind: Retrying, Pause: rest, Try: try + 1, Tries: tries})
		if err := sleep(ctx, rest); err != nil {
			return r.broken(ctx, s, fmt.Errorf("wait for a lock: %w", err))
		}
		rest = min(2*rest, restLast)
	}
}

// watched runs what, and tells meanwhile who stands in its way: those seen last
// are returned. Progress is called by the caller's goroutine, so it is what that
// runs in another; the connection belongs to it until it is done.
func (r *runner) watched(ctx context.Context, s Step, e Event, what func() error) ([]Blocker, error) {
	done := make(chan error, 1)
	go func() { done <- what() }()
	looking, cancel := context.WithCancel(ctx)
	defer cancel()
	seen := make(chan []Blocker, 1)
	atWork := false
	wait := min(lookFirst, r.o.LockTimeout/3)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var blockers []Blocker
	for {
		select {
		case err := <-done:
			if cancel(); atWork {
				<-seen
			}
			return blockers, err
		case <-timer.C:
			atWork = true
			go func() { seen <- r.watch.blockers(looking, r.conn.PgConn().PID()) }()
		case now := <-seen:
			atWork = false
			if len(now) > 0 {
				if !slices.EqualFunc(now, blockers, func(a, b Blocker) bool { return a.PID == b.PID }) {
					e.Kind, e.Blockers = Blocked, now
					r.event(s, e)
				}
				blockers = now
			}
			wait = min(2*wait, lookLast)
			timer.Reset(wait)
		}
	}
}

// sleep rests, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
