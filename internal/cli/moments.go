package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
)

const (
	day = 24 * time.Hour
	// longest bounds a length of time: nobody means more by a number of days.
	longest = 36_500 * day
	// lastYear is the last that ISO 8601 and JSON write with four digits.
	lastYear = 9999
)

// parseUntil reads the end of a permission: a length of time from now ("30d",
// "12h"), a date, which counts to its end in UTC, or a moment (RFC 3339). The
// result is in UTC; nil where the flag was not given. Given empty, as by an
// unset variable of a script, it is an error: nobody is let in for ever by that.
func parseUntil(given *string, now time.Time) (*time.Time, error) {
	if given == nil {
		return nil, nil
	}
	s := *given
	if d, ok := parseSpan(s); ok {
		t := now.Add(d).UTC().Truncate(time.Second)
		return &t, nil
	}
	t, isDate, ok := parseMoment(s)
	if ok && isDate {
		t = t.AddDate(0, 0, 1)
	}
	if !ok || t.Year() > lastYear {
		return nil, noTime(s, "30d, 12h, 2027-01-31 or 2027-01-31T18:00:00Z")
	}
	return &t, nil
}

// parseSince reads the beginning of a list: how long ago ("24h", "7d"), a date,
// which begins at midnight in UTC, or a moment (RFC 3339). nil where the flag was
// not given.
func parseSince(given *string, now time.Time) (*time.Time, error) {
	if given == nil {
		return nil, nil
	}
	s := *given
	if d, ok := parseSpan(s); ok {
		t := now.Add(-d).UTC()
		return &t, nil
	}
	t, _, ok := parseMoment(s)
	if !ok {
		return nil, noTime(s, "24h, 7d, 2026-11-01 or 2026-11-01T08:00:00Z")
	}
	return &t, nil
}

// parseMoment reads a date or a moment, and returns it in UTC.
func parseMoment(s string) (t time.Time, isDate, ok bool) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, true, true
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), false, true
	}
	return time.Time{}, false, false
}

// parseSpan reads a length of time above zero: time.Duration's forms, and whole
// weeks or days, alone or before them: 2w, 30d, 1d12h.
func parseSpan(s string) (time.Duration, bool) {
	total, rest := time.Duration(0), s
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * day}, {"d", day}} {
		digits, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || time.Duration(n) > longest/unit.length {
			return 0, false
		}
		total, rest = total+time.Duration(n)*unit.length, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || d > longest {
			return 0, false
		}
		total += d
	}
	return total, total > 0 && total <= longest
}

func noTime(s, forms string) error {
	return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("%q is not a time", s), Hint: "write " + forms}
}
