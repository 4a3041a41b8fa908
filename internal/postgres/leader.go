package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/postgres/query"
)

const (
	// leadEvery is how often a server that does not lead tries to, and how often
	// one that leads makes sure that it still does.
	leadEvery = time.Second
	// leadAnswer is how long the database may take to say so.
	leadAnswer = 2 * time.Second
)

// errNotLeading ends what a leader does.
var errNotLeading = errors.New("this server leads no longer")

// Lead runs fn on one of all servers of the database at a time, again and again
// until ctx ends. The leader holds an advisory lock of the session, on a
// connection of its own; the dialer's URL must lead to PostgreSQL itself. When
// that connection is lost, fn's context ends, at most three seconds later. For
// so long two may lead: what fn does must bear it.
func Lead(ctx context.Context, d Dialer, job string, fn func(context.Context)) {
	for ctx.Err() == nil {
		conn, err := d.Connect(ctx)
		if err == nil {
			err = lead(ctx, conn, job, fn)
		}
		if ctx.Err() != nil {
			return
		}
		d.Logger.WarnContext(ctx, "not leading; tried again", "job", job, "error", err)
		// A little luck keeps many servers from coming back in step.
		pause := d.Retry.Base + rand.N(d.Retry.Base+1) // #nosec G404 -- not a secret
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// lead waits for the lock, and leads until ctx ends or the connection does.
func lead(ctx context.Context, conn *pgx.Conn, job string, fn func(context.Context)) error {
	defer func() { // the lock ends with the session
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	q := query.New(conn)
	tick := time.NewTicker(leadEvery)
	defer tick.Stop()
	for {
		locked, err := within(ctx, func(ctx context.Context) (bool, error) { return q.TryLead(ctx, job) })
		if err != nil {
			return err
		}
		if locked {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	leading, end := context.WithCancelCause(ctx)
	done := make(chan struct{})
	defer func() { end(errNotLeading); <-done }() // before the lock is given back
	go func() { defer close(done); fn(leading) }()
	for {
		select {
		case <-tick.C:
		case <-done:
			return errNotLeading
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := within(ctx, func(ctx context.Context) (bool, error) { return true, conn.Ping(ctx) }); err != nil {
			return err
		}
	}
}

func within(ctx context.Context, ask func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, leadAnswer)
	defer cancel()
	return ask(ctx)
}
