package studio_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio"
)

// The box opens only to a user that could not reach what is masked by any
// statement, whatever role studio itself has.
func TestSQLIsOff(t *testing.T) {
	t.Parallel()
	other := `CREATE ROLE "other_$db"; ` // a role beside the box's
	for _, test := range []struct{ name, rights, want string }{
		{"superuser", `ALTER ROLE $ SUPERUSER`, "is a superuser"},
		{"replication", `ALTER ROLE $ REPLICATION`, "may replicate"},
		{"makes roles", `ALTER ROLE $ CREATEROLE`, "may make roles"},
		{"reads all", `GRANT pg_read_all_data TO $`, "pg_read_all_data reaches beyond the tables"},
		{"reads files", `GRANT pg_read_server_files TO $`, "pg_read_server_files"},
		{"writes files", `GRANT pg_write_server_files TO $`, "pg_write_server_files"},
		{"runs programs", `GRANT pg_execute_server_program TO $`, "pg_execute_server_program"},
		{"monitors", `GRANT pg_monitor TO $`, "pg_monitor"},
		{"signals", `GRANT pg_signal_backend TO $`, "pg_signal_backend"},
		{"reads a masked column", `GRANT SELECT (token) ON people TO $`, "may read what is masked: people.token"},
		{"reads the table", `GRANT SELECT ON people TO $`, "people.hash"},
		{"everybody reads", `GRANT SELECT ON keyed TO PUBLIC`, "keyed.token"},
		{"reads a view of it", `GRANT SELECT ON view_of_view TO $`, "view_of_view.more"},
		{"reads a kept copy", `GRANT SELECT ON kept TO $`, "kept.t"},
		{"reads what points there", `GRANT SELECT ON pointing TO $`, "pointing.token"},
		{"reads a view of a closed schema", `CREATE SCHEMA shut; CREATE TABLE shut.people (token text); CREATE VIEW leak AS SELECT token AS x FROM shut.people; GRANT SELECT ON leak TO $`, "leak.x"},
		{"owns the table", `ALTER TABLE people OWNER TO $; REVOKE ALL ON people FROM $`, "owns tables with masked columns"},
		{"becomes a reader", other + `GRANT SELECT ON people TO "other_$db"; GRANT "other_$db" TO $`, "people.token"},
		{"becomes somebody, when it wants", other + `GRANT SELECT ON people TO "other_$db"; ALTER ROLE $ NOINHERIT; GRANT "other_$db" TO $`, "can become"},
		{"borrows rights", `CREATE FUNCTION peek() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM public.people'`, "REVOKE EXECUTE ON FUNCTION public.peek() FROM PUBLIC"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, guarded, withMasks)
			name := w.ask(`SELECT current_database()::text`)
			if strings.Contains(test.rights, "other_") {
				t.Cleanup(func() { w.exec(`DROP OWNED BY "other_` + name + `"; DROP ROLE "other_` + name + `"`) })
			}
			u := w.reader(readerRights + strings.ReplaceAll(test.rights, "$db", name))
			w.serve(withMasks, func(o *studio.Options) { o.SQLURL, o.SQLWrites = u, true })
			w.open()
			if body := w.page("/sql"); !strings.Contains(body, "The SQL box is off") || !strings.Contains(body, test.want) || strings.Contains(body, "<textarea") {
				t.Errorf("the page does not say %q", test.want)
			}
			for _, form := range []url.Values{{"statement": {"SELECT 'ran'"}}, {"statement": {"SELECT 'ran'"}, "do": {"explain"}}, {"statement": {"SELECT 'ran'"}, "write": {"on"}}} {
				if status, body := w.post("/sql", form); status != http.StatusForbidden || strings.Contains(body, ">ran<") {
					t.Errorf("%v: %d", form, status)
				}
			}
		})
	}
}

var mend = regexp.MustCompile(`(?s)<pre class="code" id="mend"[^>]*>(.*?)</pre>`)

// The statements that the page offers do mend it.
func TestSQLMends(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guarded+`CREATE FUNCTION peek() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM public.people';
CREATE SCHEMA "odd ""name"; CREATE TABLE "odd ""name"."a.b" ("c d" int);`, withMasks).open()
	role := w.ask(`SELECT current_database()::text`) + "_read"
	found := mend.FindStringSubmatch(w.page("/sql"))
	if found == nil {
		t.Fatal("a superuser is not told what to do")
	}
	statements := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "…", "box").Replace(found[1])
	w.t.Cleanup(func() { w.exec(`DROP OWNED BY "` + role + `"; DROP ROLE "` + role + `"`) })
	w.exec(statements)
	for _, f := range []string{"people", "keyed"} {
		if got := w.ask(`SELECT has_any_column_privilege('` + role + `', '` + f + `', 'SELECT')::text`); got != "true" {
			t.Errorf("%s cannot be read", f)
		}
	}
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "box")
	w.serve(withMasks, func(o *studio.Options) { o.SQLURL = parse(t, u.String()) })
	w.open()
	if status, body := w.run(`SELECT id, name FROM people LIMIT 1`); status != http.StatusOK {
		t.Errorf("the role does not open the box: %d\n%s", status, body)
	}
	if status, _ := w.run(`SELECT * FROM "odd ""name"."a.b"`); status != http.StatusOK {
		t.Errorf("odd names are not read: %d", status)
	}
}

// Rights are asked for anew with each statement.
func TestSQLRightsMayChange(t *testing.T) {
	t.Parallel()
	w := newBox(t, "")
	if status, _ := w.run("SELECT 1"); status != http.StatusOK {
		t.Fatal(status)
	}
	w.exec(`GRANT SELECT ON people TO PUBLIC`)
	if status, body := w.run("SELECT token FROM people"); status != http.StatusForbidden || strings.Contains(body, canary) || !strings.Contains(body, "people.token") {
		t.Errorf("after a GRANT: %d", status)
	}
	w.exec(`REVOKE SELECT ON people FROM PUBLIC`)
	if status, _ := w.run("SELECT 1"); status != http.StatusOK {
		t.Errorf("after its end: %d", status)
	}
}

var (
	confirmation = regexp.MustCompile(`name="confirm" value="([^"]+)"`)
	heard        = `SELECT coalesce(string_agg(said, '|' ORDER BY n), '') FROM heard`
)

func recording(o *studio.Options) {
	o.SQLWrites = true
	o.Audit = func(ctx context.Context, tx pgx.Tx, c studio.Change) error {
		_, err := tx.Exec(ctx, `INSERT INTO heard (said) VALUES ($1)`, c.Kind+" "+c.Statement)
		return err
	}
}

const writerRights = `CREATE TABLE heard (n serial, said text); GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO $; GRANT INSERT ON heard TO $; GRANT USAGE ON heard_n_seq TO $;`

// confirm runs a statement that writes, by way of the page that shows it.
func (w *world) confirm(sql string) (int, string) {
	w.t.Helper()
	status, body := w.run(sql, "write", "on")
	token := confirmation.FindStringSubmatch(body)
	if status != http.StatusOK || token == nil {
		return status, body
	}
	return w.post("/sql", url.Values{"confirm": {token[1]}, "statement": {"DELETE FROM notes"}})
}

// Writing needs the start, the switch and a second look; the statement and its
// event stand or fall together.
func TestSQLWrites(t *testing.T) {
	t.Parallel()
	w := newBox(t, writerRights, recording)
	if !strings.Contains(w.page("/sql"), `name="write"`) {
		t.Fatal("there is no switch")
	}
	if status, _ := w.run("DELETE FROM notes WHERE id = 1"); status != http.StatusUnprocessableEntity {
		t.Errorf("without the switch: %d", status)
	}
	_, body := w.run("DELETE FROM notes WHERE id = 1", "write", "on")
	if w.ask(`SELECT count(*)::text FROM notes`) != "1000" || !strings.Contains(body, "DELETE FROM notes WHERE id = 1") {
		t.Fatal("it ran before it was shown")
	}
	token := confirmation.FindStringSubmatch(body)[1]
	stranger := w.client
	w.client = browser(t)
	w.open()
	if status, _ := w.post("/sql", url.Values{"confirm": {token}}); status != http.StatusUnprocessableEntity {
		t.Errorf("confirmed by another session: %d", status)
	}
	w.client = stranger
	if status, body := w.post("/sql", url.Values{"confirm": {token}, "statement": {"DELETE FROM notes"}}); status != http.StatusOK || !strings.Contains(body, "DELETE 1<") {
		t.Errorf("confirmed: %d", status)
	}
	if status, _ := w.post("/sql", url.Values{"confirm": {token}}); status != http.StatusUnprocessableEntity {
		t.Errorf("confirmed twice: %d", status)
	}
	if n, said := w.ask(`SELECT count(*)::text FROM notes`), w.ask(heard); n != "999" || said != "sql DELETE FROM notes WHERE id = 1" {
		t.Errorf("%s rows, recorded %q", n, said)
	}
	for _, sql := range []string{
		"DELETE FROM notes WHERE id = 2; DELETE FROM notes", "UPDATE notes SET id = 3", "UPDATE people SET token = 'x'", "INSERT INTO people (id) VALUES (-1)",
		"DO $$ BEGIN DELETE FROM public.notes; COMMIT; END $$", "ROLLBACK", "COPY notes FROM STDIN", "CREATE TABLE x ()", "SELECT token FROM people", "DELETE FROM heard",
	} {
		if _, body := w.confirm(sql); strings.Contains(body, canary) {
			t.Errorf("%s shows what is masked", sql)
		}
	}
	if n, said := w.ask(`SELECT count(*)::text FROM notes`), w.ask(heard); n != "999" || said != "sql DELETE FROM notes WHERE id = 1" {
		t.Errorf("after refusals: %s rows, recorded %q", n, said)
	}
	if status, body := w.confirm("UPDATE notes SET word = 'new' WHERE id < 900 RETURNING id"); status != http.StatusOK || !strings.Contains(body, "first 500 rows · UPDATE 898") {
		t.Errorf("many rows: %d", status)
	}
	if n := w.ask(`SELECT count(*)::text FROM notes WHERE word = 'new'`); n != "898" {
		t.Errorf("%s rows are written", n)
	}
}

// Where the start has not allowed it, or the user could reach too much, the
// switch does nothing.
func TestSQLDoesNotWrite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, rights string
		change       func(*studio.Options)
		want         string
	}{
		{"not allowed", "", func(o *studio.Options) { o.SQLWrites = false }, ""},
		{"read-only", "", func(o *studio.Options) { o.ReadOnly = true }, ""},
		{"writes a masked column", `GRANT UPDATE (token) ON people TO $`, nil, "may write what is masked: people.token"},
		{"puts triggers", `GRANT TRIGGER ON people TO $`, nil, "may write what is masked: people.token"},
		{"makes functions", `GRANT CREATE ON SCHEMA public TO $`, nil, "may make objects in schema public"},
		{"the event is refused", `REVOKE INSERT ON heard FROM $`, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			change := test.change
			if change == nil {
				change = func(*studio.Options) {}
			}
			w := newBox(t, writerRights+test.rights, recording, change)
			body := w.page("/sql")
			if test.want != "" && !strings.Contains(body, test.want) {
				t.Errorf("the page does not say %q", test.want)
			}
			if status, _ := w.confirm("DELETE FROM notes"); status < 400 {
				t.Errorf("%d", status)
			}
			if n := w.ask(`SELECT count(*)::text FROM notes`); n != "1000" {
				t.Errorf("%s rows are left", n)
			}
			if status, _ := w.run("SELECT 1"); status != http.StatusOK {
				t.Errorf("reading: %d", status)
			}
		})
	}
}
