package studio_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/studio"
)

// An address whose key is none of the key's type says so, and leads back.
func TestKeyOfAnotherType(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff).open()
	for _, path := range []string{"/t/public/people?from=abc", "/t/public/people/row/abc", "/t/public/people?from=abc&f=age.is.1"} {
		status, body := w.get(path)
		said := html.UnescapeString(words(body))
		if status != http.StatusUnprocessableEntity || !strings.Contains(said, `"abc" is no value of id, which is integer.`) ||
			strings.Contains(said, "SQLSTATE") || strings.Contains(said, "Change the filter") || !strings.Contains(said, "All rows of people") {
			t.Errorf("GET %s: %d %s", path, status, said)
		}
	}
}

// The form of a filter says how its value is read, and takes several where "in" does.
func TestFilterFormHints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, staff+`; CREATE TABLE flags (id int PRIMARY KEY, up boolean)`).open()
	for path, want := range map[string]string{
		"/t/public/people?open=filter:feeling": `Its values: <code>sad</code>, <code>happy</code>`,
		"/t/public/people?open=filter:seen":    "UTC, unless an offset stands behind it.",
		"/t/public/flags?open=filter:up":       `<select name="fv"`,
	} {
		body := w.page(path)
		if !strings.Contains(body, want) || strings.Contains(want, "Its values") && !strings.Contains(body, `<input name="fv"`) {
			t.Errorf("GET %s does not hold %q", path, want)
		}
	}
	to := "/t/public/people" + query("fc", "feeling", "fo", "in", "fv", "sad,happy")
	status, _ := w.get(to)
	if body := w.page("/t/public/people" + query("f", "feeling.in.sad,happy")); status != http.StatusSeeOther || !strings.Contains(body, "hubot") || !strings.Contains(body, "mona") {
		t.Errorf("two values of an enum: %d", status)
	}
}

// What leads nowhere is not offered.
func TestReadOnlyOffersNoImport(t *testing.T) {
	t.Parallel()
	const offer = "Import a CSV file"
	w := newWorld(t, staff).open()
	if !strings.Contains(w.page("/t/public/people"), offer) {
		t.Error("no import is offered")
	}
	w.serve(func(o *studio.Options) { o.ReadOnly = true })
	if strings.Contains(w.open().page("/t/public/people"), offer) {
		t.Error("an import is offered with --read-only")
	}
}

// A file of a head alone is no good one, and one cell is one cell.
func TestImportOfFewWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, target).open()
	for _, button := range []string{"try", "load"} {
		if said := words(w.bring("things", "id,word\n\n", button)); !strings.Contains(said, "The file holds no rows") || strings.Contains(said, "0 rows") {
			t.Errorf("%s of a head: %s", button, said)
		}
	}
	if said := words(w.bring("things", "id,word\n1\n", "try")); strings.Count(said, "It has 1 cell, the first line 2.") != 2 {
		t.Error(said)
	}
}
