package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5"
)

// TestBrowserStudioInsert: a new row shows its defaults before it is saved, and
// what was wrong with it comes back as it was typed.
func TestBrowserStudioInsert(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.visit(staffPath)
	s.click("insert", `#insert`)
	const how = `(name => [...document.querySelectorAll(".newrow fieldset")].find(f => f.querySelector("legend code").innerText === name))`
	s.sees("the first field that needs a value", `document.activeElement === `+how+`("name").querySelector("textarea")`)
	for _, field := range [][2]string{{"id", "default, counted up"}, {"active", "default true"}, {"mood", "default 'calm'::public.mood"}, {"facts", "default '{}'::jsonb"}, {"age", "NULL"}} {
		s.sees("the default of "+field[0], how+`("`+field[0]+`").querySelector("select").selectedOptions[0].innerText === `+quote(field[1]))
	}
	s.says("initial text generated: PostgreSQL computes it from other columns")
	s.accessible("the form for a new row")
	s.keys("a name", "mona")
	s.do(t, "and an age", evaluate(how+`("age").querySelector("input").focus()`))
	s.keys("that is none", "old")
	s.click("keep", `#new-keep`)
	s.says(`"old" is no whole number, and age is integer.`)
	s.accessible("a new row with a fault")
	s.click("the way to it", `.faults a`)
	s.sees("what was typed", `document.activeElement === `+how+`("age").querySelector("input") && document.activeElement.value === "old" && `+how+`("name").querySelector("textarea").value === "mona"`)
	s.accessible("the form with a fault")
	s.do(t, "select it", evaluate(`document.activeElement.select()`))
	s.keys("a number", "30")
	s.click("keep", `#new-keep`)
	s.sees("the new row", `document.querySelector("#grid tr.new").innerText.replace(/\s+/g, " ").includes("default, counted up mona default true default 'calm'::public.mood 30 NULL")`)
	s.says("1 change in 1 row of people")
	s.holds("the table", `SELECT count(*)::text FROM people`, "12")
	s.click("review", `#review`)
	s.sees("the SQL", `document.querySelector(".step pre").textContent === 'INSERT INTO "public"."people" ("name", "age", "seen", "team")\nVALUES (\'mona\', \'30\', NULL, NULL);'`)
	s.accessible("the review of a new row")
	s.click("save", `#save`)
	s.says("Saved 1 change in 1 row of people.")
	s.holds("the row", `SELECT name || ' ' || active || ' ' || mood || ' ' || age || ' ' || facts || ' ' || initial FROM people WHERE id = 13`, "mona true calm 30 {} m")
	s.click("insert", `#insert`)
	s.sees("the form", `document.querySelector(".newrow") !== null`)
	s.keys("a name that is taken", "mona")
	s.click("keep", `#new-keep`)
	s.click("save", `#save`)
	s.says("name 'mona' is taken by row 13.")
	s.click("the new row", `.faults a`)
	s.sees("the sentence at its field", how+`("name").querySelector(".error").innerText.includes("is taken by row 13")`)
	s.click("drop it", `.newrow button[value="undo"]`)
	s.sees("no new row", `document.querySelector("#grid tr.new") === null && document.querySelector(".pendingbar") === null`)
	s.complaints(t)
}

// TestBrowserStudioDelete: before a row is deleted the page says what goes with
// it, and what forbids it.
func TestBrowserStudioDelete(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.visit(staffPath)
	s.click("the row", `#cell-1-id a`)
	s.sees("the row at the side", `document.querySelector("#delete") !== null`)
	s.click("delete", `#delete`)
	s.says("2 badges are deleted with it.")
	s.accessible("the question")
	s.click("keep it", `.deletion a`)
	s.sees("no question", `document.querySelector(".deletion") === null`)
	s.click("delete", `#delete`)
	s.sees("the question", `document.activeElement.id === "delete-mark"`)
	s.click("mark it", `#delete-mark`)
	s.sees("the marked row", `document.querySelector("#row-1.deleted") !== null && document.querySelector("#save") === null`)
	s.says("1 change in 1 row of people")
	s.accessible("a row to be deleted")
	s.holds("before saving", `SELECT count(*)::text FROM people`, "12")
	s.click("review", `#review`)
	s.says("2 badges are deleted with it.")
	s.accessible("the review of a deletion")
	s.click("save", `#save`)
	s.says("Saved 1 change in 1 row of people.")
	s.holds("people and badges", `SELECT (SELECT count(*) FROM people) || ' ' || (SELECT count(*) FROM badges)`, "11 0")

	s.visit(staffPath + "/row/2?open=delete")
	s.says("1 row of loans points here and forbids it.")
	s.says("As long as rows point here PostgreSQL will refuse it.")
	s.accessible("a question that is forbidden")
	s.click("mark it all the same", `#delete-mark`)
	s.sees("the marked row", `document.querySelector("#row-2.deleted") !== null`)
	s.click("review", `#review`)
	s.click("save", `#save`)
	s.says("1 row of loans points to this row. Delete that one too, or keep it.")
	s.says("Nothing was written.")
	s.accessible("a deletion that was refused")
	s.click("the row", `.faults a`)
	s.sees("the way back", `document.querySelector("#panel form button")?.innerText === "Keep row"`)
	s.click("keep it", `#panel form button`)
	s.sees("no bar", `document.querySelector(".pendingbar") === null && document.querySelector(".deleted") === null`)
	s.holds("the row", `SELECT name FROM people WHERE id = 2`, "hubot")
	s.complaints(t)
}

// TestBrowserStudioRights: where the role may not insert, change or delete, the
// page says so and offers none of it.
func TestBrowserStudioRights(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	role := "clerk_" + s.ask(`SELECT current_database()`) // roles are the whole server's
	name := pgx.Identifier{role}.Sanitize()
	s.exec(`CREATE ROLE ` + name + ` LOGIN PASSWORD 'clerk'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ` + name + `; GRANT UPDATE (name) ON teams TO ` + name)
	t.Cleanup(func() { s.exec(`DROP OWNED BY ` + name + `; DROP ROLE ` + name) })
	clerk := staff{s.studioTab, as(t, s.database, role, "clerk")}
	clerk.enter()
	s.visit("/t/public/teams")
	s.says("This role may not insert rows or delete rows in teams.")
	s.sees("no way to insert", `document.querySelector("#insert") === null && document.querySelector("#import") === null`)
	s.accessible("a table with few rights")
	s.edit("cell-1-name", "kernel")
	s.tab("the grid", `document.activeElement.id === "cell-1-name"`)
	s.keys("the key, which the role may not change", kb.Home+kb.Enter)
	s.keys("the row, which it may not delete", kb.Delete+"i")
	s.says("1 change in 1 row of teams")
	s.click("save", `#save`)
	s.says("Saved 1 change in 1 row of teams.")
	s.visit("/t/public/teams/row/1?open=delete")
	s.says("this role may not change it")
	s.sees("no way to delete", `document.querySelector(".deletion, #delete") === null`)
	s.visit("/t/public/empty?open=insert")
	s.says("This role may read empty, and change nothing in it.")
	s.sees("nothing to fill", `document.querySelector(".newrow, #insert") === null && ![...document.querySelectorAll("a")].some(a => a.innerText.includes("Insert"))`)
	s.visit("/t/public/teams/import")
	s.says("This role may not insert into teams.")
	s.accessible("an import that is refused")
	s.holds("the names", `SELECT string_agg(name, ' ' ORDER BY id) FROM teams`, "kernel docs")
	s.complaints(t)
}
