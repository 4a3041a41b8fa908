package e2e

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestBrowserStudioWrites: the box says what it refuses, and shows a statement
// that writes once more before it runs.
func TestBrowserStudioWrites(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	role := "box_" + s.ask(`SELECT current_database()`)
	name := pgx.Identifier{role}.Sanitize()
	s.exec(`CREATE ROLE ` + name + ` LOGIN PASSWORD 'box'; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT SELECT ON teams TO ` + name + `; GRANT SELECT (id, name) ON people TO ` + name + `; GRANT UPDATE ON teams TO ` + name)
	t.Cleanup(func() { s.exec(`DROP OWNED BY ` + name + `; DROP ROLE ` + name) })
	s.enter("--sql-url", as(t, s.database, role, "box"), "--sql-writes")
	s.visit("/sql")
	s.sees("the box", `document.querySelector("#write") !== null`)
	s.accessible("the box")
	s.typeSQL("SELECT id, name, NULL AS nothing FROM people")
	s.says("12 rows")
	s.accessible("an answer")
	s.typeSQL("EXPLAIN SELECT id FROM people")
	s.says("Seq Scan")
	s.accessible("a plan")
	s.typeSQL("SELECT secret FROM people")
	s.sees("the refusal", `document.querySelector("#sql-fault")?.innerText.includes("Permission denied")`)
	s.accessible("a refusal")
	s.typeSQL("SELECT nope FROM teams")
	s.sees("the mark", `document.querySelector("mark")?.textContent === "nope"`)
	s.accessible("a refusal with a mark")
	s.click("write", `#write`)
	s.typeSQL("UPDATE teams SET name = 'kernel' WHERE id = 1")
	s.says("Run this statement, and keep what it changes?")
	s.accessible("the question before it writes")
	s.holds("before the answer", `SELECT name FROM teams WHERE id = 1`, "core")
	s.click("no", `#confirm-no`)
	s.sees("the box", `document.querySelector("#statement") !== null`)
	s.click("write", `#write`)
	s.typeSQL("UPDATE teams SET name = 'kernel' WHERE id = 1")
	s.click("yes", `#confirm-yes`)
	s.says("UPDATE 1")
	s.accessible("what was written")
	s.holds("afterwards", `SELECT name FROM teams WHERE id = 1`, "kernel")
	s.complaints(t)
}
