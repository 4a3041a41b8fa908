package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Delivery is what a webhook has still to be told.
type Delivery struct {
	// ID names it in each try.
	ID   afauth.ID
	Kind string
	// UserID is whom it is about. GitHubID and Login are what is known of them
	// now; nil where the person was deleted, Login also before the first sign-in.
	UserID        afauth.ID
	GitHubID      *int64
	Login         *string
	At            time.Time
	Actor, Reason *string
	Details       json.RawMessage
	// Attempts counts this try too.
	Attempts int
	// Now is the database's time of the claim.
	Now time.Time
}

// WantDeliveries says that there is a webhook. Unless it is said again within
// seven days, nothing more is put aside.
func (db *DB) WantDeliveries(ctx context.Context) error {
	return fault(db.queries.WantDeliveries(ctx), "asking for deliveries")
}

// ClaimDelivery takes the delivery that has been due the longest; false where
// none is. It is due again after the lease, unless it is finished or delayed
// before.
func (db *DB) ClaimDelivery(ctx context.Context, lease time.Duration) (Delivery, bool, error) {
	row, err := db.queries.ClaimDelivery(ctx, lease)
	if errors.Is(err, pgx.ErrNoRows) {
		return Delivery{}, false, nil
	}
	if err != nil {
		return Delivery{}, false, fault(err, "claiming a delivery")
	}
	return Delivery{
		ID: row.ID, Kind: row.Kind, UserID: row.UserID, GitHubID: row.GithubUserID, Login: row.Login, At: row.At,
		Actor: row.Actor, Reason: row.Reason, Details: row.Details, Attempts: int(row.Attempts), Now: row.Now,
	}, true, nil
}

// FinishDelivery removes a delivery that was taken.
func (db *DB) FinishDelivery(ctx context.Context, id afauth.ID) error {
	return fault(db.queries.FinishDelivery(ctx, id), "finishing a delivery")
}

// DelayDelivery puts a delivery off, and keeps why it was not taken.
func (db *DB) DelayDelivery(ctx context.Context, id afauth.ID, wait time.Duration, why string) error {
	why = clean(why, 500)
	return fault(db.queries.DelayDelivery(ctx, query.DelayDeliveryParams{ID: id, Wait: wait, LastError: &why}), "delaying a delivery")
}

// DropDeliveries removes what is older than age, and returns how many.
func (db *DB) DropDeliveries(ctx context.Context, age time.Duration) (int, error) {
	n, err := db.queries.DropDeliveries(ctx, age)
	return int(n), fault(err, "dropping deliveries")
}
