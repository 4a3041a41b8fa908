package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// onCell is whether a cell has the focus, and nothing is edited.
func onCell(id string) string {
	return `document.activeElement.id === ` + quote(id) + ` && document.querySelector(".editing") === null`
}

// TestBrowserStudioKeyboard goes from the link to a saved change without one
// click: look for a table, edit in the grid, insert, mark for deletion, review,
// save.
func TestBrowserStudioKeyboard(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.keysToGrid()
	s.keysInEditor()
	s.keysInGrid()
	s.keys("review", "s", chromedp.ModifierCtrl)
	s.sees("the SQL", `location.pathname.endsWith("/review") && document.activeElement.id === "save" && document.querySelectorAll(".step").length === 3`)
	s.keys("save", kb.Enter)
	s.says("Saved 5 changes in 3 rows of people.")
	s.holds("the first row", `SELECT name || ' ' || active || ' ' || mood || ' ' || age FROM people WHERE id = 1`, "mona false away 21")
	s.holds("the others", `SELECT mood::text || (SELECT count(*) FROM people) || (SELECT name FROM people WHERE id = 13) FROM people WHERE id = 3`, "calm13lisa")
	s.complaints(t)
}

// keysToGrid looks for people and goes to their rows.
func (s staff) keysToGrid() {
	s.t.Helper()
	s.keys("search", "/")
	s.sees("the search", `document.activeElement.id === "search" && document.activeElement.value === ""`)
	s.keys("what", "people"+kb.Enter)
	s.tab("the table", `document.activeElement.getAttribute("href") === "`+staffPath+`"`)
	s.keys("open it", kb.Enter)
	s.sees("its rows", `document.querySelectorAll("#grid tbody tr").length === 12`)
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
}

// keysInEditor changes the first row's name, active and mood.
func (s staff) keysInEditor() {
	s.t.Helper()
	s.keys("to the name, and edit it", kb.ArrowRight+kb.Enter)
	s.sees("its editor", `document.activeElement.id === "editor-value" && document.activeElement.selectionEnd === "octocat".length`)
	s.keys("type, and leave it", "never"+kb.Escape)
	s.sees("the cell as it was", onCell("cell-1-name")+` && document.querySelector(".pending") === null`)
	s.keys("edit it once more", kb.F2)
	s.sees("its editor", `document.activeElement.id === "editor-value"`)
	s.keys("type over it, and a second line", "mona")
	s.keys("a second line", kb.Enter, chromedp.ModifierShift)
	s.keys("and keep it: down", "lisa"+kb.Enter)
	s.sees("the cell below", onCell("cell-2-name")+` && document.querySelector("#cell-1-name ins").textContent === "mona\nlisa"`)
	s.keys("up and edit", kb.ArrowUp+kb.Enter)
	s.sees("its editor", `document.activeElement.value === "mona\nlisa"`)
	s.keys("one line, and keep it: right", "mona"+kb.Tab)
	s.sees("the cell at its right", onCell("cell-1-active"))
	s.keys("edit", kb.Enter)
	s.sees("its editor", `document.activeElement.id === "editor-value"`)
	s.keys("false, and keep it: right", "f"+kb.Tab)
	s.sees("the enum", onCell("cell-1-mood")+` && document.querySelector("#cell-1-active ins").textContent === "false"`)
	s.keys("edit", kb.Enter)
	s.sees("its editor", `document.activeElement.id === "editor-value"`)
	s.keys("away, and keep it: left", "a")
	s.keys("left", kb.Tab, chromedp.ModifierShift)
	s.sees("the cell at its left", onCell("cell-1-active")+` && document.querySelector("#cell-1-mood ins").textContent === "away"`)
}

// keysInGrid sets a default, takes back what is not wanted, and adds a row.
func (s staff) keysInGrid() {
	s.t.Helper()
	s.keys("the age becomes NULL", kb.ArrowRight+kb.ArrowRight+"n")
	s.sees("NULL", onCell("cell-1-age")+` && document.querySelector("#cell-1-age ins").textContent === "NULL"`)
	s.keys("take it back", "u")
	s.sees("the age as it was", onCell("cell-1-age")+` && document.querySelector("#cell-1-age ins") === null`)
	s.keys("a mood's default", kb.ArrowDown+kb.ArrowDown+kb.ArrowLeft+"d")
	s.sees("the default", onCell("cell-3-mood")+` && document.querySelector("#cell-3-mood ins").textContent.startsWith("default")`)
	s.keys("a name is never NULL", kb.ArrowLeft+kb.ArrowLeft+"n")
	s.sees("why", `document.querySelector("#say").textContent === "the column is NOT NULL" && document.querySelector("#cell-3-name ins") === null`)
	s.keys("mark a row", kb.ArrowDown+kb.Delete)
	s.sees("the marked row", onCell("cell-4-name")+` && document.querySelector("#row-4.deleted") !== null`)
	s.keys("and keep it", kb.Delete)
	s.sees("the row as it was", onCell("cell-4-name")+` && document.querySelector("#row-4.deleted") === null`)

	s.keys("a new row", "i")
	s.sees("its name's field", `document.activeElement.closest(".newrow fieldset")?.querySelector("legend").innerText.startsWith("name")`)
	s.keys("a name", "lisa")
	s.tab("the button", `document.activeElement.id === "new-keep"`)
	s.keys("keep it", kb.Enter)
	s.sees("the new row", `document.querySelector("#grid tr.new") !== null && document.activeElement.matches("#grid td, h1")`)
}

// TestBrowserStudioMoreKeys: the other keys of the list.
func TestBrowserStudioMoreKeys(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.visit(staffPath)
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
	for _, step := range []struct {
		what, keys string
		held       []chromedp.Modifier
		at         string
	}{
		{"the end of the row", kb.End, nil, `document.activeElement.cellIndex === 11 && document.activeElement.parentElement.rowIndex === 1`},
		{"the last cell", kb.End, []chromedp.Modifier{chromedp.ModifierCtrl}, `document.activeElement.cellIndex === 11 && document.activeElement.parentElement.rowIndex === 12`},
		{"the first cell", kb.Home, []chromedp.Modifier{chromedp.ModifierCtrl}, onCell("cell-1-id")},
		{"a screen down", kb.PageDown, nil, `document.activeElement.parentElement.rowIndex > 5`},
		{"a screen up", kb.PageUp, nil, onCell("cell-1-id")},
		{"sort, and turn it", kb.ArrowRight + "s", nil, `document.querySelector("th[aria-sort=ascending]")?.innerText.startsWith("name") && document.activeElement.matches("#grid td, th a")`},
	} {
		s.keys(step.what, step.keys, step.held...)
		s.sees(step.what, step.at)
	}
	s.visit(staffPath)
	s.tab("the grid", onCell("cell-1-id"))
	s.keys("only this mood", kb.ArrowDown+kb.ArrowDown+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+"f")
	s.sees("one row", `document.querySelectorAll("#grid tbody tr").length === 1 && document.querySelector(".chip .op").innerText === "is"`)
	s.visit(staffPath)
	s.tab("the grid", onCell("cell-1-id"))
	s.keys("without it", kb.ArrowDown+kb.ArrowDown+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+"F")
	s.sees("the others", `document.querySelectorAll("#grid tbody tr").length === 11 && document.querySelector(".chip .op").innerText === "is not"`)
	s.do(t, "its form", chromedp.Click(chromedp.CSS(`#chip-0-value`)))
	s.sees("the form", `document.activeElement.id === "filter-value"`)
	s.keys("leave it", kb.Escape)
	s.sees("the filter as it was", `document.querySelector("#filter-value") === null && document.querySelectorAll("#grid tbody tr").length === 11`)

	s.visit(staffPath + "/row/1?open=edit:facts")
	s.sees("the editor at the side", `document.activeElement.id === "editor-value"`)
	s.keys("leave it", "x"+kb.Escape)
	s.sees("the row", `document.querySelector("#panel") !== null && document.querySelector("#editor") === null`)
	s.keys("close it", kb.Escape)
	s.sees("the rows", `document.querySelector("#panel") === null`)
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
	s.keys("follow the relation", kb.Home+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+"g")
	s.sees("the team", `location.pathname === "/t/public/teams/row/2"`)
	s.complaints(t)
}

// TestBrowserStudioQuietKeys: single letters can be switched off, Ctrl+C copies a
// value and nothing else of the cell, and a new row is dropped by Delete.
func TestBrowserStudioQuietKeys(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.visit(staffPath)
	s.tab("the grid", onCell("cell-1-id"))
	s.keys("to the name", kb.ArrowRight)
	// Chromium without a window keeps this key for itself.
	s.do(t, "Ctrl+C", evaluate(`navigator.clipboard.writeText = text => { window.copied = text; };
		document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "c", ctrlKey: true, bubbles: true, cancelable: true }))`))
	s.sees("the value", `window.copied === "octocat"`)
	s.keys("the keys", "?")
	s.sees("the list", `document.querySelector("#keys").open && document.querySelector("#single-keys").checked`)
	s.tab("the switch", `document.activeElement.id === "single-keys"`)
	s.keys("off", " "+kb.Escape)
	s.sees("no list", `!document.querySelector("#keys").open`)
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
	s.keys("letters", "nduiosgfF?/[]")
	s.keys("edit", kb.Home+kb.ArrowRight+kb.Enter)
	s.sees("that the letters did nothing", `document.activeElement.id === "editor-value" && location.pathname === "`+staffPath+`" && location.search === "" && document.querySelector(".pending") === null`)
	s.keys("leave", kb.Escape)
	s.do(t, "letters on", evaluate(`localStorage.clear()`))
	s.keys("a new row", "i")
	s.sees("its form", `document.querySelector(".newrow") !== null`)
	s.keys("a name", "lisa")
	s.tab("the button", `document.activeElement.id === "new-keep"`)
	s.keys("keep it", kb.Enter)
	s.sees("the new row", `document.querySelector("#grid tr.new") !== null`)
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
	s.keys("to the first row", kb.Home, chromedp.ModifierCtrl)
	s.keys("drop it", kb.Delete)
	s.sees("no new row", `document.querySelector("#grid tr.new") === null && document.querySelector(".pendingbar") === null`)
	s.complaints(t)
}
