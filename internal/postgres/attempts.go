package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// attempts counts connections as they are opened, by whichever hand: the pool
// dials for itself whenever it likes, and tells nobody but its tracer.
type attempts struct {
	told func(outcome string)
}

// TraceConnectStart implements pgx.ConnectTracer.
func (attempts) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return ctx
}

// TraceConnectEnd implements pgx.ConnectTracer. A connection that is open counts
// once it has shown that it leads to the right schema: see Dialer.admit.
func (a attempts) TraceConnectEnd(ctx context.Context, end pgx.TraceConnectEndData) {
	if end.Err != nil {
		a.failed(ctx)
	}
}

// TraceQueryStart is there because pgx knows tracers of queries only.
func (attempts) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd is as TraceQueryStart.
func (attempts) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (a attempts) ok() { a.tell("ok") }

// failed leaves out what we gave up ourselves: a server that stops is no fault
// of the database.
func (a attempts) failed(ctx context.Context) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		a.tell("failed")
	}
}

func (a attempts) tell(outcome string) {
	if a.told != nil {
		a.told(outcome)
	}
}

// admit lets a connection be used: unqualified names must mean the schema of
// the URL. It is the end of every attempt that got as far as that.
func (d Dialer) admit(ctx context.Context, conn *pgx.Conn) error {
	counting := attempts{d.Attempted}
	if err := d.checkSchema(ctx, conn); err != nil {
		counting.failed(ctx)
		return err
	}
	counting.ok()
	return nil
}
