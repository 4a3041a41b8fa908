package studio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/csvfile"
)

// kinds is a table with a column of every kind of type.
const kinds = `
CREATE TYPE mood AS ENUM ('sad', 'very happy');
CREATE DOMAIN short AS varchar(12) CHECK (value <> 'never');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE kinds (id bigint PRIMARY KEY, i2 smallint, i4 int, num numeric(40, 20), free numeric, f4 real, f8 double precision, cash money, flag boolean,
	word text, code varchar(300), padded char(8), c1 "char", nm name, raw bytea, at timestamptz, local timestamp, day date, clock time, clockz timetz, span interval,
	uid uuid, doc json, docb jsonb, ints int[], texts text[][], feeling mood, moods mood[], lim short, duo pair, ip inet, net cidr, mac macaddr, b4 bit(4), vb varbit,
	pt point, bx box, pth path, poly polygon, circ circle, r4 int4range, tsr tstzrange, mr int4multirange, tsv tsvector, tsq tsquery, x xml, lsn pg_lsn, reg regclass,
	doubled numeric GENERATED ALWAYS AS (free * 2) STORED);
INSERT INTO kinds VALUES
(9223372036854775807, -32768, -2147483648, -12345678901234567890.12345678901234567890, 'NaN', 'Infinity', 0.1, '-5.25', true,
	E'Zoë, "quoted"\r\nline; \\ ''x''', '=HYPERLINK("http://evil.test")', 'ab', 'x', 'a name', '\x00ff1b', '2026-01-01 00:00:00.123456+00', '-infinity', 'infinity', '23:59:59.999999', '12:00:00+02', '-1 days -00:00:01.5',
	'0193a1f2-0000-7000-8000-000000000001', E'{"a":\n 123456789012345678901234567890}', '{"b": [1, null]}', '{1,NULL,-3}', '{{a,"b,c"},{"",NULL}}', 'very happy', '{sad}', 'fits', '(1,"x,y")', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', B'1010', B'101',
	'(1,2)', '((0,0),(1,1))', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),1>', '[1,5)', '["2026-01-01 00:00:00+00",)', '{[1,2),[5,6)}', 'a fat cat', 'fat & cat', '<a>x</a>', '16/B374D848', 'pg_class'),
(1, 5, -5, 0, 1e-7, '-Infinity', -1.5e-300, '1234567.89', false, '', '''=1', '', '', '', '', '0044-03-15 00:00:00+00 BC', '2026-01-01', '0044-03-15 BC', '00:00', '00:00+00', '1 year 2 mons', NULL, 'null', 'null', '{}', '{}', 'sad', '{}', '', '(,)', '::1/128', '::/0', '00:00:00:00:00:00', B'0000', B'',
	'(-1,-2)', '((0,0),(0,0))', '((0,0))', '((0,0))', '<(0,0),0>', 'empty', '(,)', '{}', '', '', '', '0/0', 'pg_class');
INSERT INTO kinds (id) VALUES (2);
INSERT INTO kinds (id, word) SELECT 100 + n, v FROM unnest(array['+1', '-1', '-1+1', '@x', E'\tx', E'\rx', '''', '''''=1', 'NULL', '\N', '\.', ' padded ', E'\n', 'ä', '"', ',']) WITH ORDINALITY AS u(v, n);`

// file gets an export that must come.
func (w *world) file(format, table string, v address.View) (string, http.Header) {
	w.t.Helper()
	var base address.Base
	req, err := http.NewRequest(http.MethodGet, w.origin+base.Export("public", table, format, v), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, body := w.do(req)
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("export of %s as %s: %d\n%s", table, format, res.StatusCode, body)
	}
	return body, res.Header
}

// Values leave whole, whatever their type.
func TestExportIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kinds).open()
	csv, head := w.file("csv", "kinds", address.View{})
	if got := head.Get("Content-Disposition"); got != "attachment; filename=kinds.csv" || head.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(head.Get("Content-Type"), "text/csv") {
		t.Errorf("headers %v", head)
	}
	for _, want := range []string{"id,i2,i4,", "9223372036854775807,-32768,", "-12345678901234567890.12345678901234567890", `\x00ff1b`, "2026-01-01 00:00:00.123456+00", "'-infinity", "'-$5.25",
		`"'=HYPERLINK(""http://evil.test"")"`, `''=1`, "'+1", ",-1,", "'-1+1", "\"'\tx\"", "1,5,-5,"} {
		if !strings.Contains(csv, want) {
			t.Errorf("the CSV does not hold %q", want)
		}
	}
	lines, _ := w.file("jsonl", "kinds", address.View{Sort: "id", Desc: true})
	first, _, _ := strings.Cut(lines, "\n")
	var row map[string]json.RawMessage
	if err := json.Unmarshal([]byte(first), &row); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"id": `"9223372036854775807"`, "i4": "-2147483648", "num": `"-12345678901234567890.12345678901234567890"`, "f4": `"Infinity"`, "f8": "0.1", "flag": "true",
		"doc": `{"a":123456789012345678901234567890}`, "raw": `"\\x00ff1b"`, "word": `"Zoë, \"quoted\"\r\nline; \\ 'x'"`, "code": `"=HYPERLINK(\"http://evil.test\")"`, "at": `"2026-01-01 00:00:00.123456+00"`} {
		if string(row[name]) != want {
			t.Errorf("JSON of %s: %s, want %s", name, row[name], want)
		}
	}
	if n := strings.Count(lines, "\n"); n != 19 {
		t.Errorf("%d lines, want 19", n)
	}
}

// The file that SQL leads to is the same table, generated columns left out.
func TestExportedSQLMakesTheSameRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kinds+`CREATE TABLE counted (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text); INSERT INTO counted (word) VALUES ('a'), ('b')`).open()
	before := w.ask(`SELECT md5(string_agg(k::text, '|' ORDER BY id)) || (SELECT string_agg(c::text, '|' ORDER BY id) FROM counted c) FROM kinds k`)
	sql, _ := w.file("sql", "kinds", address.View{})
	more, _ := w.file("sql", "counted", address.View{})
	if strings.Contains(sql, "doubled") || !strings.Contains(more, "OVERRIDING SYSTEM VALUE") {
		t.Error("generated columns or identities are not seen to")
	}
	w.exec(`TRUNCATE kinds, counted`)
	w.exec(`SET standard_conforming_strings = off; ` + sql + more)
	if after := w.ask(`SELECT md5(string_agg(k::text, '|' ORDER BY id)) || (SELECT string_agg(c::text, '|' ORDER BY id) FROM counted c) FROM kinds k`); after != before {
		t.Error("the rows differ")
	}
}

// An export holds what the grid shows: filter, search, sort and columns.
func TestExportFollowsTheView(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE things (id int PRIMARY KEY, word text, n int); INSERT INTO things SELECT i, 'w' || i, -i FROM generate_series(1, 300) i;
CREATE TABLE "Ünïcode/..;x" (id int PRIMARY KEY); CREATE TABLE keyless AS SELECT 1 AS n; CREATE VIEW seen AS SELECT id FROM things`).open()
	for _, test := range []struct {
		view address.View
		want string
	}{
		{address.View{Filters: []address.Filter{{Column: "id", Op: address.Between, Values: []string{"98", "100"}}}, Sort: "word", Columns: []string{"word", "n", "word"}}, "word,n\r\nw100,-100\r\nw98,-98\r\nw99,-99\r\n"},
		{address.View{Search: "w77", Columns: []string{"id"}}, "id\r\n77\r\n"},
		{address.View{Filters: []address.Filter{{Column: "id", Op: address.Is, Values: []string{"1000"}}}}, "id,word,n\r\n"},
	} {
		if got, _ := w.file("csv", "things", test.view); got != test.want {
			t.Errorf("%+v: %q", test.view, got)
		}
	}
	if all, _ := w.file("csv", "things", address.View{From: "200"}); strings.Count(all, "\r\n") != 301 {
		t.Error("an export begins in the middle")
	}
	for _, table := range []string{"keyless", "seen"} {
		w.file("csv", table, address.View{})
	}
	if _, head := w.file("csv", "Ünïcode/..;x", address.View{}); head.Get("Content-Disposition") != "attachment; filename=n_code_.._x.csv" {
		t.Errorf("file name %q", head.Get("Content-Disposition"))
	}
	for _, path := range []string{"/t/public/things/export/xls", "/t/public/things/export/csv?sort=nope", "/t/public/things/export/csv?f=id.is.x", "/t/public/nothing/export/csv"} {
		status, body := w.get(path)
		if status != http.StatusUnprocessableEntity && status != http.StatusNotFound || !strings.Contains(body, "<h1") {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	w.client = browser(t)
	if status, _ := w.get("/t/public/things/export/csv"); status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", status)
	}
}

// No export holds a masked value, and the page says what is left out.
func TestExportLeavesMaskedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, masked, withMasks).open()
	for _, table := range []string{"people", "people_view", "view_of_view", "kept", "pointing", "keyed", "parted", "parted_1"} {
		for _, format := range []string{"csv", "jsonl", "sql", "xml"} {
			for _, q := range []string{"", "?cols=token", "?cols=id,token", "?sort=token", "?f=token.starts.C", "?whole=token"} {
				status, body := w.get("/t/public/" + table + "/export/" + format + q)
				if low := strings.ToLower(body); strings.Contains(low, strings.ToLower(canary)) || strings.Contains(low, "43414e415259") {
					t.Errorf("%s as %s%s (%d) holds a masked value", table, format, q, status)
				}
			}
		}
	}
	if got, _ := w.file("csv", "people", address.View{Filters: []address.Filter{{Column: "id", Op: address.Is, Values: []string{"1"}}}}); got != "id,name\r\n1,p1\r\n" {
		t.Errorf("people: %q", got)
	}
	if body := w.page("/t/public/people"); !strings.Contains(body, "Masked, and in no file: <code>token</code> <code>hash</code> <code>upper_token</code>") {
		t.Error("the page does not say what is left out")
	}
}

// What fails after the first byte is no whole file: the connection breaks off.
func TestExportBreaksOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE VIEW failing AS SELECT i, repeat('x', 1000) AS pad, 1 / (3000 - i) AS n FROM generate_series(1, 4000) i;
CREATE VIEW at_once AS SELECT 1 / (1 - i) AS n FROM generate_series(1, 10) i`).open()
	for _, format := range []string{"csv", "jsonl", "sql"} {
		res, err := w.client.Get(w.origin + "/t/public/failing/export/" + format)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) || n < 1<<20 {
			t.Errorf("%s: %d, %d bytes, then %v", format, res.StatusCode, n, err)
		}
	}
	if status, body := w.get("/t/public/at_once/export/csv"); status != http.StatusUnprocessableEntity || !strings.Contains(body, "SQLSTATE 22012") {
		t.Errorf("what fails before the first byte: %d", status)
	}
	if !strings.Contains(w.log.String(), "an export broke off") || strings.Contains(w.log.String(), "panicked") {
		t.Error("the log does not say so")
	}
}

// A download that is stopped ends its query in PostgreSQL, and gives its place
// back; two at a time are allowed.
func TestCancelledExportEndsTheQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE VIEW endless AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, repeat('x', 1000) AS pad FROM n`).open()
	begin := func() context.CancelFunc {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.origin+"/t/public/endless/export/jsonl", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		return cancel
	}
	stop := []context.CancelFunc{begin(), begin()}
	if status, body := w.get("/t/public/endless/export/csv"); status != http.StatusServiceUnavailable || !strings.Contains(body, "Two exports or imports are running") {
		t.Errorf("a third: %d", status)
	}
	for _, s := range stop {
		s()
	}
	running := `SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%endless%' AND state = 'active' AND pid <> pg_backend_pid()`
	for w.ask(running) != "0" {
		if t.Context().Err() != nil {
			t.Fatal("the query goes on")
		}
		runtime.Gosched()
	}
}

// An export takes no more memory for more rows, and no limit of a page's.
func TestExportStreams(t *testing.T) { // not in parallel: the heap is the whole process's
	w := newWorld(t, `CREATE TABLE many (id int PRIMARY KEY, word text); INSERT INTO many SELECT i, repeat('x', 1000) FROM generate_series(1, 80000) i`).open()
	for _, format := range []string{"csv", "jsonl", "sql"} {
		res, err := w.client.Get(w.origin + "/t/public/many/export/" + format)
		if err != nil {
			t.Fatal(err)
		}
		most, total := heapWhile(t, res.Body)
		_ = res.Body.Close()
		if total < 80_000_000 || most > 40<<20 {
			t.Errorf("%s: %d bytes, %d of heap", format, total, most)
		}
	}
}

// heapWhile reads all, and returns the largest live heap met on the way.
func heapWhile(t *testing.T, body io.Reader) (most uint64, total int64) {
	t.Helper()
	buffer := make([]byte, 64<<10)
	next := int64(0)
	for {
		n, err := body.Read(buffer)
		total += int64(n)
		if total >= next {
			next += 20_000_000
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapAlloc)
		}
		if errors.Is(err, io.EOF) {
			return most, total
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// C38: hostile names and values leave as what they are, in all formats; psql
// reads the SQL and finds nothing but rows in it.
func TestExportOfHostileNamesAndValues(t *testing.T) {
	t.Parallel()
	var sql strings.Builder
	sql.WriteString("CREATE TABLE victim (n int PRIMARY KEY, v text); INSERT INTO victim VALUES (1, 'alive');\n")
	names := hostile()
	for _, name := range names {
		table := pgx.Identifier{name}.Sanitize()
		fmt.Fprintf(&sql, "CREATE TABLE %s (%s text PRIMARY KEY);\n", table, table)
		for _, value := range names {
			fmt.Fprintf(&sql, "INSERT INTO %s VALUES (%s);\n", table, quoted(value))
		}
	}
	w := newWorld(t, sql.String()).open()
	before := w.ask(fingerprint)
	var script strings.Builder
	for _, name := range names {
		for _, format := range []string{"csv", "jsonl", "sql"} {
			file, _ := w.file(format, name, address.View{Sort: name})
			switch format {
			case "csv":
				r := csvfile.NewReader(strings.NewReader(file), ',')
				for i := 0; ; i++ {
					l, err := r.Next()
					if err != nil {
						if i != len(names)+1 {
							t.Errorf("%q: %d lines, then %v", name, i, err)
						}
						break
					}
					if text := l.Cells[0].Text; text != "" && strings.ContainsRune("=@+\t\r\n", rune(text[0])) {
						t.Errorf("%q: a spreadsheet runs %q", name, text)
					}
				}
			case "sql":
				script.WriteString("DELETE FROM " + pgx.Identifier{name}.Sanitize() + ";\n" + file)
			}
		}
	}
	all := `SELECT md5(string_agg(query_to_xml(format('SELECT * FROM %I.%I AS r ORDER BY r::text COLLATE "C"', schemaname, tablename), true, false, '')::text, '' ORDER BY tablename)) FROM pg_tables WHERE schemaname = 'public'`
	rows := w.ask(all)
	psql := exec.CommandContext(t.Context(), psqlPath(), "-X", "-v", "ON_ERROR_STOP=1", "-q", w.url)
	psql.Stdin = strings.NewReader(script.String())
	if out, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	if after := w.ask(fingerprint); after != before || w.ask(all) != rows {
		t.Error("the catalogue or the rows have changed")
	}
}

// psqlPath is that of psql.
func psqlPath() string {
	if path, err := exec.LookPath("psql"); err == nil {
		return path
	}
	return os.Getenv("PSQL")
}
