package postgres

import (
	"context"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Beside is what is told of a person beside their row.
type Beside struct {
	// Sessions counts the live ones.
	Sessions int
	// SeenAt is when one of their sessions was last used; zero: there is none.
	SeenAt time.Time
	// Message is what they wrote while waiting; empty: nothing.
	Message string
	// Address is where their last sign-in came from; empty: not known.
	Address string
	// DecidedBy is the actor of the last decision, as in an event, and
	// DecidedWhy the reason; both empty where the record does not say.
	DecidedBy, DecidedWhy string
}

// Describe tells of a page of people. Whom nothing is known of has an empty
// entry.
func (db *DB) Describe(ctx context.Context, ids []afauth.ID, idle time.Duration) (map[afauth.ID]Beside, error) {
	rows, err := db.queries.DescribePeople(ctx, query.DescribePeopleParams{Ids: ids, Idle: idle})
	if err != nil {
		return nil, fault(err, "describing people")
	}
	out := make(map[afauth.ID]Beside, len(rows))
	for _, row := range rows {
		b := Beside{
			Sessions: int(row.Sessions), Message: row.Message, Address: row.Address,
			DecidedBy: row.DecidedBy, DecidedWhy: row.DecidedWhy,
		}
		if row.SeenAt.Unix() > 0 {
			b.SeenAt = row.SeenAt
		}
		out[row.ID] = b
	}
	return out, nil
}

// WaitingSince counts people who have come since a place in the list and wait,
// up to most.
func (db *DB) WaitingSince(ctx context.Context, since Key, most int) (int, error) {
	n, err := db.queries.CountWaitingSince(ctx, query.CountWaitingSinceParams{
		AfterCreatedAt: since.At, AfterID: since.ID, MaxRows: int32(most), // #nosec G115 -- a page's size
	})
	return int(n), fault(err, "counting those who wait")
}

// WriteRequest keeps what a waiting person has to say to whoever decides, in
// place of what they said before; an empty message takes it back. It reports
// whether they still wait: nothing is kept otherwise. A message has 280
// characters at most.
func (db *DB) WriteRequest(ctx context.Context, user afauth.ID, message string) (waits bool, err error) {
	var n int64
	if message = clean(message, 4*280); message == "" {
		_, err = db.queries.DropRequest(ctx, user)
		return true, fault(err, "taking a message back")
	}
	n, err = db.queries.WriteRequest(ctx, query.WriteRequestParams{UserID: user, Message: message})
	return n > 0, fault(err, "keeping a message")
}

// EndSessionOf ends one session of a person, and those that came from it. It
// reports whether there was one.
func (db *DB) EndSessionOf(ctx context.Context, actor Actor, user, session afauth.ID) (bool, error) {
	var n int64
	err := db.InTx(ctx, actor, func(q *query.Queries) (err error) {
		n, err = q.EndSessionOf(ctx, query.EndSessionOfParams{UserID: user, SessionID: session})
		return err
	})
	return n > 0, fault(err, "ending the session")
}
