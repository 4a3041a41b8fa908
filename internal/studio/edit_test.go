package studio_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/studio"
)

// submit sends a form as the page's own form does, and returns status, Location
// and body.
func (w *world) submit(path string, pairs ...string) (int, string, string) {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest(http.MethodPost, w.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", w.origin)
	res, body := w.do(req)
	return res.StatusCode, res.Header.Get("Location"), body
}

var (
	versionField  = regexp.MustCompile(`name="version" value="(\d+)"`)
	revisionField = regexp.MustCompile(`name="revision" value="(\d+)"`)
	tag           = regexp.MustCompile(`<[^>]*>`)
)

// words is what a page says, without its marks.
func words(body string) string {
	return strings.Join(strings.Fields(tag.ReplaceAllString(body, " ")), " ")
}

func found(t *testing.T, re *regexp.Regexp, body string) string {
	t.Helper()
	m := re.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("the page has no %s\n%s", re, body)
	}
	return m[1]
}

// set keeps a change of one cell, by the form that its page shows.
func (w *world) set(row, column, how, value string) {
	w.t.Helper()
	page := w.page(row + query("open", "edit:"+column))
	if status, _, body := w.submit(row, "do", "set", "column", column, "version", found(w.t, versionField, page), "how", how, "value", value, "back", "/"); status != http.StatusSeeOther {
		w.t.Fatalf("keeping %s = %s %q: %d\n%s", column, how, value, status, words(body))
	}
}

// save presses the button that saves, and returns the page after it.
func (w *world) save(table string) string {
	w.t.Helper()
	status, to, body := w.submit(table+"/save", "revision", found(w.t, revisionField, w.page(table)), "back", table)
	if status != http.StatusSeeOther {
		w.t.Fatalf("saving: %d\n%s", status, words(body))
	}
	return w.page(to)
}

const staff = `CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE people (id int PRIMARY KEY, login varchar(10) NOT NULL UNIQUE, age int CHECK (age > 0), feeling mood DEFAULT 'sad', note text, seen timestamptz);
INSERT INTO people VALUES (1, 'octocat', 10, 'sad', 'first', '2026-01-01 00:00:00+00'), (2, 'hubot', 20, 'happy', NULL, NULL), (3, 'mona', 30, 'sad', '', NULL);`

// A cell is edited, seen in the grid and as SQL, and saved; the page says so.
func TestEditACell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff).open()
	const people, row = "/t/public/people", "/t/public/people/row/1"
	w.set(row, "login", "text", "octo'cat")
	w.set(row, "note", "null", "")
	grid := w.page(people)
	for _, want := range []string{"Not saved 2 changes in 1 row of people", "was octocat octo&#39;cat", "was first NULL", "Save 2 changes"} {
		if !strings.Contains(words(grid), want) {
			t.Errorf("the grid does not say %q:\n%s", want, words(grid))
		}
	}
	if sql := words(w.page(people + "/review")); !strings.Contains(sql, `UPDATE &#34;public&#34;.&#34;people&#34; SET &#34;login&#34; = &#39;octo&#39;&#39;cat&#39;, &#34;note&#34; = NULL WHERE &#34;id&#34; = &#39;1&#39; AND xmin::text = `) {
		t.Errorf("the SQL is not shown:\n%s", sql)
	}
	if w.ask(`SELECT login FROM people WHERE id = 1`) != "octocat" {
		t.Error("written before it was saved")
	}
	if said := words(w.save(people)); !strings.Contains(said, "Saved 2 changes in 1 row of people.") || strings.Contains(said, "Not saved") {
		t.Errorf("after saving: %s", said)
	}
	if got := w.ask(`SELECT login || coalesce(note, '-') FROM people WHERE id = 1`); got != "octo'cat-" {
		t.Errorf("the row is %q", got)
	}
	if strings.Contains(words(w.page(people)), "Saved 2 changes") {
		t.Error("the toast comes twice")
	}
}

// What was meant to be edited by one session is not seen, saved or thrown away
// by another.
func TestDraftsBelongToASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff).open()
	w.set("/t/public/people/row/1", "age", "text", "11")
	mine := w.client
	w.client = browser(t)
	w.open()
	if strings.Contains(w.page("/t/public/people"), "Not saved") {
		t.Error("another session sees the draft")
	}
	if status, _, _ := w.submit("/t/public/people/save", "revision", "1", "back", "/"); status != http.StatusUnprocessableEntity {
		t.Errorf("another session saves: %d", status)
	}
	w.submit("/t/public/people/discard")
	w.client = mine
	if w.ask(`SELECT age::text FROM people WHERE id = 1`) != "10" || !strings.Contains(words(w.page("/t/public/people")), "1 change in 1 row of people") {
		t.Error("the draft has gone, or was saved")
	}
	if status, _, _ := w.submit("/t/public/people/save", "revision", "99", "back", "/"); status != http.StatusUnprocessableEntity {
		t.Errorf("other changes than were seen are saved: %d", status)
	}
	w.client = browser(t)
	if status, _, _ := w.submit("/t/public/people/save", "revision", "1", "back", "/"); status != http.StatusUnauthorized {
		t.Errorf("a stranger saves: %d", status)
	}
}

// --read-only shows no form and takes none.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff, func(o *studio.Options) { o.ReadOnly = true }).open()
	for _, path := range []string{"/t/public/people", "/t/public/people/row/1", "/t/public/people/row/1?open=edit:login", "/t/public/people?open=insert", "/t/public/people/row/1?open=delete"} {
		if body := strings.Replace(w.page(path), `action="/theme"`, "", 1); strings.Contains(body, `method="post" action`) || strings.Contains(body, `id="insert"`) || strings.Contains(body, "data-edit") {
			t.Errorf("GET %s offers a change", path)
		}
	}
	for _, path := range []string{"/t/public/people/row/1", "/t/public/people/new", "/t/public/people/save", "/t/public/people/discard", "/t/public/people/conflict"} {
		if status, _, body := w.submit(path, "do", "set", "column", "login", "how", "text", "value", "x", "version", "1", "revision", "1"); status != http.StatusUnprocessableEntity || !strings.Contains(body, "--read-only") {
			t.Errorf("POST %s: %d", path, status)
		}
	}
}
