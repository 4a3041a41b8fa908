package lint

import (
	"fmt"
	"strings"
)

const pageHead = `# What lint finds

` + "`af-auth db migrate lint [FILE…]`" + ` says what a migration would do to a database in use. It replays the files on an empty database (a private PostgreSQL on this machine, or ` + "`--shadow-url`" + `), statement by statement, and looks at what each one changes, which locks it takes and which tables the server reads or writes anew. With ` + "`--dir`" + ` it does so for the migrations of any PostgreSQL project.

` + "```console" + `
$ af-auth db migrate lint --dir migrations
migrations/20260102120000_names.up.sql:3: error index-blocking: builds the index users_name_idx on users while others wait
    lock: SHARE on users: blocks writes
    why:  nobody can write while it is built: about a second for a million rows, and minutes for a hundred million
    safe: -- in a file of its own, with the header line "-- transaction: none":
          CREATE INDEX CONCURRENTLY users_name_idx ON users USING btree (name);

1 error, no warning in 2 migrations
` + "```" + `

Exit code 0: nothing, or warnings only. 3: errors. 1: a file could not be run. 2: called wrongly. ` + "`--json`" + ` prints an array of findings. A FILE narrows what is reported; the files before it are run all the same, because what a file finds there counts.

- **A table that the file itself makes is new.** Its locks are no finding: it has no rows and no users.
- **How many rows the other tables have is not known here.** A finding on a table of twenty rows is one to allow, with that reason.
- **The previous release counts.** While a new one is rolled out the old one runs beside it. What it uses may go only in a file of the kind ` + "`contract`" + `, a release later.

## Exceptions

On the lines directly before a statement, or in the header of a file for all of it:

` + "```sql" + `
-- lint:allow index-blocking because the table has a row a country
CREATE INDEX countries_name_idx ON countries (name);
` + "```" + `

A comment without a reason, for a rule that does not exist, or that suppresses nothing is itself a finding.

## Rules

This list is written from the table in ` + "`internal/migrate/lint`" + ` (` + "`make generate`" + `).
`

// Page returns the text of docs/lint.md.
func Page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, r := range Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n%s: %s.\n\n", r.ID, upperFirst(string(r.Severity)), r.Finds)
		if r.lock != noLock {
			fmt.Fprintf(&b, "- lock: %s, which %s\n", r.lock, r.lock.blocks())
		}
		fmt.Fprintf(&b, "- why: %s\n\n```sql\n%s\n```\n\nThe safe way:\n\n```sql\n%s\n```\n", r.Why, r.Example, fill(r.Safe, r.example))
	}
	return b.String()
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
