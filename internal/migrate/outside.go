package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// outside runs a step without a transaction around it, statement by statement,
// and notes each that is done. A statement that may stand in a transaction
// shares one with its note, so it is done exactly once. One that may not is done
// at least once: what it may have left half done is repaired before it runs, and
// one that the killed migrator had finished is recognised where that can be
// seen.
func (r *runner) outside(ctx context.Context, s Step) (Record, error) {
	start := time.Now()
	if _, err := r.query(ctx, r.outsideSettings(r.o.LockTimeout)); err != nil {
		return Record{}, r.broken(ctx, s, err)
	}
	for _, st := range s.Statements {
		r.event(s, Event{Kind: Running, Statement: st.Number, Line: st.Line})
		if err := r.statement(ctx, s, st); err != nil {
			return Record{}, err
		}
		if st.Number > s.Done { // else it is a setting, said again
			s.Done, s.doubt = st.Number, false
		}
	}
	var rec Record
	err := r.patiently(ctx, s, r.o.LockTries, func() error {
		return r.transact(ctx, s, func() (err error) {
			rec, err = r.settle(ctx, s, time.Since(start))
			return err
		})
	})
	return rec, err
}

// statement runs one statement and notes it.
func (r *runner) statement(ctx context.Context, s Step, st Statement) error {
	switch st.mode {
	case alone:
		return r.alone(ctx, s, st)
	case setting:
		if err := r.sendOne(ctx, s, st); err != nil || st.Number <= s.Done {
			return err
		}
		return r.note(ctx, s, st)
	}
	return r.patiently(ctx, s, r.o.LockTries, func() error {
		// What the file has set for its session holds here too.
		if _, err := r.query(ctx, "BEGIN READ WRITE"); err != nil {
			return r.broken(ctx, s, err)
		}
		if err := r.sendOne(ctx, s, st); err != nil {
			return err
		}
		if err := r.note(ctx, s, st); err != nil {
			return err
		}
		if _, err := r.query(ctx, "COMMIT"); err != nil {
			return commitError(s, err)
		}
		return nil
	})
}

// alone runs a statement that cannot stand in a transaction.
func (r *runner) alone(ctx context.Context, s Step, st Statement) error {
	if s.doubt && st.Number == s.Done+1 {
		object, done, err := r.finished(ctx, st)
		if err != nil {
			return r.broken(ctx, s, err)
		}
		if done {
			r.event(s, Event{Kind: Found, Statement: st.Number, Line: st.Line, Object: object})
			return r.note(ctx, s, st)
		}
	}
	if err := r.repair(ctx, s, st); err != nil {
		return err
	}
	err := r.unhurried(ctx, s, st, func() error { return r.sendOne(ctx, s, st) })
	if err != nil {
		if !r.conn.IsClosed() {
			// An index that could not be finished only costs; the next attempt
			// drops it where this one cannot.
			_ = r.repair(ctx, s, st)
		}
		return err
	}
	return r.note(ctx, s, st)
}

// unhurried runs a statement with the patience that fits it. One that waits for
// others while none of them waits for it may take its time, and one that has
// built half an index should.
func (r *runner) unhurried(ctx context.Context, s Step, st Statement, run func() error) error {
	if !isConcurrent(s.text(), st.statement) {
		return r.patiently(ctx, s, r.o.LockTries, run)
	}
	if _, err := r.query(ctx, fmt.Sprintf("SET lock_timeout = %d", r.o.ConcurrentWait.Milliseconds())); err != nil {
		return r.broken(ctx, s, err)
	}
	err := r.patiently(ctx, s, 1, run)
	if !r.conn.IsClosed() {
		if _, e := r.query(ctx, fmt.Sprintf("SET lock_timeout = %d", r.o.LockTimeout.Milliseconds())); err == nil && e != nil {
			err = r.broken(ctx, s, e)
		}
	}
	return err
}

// sendOne runs one statement as a simple query.
func (r *runner) sendOne(ctx context.Context, s Step, st Statement) error {
	_, err := r.query(ctx, st.SQL)
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg):
		return statementError(s, st, pg)
	}
	return r.broken(ctx, s, err)
}

// note writes down that the statements up to one are done for good.
func (r *runner) note(ctx context.Context, s Step, st Statement) error {
	_, err := r.conn.Exec(ctx, `UPDATE `+r.history()+` SET statements_done = $3, done_checksum = $4 WHERE version = $1 AND number = $2`,
		pgx.QueryExecModeExec, s.File.Version, r.attempt, st.Number, s.doneChecksum(st.Number))
	if err != nil {
		return r.broken(ctx, s, r.unsettled(s, err))
	}
	return nil
}
