package postgres

import (
	"context"
	"sync/atomic"
	"time"
)

// clock knows how far this machine's clock is from the database's.
type clock struct{ offset atomic.Int64 }

// Now is the database's time, near enough for limits of minutes: this
// machine's clock, put right by the offset measured at the last heartbeat. So
// a server whose clock is an hour off still agrees with the others about when
// a sign-in was started.
func (db *DB) Now() time.Time {
	return time.Now().Add(time.Duration(db.clock.offset.Load()))
}

// set compares the two clocks. The answer was made somewhere between before
// and now; the middle is at most half a round trip wrong.
func (c *clock) set(before, database time.Time) {
	middle := before.Add(time.Since(before) / 2)
	c.offset.Store(int64(database.Sub(middle)))
}

// syncClock asks the database for the time. It is part of opening, where a
// connection may take as long as a dial, and not a request that waits for one.
func (db *DB) syncClock(ctx context.Context) error {
	before := time.Now()
	var now time.Time
	if err := (patient{pool: db.pool, wait: max(db.wait, db.dialer.Timeout)}).QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return fault(err, "asking the database for the time")
	}
	db.clock.set(before, now)
	return nil
}
