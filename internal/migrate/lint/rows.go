package lint

import (
	"slices"

	"github.com/af-auth/af-auth/internal/migrate"
)

// rowChange is a change of an old table's rows.
type rowChange struct {
	step *step
	change
}

// changed notes what a statement does to rows of old tables. Where there is no
// plan, as of a DO block, the lock says that rows may be written. The lock of a
// function that is made says nothing: its body is read, and not run.
func (look *inspection) changed(s *step) {
	if look.file.Batch.Table != "" {
		return // in batches, as it should be
	}
	changes := s.changes
	if len(changes) == 0 && !s.first("lock", "create") && !s.first("insert", "update", "delete", "merge", "with") {
		fresh := s.fresh()
		for id := range sorted(s.taken()) {
			if r, _ := s.old(id); r.table() && fresh[lock{id, rowExclusive}] {
				changes = append(changes, change{table: id})
			}
		}
	}
	for _, c := range changes {
		if _, old := s.old(c.table); !old || c.verb == "INSERT" && !c.reads {
			continue // rows that stand in the file are few
		}
		if c.verb == "DELETE" && c.whole {
			look.note(s, found{rule: DeleteAll, what: "deletes all rows of " + s.path(c.table),
				tables: []uint32{c.table}, values: []string{"table", s.path(c.table)}})
		}
		look.rows = append(look.rows, rowChange{s, c})
	}
}

// backfills judges the changes of rows by what else the file does.
func (look *inspection) backfills() {
	for _, c := range look.rows {
		table := c.step.path(c.table)
		what := map[string]string{"UPDATE": "updates rows of ", "DELETE": "deletes rows of ", "INSERT": "copies rows into ",
			"MERGE": "merges rows into ", "": "writes rows of "}[c.verb] + table
		f := found{rule: BackfillMixed, tables: []uint32{c.table}, values: []string{"table", table, "verb", verbFor(c.verb, table)}}
		switch {
		case look.file.Kind == migrate.Expand:
			f.what = what + " in a file of the kind expand"
		case look.schema:
			f.what = what + " in a file that changes the schema as well"
		case c.verb == "DELETE" && c.whole:
			continue // found as what it is
		default:
			f.rule, f.what = BackfillUnbatched, what+" in one go"
		}
		look.note(c.step, f)
	}
}

// verbFor is how the statement begins that does the same in batches.
func verbFor(verb, table string) string {
	switch verb {
	case "DELETE":
		return "DELETE FROM " + table
	case "INSERT":
		return "INSERT INTO " + table + " SELECT"
	case "MERGE":
		return "MERGE INTO " + table
	}
	return "UPDATE " + table + " SET"
}

// concurrentInside finds statements that cannot run in the transaction of their
// file, and reports whether there are any.
func (look *inspection) concurrentInside() bool {
	outside := look.file
	outside.Outside = true
	alone := slices.DeleteFunc(outside.Statements(false), func(st migrate.Statement) bool {
		return !st.Alone || st.Words()[0] == "call" // a procedure may or may not end transactions
	})
	for _, st := range alone {
		look.add(look.at(st), found{rule: ConcurrentInside, what: "cannot run in a transaction"}, "")
	}
	return len(alone) > 0
}
