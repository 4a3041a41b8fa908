package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// runner runs steps, under the lock.
type runner struct {
	session
	o             Options
	watch         *watcher
	number, total int  // of the step, for events
	attempt       int  // number of the attempt, for the history
	begun         bool // the transaction of the step has begun, together with the note of it
}

// event tells of the step.
func (r *runner) event(s Step, e Event) {
	e.File, e.Number, e.Total = s.File, r.number, r.total
	r.o.Progress(e)
}

// run runs one step, and writes down that it begins and how it ends.
func (r *runner) run(ctx context.Context, s Step) (Record, error) {
	begins, ends := Applying, Applied
	if s.Back {
		begins, ends = RollingBack, RolledBack
	}
	r.event(s, Event{Kind: begins})
	if err := r.intend(ctx, s); err != nil {
		return Record{}, err
	}
	var rec Record
	var err error
	switch {
	case s.batched():
		rec, err = r.batches(ctx, s)
	case s.Outside:
		rec, err = r.outside(ctx, s)
	default:
		rec, err = r.whole(ctx, s)
	}
	if err != nil {
		r.rollback(ctx)
		return Record{}, r.trace(ctx, s, err)
	}
	r.event(s, Event{Kind: ends, Took: rec.Took})
	return rec, nil
}

// whole runs a step in one transaction, again where others stood in the way.
func (r *runner) whole(ctx context.Context, s Step) (rec Record, err error) {
	err = r.patiently(ctx, s, r.o.LockTries, func() error {
		return r.transact(ctx, s, func() error {
			start := time.Now()
			if err := r.send(ctx, s); err != nil {
				return err
			}
			// Load refuses COMMIT in a file, and the server refuses it in a
			// function: this says that no third way was found.
			if status := r.conn.PgConn().TxStatus(); status != 'T' {
				return fmt.Errorf("%s ended its own transaction; what it did may stay, and the ledger does not have it", s.FileName())
			}
			took := time.Since(start)
			if err := r.leadsBack(ctx, s); err != nil {
				return err
			}
			rec, err = r.settle(ctx, s, took)
			return err
		})
	})
	return rec, err
}

// transact runs fn in a transaction with the settings of a file, unless fn has
// ended it itself.
func (r *runner) transact(ctx context.Context, s Step, fn func() error) error {
	if !r.begun {
		if _, err := r.conn.PgConn().Exec(ctx, r.begin("READ WRITE", r.o.LockTimeout)).ReadAll(); err != nil {
			return r.broken(ctx, s, r.explain(err, "begin "+s.FileName(), ""))
		}
	}
	r.begun = false
	if err := fn(); err != nil || r.conn.PgConn().TxStatus() == 'I' {
		return err // or it has been committed
	}
	if _, err := r.conn.PgConn().Exec(ctx, "COMMIT").ReadAll(); err != nil {
		return commitError(s, err)
	}
	return nil
}

// unsettled explains why the ledger could not be written.
func (r *runner) unsettled(s Step, err error) error {
	if err == nil {
		return nil
	}
	return r.explain(err, "record "+s.FileName(), s.kept()+"; "+s.again()+" with the role that owns "+LedgerTable)
}

// send runs the text as one simple query, and counts the statements that the
// server finishes.
func (r *runner) send(ctx context.Context, s Step) error {
	done, err := r.query(ctx, s.text())
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg):
		return newSQLError(s, done, pg)
	}
	return r.broken(ctx, s, err)
}

// query runs SQL by the simple protocol, throws rows away, and returns how many
// statements came to their end.
func (r *runner) query(ctx context.Context, sql string) (done int, err error) {
	results := r.conn.PgConn().Exec(ctx, sql)
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err != nil {
			break
		}
		done++
	}
	return done, results.Close()
}

// broken explains an error that did not come from the server.
func (r *runner) broken(ctx context.Context, s Step, err error) error {
	if sqlState(err) != "" {
		return err
	}
	what := "the connection broke"
	if ctx.Err() != nil {
		what, err = "stopped", context.Cause(ctx)
	}
	hint := "the server takes back what the file did; " + s.again()
	if s.Done > 0 || s.RowsDone > 0 {
		hint = s.kept() + "; " + s.again()
	}
	return &hinted{err: fmt.Errorf("%s: %s: %w", s.FileName(), what, err), hint: hint}
}

// commitError tells a refused COMMIT, as by a deferred constraint, from one
// whose answer was lost.
func commitError(s Step, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &hinted{
			err:  fmt.Errorf("%s: at its COMMIT: %w", s.FileName(), err),
			hint: s.kept() + "; mend it, then " + s.again(),
		}
	}
	return &hinted{
		err:  fmt.Errorf("%s: the connection broke at its COMMIT, so nobody here knows whether it was done: %w", s.FileName(), err),
		hint: s.again() + ": the ledger knows, and a file is run once",
	}
}

// rollback ends a transaction that failed. It runs before the error is
// returned, also when ctx is over; the end of the connection does the same.
func (s session) rollback(ctx context.Context) {
	if s.conn.IsClosed() || s.conn.PgConn().TxStatus() == 'I' {
		return
	}
	s.after(ctx, func(ctx context.Context) { _, _ = s.conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll() })
}
