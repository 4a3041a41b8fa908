package postgres

import (
	"context"

	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Total is a number of people.
type Total struct {
	N int64
	// About: N is an estimate from the database's statistics.
	About bool
	// More: N were counted, and there are more.
	More bool
}

// Totals say how many people there are. No number takes a reading of the whole
// table: beyond a bound All is an estimate, and Waiting is left open.
type Totals struct {
	All, Waiting Total
}

const (
	// countedUsers is up to how many people all are counted.
	countedUsers = 10_000
	// countedWaiting is up to how many who wait are counted.
	countedWaiting = 1000
)

// Totals counts people, as far as counting is cheap.
func (db *DB) Totals(ctx context.Context) (Totals, error) {
	row, err := db.queries.CountUsers(ctx, query.CountUsersParams{AllBound: countedUsers + 1, WaitingBound: countedWaiting + 1})
	if err != nil {
		return Totals{}, fault(err, "counting people")
	}
	t := Totals{All: Total{N: row.Counted}, Waiting: Total{N: row.Waiting}}
	switch {
	case row.Counted <= countedUsers:
	case row.Estimate > countedUsers:
		t.All = Total{N: row.Estimate, About: true}
	default: // the table has never been analyzed, or has just grown
		t.All = Total{N: countedUsers, More: true}
	}
	if row.Waiting > countedWaiting {
		t.Waiting = Total{N: countedWaiting, More: true}
	}
	return t, nil
}
