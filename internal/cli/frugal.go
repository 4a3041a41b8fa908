package cli

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// plenty is how many sessions in memory make garbage dear.
	plenty = 100_000
	// seldom is GOGC as Go has it, and often is it where there is plenty: by default
	// the heap may double before garbage is collected, and of a million sessions
	// that would be a hundred megabytes of nothing. The sessions hold no pointers,
	// so that collecting more often costs little.
	seldom, often = 100, 20
)

// frugal keeps garbage small beside what the gate remembers. Where GOGC is set,
// whoever set it knows better.
func (s *service) frugal(ctx context.Context) {
	if before := debug.SetGCPercent(seldom); before != seldom {
		debug.SetGCPercent(before)
		return
	}
	now := seldom
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			debug.SetGCPercent(seldom)
			return
		}
		want := seldom
		if s.gate.Stats().Sessions >= plenty {
			want = often
		}
		if want != now {
			debug.SetGCPercent(want)
			now = want
		}
	}
}
