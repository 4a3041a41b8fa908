package postgres

import (
	"context"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// EventFilter picks events. The zero value picks all.
type EventFilter struct {
	UserID *afauth.ID
	// Since is the oldest moment; nil: from the beginning.
	Since *time.Time
	// Before continues a list below this id; 0 begins it.
	Before int64
	Limit  int
}

// Events lists what happened, newest first.
func (db *DB) Events(ctx context.Context, f EventFilter) ([]afauth.Event, error) {
	params := query.ListEventsParams{UserID: f.UserID, Since: f.Since, MaxRows: int32(f.Limit)} // #nosec G115 -- a page's size
	if f.Before != 0 {
		params.BeforeID = &f.Before
	}
	rows, err := db.queries.ListEvents(ctx, params)
	if err != nil {
		return nil, fault(err, "listing events")
	}
	out := make([]afauth.Event, 0, len(rows))
	for _, row := range rows {
		out = append(out, afauth.Event{
			ID: row.ID, At: row.At, Kind: afauth.EventKind(row.Kind), UserID: row.UserID,
			Actor: orEmpty(row.Actor), Role: row.Role, From: orEmpty(row.Address), Reason: orEmpty(row.Reason),
			Details: row.Details,
		})
	}
	return out, nil
}
