package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lastWord is how long the end of an attempt may take to write down when whoever
// ran it wants to stop.
const lastWord = 2 * time.Second

// stopped is the message of an attempt that was not at fault.
const stopped = "stopped by the one who ran it"

// Stopped reports whether an attempt ended because whoever ran it wanted so:
// there is nothing to mend.
func (a Attempt) Stopped() bool { return a.Outcome == Failed && a.Message == stopped }

// doubtful reports whether the server's answer to the last statement is not
// known: it may be done.
func (a Attempt) doubtful() bool { return a.Outcome != Failed || a.SQLState == "" }

// trace writes down how a step failed, after its transaction was rolled back,
// and returns the error for the caller. Where the connection is gone the attempt
// stays as it is: started, by a process that is not there any more. Only where
// somebody stopped it, which costs the connection too, another one is opened: the
// server is there, and nobody should read that the migrator was killed.
func (r *runner) trace(ctx context.Context, s Step, err error) error {
	f, conn := failure(err), r.conn
	if ctx.Err() != nil {
		if errors.Is(ctx.Err(), context.Canceled) && f.SQLState == "" {
			f.Message = stopped
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastWord)
		defer cancel()
		if conn.IsClosed() {
			another, e := pgx.ConnectConfig(ctx, conn.Config())
			if e != nil {
				return err
			}
			defer func() { _ = another.Close(ctx) }()
			conn = another
		}
	}
	if conn.IsClosed() {
		return err
	}
	// The session that was left behind may still come to its end, and then that is
	// the outcome, whichever of the two comes first.
	_, e := conn.Exec(ctx, `UPDATE `+r.history()+` SET outcome = 'failed', finished_at = clock_timestamp(),
    failed_statement = nullif($3, 0), line = nullif($4, 0), statement = nullif($5, ''), sqlstate = nullif($6, ''),
    message = $7, detail = nullif($8, ''), hint = nullif($9, ''), next_command = $10
WHERE version = $1 AND number = $2 AND outcome = 'started'`,
		pgx.QueryExecModeExec, s.File.Version, r.attempt, f.FailedStatement, f.Line, f.Statement, f.SQLState,
		f.Message, f.Detail, f.Hint, s.command())
	if e != nil {
		return fmt.Errorf("%w (and the ledger could not be told: %w)", err, e)
	}
	return err
}

// failure is what an error says, as the history keeps it.
func failure(err error) Attempt {
	a := Attempt{Message: strings.ToValidUTF8(err.Error(), "?"), Hint: hintOf(err)}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		a.SQLState, a.Detail = pg.Code, pg.Detail
	}
	if se := (*SQLError)(nil); errors.As(err, &se) {
		a.FailedStatement, a.Line, a.Message = se.Number, se.Line, se.Message
		a.Statement = strings.ToValidUTF8(se.Statement[:min(len(se.Statement), 1000)], "")
	}
	if be := (*BlockedError)(nil); errors.As(err, &be) {
		var names []string
		for _, b := range be.Blockers {
			b.Query = "" // it may hold what the history should not
			names = append(names, b.String())
		}
		a.Detail = strings.Join(names, "; ")
	}
	return a
}
