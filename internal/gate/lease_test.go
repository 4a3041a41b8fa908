package gate

import (
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// The lease ends by whichever clock has gone further: the monotonic one stands
// still while a virtual machine is paused, the wall clock can be set back.
func TestLeaseEndsByEitherClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name            string
		monotonic, wall time.Duration // since the heartbeat was asked for
		held            bool
		passed          time.Duration
	}{
		{"at once", 0, 0, true, 0},
		{"just before its end", afauth.Lease - 1, afauth.Lease - 1, true, afauth.Lease - 1},
		{"at its end", afauth.Lease, afauth.Lease, false, afauth.Lease},
		{"wall clock set back", afauth.Lease, -time.Hour, false, afauth.Lease},
		{"wall clock set back, in time", 300 * time.Millisecond, -time.Hour, true, 300 * time.Millisecond},
		{"paused for an hour", 300 * time.Millisecond, time.Hour, false, time.Hour},
		{"both differ, in time", 100 * time.Millisecond, 200 * time.Millisecond, true, 200 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var n tenure
			n.current.Store(&lease{asked: now.Add(-tt.monotonic), wall: now.UnixNano() - int64(tt.wall), now: 5_000_000, server: postgres.Server{Started: 7}})
			database, held := n.held(now)
			if held != tt.held || database != 5_000_000+tt.passed.Microseconds() || n.heard() != 7 {
				t.Errorf("held %v, %d µs passed, server %d; want %v, %s", held, database-5_000_000, n.heard(), tt.held, tt.passed)
			}
		})
	}
	if _, held := new(tenure).held(now); held {
		t.Error("held before the first heartbeat")
	}
}
