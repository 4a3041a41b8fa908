package studio_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/studio"
)

const guarded = masked + `
CREATE TABLE notes (id int PRIMARY KEY, word text);
INSERT INTO notes SELECT i, 'word ' || i FROM generate_series(1, 1000) i;
CREATE VIEW slow AS SELECT id, pg_sleep(60)::text AS s FROM notes;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;`

// reader makes a user of the cluster that may do what rights say, with $ in
// place of its name, and returns its URL.
func (w *world) reader(rights string) pgurl.URL {
	w.t.Helper()
	name := "box_" + w.ask(`SELECT current_database()::text`)
	quoted := pgx.Identifier{name}.Sanitize()
	w.exec(`CREATE ROLE ` + quoted + ` LOGIN PASSWORD 'box';` + strings.ReplaceAll(rights, "$", quoted))
	w.t.Cleanup(func() { w.exec(`DROP OWNED BY ` + quoted + ` CASCADE; DROP ROLE ` + quoted) })
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.UserPassword(name, "box")
	parsed, err := pgurl.Parse(u.String())
	if err != nil {
		w.t.Fatal(err)
	}
	return parsed
}

const readerRights = `GRANT SELECT ON notes, slow TO $; GRANT SELECT (id, name) ON people TO $;`

// newBox serves studio on guarded, with the box under a user that may read notes.
func newBox(t *testing.T, rights string, change ...func(*studio.Options)) *world {
	t.Helper()
	w := newWorld(t, guarded, withMasks)
	u := w.reader(readerRights + rights)
	w.serve(append([]func(*studio.Options){withMasks, func(o *studio.Options) { o.SQLURL = u }}, change...)...)
	return w.open()
}

func (w *world) post(path string, form url.Values) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", w.origin)
	res, body := w.do(req)
	return res.StatusCode, body
}

func (w *world) run(sql string, more ...string) (int, string) {
	w.t.Helper()
	form := url.Values{"statement": {sql}, "do": {"run"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return w.post("/sql", form)
}

// A statement is answered with values as the grid shows them, and only so many
// rows.
func TestSQLAnswers(t *testing.T) {
	t.Parallel()
	w := newBox(t, "")
	if body := w.page("/sql"); strings.Contains(body, "is off") || !strings.Contains(body, `name="statement"`) || strings.Contains(body, `name="write"`) {
		t.Fatal(body)
	}
	for _, test := range []struct{ sql, want string }{
		{`SELECT 9223372036854775807 AS big, NULL::text AS nothing, '' AS none, '\x1f8b'::bytea AS raw, true AS yes`, ">9223372036854775807<"},
		{`SELECT NULL::text`, ">NULL<"},
		{`SELECT ''`, ">empty<"},
		{`SELECT '\x1f8b'::bytea`, "2 B"},
		{`SELECT '2026-01-01 00:00:00.123456+00'::timestamptz`, "2026-01-01 00:00:00.123456<"},
		{`SELECT id FROM notes`, "first 500 rows"},
		{`SELECT id FROM notes LIMIT 500`, ">500 rows<"},
		{`TABLE notes`, "word 7"},
		{`-- note
 /* COPY */ SELECT word FROM public.notes WHERE id = 3;`, "word 3"},
		{`SELECT '<script>alert(1)</script>' AS "<b>"`, "&lt;script&gt;"},
		{`VALUES (1), (2)`, ">2 rows<"},
		{`SHOW transaction_read_only`, ">on<"},
		{`SELECT name FROM people WHERE id = 1`, ">p1<"},
		{`EXPLAIN SELECT 1`, "Result"},
		{`SELECT 1 WHERE false`, ">0 rows<"},
		{`SET work_mem = '1MB'`, ">SET<"},
	} {
		if status, body := w.run(test.sql); status != http.StatusOK || !strings.Contains(body, test.want) {
			t.Errorf("%s: %d, want %q", test.sql, status, test.want)
		}
	}
	if _, body := w.run("SELECT * FROM notes", "do", "explain"); !strings.Contains(body, "Seq Scan on notes") || strings.Contains(body, "actual time") {
		t.Error("Explain shows no plan")
	}
	if _, body := w.run("SELECT * FROM notes", "do", "analyze"); !strings.Contains(body, "actual time") {
		t.Error("Explain analyze shows no times")
	}
}

var marking = regexp.MustCompile(`<mark>(.*?)</mark>`)

// What PostgreSQL refuses is said in words, and where in the statement.
func TestSQLErrorsAreMarked(t *testing.T) {
	t.Parallel()
	w := newBox(t, "")
	for _, test := range []struct{ sql, do, mark, want string }{
		{"SELECT nope FROM notes", "run", "nope", "42703"},
		{"SELECT id FROM notes\nWHERE wörd = nope", "run", "wörd", "42703"},
		{"SELECT nope FROM notes", "explain", "nope", "42703"},
		{"SELECT nope FROM notes", "analyze", "nope", "42703"},
		{"SELECT 1 FROM", "run", "⏎", "42601"},
		{"SELECT token FROM people", "run", "", "Permission denied"},
		{"SELECT * FROM people", "run", "", "Name the others: SELECT &#34;id&#34;, &#34;name&#34; FROM &#34;public&#34;.&#34;people&#34;."},
		{"SELECT $1::int", "run", "", "parameters"},
		{"", "run", "", "empty"},
		{"COPY notes TO STDOUT", "run", "", "COPY sends a stream"},
		{"/* x */ -- y\n copy notes FROM PROGRAM 'id'", "run", "", "COPY sends a stream"},
		{"SELECT 1/0", "run", "", "22012"},
	} {
		status, body := w.run(test.sql, "do", test.do)
		mark := ""
		if m := marking.FindStringSubmatch(body); m != nil {
			mark = m[1]
		}
		if status != http.StatusUnprocessableEntity || mark != test.mark || !strings.Contains(body, test.want) {
			t.Errorf("%s %q: %d, marked %q, want %q and %q", test.do, test.sql, status, mark, test.mark, test.want)
		}
	}
}

// C38: nothing that is typed leaves the READ ONLY transaction, the user's rights,
// or anything behind.
func TestSQLDoesNotEscape(t *testing.T) {
	t.Parallel()
	w := newBox(t, `GRANT INSERT, UPDATE, DELETE ON notes TO $; CREATE EXTENSION dblink; CREATE SEQUENCE counter; GRANT ALL ON SEQUENCE counter TO $;
CREATE PROCEDURE escape() LANGUAGE plpgsql AS 'BEGIN COMMIT; INSERT INTO public.notes VALUES (-1); COMMIT; END';`)
	state := fingerprintOf("notes") // the rows too
	objects := `SELECT count(*)::text FROM pg_largeobject_metadata`
	before, large := w.ask(state), w.ask(objects)
	for _, sql := range []string{
		"SELECT 1; DELETE FROM notes", "COMMIT; DELETE FROM notes", "ROLLBACK; DELETE FROM notes", "SELECT 1;; DELETE FROM notes", "COMMIT", "ROLLBACK", "END", "ABORT",
		"COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "BEGIN", "START TRANSACTION READ WRITE", "SET TRANSACTION READ WRITE", "SAVEPOINT a", "PREPARE TRANSACTION 'x'",
		"DELETE FROM notes", "INSERT INTO notes VALUES (-1)", "WITH d AS (DELETE FROM notes RETURNING *) SELECT * FROM d", "EXPLAIN ANALYZE DELETE FROM notes",
		"SELECT nextval('counter')", "SELECT setval('counter', 77)", "CREATE TABLE x (y int)", "CREATE TEMP TABLE x (y int)", "SELECT * INTO x FROM notes",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "GRANT SELECT ON notes TO PUBLIC", "ALTER ROLE CURRENT_USER SUPERUSER",
		"DO $$ BEGIN DELETE FROM public.notes; END $$", "DO $$ BEGIN COMMIT; DELETE FROM public.notes; END $$",
		"DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM public.notes; END $$",
		"DO $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM public.notes; END $$",
		"DO $$ BEGIN EXECUTE 'RESET ROLE'; EXECUTE 'DELETE FROM public.notes'; END $$",
		"CALL escape()", "SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "RESET ROLE", "RESET SESSION AUTHORIZATION", "RESET ALL", "DISCARD ALL",
		"SELECT set_config('role', 'postgres', false)", "SELECT set_config('session_authorization', 'postgres', false)",
		"SELECT set_config('default_transaction_read_only', 'off', false)", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
		"SELECT lo_creat(-1)", "SELECT lo_create(4242)", "SELECT lo_from_bytea(0, 'x')", "SELECT pg_reload_conf()", "SELECT pg_rotate_logfile()", "SELECT pg_terminate_backend(1)",
		"SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('.')", "SELECT lo_import('/etc/passwd')", "SELECT pg_switch_wal()", "CREATE EXTENSION hstore",
		"SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t(n int)", "SELECT dblink_connect_u('dbname=postgres')",
		"COPY notes TO PROGRAM 'cat'", "COPY notes FROM '/etc/passwd'", "LOAD 'plpgsql'", "VACUUM notes", "CLUSTER", "REINDEX TABLE notes", "LOCK TABLE notes",
		"LISTEN x", "NOTIFY af_auth_access, 'x'", "SELECT pg_notify('af_auth_access', 'x')", "SELECT pg_advisory_lock(42)", "PREPARE p AS DELETE FROM notes",
		"DECLARE c CURSOR WITH HOLD FOR SELECT * FROM notes", "SELECT pg_logical_emit_message(false, 'a', 'b')", "SELECT pg_export_snapshot()",
		"SELECT query_to_xml('DELETE FROM notes', true, true, '')", "SELECT query_to_xml('SELECT token FROM people', true, true, '')",
		"SELECT * FROM people", "SELECT token FROM people", "SELECT people FROM people", "SELECT to_jsonb(p) FROM people p", "SELECT id FROM people WHERE token LIKE 'C%'",
		"SELECT id FROM people ORDER BY token", "SELECT * FROM people_view", "SELECT * FROM kept", "SELECT * FROM keyed", "SELECT most_common_vals FROM pg_stats WHERE attname = 'token'",
		"SELECT * FROM pg_statistic", "SELECT * FROM pg_authid", "SELECT * FROM pg_hba_file_rules", "EXPLAIN SELECT * FROM people WHERE token = 'a'", "TABLE pg_stats",
		strings.Repeat("(", 5000), "SELECT '" + strings.Repeat("x", 40_000), "\x00", "\xff\xfe", "SELECT 1 \x00; DELETE FROM notes",
	} {
		for _, do := range []string{"run", "explain", "analyze"} {
			status, body := w.run(sql, "do", do)
			if status >= http.StatusInternalServerError {
				t.Errorf("%s %.100q: %d", do, sql, status)
			}
			if strings.Contains(body, canary) || strings.Contains(body, "root:") {
				t.Errorf("%s %.100q shows what is masked, or a file", do, sql)
			}
		}
	}
	if after := w.ask(state); after != before {
		t.Error("rows have changed")
	}
	if after := w.ask(objects); after != large {
		t.Errorf("%s large objects, were %s", after, large)
	}
	if held := w.ask(`SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); held != "0" {
		t.Errorf("%s advisory locks are left behind", held)
	}
	if n := w.ask(`SELECT last_value::text || is_called::text FROM counter`); n != "1false" {
		t.Errorf("the sequence stands at %s", n)
	}
	if status, body := w.run("SELECT current_user = session_user, current_setting('transaction_read_only')"); status != http.StatusOK || !strings.Contains(body, ">on<") {
		t.Errorf("after all of that: %d", status)
	}
	if logged := w.log.String(); strings.Contains(logged, "panicked") || strings.Contains(logged, canary) {
		t.Error(logged)
	}
}

func fingerprintOf(table string) string {
	return `SELECT md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM ` + table + ` t`
}
