package studio_test

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	idCell    = regexp.MustCompile(`(?s)<tr id="row-[^"]*"[^>]*>(.*?)</tr>`)
	cellText  = regexp.MustCompile(`(?s)<span class="v [^"]*">([^<]*)</span>`)
	olderLink = regexp.MustCompile(`id="older" href="([^"]*)"`)
	newerLink = regexp.MustCompile(`id="newer" href="([^"]*)"`)
)

// column returns the texts of one column of a grid.
func column(body string, n int) []string {
	var all []string
	for _, row := range idCell.FindAllStringSubmatch(body, -1) {
		cells := cellText.FindAllStringSubmatch(row[1], -1)
		all = append(all, html.UnescapeString(cells[n][1]))
	}
	return all
}

func link(re *regexp.Regexp, body string) string {
	m := re.FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// walk reads a table forwards to its end and back, and returns both ways.
func (w *world) walk(path string, n int) (there, back []string) {
	w.t.Helper()
	body := w.page(path)
	for range 100 {
		there = append(there, column(body, n)...)
		next := link(olderLink, body)
		if next == "" {
			break
		}
		body = w.page(next)
	}
	for range 100 {
		back = slices.Concat(column(body, n), back)
		previous := link(newerLink, body)
		if previous == "" {
			break
		}
		body = w.page(previous)
	}
	return there, back
}

// Pages hold every row once, in PostgreSQL's own order, over ties, NULLs, keys
// of several columns, either direction, and every type that has an order.
func TestPagesHoldEveryRowOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN small AS int CHECK (value < 1000);
CREATE TABLE things (n bigint, part text COLLATE "C", tie int, nulls int, big numeric, f double precision, at timestamptz, day date, span interval,
	id uuid, flag boolean, feeling mood, raw bytea, list int[], range int4range, ip inet, doc jsonb, word text, folded citext, dom small, cash money,
	PRIMARY KEY (part, n));
INSERT INTO things SELECT 9223372036854775807 - i, chr(65 + i % 3) || E'\'"$$;%', i % 4, nullif(i % 5, 0), (i % 40) + 0.1234567890123456789, 
	CASE WHEN i % 11 = 0 THEN 'NaN' WHEN i % 13 = 0 THEN '-Infinity' ELSE i / 7.0 END,
	CASE WHEN i % 17 = 0 THEN 'infinity' ELSE timestamptz '2026-01-01' + i % 30 * interval '1 microsecond' END, date '2026-01-01' + i % 20,
	i % 10 * interval '1 month 1 second', md5(i::text)::uuid, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END,
	(enum_range(null::mood))[1 + i % 3], decode(md5((i % 30)::text), 'hex'), array[i % 6, null, i % 2], int4range(i % 9, 20), ('10.0.0.' || i % 50)::inet,
	jsonb_build_object('a', i % 12), CASE WHEN i % 7 = 0 THEN '' WHEN i % 8 = 0 THEN NULL ELSE 'Zoë ' || i % 25 END,
	(CASE WHEN i % 2 = 0 THEN 'ABC' ELSE 'abc' END) || i % 6, i % 100, (i % 10)::money FROM generate_series(1, 230) i;
CREATE TABLE keyless AS SELECT i AS n, i % 3 AS tie FROM generate_series(1, 170) i;
CREATE TABLE empty (id int PRIMARY KEY)`).open()
	for _, c := range []string{"", "n", "part", "tie", "nulls", "big", "f", "at", "day", "span", "id", "flag", "feeling", "raw", "list", "range", "ip", "doc", "word", "folded", "dom", "cash"} {
		for _, way := range []string{"sort", "desc"} {
			if c == "" && way == "desc" {
				continue
			}
			t.Run(c+" "+way, func(t *testing.T) {
				t.Parallel()
				order, q := "part, n", ""
				if c != "" {
					direction := map[string]string{"sort": "", "desc": " DESC"}[way]
					order, q = fmt.Sprintf("%s%s, part%s, n%s", c, direction, direction, direction), query(way, c)
				}
				in := *w
				in.t = t
				there, back := in.walk("/t/public/things"+q, 0)
				want := strings.Split(in.ask(`SELECT string_agg(n::text, ' ' ORDER BY `+order+`) FROM things`), " ")
				if !slices.Equal(there, want) {
					t.Errorf("forwards: %d rows\n%v\nwant %d\n%v", len(there), there, len(want), want)
				}
				if !slices.Equal(back, want) {
					t.Errorf("backwards: %d rows, want %d", len(back), len(want))
				}
			})
		}
	}
	t.Run("without a key", func(t *testing.T) {
		t.Parallel()
		for _, q := range []string{"", query("sort", "tie"), query("desc", "tie")} {
			in := *w
			in.t = t
			there, back := in.walk("/t/public/keyless"+q, 0)
			if slices.Sort(there); len(slices.Compact(slices.Clone(there))) != 170 || len(there) != 170 || len(back) != 170 {
				t.Errorf("%q: %d rows there, %d back, want 170 different ones", q, len(there), len(back))
			}
		}
	})
}

// A cursor is used in the order that it was made in; any other is refused.
func TestCursorsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE things (id int PRIMARY KEY, word text); INSERT INTO things SELECT i, 'w' || i FROM generate_series(1, 120) i`).open()
	next := link(olderLink, w.page("/t/public/things"))
	for _, path := range []string{
		next + "&sort=word", next + "&desc=id", next + "x", "/t/public/things?after=x", "/t/public/things?after=e30",
		"/t/public/things?after=eyJvIjoiK2lkIiwidiI6W251bGxdfQ", "/t/public/things?after=eyJvIjoiK2lkIiwidiI6WyInOyBkcm9wIl19",
	} {
		if status, body := w.get(path); status != 422 || strings.Contains(body, "SQLSTATE 42") {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// A jump begins at a key, and pages both ways from there.
func TestJump(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE things (id int PRIMARY KEY); INSERT INTO things SELECT 2 * i FROM generate_series(1, 200) i`).open()
	body := w.page("/t/public/things?from=199")
	if got := column(body, 0); got[0] != "200" {
		t.Errorf("jumped to %s", got[0])
	}
	if got := column(w.page(link(newerLink, body)), 0); got[len(got)-1] != "198" {
		t.Errorf("before it stands %s", got[len(got)-1])
	}
}
