package page

import (
	"fmt"
	"time"
)

// Times are written in UTC. page.js rewrites those that are marked data-local
// in the reader's zone and leaves the UTC form in the title.

// iso is the machine's form, for the datetime attribute (RFC 3339, UTC).
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// utc is a moment to the minute: "23 Nov 2026, 14:02 UTC".
func utc(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 MST") }

// utcDay is a day: "23 Nov 2026".
func utcDay(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// utcClock is a time of day to the second: "14:04:11 UTC".
func utcClock(t time.Time) string { return t.UTC().Format("15:04:05 MST") }

// utcFull is a moment to the second, as logs have it: "23 Nov 2026, 14:16:09 UTC".
func utcFull(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 MST") }

// span says a duration in its largest whole unit: "7 days", "24 hours",
// "90 minutes". One day is "24 hours", because that is how people set it.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > day && d%day == 0:
		return count(int(d/day), "day")
	case d >= time.Hour && d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	case d >= time.Minute:
		return count(int(d.Round(time.Minute)/time.Minute), "minute")
	default:
		return count(int(d.Round(time.Second)/time.Second), "second")
	}
}

// Count writes a number of things: "1 session", "3 sessions".
func Count(n int, noun string) string { return count(n, noun) }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
