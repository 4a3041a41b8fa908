package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Traces is what is kept of a person beside the row itself.
type Traces struct {
	Sessions   int // and their tickets
	Requests   int // what they wrote while waiting: one at most
	Deliveries int // what the webhook has still to be told
	Events     int // lines of the record, which stay
}

// Traces counts what is kept of a person.
func (db *DB) Traces(ctx context.Context, id afauth.ID) (Traces, error) {
	row, err := db.queries.CountTraces(ctx, id)
	return Traces{int(row.Sessions), int(row.Requests), int(row.Deliveries), int(row.Events)}, fault(err, "looking for traces")
}

// Forget erases a person: the row, and with it sessions, tickets and the
// request, and what the webhook has not been told yet. The triggers write who
// did it; events stay, and so does the delivery that tells of this.
func (db *DB) Forget(ctx context.Context, actor Actor, id afauth.ID) error {
	var gone int64
	err := db.InTx(ctx, actor, func(q *query.Queries) error {
		// The person first, as in a revocation: see RedeemTicket.
		if _, err := q.LockUser(ctx, id); err != nil {
			return err
		}
		if _, err := q.DeleteDeliveries(ctx, id); err != nil {
			return err
		}
		var err error
		gone, err = q.DeleteUser(ctx, id)
		return err
	})
	if err == nil && gone == 0 || errors.Is(err, pgx.ErrNoRows) {
		return afauth.ErrNotFound
	}
	return fault(err, "forgetting")
}
