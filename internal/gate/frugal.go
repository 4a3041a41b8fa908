package gate

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// usual is GOGC as Go has it: garbage may be as large as what is in use.
	usual = 100
	// garbage is how much of it may gather where far more is in use, in bytes.
	garbage = 24 << 20
)

// Frugal keeps garbage small beside what the gate remembers, until ctx ends. Of a
// million sessions the usual doubling of the heap would be a hundred megabytes of
// nothing, and as sessions hold no pointers, collecting more often costs little.
// Where GOGC is set, whoever set it knows better.
//
// GOGC and how the size of the heap follows from it: https://go.dev/doc/gc-guide
func Frugal(ctx context.Context) {
	if before := debug.SetGCPercent(usual); before != usual {
		debug.SetGCPercent(before)
		return
	}
	defer debug.SetGCPercent(usual)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for now := usual; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		metrics.Read(inUse)
		if want := percent(inUse[0].Value.Uint64()); want != now {
			debug.SetGCPercent(want) // stops the world for a moment
			now = want
		}
	}
}

// percent is GOGC for so many bytes in use, in steps, so that it seldom changes.
func percent(inUse uint64) int {
	const step = 5
	return min(usual, max(step, int(garbage*usual/max(inUse, garbage))/step*step)) // #nosec G115 -- at most usual
}
