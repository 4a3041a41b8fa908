package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
)

// noon is the present of these tests, written in another zone than UTC.
func noon() time.Time {
	return time.Date(2026, 11, 24, 13, 0, 0, 500, time.FixedZone("CET", 3600))
}

func TestParseSpan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   string
		want time.Duration // 0: no length of time
	}{
		{"30d", 30 * 24 * time.Hour},
		{"2w", 14 * 24 * time.Hour},
		{"1w2d3h", (9*24 + 3) * time.Hour},
		{"1d12h", 36 * time.Hour},
		{"12h", 12 * time.Hour},
		{"1.5h", 90 * time.Minute},
		{"90m", 90 * time.Minute},
		{"1h30m10s", 5410 * time.Second},
		{"36500d", 36500 * 24 * time.Hour},
		{"0d1h", time.Hour},
		{"", 0}, {"d", 0}, {"w", 0}, {"0", 0}, {"0d", 0}, {"0s", 0}, {"30", 0},
		{"-30d", 0}, {"+30d", 0}, {"-1h", 0}, {"1d-1h", 0},
		{" 30d", 0}, {"30d ", 0}, {"30 d", 0}, {"30d and more", 0}, {"30dd", 0}, {"1d1w", 0}, {"1h1d", 0},
		{"30D", 0}, {"1y", 0}, {"1.5d", 0}, {"0x1fd", 0}, {"3_0d", 0}, {"٣d", 0},
		{"36501d", 0}, {"36500d1ns", 0}, {"65535w", 0}, {"99999999999999999999d", 0}, {"2562047h", 0}, {"1e3d", 0},
	} {
		got, ok := parseSpan(test.in)
		if want := test.want > 0; ok != want || ok && got != test.want {
			t.Errorf("parseSpan(%q) = %v, %v, want %v, %v", test.in, got, ok, test.want, want)
		}
	}
}

func TestParseUntil(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, want string // "": an error
	}{
		{"12h", "2026-11-25T00:00:00Z"},
		{"30d", "2026-12-24T12:00:00Z"},
		{"2027-01-31", "2027-02-01T00:00:00Z"}, // that day included
		{"2028-02-28", "2028-02-29T00:00:00Z"},
		{"9999-12-30", "9999-12-31T00:00:00Z"},
		{"2027-01-31T18:00:00Z", "2027-01-31T18:00:00Z"},
		{"2027-01-31T18:00:00+02:00", "2027-01-31T16:00:00Z"},
		{"2027-01-31T18:00:00.25Z", "2027-01-31T18:00:00.25Z"},
		{"2020-01-01", "2020-01-02T00:00:00Z"}, // past: whoever allows refuses it
		{"", ""}, {"tomorrow", ""}, {"30", ""}, {"31.01.2027", ""}, {"2027-1-31", ""}, {"2027-02-29", ""}, {"2027-13-01", ""},
		{"2027-01-31T18:00", ""}, {"2027-01-31 18:00:00Z", ""}, {"2027-01-31T25:00:00Z", ""}, {"infinity", ""}, {"\x1b[2J", ""},
		// JSON has no fifth digit for years.
		{"9999-12-31", ""}, {"9999-12-31T23:59:59-01:00", ""}, {"10000-01-01", ""},
	} {
		got, err := parseUntil(&test.in, noon())
		checkMoment(t, "parseUntil", test.in, test.want, got, err)
	}
	if got, err := parseUntil(nil, noon()); got != nil || err != nil {
		t.Errorf("without --until: %v, %v", got, err)
	}
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, want string // "": an error
	}{
		{"24h", "2026-11-23T12:00:00.0000005Z"},
		{"1w", "2026-11-17T12:00:00.0000005Z"},
		{"2026-11-01", "2026-11-01T00:00:00Z"},
		{"2026-11-01T08:00:00+01:00", "2026-11-01T07:00:00Z"},
		{"recently", ""}, {"-24h", ""}, {"2026-11-31", ""},
	} {
		got, err := parseSince(&test.in, noon())
		checkMoment(t, "parseSince", test.in, test.want, got, err)
	}
	if got, err := parseSince(nil, noon()); got != nil || err != nil {
		t.Errorf("without --since: %v, %v", got, err)
	}
}

func checkMoment(t *testing.T, function, in, want string, got *time.Time, err error) {
	t.Helper()
	if want == "" {
		var e *afauth.Error
		if got != nil || !errors.As(err, &e) || e.Code != afauth.CodeInvalid || e.Hint == "" {
			t.Errorf("%s(%q) = %v, %v, want an error with a hint", function, in, got, err)
		}
		return
	}
	if err != nil || got == nil || got.Location() != time.UTC || got.Format(time.RFC3339Nano) != want {
		t.Errorf("%s(%q) = %v, %v, want %s", function, in, got, err, want)
	}
}

// FuzzMoments: whatever is typed ends in an error, or in a moment that can be
// shown and sent as JSON; an end never lies before the beginning it is given.
func FuzzMoments(f *testing.F) {
	for _, s := range []string{"", "30d", "2w", "1d12h", "2027-01-31", "2027-01-31T18:00:00+02:00", "9999-12-31T23:59:59-23:59", "1h\x00", "99999999w", "-1d", "1d-1ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		until, err := parseUntil(&s, noon())
		if (until == nil) != (err != nil || s == "") {
			t.Errorf("%q: %v beside %v", s, until, err)
		}
		if until != nil {
			if _, err := until.MarshalJSON(); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
		if span, ok := parseSpan(s); ok && (span <= 0 || span > longest || until == nil || until.After(noon().Add(span))) {
			t.Errorf("%q is %v and ends %v", s, span, until)
		}
		since, err := parseSince(&s, noon())
		if (since == nil) != (err != nil || s == "") {
			t.Errorf("%q: %v beside %v", s, since, err)
		}
		if since != nil && until != nil && until.Before(since.Truncate(time.Second)) {
			t.Errorf("%q ends %v and begins %v", s, until, since)
		}
	})
}
