package studio_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/studio"
)

// A view whose function writes is refused by PostgreSQL, and nothing is written:
// no GET changes anything.
func TestReadingNeverWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE written (n int);
CREATE FUNCTION write() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.written VALUES (1); RETURN 1; END $$;
CREATE VIEW trap AS SELECT write() AS n`).open()
	status, body := w.get("/t/public/trap")
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, "READ ONLY") {
		t.Errorf("%d", status)
	}
	if n := w.ask(`SELECT count(*)::text FROM written`); n != "0" {
		t.Errorf("%s rows were written", n)
	}
}

// Functions and operators that somebody has put into a schema of the search
// path are not taken for PostgreSQL's own.
func TestSearchPathIsNotTrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE things (id int PRIMARY KEY, word text); INSERT INTO things VALUES (1, 'a');
CREATE FUNCTION public."left"(text, int) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;
CREATE FUNCTION public.octet_length(text) RETURNS int LANGUAGE sql AS $$ SELECT 987654321 $$;
CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`).open()
	for _, path := range []string{"/t/public/things", "/t/public/things?f=word.starts.A", "/t/public/things/row/1"} {
		if body := w.page(path); strings.Contains(body, "hijacked") || strings.Contains(body, "987654321") || !strings.Contains(body, ">a<") {
			t.Errorf("GET %s uses functions of the search path", path)
		}
	}
}

// Under a read role studio shows what that role may read, and names the rest.
func TestReadRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE things (id int PRIMARY KEY, word text, hidden text); INSERT INTO things VALUES (1, 'a', 'CANARYsecret');
CREATE TABLE closed (id int PRIMARY KEY);
CREATE TABLE many AS SELECT i % 3 AS id, 'w' AS word, 'CANARYsecret' AS hidden FROM generate_series(1, 120) i;
DO $$ BEGIN EXECUTE format('CREATE ROLE %I', 'reader_' || current_database()); EXECUTE format('GRANT SELECT (id, word) ON things, many TO %I', 'reader_' || current_database()); END $$`)
	role := "reader_" + w.ask(`SELECT current_database()::text`)
	t.Cleanup(func() { w.exec(`DROP OWNED BY "` + role + `"; DROP ROLE "` + role + `"`) })
	w.serve(func(o *studio.Options) { o.ReadRole = role })
	w.open()
	if body := w.page("/t/public/things"); strings.Contains(body, canary) || !strings.Contains(body, "no right to read") || !strings.Contains(body, ">a<") {
		t.Error("the role's rights are not kept to")
	}
	// Without a right to the whole table its rows have no place to page by.
	if there, back := w.walk("/t/public/many?sort=id", 0); len(there) != 120 || len(back) != 120 {
		t.Errorf("%d rows there, %d back, want 120", len(there), len(back))
	}
	for _, path := range []string{"/t/public/things?f=hidden.is.x", "/t/public/things?sort=hidden", "/t/public/closed"} {
		if status, body := w.get(path); status != http.StatusUnprocessableEntity || !strings.Contains(body, "may not read") {
			t.Errorf("GET %s: %d", path, status)
		}
	}
}

// Values stand in pages whole.
func TestValuesAreWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE things (id bigint PRIMARY KEY, at timestamptz, big numeric, doc jsonb, raw bytea, list text[], feeling mood, nothing text, empty text, long text);
INSERT INTO things VALUES (9223372036854775807, '2026-01-01 00:00:00.123456+00', 12345678901234567890.12345678901234567890,
	'{"b": {"c": [1, 123456789012345678901234567890]}}', '\x1f8b00', array['a', NULL, 'x,"y'], 'happy', NULL, '', repeat('x', 5000) || 'END')`).open()
	grid, row := w.page("/t/public/things"), w.page("/t/public/things/row/9223372036854775807")
	for _, want := range []string{"9223372036854775807", "2026-01-01 00:00:00.123456", "12345678901234567890.12345678901234567890", `\x1f8b00`, "3 B",
		"{a,NULL,&#34;x,\\&#34;y&#34;}", ">happy<", ">NULL<", ">empty<"} {
		if !strings.Contains(grid, want) {
			t.Errorf("the grid does not hold %q", want)
		}
		if !strings.Contains(row, want) {
			t.Errorf("the row does not hold %q", want)
		}
	}
	if !strings.Contains(row, "123456789012345678901234567890</span>") || !strings.Contains(row, "show all 5.0 kB") || strings.Contains(row, "xEND") {
		t.Error("JSON is no tree, or a long value is not cut and offered whole")
	}
	if whole := w.page("/t/public/things/row/9223372036854775807?whole=long"); !strings.Contains(whole, "xEND") {
		t.Error("the whole value is not whole")
	}
}

// Relations lead both ways, with numbers where an index makes them cheap.
func TestRelations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE people (id int PRIMARY KEY); INSERT INTO people VALUES (1), (2);
CREATE TABLE sessions (id int PRIMARY KEY, person int REFERENCES people); CREATE INDEX ON sessions (person);
CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people);
INSERT INTO sessions SELECT i, 1 FROM generate_series(1, 3) i; INSERT INTO notes VALUES (1, 2)`).open()
	body := w.page("/t/public/people")
	for _, want := range []string{`<a href="/t/public/sessions?f=person.is.1" hx-boost="false">3 sessions</a>`, `>0 sessions</a>`, `<a href="/t/public/notes?f=person.is.2" hx-boost="false">notes</a>`} {
		if !strings.Contains(body, want) {
			t.Errorf("people do not lead to %s", want)
		}
	}
	if body := w.page("/t/public/sessions"); !strings.Contains(body, `href="/t/public/people/row/1"`) {
		t.Error("a session does not lead to its person")
	}
}
