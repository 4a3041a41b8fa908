package studio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio"
	"github.com/af-auth/af-auth/internal/studio/address"
)

// postBody sends a form of our own origin.
func (w *world) postBody(path, contentType string, body []byte) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, w.origin+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Origin", w.origin)
	return w.do(req)
}

// upload sends a file and returns the answer; its Location is the file's page.
func (w *world) upload(table, text string) (*http.Response, string) {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "rows.csv")
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = part.Write([]byte(text))
	_ = form.Close()
	var base address.Base
	return w.postBody(base.Import("public", table, ""), form.FormDataContentType(), body.Bytes())
}

var (
	selectName = regexp.MustCompile(`<select name="(c\d+)"(?s:(.*?))</select>`)
	selected   = regexp.MustCompile(`<option value="([^"]*)" selected>`)
)

// choices are what the file's page has chosen.
func (w *world) choices(path string) url.Values {
	w.t.Helper()
	form := url.Values{"null": {"empty"}, "fuse": {"1"}, "clash": {"stop"}}
	found := selectName.FindAllStringSubmatch(w.page(path), -1)
	for _, m := range found {
		if chosen := selected.FindStringSubmatch(m[2]); chosen != nil {
			form.Set(m[1], html.UnescapeString(chosen[1]))
		}
	}
	form.Set("cells", fmt.Sprint(len(found)))
	return form
}

// bring sends a file, presses a button, and returns the page that follows.
func (w *world) bring(table, text, button string, change ...string) string {
	w.t.Helper()
	res, body := w.upload(table, text)
	if res.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("upload into %s: %d\n%s", table, res.StatusCode, body)
	}
	at := res.Header.Get("Location")
	form := w.choices(at)
	form.Set("do", button)
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	res, body = w.postBody(at, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if res.StatusCode != http.StatusSeeOther {
		return body
	}
	return w.page(res.Header.Get("Location"))
}

// What was exported comes back as the same table, every type and hostile names.
func TestImportBringsExportsBack(t *testing.T) {
	t.Parallel()
	var sql strings.Builder
	sql.WriteString(kinds)
	names := hostile()
	for _, name := range names {
		table := pgx.Identifier{name}.Sanitize()
		fmt.Fprintf(&sql, "CREATE TABLE %s (%s text UNIQUE, plain text);\n", table, table)
		for _, value := range names {
			fmt.Fprintf(&sql, "INSERT INTO %s VALUES (%s, %s);\n", table, quoted(value), quoted(name))
		}
		fmt.Fprintf(&sql, "INSERT INTO %s VALUES (NULL, ''), ('', NULL);\n", table)
	}
	w := newWorld(t, sql.String()).open()
	for _, name := range append(names, "kinds") {
		table := pgx.Identifier{name}.Sanitize()
		all := `SELECT count(*) || md5(string_agg(r::text, '|' ORDER BY r::text COLLATE "C")) FROM ` + table + ` r`
		before := w.ask(all)
		file, _ := w.file("csv", name, address.View{})
		w.exec("TRUNCATE " + table)
		if body := w.bring(name, file, "load"); !strings.Contains(body, "imported</h2>") || w.ask(all) != before {
			t.Errorf("%q does not come back whole: %s", name, firstBad(body))
		}
	}
}

func firstBad(body string) string {
	_, rest, _ := strings.Cut(body, `<section class="report`)
	return rest[:min(len(rest), 700)]
}

const target = `CREATE TABLE places (id int PRIMARY KEY, name text);
INSERT INTO places VALUES (1, 'here');
CREATE TABLE things (id int PRIMARY KEY, word varchar(5) NOT NULL, price numeric(6,2), place int REFERENCES places, late int REFERENCES places DEFERRABLE INITIALLY DEFERRED,
	n int CHECK (n > 0), code text UNIQUE, twice int GENERATED ALWAYS AS (id * 2) STORED, no int GENERATED ALWAYS AS IDENTITY, secret text);
INSERT INTO things (id, word) VALUES (1, 'old');
CREATE FUNCTION grumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.word = 'boo' THEN RAISE 'secret words'; END IF; RETURN NEW; END $$;
CREATE TRIGGER grumble BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION grumble();
CREATE VIEW seen AS SELECT * FROM things;
`

// Each bad line is named, and nothing is written while there is one.
func TestImportNamesBadLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, target).open()
	const file = "id,word,price,place,n,code\r\n" +
		"10,ok,1.50,1,1,a\r\n" + "x,ok,,,,\r\n" + "11,toolong,,,,\r\n" + "12,,,,,\r\n" + "13,ok,123456.5,,,\r\n" + "14,ok,,7,,\r\n" + "15,ok,,,-1,\r\n" +
		"16,ok,,,,a\r\n" + "1,ok,,,,\r\n" + "17,ok\r\n" + "18,\"o\nk\",,,,\r\n" + "19,\xff,,,,\r\n" + "20,o\"k,,,,\r\n" + "21,boo,,,,\r\n" + "22,\x00,,,,\r\n" + "\r\n" + "23,last,,,,\r\n"
	for _, button := range []string{"try", "load"} {
		body := w.bring("things", file, button)
		for _, want := range []string{
			`3</td><td><code>id</code></td><td>&#34;x&#34; is no integer.`, `4</td><td><code>word</code></td><td>&#34;toolong&#34; is longer than character varying(5) takes.`,
			`5</td><td><code>word</code></td><td>NULL, where the column needs a value.`, `6</td><td><code>price</code></td><td>&#34;123456.5&#34; is no numeric(6,2).`,
			`7</td><td><code>place</code></td><td>place points to no row of places.`, `8</td><td><code>n</code></td><td>It breaks the check things_n_check.`,
			`9</td><td><code>code</code></td><td>A row with this code is there already`, `10</td><td><code>id</code></td><td>A row with this id is there already`,
			`11</td><td></td><td>It has 2 cells, the first line 6.`, `14</td><td></td><td>It is not UTF-8.`, `15</td><td></td><td>A quote stands inside`,
			`16</td><td></td><td>A trigger or function of this database refuses it (SQLSTATE P0001).`, `17</td><td></td><td>It holds a NUL`, `13 lines cannot go in`, "othing was written",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page does not say %q", button, want)
			}
		}
		if strings.Contains(body, "secret words") {
			t.Error("the page shows what PostgreSQL said")
		}
	}
	if body := w.bring("things", "id,word,late\n30,ok,99\n", "try"); !strings.Contains(body, "late points to no row of places, which is checked when all lines are in.") {
		t.Error("a deferred constraint is not checked in a trial:", firstBad(body))
	}
	many := "id,word\n" + strings.Repeat("x,y\n", 400)
	if body := w.bring("things", many, "load"); !strings.Contains(body, "More than 100 lines cannot go in") || strings.Count(body, "is no integer") != 100 {
		t.Error("bad lines are not bounded")
	}
	if n := w.ask(`SELECT count(*)::text FROM things`); n != "1" {
		t.Errorf("%s rows, want the one", n)
	}
}

// The trial writes nothing, the import everything, once; choices are kept to.
func TestImportChoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, target).open()
	if body := w.bring("things", "ID;Word\n2;b\n", "try"); !strings.Contains(body, "All lines can go in: 1 row") || w.ask(`SELECT count(*)::text FROM things`) != "1" {
		t.Error("a trial:", firstBad(body))
	}
	if body := w.bring("things", "id,word\n1,x\n2,b\n3,c\n", "load", "clash", "skip"); !strings.Contains(body, "2 rows imported") || !strings.Contains(body, "1 line was passed over") {
		t.Error("skipping:", firstBad(body))
	}
	for _, test := range []struct{ null, cell, want string }{
		{"empty", ``, "NULL"}, {"empty", `""`, "''"}, {"any-empty", `""`, "NULL"}, {"word", `NULL`, "NULL"}, {"word", ``, "''"}, {"word", `"NULL"`, "'NULL'"}, {"escape", `\N`, "NULL"}, {"never", ``, "''"}, {"never", `'=1`, "'=1'"},
	} {
		w.exec(`DELETE FROM things WHERE id = 50`)
		w.bring("things", "key,word,text\n50,a,"+test.cell+"\n", "load", "null", test.null, "c0", "id", "c2", "code")
		if got := w.ask(`SELECT coalesce((SELECT quote_nullable(code) FROM things WHERE id = 50), 'no row')`); got != test.want {
			t.Errorf("%s, %s: %s, want %s", test.null, test.cell, got, test.want)
		}
	}
	res, _ := w.upload("things", "id,word\n60,a\n")
	at := res.Header.Get("Location")
	form := w.choices(at)
	form.Set("do", "load")
	for i, want := range []int{http.StatusSeeOther, http.StatusUnprocessableEntity} {
		if res, _ := w.postBody(at, "application/x-www-form-urlencoded", []byte(form.Encode())); res.StatusCode != want {
			t.Errorf("import %d of one file: %d", i+1, res.StatusCode)
		}
	}
}

// What cannot be filled says why.
func TestImportRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, target, withMasks, func(o *studio.Options) {
		o.Masks[0].Table, o.Masks[0].Column = "things", "secret"
	}).open()
	body := w.page("/t/public/things/import")
	for _, want := range []string{"<code>twice</code> <span class=\"quiet\">generated: PostgreSQL computes it", "<code>no</code> <span class=\"quiet\">an identity", "<code>secret</code> <span class=\"quiet\">masked"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for column, want := range map[string]string{"twice": "generated", "no": "identity", "secret": "masked", "nope": "no column nope", "word": "Two columns of the file go into word"} {
		if body := w.bring("things", "id,word,x\n70,a,b\n", "load", "c2", column); !strings.Contains(body, want) {
			t.Errorf("filling %s is not refused by %q", column, want)
		}
	}
	if body := w.page("/t/public/seen/import"); !strings.Contains(body, "is a view") {
		t.Error("a view is not refused")
	}
	if res, _ := w.upload("seen", "id\n1\n"); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a file for a view: %d", res.StatusCode)
	}
	for _, file := range []string{"", "\xff\xfea", "\"", "PK\x03\x04"} {
		res, _ := w.upload("things", file)
		if status, body := w.get(res.Header.Get("Location")); status != http.StatusOK || !strings.Contains(body, "The file cannot be read") {
			t.Errorf("%q: %d", file, status)
		}
	}
	if res, body := w.upload("things", strings.Repeat("x", 65<<20)); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "larger than 64 MiB") {
		t.Errorf("a large file: %d", res.StatusCode)
	}
	w.serve(func(o *studio.Options) { o.ReadOnly = true })
	w.open()
	if res, body := w.upload("things", "id\n1\n"); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "--read-only") {
		t.Errorf("with --read-only: %d", res.StatusCode)
	}
}

// A file is its session's alone, and no other site sends or imports one.
func TestImportIsTheSessionsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, target).open()
	res, _ := w.upload("things", "id,word\n80,a\n")
	at := res.Header.Get("Location")
	req, _ := http.NewRequest(http.MethodPost, w.origin+at, strings.NewReader("do=load&cells=2&c0=id&c1=word"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "http://evil.test")
	if res, _ := w.do(req); res.StatusCode != http.StatusForbidden {
		t.Errorf("another site: %d", res.StatusCode)
	}
	if status, _ := w.get(strings.Replace(at, "things", "places", 1)); status != http.StatusNotFound {
		t.Errorf("at another table: %d", status)
	}
	w.client = browser(t)
	if status, _ := w.get(at); status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", status)
	}
	w.open()
	if status, _ := w.get(at); status != http.StatusNotFound {
		t.Errorf("another session: %d", status)
	}
	for range 4 {
		w.upload("things", "id\n1\n")
	}
	if n := w.ask(`SELECT count(*)::text FROM things`); n != "1" {
		t.Errorf("%s rows", n)
	}
}

// The import is told once, in its transaction: where that fails nothing stays.
func TestImportIsAudited(t *testing.T) {
	t.Parallel()
	var told []studio.Change
	fail := errors.New("no")
	w := newWorld(t, target, func(o *studio.Options) {
		o.Audit = func(ctx context.Context, tx pgx.Tx, c studio.Change) error {
			var n int
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM public.things`).Scan(&n); err != nil || n != 3 {
				t.Errorf("the audit sees %d rows, %v", n, err)
			}
			told = append(told, c)
			return fail
		}
	}).open()
	w.bring("things", "id,word\n90,a\n91,b\n", "load")
	if n := w.ask(`SELECT count(*)::text FROM things`); n != "1" || len(told) != 1 {
		t.Errorf("%s rows although the audit failed, told %d times", n, len(told))
	}
	fail = nil
	w.bring("things", "id,word\n90,a\n91,b\n", "load")
	if n := w.ask(`SELECT count(*)::text FROM things`); n != "3" || len(told) != 2 || told[1].Kind != "import" || told[1].File != "rows.csv" || told[1].Rows != 2 || told[1].Table != "things" {
		t.Errorf("%s rows, told %+v", n, told)
	}
}
