package afauth

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Instance is one running `af-auth serve`.
type Instance struct {
	ID      ID
	Release string
	Address string
	// StartedAt and HeartbeatAt are by the database's clock.
	StartedAt   time.Time
	HeartbeatAt time.Time
}

// OlderRelease reports whether a release may be older than another: it is not
// the same, and not surely newer. Releases are semantic versions, with or without
// a "v"; what is none, such as "dev", is never surely newer.
func OlderRelease(release, than string) bool {
	if release == than {
		return false
	}
	a, okA := releaseNumbers(release)
	b, okB := releaseNumbers(than)
	return !okA || !okB || slices.Compare(a, b) <= 0
}

// releaseNumbers reads major, minor and patch.
func releaseNumbers(release string) ([]int, bool) {
	core, _, _ := strings.Cut(strings.TrimPrefix(release, "v"), "-")
	core, _, _ = strings.Cut(core, "+")
	parts := strings.Split(core, ".")
	numbers := make([]int, 0, len(parts))
	for _, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	return numbers, len(numbers) == 3
}

// Lease is how long a server may decide from memory after it asked for the last
// heartbeat that it heard back. A server that has been cut off for this long asks
// the database for each request.
const Lease = time.Second
