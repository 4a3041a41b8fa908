package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// TestBrowserStudioImport: a file with a bad line names it and leaves nothing;
// mended it goes in.
func TestBrowserStudioImport(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	file := filepath.Join(t.TempDir(), "new people.csv")
	send := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.do(t, "choose the file", chromedp.SetUploadFiles(chromedp.CSS(`#file`), []string{file}))
		s.click("look at it", `form.ask button`)
		s.sees("its first lines", `document.querySelector(".preview") !== null`)
	}
	s.visit(staffPath)
	s.click("the menu", `#export summary`)
	s.click("import", `#import`)
	s.sees("what can be filled", `document.querySelector("#file") !== null && document.body.innerText.includes("masked, and is never typed or read")`)
	s.accessible("the choice of a file")
	send("Name,Age,mood,nickname\nmona,30,busy,m\nlisa,old,calm,l\nhubot,31,calm,h\n")
	s.sees("where the columns go", `[0, 1, 2, 3].map(i => document.querySelector("#c" + i).value).join() === "name,age,mood,"`)
	s.accessible("the preview")
	s.click("try", `#try`)
	const bad = `[...document.querySelectorAll(".report ~ .card tbody tr")].map(tr => tr.innerText.replace(/\s+/g, " ").trim())`
	s.sees("the bad lines", bad+`.length === 2 && `+bad+`[0].startsWith("3 age ") && `+bad+`[1].startsWith("4 name ")`)
	s.says("2 lines cannot go in This was a trial: nothing was written.")
	s.accessible("the bad lines")
	s.click("import all the same", `#load`)
	s.says("2 lines cannot go in Nothing was written: lines go in together or not at all.")
	s.holds("nothing of it", `SELECT count(*)::text FROM people`, "12")
	s.click("discard", `#drop`)
	s.sees("the choice of a file", `document.querySelector("#file") !== null`)

	send("Name,Age,mood\nmona,30,busy\nlisa,,calm\n")
	s.click("try", `#try`)
	s.says("All lines can go in: 2 rows This was a trial: nothing was written.")
	s.accessible("a trial that went well")
	s.holds("nothing yet", `SELECT count(*)::text FROM people`, "12")
	s.click("import", `#load`)
	s.says("2 rows imported They went in together, in one transaction.")
	s.accessible("what was imported")
	s.holds("both", `SELECT string_agg(name || coalesce(age::text, '-') || mood, ' ' ORDER BY id) FROM people WHERE id > 12 AND name < 'p'`, "mona30busy lisa-calm")
	s.click("show them", `.actions a.solid`)
	s.sees("the rows", column+`("name").includes("lisa")`)
	s.complaints(t)
}

// downloads lets the browser keep files, and returns a function that waits for
// the next one.
func (s studioTab) downloads() func(name string) []byte {
	s.t.Helper()
	dir, done := s.t.TempDir(), make(chan string, 8)
	err := chromedp.ListenBrowser(s.ctx, func(ev any) {
		if e, ok := ev.(*cdp.EventDownloadProgress); ok && e.State != cdp.DownloadProgressStateInProgress {
			done <- string(e.State)
		}
	})
	if err == nil {
		_, err = chromedp.CallBrowser(s.ctx, cdp.SetDownloadBehavior, cdp.SetDownloadBehaviorParams{
			Behavior: cdp.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir, EventsEnabled: new(true)})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return func(name string) []byte {
		s.t.Helper()
		select {
		case state := <-done:
			if state != "completed" {
				s.t.Fatalf("the download of %s: %s", name, state)
			}
		case <-time.After(20 * time.Second):
			s.t.Fatalf("no download of %s", name)
		}
		file, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			s.t.Fatal(err)
		}
		return file
	}
}

// TestBrowserStudioExport downloads what a filter leaves, in each format.
func TestBrowserStudioExport(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.exec(`UPDATE people SET name = '=1+1' WHERE id = 5`)
	next := s.downloads()
	s.visit(staffPath + "?f=age.lt.26&sort=age&cols=id,name,age,seen,facts,secret")
	s.sees("five rows", `document.querySelectorAll("#grid tbody tr").length === 5`)
	get := func(format, name string) []byte {
		t.Helper()
		s.click("the menu", `#export summary`)
		s.sees("what is left out", `document.querySelector("#export").innerText.includes("Masked, and in no file: secret")`)
		s.click(format, `#export a[href*="/export/`+format+`"]`)
		file := next(name)
		s.click("close the menu", `#export summary`)
		if strings.Contains(string(file), "canary") {
			t.Errorf("%s holds what is masked", name)
		}
		return file
	}
	lines, err := csv.NewReader(bytes.NewReader(get("csv", "people.csv"))).ReadAll()
	if err != nil || len(lines) != 6 || strings.Join(lines[0], ",") != "id,name,age,seen,facts" ||
		strings.Join(lines[1], "|") != `1|octocat|21|2026-01-02 10:00:00.123456+00|{"a": {"b": 1}}` || lines[5][1] != "'=1+1" {
		t.Errorf("CSV: %q %v", lines, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(get("jsonl", "people.jsonl")))
	var names []string
	for decoder.More() {
		var row struct {
			ID, Age int
			Name    string
			Facts   map[string]any
		}
		if err := decoder.Decode(&row); err != nil || row.Age != 20+row.ID || row.Facts["a"] == nil {
			t.Errorf("JSON lines: %+v %v", row, err)
		}
		names = append(names, row.Name)
	}
	if strings.Join(names, " ") != "octocat hubot person03 person04 =1+1" {
		t.Errorf("JSON lines: %s", names)
	}
	other := staff{s.studioTab, pgtest.Empty(t)}
	other.exec(staffRows + `DELETE FROM loans; DELETE FROM people;` + string(get("sql", "people.sql")))
	other.holds("the rows that SQL has made", `SELECT string_agg(id || name || age, ' ' ORDER BY id) FROM people`, "1octocat21 2hubot22 3person0323 4person0424 5=1+125")
	s.complaints(t)
}
