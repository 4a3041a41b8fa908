package studio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio"
)

// What PostgreSQL holds against a change is said at its cell in plain words, and
// nothing else of the batch is written.
func TestRefusalsLandOnTheirCell(t *testing.T) {
	t.Parallel()
	const more = staff + `
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
CREATE TABLE teams (pair even, watched int, id int PRIMARY KEY, lead int REFERENCES people, late int REFERENCES people DEFERRABLE INITIALLY DEFERRED, short numeric(5,2), code char(2), during int4range, EXCLUDE USING gist (during WITH &&));
INSERT INTO teams (id, lead, late, short, code, during) VALUES (1, 1, 1, 1, 'a', '[1,5)'), (2, 1, 1, 1, 'b', '[5,9)');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.watched = 13 THEN RAISE 'CANARYsecret'; END IF; IF NEW.watched = 14 THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION refuse();`
	for _, test := range []struct{ name, table, column, how, value, want string }{
		{"unique", "people", "login", "text", "hubot", `login 'hubot' is taken by row 2. Open that row, or type another login.`},
		{"check", "people", "age", "text", "-5", `age breaks the rule people_age_check: (age > 0).`},
		{"length", "people", "login", "text", "much too long", `login holds 10 characters, and these are 13.`},
		{"whole number", "people", "age", "text", "1.5", `"1.5" is no whole number, and age is integer.`},
		{"range", "people", "age", "text", "3000000000", `3000000000 does not fit into integer, which goes from -2147483648 to 2147483647.`},
		{"time", "people", "seen", "text", "yesterweek", `"yesterweek" is no value of seen, which is timestamp with time zone.`},
		{"foreign key", "teams", "lead", "text", "99", `lead '99' points at no row of people.`},
		{"deferred foreign key", "teams", "late", "text", "99", `late '99' points at no row of people.`},
		{"scale", "teams", "short", "text", "1.005", `short keeps 2 digits behind the point, and 1.005 has 3.`},
		{"overflow", "teams", "short", "text", "12345", `short cannot be read as its column's type`},
		{"exclusion", "teams", "during", "text", "[3,7)", `during overlaps with another row`},
		{"domain", "teams", "pair", "text", "3", `pair breaks the rule even_check of its type`},
		{"trigger", "teams", "watched", "text", "13", `A trigger of the database refused it (SQLSTATE P0001).`},
		{"trigger that keeps", "teams", "watched", "text", "14", `A trigger or a rule of the database left this row as it was.`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, more).open()
			table := "/t/public/" + test.table
			other := map[string]string{"people": "note", "teams": "code"}[test.table]
			w.set(table+"/row/2", other, "text", "x")
			w.set(table+"/row/1", test.column, test.how, test.value)
			said := strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&gt;", ">").Replace(words(w.save(table)))
			if !strings.Contains(said, test.want) || !strings.Contains(said, "Nothing was written.") || strings.Contains(said, canary) {
				t.Errorf("the page does not say %q:\n%s", test.want, said)
			}
			if got := w.ask(`SELECT coalesce(` + other + `::text, '-') FROM ` + test.table + ` WHERE id = 2`); got == "x" || got == "x " {
				t.Error("a part of the batch was written")
			}
			if body := w.page(table); !strings.Contains(test.name, "trigger") && !strings.Contains(body, `aria-describedby="fault-cell-1-`+test.column+`"`) {
				t.Error("the cell does not point at the sentence")
			}
		})
	}
}

// What the column forbids is refused before it is a draft.
func TestImpossibleValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff+`ALTER TABLE people ADD COLUMN twice int GENERATED ALWAYS AS (age * 2) STORED, ADD COLUMN n int GENERATED ALWAYS AS IDENTITY;
CREATE TABLE keyless (a int); INSERT INTO keyless VALUES (1); CREATE VIEW seen AS SELECT * FROM people`).open()
	for _, pairs := range [][]string{
		{"column", "login", "how", "null"}, {"column", "login", "how", "default"}, {"column", "twice", "how", "text", "value", "4"}, {"column", "n", "how", "text", "value", "4"},
		{"column", "login", "how", "sql", "value", "now()"}, {"column", "id); DROP TABLE people; --", "how", "null"},
	} {
		if status, _, _ := w.submit("/t/public/people/row/1", append(pairs, "do", "set", "version", "1")...); status < 400 || status >= 500 {
			t.Errorf("%v: %d", pairs, status)
		}
	}
	for _, path := range []string{"/t/public/keyless/row/1", "/t/public/seen/row/1", "/t/public/seen/new", "/t/public/nothing/new"} {
		if status, _, _ := w.submit(path, "do", "set", "column", "a", "how", "null"); status < 400 || status >= 500 {
			t.Errorf("POST %s: %d", path, status)
		}
	}
	if strings.Contains(w.page("/t/public/people"), "Not saved") {
		t.Error("something of it is a draft")
	}
	form := words(w.page("/t/public/people?open=insert"))
	for _, want := range []string{"twice integer generated: PostgreSQL computes it", "n integer identity: PostgreSQL counts it up itself", "default &#39;sad&#39;"} {
		if !strings.Contains(form, want) {
			t.Errorf("the form does not say %q:\n%s", want, form)
		}
	}
}

// Somebody else has changed the row: nothing is written, both are shown, and one
// of them is chosen.
func TestConflict(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, theirs, do, wantPage, wantRow string }{
		{"keep theirs", `UPDATE people SET login = 'theirs', note = 'changed' WHERE id = 1`, "theirs", "login octocat theirs mine note first changed unchanged", "theirs changed 20"},
		{"save mine over", `UPDATE people SET login = 'theirs', note = 'changed' WHERE id = 1`, "mine", "Save mine over login", "mine changed 21"},
		{"the same column elsewhere", `UPDATE people SET note = 'changed' WHERE id = 1`, "mine", "login octocat octocat mine", "mine changed 21"},
		{"deleted", `DELETE FROM people WHERE id = 1`, "theirs", "The row is no longer there", "20"},
		{"another key", `UPDATE people SET id = 100 WHERE id = 1`, "theirs", "The row is no longer there", "20"},
		{"replaced under its key", `DELETE FROM people WHERE id = 1; INSERT INTO people VALUES (1, 'new', 1)`, "theirs", "login octocat new mine", "new 20"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, staff).open()
			const people = "/t/public/people"
			w.set(people+"/row/1", "login", "text", "mine")
			w.set(people+"/row/2", "age", "text", "21")
			w.exec(test.theirs)
			body := w.save(people)
			said := words(body)
			if !strings.Contains(said, test.wantPage) || w.ask(`SELECT age::text FROM people WHERE id = 2`) != "20" {
				t.Fatalf("the conflict does not show %q, or something was written:\n%s", test.wantPage, said)
			}
			pairs := []string{"do", test.do, "id", "1"}
			if m := versionField.FindStringSubmatch(body); m != nil {
				pairs = append(pairs, "version", m[1])
			}
			if status, _, body := w.submit(people+"/conflict", pairs...); status != http.StatusSeeOther {
				t.Fatalf("%d %s", status, words(body))
			}
			if got := w.ask(`SELECT concat_ws(' ', (SELECT concat_ws(' ', login, note) FROM people WHERE id = 1), (SELECT age FROM people WHERE id = 2))`); strings.TrimSpace(got) != test.wantRow {
				t.Errorf("the rows are %q, want %q", got, test.wantRow)
			}
		})
	}
}

// Whoever decides sees what they write over: a third change is a conflict again.
func TestConflictAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff).open()
	const people = "/t/public/people"
	w.set(people+"/row/1", "login", "text", "mine")
	w.exec(`UPDATE people SET login = 'second' WHERE id = 1`)
	seen := found(t, versionField, w.save(people))
	w.exec(`UPDATE people SET login = 'third' WHERE id = 1`)
	_, to, _ := w.submit(people+"/conflict", "do", "mine", "id", "1", "version", seen)
	if said := words(w.page(to)); !strings.Contains(said, "login octocat third mine") || w.ask(`SELECT login::text FROM people WHERE id = 1`) != "third" {
		t.Errorf("the third change was written over: %s", said)
	}
}

// A form that was drawn before somebody else changed the row is no licence.
func TestOldForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff).open()
	old := found(t, versionField, w.page("/t/public/people/row/1?open=edit:login"))
	w.exec(`UPDATE people SET login = 'theirs' WHERE id = 1`)
	w.submit("/t/public/people/row/1", "do", "set", "column", "login", "how", "text", "value", "mine", "version", old, "back", "/")
	if said := words(w.save("/t/public/people")); !strings.Contains(said, "login not kept theirs mine") || w.ask(`SELECT login::text FROM people WHERE id = 1`) != "theirs" {
		t.Errorf("written over: %s", said)
	}
}

// A deletion says what goes with it and what forbids it, and is saved with the rest.
func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff+`
CREATE TABLE sessions (id int PRIMARY KEY, person int NOT NULL REFERENCES people ON DELETE CASCADE); INSERT INTO sessions SELECT i, 1 FROM generate_series(1, 3) i;
CREATE TABLE clicks (id int PRIMARY KEY, session int REFERENCES sessions ON DELETE CASCADE); INSERT INTO clicks SELECT i, 1 FROM generate_series(1, 7) i;
CREATE TABLE notes (id int PRIMARY KEY, author int REFERENCES people ON DELETE SET NULL); INSERT INTO notes VALUES (1, 1);
CREATE TABLE bills (id int PRIMARY KEY, person int REFERENCES people); INSERT INTO bills SELECT i, 2 FROM generate_series(1, 3) i;`).open()
	const people = "/t/public/people"
	page := w.page(people + "/row/1?open=delete")
	for _, want := range []string{"3 sessions are deleted with it.", "7 clicks, by way of sessions, are deleted with it.", "1 row of notes stays, and its link becomes NULL."} {
		if !strings.Contains(words(page), want) {
			t.Errorf("the page does not say %q:\n%s", want, words(page))
		}
	}
	if said := words(w.page(people + "/row/2?open=delete")); !strings.Contains(said, "3 bills point here and forbid it.") {
		t.Errorf("the page does not say what forbids it:\n%s", said)
	}
	w.submit(people+"/row/1", "do", "delete", "version", found(t, versionField, page), "back", "/")
	if body := w.page(people); !strings.Contains(body, `class="deleted"`) || !strings.Contains(words(body), "Review and save") {
		t.Error("the grid does not show the mark")
	}
	if said := words(w.page(people + "/review")); !strings.Contains(said, `DELETE FROM &#34;public&#34;.&#34;people&#34; WHERE`) || !strings.Contains(said, "3 sessions are deleted with it.") {
		t.Errorf("the review says %s", said)
	}
	w.submit(people+"/row/1", "do", "restore")
	if strings.Contains(w.page(people), "Not saved") {
		t.Error("the mark cannot be taken back")
	}
	for _, row := range []string{"1", "2"} {
		w.submit(people+"/row/"+row, "do", "delete", "version", found(t, versionField, w.page(people+"/row/"+row+"?open=delete")), "back", "/")
	}
	if said := words(w.save(people)); !strings.Contains(said, "3 bills point to this row. Delete them too, or keep it.") || w.ask(`SELECT count(*)::text FROM people`) != "3" {
		t.Errorf("the refused deletion: %s", said)
	}
	w.submit(people+"/row/2", "do", "undo")
	if said := words(w.save(people)); !strings.Contains(said, "Saved 1 change in 1 row of people.") || w.ask(`SELECT concat((SELECT count(*) FROM people), (SELECT count(*) FROM clicks))`) != "20" {
		t.Errorf("the deletion: %s", said)
	}
}

// New rows take defaults, NULL and values; what was typed counts.
func TestInsert(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE things (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, word text NOT NULL, n int DEFAULT 7, doc jsonb, raw bytea, list text[], ok bool)`).open()
	const things = "/t/public/things"
	w.submit(things+"/new", "how-1", "default", "how-2", "text", "value-2", "", "how-3", "default", "how-4", "null", "value-4", `{"a": 1}`, "how-5", "text", "value-5", `\x00ff`, "how-6", "text", "value-6", `{a,"b c"}`, "how-7", "text", "value-7", "true")
	w.submit(things+"/new", "how-1", "default", "how-2", "text", "value-2", "second", "how-3", "default", "value-3", "8", "how-4", "text", "value-4", "{broken")
	if said := words(w.page(things)); !strings.Contains(said, "2 changes in 2 rows of things") || !strings.Contains(said, "is no JSON: it breaks off at character") {
		t.Errorf("the grid says %s", said)
	}
	if w.save(things); w.ask(`SELECT count(*)::text FROM things`) != "0" {
		t.Fatal("a faulty batch was written")
	}
	if page := w.page(things + "?open=insert:%2B2"); !strings.Contains(page, "{broken") {
		t.Error("the form does not hold what was typed")
	}
	w.submit(things+"/new", "id", "+2", "how-2", "text", "value-2", "second", "how-3", "text", "value-3", "8", "how-4", "text", "value-4", "{}")
	if said := words(w.save(things)); !strings.Contains(said, "Saved 2 changes in 2 rows") {
		t.Fatalf("the rows were not saved: %s", said)
	}
	if got := w.ask(`SELECT string_agg(concat_ws('|', id, '"' || word || '"', n, doc, raw, list, ok), ' ' ORDER BY id) FROM things`); got != `1|""|7|{"a": 1}|\x00ff|{a,"b c"}|t 2|"second"|8|{}` {
		t.Errorf("the rows are %s", got)
	}
}

// Every change is told in the transaction that makes it; where nobody can be
// told nothing is changed.
func TestAudit(t *testing.T) {
	t.Parallel()
	var told []studio.Change
	var failing error
	w := newWorld(t, staff+`ALTER TABLE people ADD COLUMN token text; UPDATE people SET token = 'CANARYsecret'; CREATE TABLE said (who text, n int)`, func(o *studio.Options) {
		withMasks(o)
		o.Begin = func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SELECT set_config('test.actor', 'ada', true)`)
			return err
		}
		o.Audit = func(ctx context.Context, tx pgx.Tx, c studio.Change) error {
			told = append(told, c)
			if _, err := tx.Exec(ctx, `INSERT INTO said SELECT current_setting('test.actor'), 1`); err != nil {
				return err
			}
			return failing
		}
	}).open()
	const people = "/t/public/people"
	w.set(people+"/row/1", "login", "text", "new")
	w.set(people+"/row/1", "token", "null", "")
	w.submit(people+"/row/3", "do", "delete", "version", found(t, versionField, w.page(people+"/row/3?open=delete")))
	failing = errors.New("the record is full")
	if status, _, body := w.submit(people+"/save", "revision", found(t, revisionField, w.page(people)), "back", people); status != http.StatusServiceUnavailable || !strings.Contains(body, "nothing was changed") {
		t.Errorf("%d", status)
	}
	if got := w.ask(`SELECT concat((SELECT count(*) FROM people), (SELECT count(*) FROM said), (SELECT login FROM people WHERE id = 1))`); got != "30octocat" {
		t.Fatalf("changed without a record: %s", got)
	}
	failing, told = nil, nil
	if said := words(w.save(people)); !strings.Contains(said, "Saved 3 changes in 2 rows") {
		t.Fatal(said)
	}
	if w.ask(`SELECT string_agg(who, ' ') FROM said`) != "ada ada" || len(told) != 2 {
		t.Fatalf("told %d", len(told))
	}
	del, upd := told[0], told[1]
	if del.Kind != "delete" || del.Key[0] != "3" || *del.Before["login"] != "mona" || del.After != nil {
		t.Errorf("the deletion: %+v", del)
	}
	if _, leaked := del.Before["token"]; leaked {
		t.Error("a masked value was told")
	}
	if upd.Kind != "update" || *upd.Before["login"] != "octocat" || *upd.After["login"] != "new" || len(upd.Before) != 1 || len(upd.Cleared) != 1 {
		t.Errorf("the change: %+v", upd)
	}
}
