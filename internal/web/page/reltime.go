package page

import (
	"strconv"
	"time"
)

// Moment is a time as seen from another, which is the database's time of the
// page.
type Moment struct{ At, Now time.Time }

// MomentOf returns nil for no time.
func MomentOf(at *time.Time, now time.Time) *Moment {
	if at == nil {
		return nil
	}
	return &Moment{*at, now}
}

const day = 24 * time.Hour

// Long is how long ago the moment was: "2 min", "18 h", "12 days".
func (m Moment) Long() string { return long(m.Now.Sub(m.At).Abs()) }

func long(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "under a minute"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < day:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	default:
		return count(int(d/day), "day")
	}
}

// Ago says when it was: "just now", "4 min ago", and a day where it is long ago.
func (m Moment) Ago() string {
	switch d := m.Now.Sub(m.At); {
	case d < time.Minute:
		return "just now"
	case d < 60*day:
		return m.Long() + " ago"
	default:
		return utcDay(m.At)
	}
}

// Ends says when a permission ends: "ends in 3 days", "until 31 Jan 2027", and
// "ended 2 h ago" once it has.
func (m Moment) Ends() string {
	switch d := m.At.Sub(m.Now); {
	case d <= 0:
		return "ended " + m.Ago()
	case d < day:
		return "ends in " + long(d)
	case d < 14*day:
		// What was given for 7 days a moment ago ends in 7, and not in 6.
		return "ends in " + long(d.Round(day))
	default:
		return "until " + utcDay(m.At)
	}
}

// Number writes a number with its thousands apart: "1,204".
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
