package studio_test

import (
	"html"
	"strings"
	"testing"
)

// What a column would round or leave out without a word is said at its cell, and
// not kept; what it keeps whole is taken.
func TestNothingIsRoundedWithoutAWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE DOMAIN cents AS numeric(8, 2);
CREATE TABLE kept (id int PRIMARY KEY, at timestamptz, local timestamp, s timestamp(0), clock time(2), day date, gap interval, hours interval day to hour, f4 real, f8 double precision, cash money,
	amount numeric(6, 2), hundreds numeric(5, -2), c cents, list numeric(6, 1)[], nm name, ch "char", bits varbit(3));
INSERT INTO kept (id) VALUES (1)`).open()
	const row = "/t/public/kept/row/1"
	for _, test := range []struct{ column, typed, want string }{
		{"at", "2026-01-01 12:00:00.1234567+00", "at keeps microseconds, 6 digits behind a second's point, and these are 7."},
		{"at", "2026-01-01 12:00:00.1234560+00", ""},
		{"local", "2026-01-01 12:00:00+02", "keeps no offset"},
		{"local", "2026-01-01", ""},
		{"s", "2026-01-01 12:00:00.5", "s is timestamp(0) without time zone and would keep 2026-01-01 12:00:0"},
		{"s", "2026-01-01 12:00:01", ""},
		{"clock", "12:00:00.125", "would keep 12:00:00.1"},
		{"day", "2026-01-01 12:00", "day keeps a day and no time of it."},
		{"gap", "1.0000001 seconds", "keeps microseconds"},
		{"gap", "1.5 days", ""},
		{"hours", "1 day 01:30", "would keep 1 day 01:00:00 of it"},
		{"f4", "16777217", "does not keep all these digits: the nearest value is 1.6777216e+07"},
		{"f8", "0.1234567890123456789", "does not keep all these digits"},
		{"f8", "0.10", ""},
		{"cash", "1.005", "cash is money and would keep $1.0"},
		{"cash", "1234.5", ""},
		{"amount", "1.505", "keeps 2 digits behind the point"},
		{"amount", "1505e-3", "would keep 1.5"},
		{"hundreds", "1234", "would keep 1200 of it"},
		{"c", "1.505", "c is cents and would keep 1.5"},
		{"list", "{1.25}", "would keep {1.3} of it"},
		{"nm", strings.Repeat("n", 64), "holds 63 bytes, and these are 64"},
		{"ch", "ab", "keeps one byte"},
		{"bits", "10101", "would keep 101 of it"},
	} {
		w.set(row, test.column, "text", test.typed)
		_, said, faulty := strings.Cut(w.page("/t/public/kept"), `<div class="faults"`)
		said = strings.ReplaceAll(html.UnescapeString(words(said)), "public.", "")
		if faulty != (test.want != "") || !strings.Contains(said, test.want) {
			t.Errorf("%s %q: the page does not say %q: %s", test.column, test.typed, test.want, clipped(said))
		}
		w.submit("/t/public/kept/discard")
	}
}
