package diff_test

import (
	"testing"

	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// What is not called destructive keeps a value or refuses it, and what is says
// so before it happens.
func TestRetyping(t *testing.T) {
	t.Parallel()
	const (
		moods  = "CREATE TYPE mood AS ENUM ('sad', 'glad'); "
		domain = "CREATE DOMAIN price AS numeric(10,4); "
	)
	for _, test := range []struct {
		before, from, to string
		value            string // what the column holds
		note, lost       string // of the way there, and what is lost on the way back
	}{
		{"", "numeric(10,4)", "numeric(10,2)", "1.2345", "values of p.v are rounded or cut to numeric(10,2)", ""},
		{"", "numeric(10,2)", "numeric(12,4)", "1.23", "", "values of p.v are rounded or cut to numeric(10,2)"},
		{"", "timestamptz", "date", "2026-01-01 12:34:56+00", "values of p.v are cut to their day in UTC", ""},
		{"", "timestamp", "timestamptz", "2026-03-29 02:30:00", "", "values of p.v are left without a time zone; those with one become times in UTC"},
		{"", "timestamp", "date", "2026-01-01 12:34:56", "values of p.v are rounded or cut to date", ""},
		{"", "timestamp(6)", "timestamp(3)", "2026-01-01 12:34:56.123456", "values of p.v are rounded or cut to timestamp(3) without time zone", ""},
		{"", "float8", "integer", "1.5", "values of p.v are rounded or cut to integer", ""},
		{"", "json", "jsonb", `{"b": 1, "a": 2, "a": 3}`, "values of p.v are written anew as jsonb: spaces, the order of keys and keys that are there twice are lost", ""},
		{"", "text", "char(5)", "ab ", "values of p.v are cut or filled up to character(5), and lose blanks at their end", ""},
		{"", "text", "varchar(5)", "abcdefgh", "", ""},
		{"", "bigint", "integer", "5000000000", "", ""},
		{"", "text", "integer", "007", "values of p.v are converted to integer, which does not hold every text", ""},
		{domain, "price", "numeric(10,2)", "1.2345", "values of p.v are rounded or cut to numeric(10,2)", ""},
		{moods, "text", "mood", "glad", "", ""},
		{moods, "mood", "varchar(2)", "glad", "", ""},
		{"", "integer", "bigint", "7", "", ""},
		{"", "varchar(5)", "text", "abcde", "", ""},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			t.Parallel()
			from, to := test.before+"CREATE TABLE p (v "+test.from+")", test.before+"CREATE TABLE p (v "+test.to+")"
			p := roundTrip(t, from, to, "TYPE", diff.Options{})
			if got := first(p.Lost); got != test.note || p.Destructive() != (test.note != "") {
				t.Errorf("lost %q, want %q:\n%s", got, test.note, diff.SQL(p.Up))
			}
			for _, s := range p.Down {
				if s.Destructive && test.lost != "" && s.Note != test.lost {
					t.Errorf("the way back loses %q, want %q", s.Note, test.lost)
				}
			}
			if test.lost != "" && !(diff.Plan{Up: p.Down}).Destructive() {
				t.Errorf("the way back loses nothing:\n%s", diff.SQL(p.Down))
			}
			d := open(t, pgtest.Empty(t))
			d.run("SET TimeZone TO 'UTC'") // as in every migration
			d.run(from + "; INSERT INTO p VALUES ('" + test.value + "')")
			was := d.ask("SELECT v::text FROM p")
			if _, err := d.PgConn().Exec(t.Context(), diff.SQL(p.Up)).ReadAll(); err != nil {
				return // it fails, and the value is as it was
			}
			if kept := d.ask("SELECT v::"+test.from+"::text FROM p") == was; kept == p.Destructive() {
				t.Errorf("the value is kept: %t, destructive: %t\n%s", kept, p.Destructive(), diff.SQL(p.Up))
			}
		})
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// A time that gets a time zone is another moment, where it was meant for one.
func TestTimesAreTakenForUTC(t *testing.T) {
	t.Parallel()
	p := roundTrip(t, "CREATE TABLE p (v timestamp)", "CREATE TABLE p (v timestamptz)", "-- values of p.v are taken to be times in UTC.\n", diff.Options{})
	if p.Destructive() {
		t.Errorf("it loses data:\n%s", diff.SQL(p.Up))
	}
}

// What computed values replace is one loss, with a sentence.
func TestReplacedByComputed(t *testing.T) {
	t.Parallel()
	p := roundTrip(t, "CREATE TABLE p (a int, v int)", "CREATE TABLE p (a int, v int GENERATED ALWAYS AS (a) STORED)", "DROP COLUMN v", diff.Options{})
	if len(p.Lost) != 1 || p.Lost[0] != "the values of p.v are replaced by computed ones" {
		t.Errorf("lost %q", p.Lost)
	}
}
