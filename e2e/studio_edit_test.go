package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const staffPath = "/t/public/people"

// TestBrowserStudioEdit: cells of five types are changed, collected in the bar,
// read as SQL and saved in one transaction.
func TestBrowserStudioEdit(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.visit(staffPath)
	s.edit("cell-1-name", "mona")
	s.opened("cell-1-active")
	s.accessible("an editor in its cell")
	s.keys("choose false", "f")
	s.click("keep", `#editor-keep`)
	s.sees("it in the cell", `document.querySelector("#cell-1-active del")?.innerText.includes("true") && document.querySelector("#cell-1-active ins")?.innerText === "false"`)
	s.opened("cell-1-mood")
	s.keys("choose away", "a")
	s.click("keep", `#editor-keep`)
	s.sees("it in the cell", `document.querySelector("#cell-1-mood ins")?.innerText === "away"`)
	s.edit("cell-2-seen", "2026-11-25 08:30:00.000001+01")
	s.sees("the time in UTC", `document.querySelector("#cell-2-seen ins").innerText === "2026-11-25 07:30:00.000001"`)
	s.edit("cell-2-facts", `{"tags": ["a", "ü"]}`)
	s.opened("cell-3-age")
	s.click("NULL", `#editor button[value="null"]`)
	s.says("Not saved 6 changes in 3 rows of people")
	s.opened("cell-3-name")
	s.keys("type", "never kept")
	s.click("leave", `#editor-x`)
	s.sees("no editor", `document.querySelector("#editor") === null && document.querySelector("#cell-3-name.pending") === null`)
	s.holds("before saving", `SELECT name || active || mood FROM people WHERE id = 1`, "octocattruecalm")
	s.accessible("the bar of changes")

	s.visit("/")
	s.visit(staffPath)
	s.says("6 changes in 3 rows of people")
	s.click("review", `#review`)
	s.sees("the SQL", `location.pathname.endsWith("/review") && document.querySelectorAll(".step pre").length === 3`)
	s.sees("its values", `document.querySelector(".step pre").textContent.startsWith('UPDATE "public"."people" SET "name" = \'mona\', "active" = \'false\', "mood" = \'away\'\nWHERE "id" = \'1\' AND xmin::text = \'')`)
	s.accessible("the review")
	s.click("save", `#save`)
	s.says("Saved 6 changes in 3 rows of people.")
	s.sees("the rows without a bar", `location.pathname === "`+staffPath+`" && document.querySelector(".pendingbar") === null && `+column+`("name")[0] === "mona"`)
	s.accessible("the toast")
	s.holds("the first row", `SELECT name || ' ' || active || ' ' || mood FROM people WHERE id = 1`, "mona false away")
	s.holds("the second", `SELECT (seen AT TIME ZONE 'UTC')::text || ' ' || facts FROM people WHERE id = 2`, `2026-11-25 07:30:00.000001 {"tags": ["a", "ü"]}`)
	s.holds("the third", `SELECT coalesce(age::text, 'NULL') || ' ' || name FROM people WHERE id = 3`, "NULL person03")
	s.holds("one transaction", `SELECT count(DISTINCT xmin::text)::text FROM people WHERE id < 4`, "1")
	s.complaints(t)
}

// TestBrowserStudioConflict: somebody else changes the row meanwhile. Both are
// shown side by side, nothing is overwritten, and a person decides.
func TestBrowserStudioConflict(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.visit(staffPath)
	s.edit("cell-1-name", "mine")
	s.edit("cell-2-age", "50")
	s.exec(`UPDATE people SET name = 'theirs', mood = 'away' WHERE id = 1`)
	s.click("save", `#save`)
	const lines = `[...document.querySelectorAll(".threeway tbody tr")].map(tr => [...tr.cells].map(td => td.innerText.trim()).join("|"))`
	s.sees("the three columns", `location.pathname.endsWith("/conflict") && `+lines+`.join(";") === "name|octocat|theirs|mine;mood|calm|away|unchanged"`)
	s.says("Nothing was written.")
	s.accessible("the conflict")
	s.holds("what somebody else has written", `SELECT name || age FROM people WHERE id = 1`, "theirs21")
	s.holds("the other row", `SELECT age::text FROM people WHERE id = 2`, "22")
	s.click("keep theirs", `button[value="theirs"]`)
	s.sees("the rest of the changes", `location.pathname === "`+staffPath+`" && `+column+`("name")[0] === "theirs" && document.querySelector("#cell-1-name.pending") === null`)
	s.says("1 change in 1 row of people")

	s.edit("cell-1-name", "mine")
	s.exec(`UPDATE people SET age = 77 WHERE id = 1`)
	s.click("save", `#save`)
	s.sees("mine and theirs", lines+`.join(";") === "name|theirs|theirs|mine;age|21|77|unchanged"`)
	s.click("save mine", `button[value="mine"]`)
	s.says("Saved 2 changes in 2 rows of people.")
	s.holds("mine, and what they changed elsewhere", `SELECT name || age FROM people WHERE id = 1`, "mine77")

	s.edit("cell-4-name", "too late")
	s.exec(`DELETE FROM people WHERE id = 4`)
	s.click("save", `#save`)
	s.says("The row is no longer there")
	s.accessible("a conflict with a deletion")
	s.click("drop", `button[value="theirs"]`)
	s.sees("no bar", `location.pathname === "`+staffPath+`" && document.querySelector(".pendingbar") === null`)
	s.complaints(t)
}

// TestBrowserStudioRefused: what PostgreSQL or a type holds against a value
// stands at its cell, in words, and nothing of the batch is written.
func TestBrowserStudioRefused(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.visit(staffPath)
	s.edit("cell-1-name", "hubot")
	s.edit("cell-3-age", "40")
	s.click("save", `#save`)
	const at = `(id => document.activeElement.id === id && document.activeElement.getAttribute("aria-invalid") === "true" &&
		document.getElementById(document.activeElement.getAttribute("aria-describedby")).innerText)`
	s.sees("the cell and its sentence", at+`("cell-1-name").includes("name 'hubot' is taken by row 2. Open that row, or type another name.")`)
	s.says("Nothing was written.")
	s.accessible("a refused cell")
	s.holds("the batch", `SELECT count(*)::text FROM people WHERE age = 40`, "0")
	s.keys("edit the cell that has the focus", kb.Enter)
	s.sees("the sentence in the editor", `document.querySelector("#editor-fault")?.innerText.includes("is taken by row 2")`)
	s.accessible("an editor with a fault")
	s.keys("type another name", "mona"+kb.Enter)
	s.sees("no fault", `document.querySelector(".faults") === null && document.querySelector("#cell-1-name ins").innerText === "mona"`)

	s.edit("cell-3-age", "-5")
	s.click("save", `#save`)
	s.sees("the rule", at+`("cell-3-age").includes("age breaks the rule people_age_check: (age > 0).")`)
	s.holds("the batch", `SELECT name FROM people WHERE id = 1`, "octocat")
	s.opened("cell-3-age")
	s.keys("no number", "old")
	s.click("keep", `#editor-keep`)
	s.says(`"old" is no whole number, and age is integer.`)
	s.do(t, "take it back", chromedp.DoubleClick(chromedp.CSS("#cell-3-age")))
	s.sees("the editor", `document.activeElement.closest("#editor") !== null`)
	s.click("take back", `#editor button[value="undo"]`)
	s.says("1 change in 1 row of people")
	s.edit("cell-5-team", "99")
	s.click("save", `#save`)
	s.says("team '99' points at no row of teams.")
	s.edit("cell-5-team", "1")
	s.click("save", `#save`)
	s.says("Saved 2 changes in 2 rows of people.")
	s.holds("all of it", `SELECT string_agg(name || team, ' ' ORDER BY id) FROM people WHERE id IN (1, 5)`, "mona2 person051")
	s.complaints(t)
}

// TestBrowserStudioMasked: a masked column cannot be read, typed, filtered,
// sorted or searched by. It can be cleared.
func TestBrowserStudioMasked(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	clean := func(where string) {
		t.Helper()
		s.sees("no secret on "+where, `!document.documentElement.outerHTML.includes("canary") || document.querySelector("#search")?.value === "canary1"`)
	}
	s.visit(staffPath)
	s.sees("that something is there", `document.querySelector("#cell-1-secret").innerText.trim() === "masked · 7 B" && document.querySelector("#sort-secret") === null`)
	clean("the rows")
	s.click("filter", `#add-filter`)
	s.sees("no such column to filter by", `document.querySelector(".pick") !== null && ![...document.querySelectorAll(".pick a")].some(a => a.innerText === "secret")`)
	for _, path := range []string{"?f=secret.is.canary1", "?f=secret.starts.c", "?f=secret.null", "?sort=secret"} {
		s.visit(staffPath + path)
		s.sees("a refusal of "+path, `document.querySelector("#grid") === null && document.querySelector('[role="alert"]').innerText.includes("masked")`)
	}
	s.visit(staffPath + "?q=canary1")
	s.says("No rows match this filter")
	s.visit(staffPath + "/row/1")
	clean("the row")
	s.visit(staffPath + "?open=insert")
	s.says("secret text masked: it can be cleared, never read or typed")
	s.visit(staffPath + "/row/1?open=edit:secret")
	s.sees("an editor without a value", `document.querySelector("#editor") !== null && document.querySelector("#editor-value") === null`)
	clean("the editor")
	s.accessible("the editor of a masked column")
	s.visit(staffPath)
	s.opened("cell-1-secret")
	s.sees("one way", `[...document.querySelectorAll("#editor button:not([hidden])")].map(b => b.innerText).join() === "Clear to NULL"`)
	s.click("clear", `#editor button[value="null"]`)
	s.says("1 change in 1 row of people")
	s.click("review", `#review`)
	s.sees("the SQL", `document.querySelector(".step pre").textContent.startsWith('UPDATE "public"."people" SET "secret" = NULL')`)
	clean("the review")
	s.click("save", `#save`)
	s.says("Saved 1 change in 1 row of people.")
	s.holds("the secrets", `SELECT count(secret)::text || coalesce((SELECT secret FROM people WHERE id = 1), ' and none') FROM people`, "11 and none")
	s.complaints(t)
}
