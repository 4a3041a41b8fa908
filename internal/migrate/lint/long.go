package lint

import (
	"fmt"
	"slices"
	"strings"
)

// findRewrite finds tables that are written anew.
func findRewrite(s *step) []found {
	ids := s.rewritten()
	if len(ids) == 0 || s.first("truncate") {
		return nil
	}
	return []found{{rule: TableRewrite, what: "writes all rows of " + list(s.paths(ids)) + " anew", tables: ids}}
}

// findIndexes finds indexes that are built, or built anew, while others wait.
func findIndexes(s *step) []found {
	if s.st.Alone {
		return nil // CONCURRENTLY, or a rewriting that is found as one
	}
	var out []found
	for id, now := range sorted(s.after.relations) {
		was, there := s.before.relations[id]
		switch _, old := s.old(now.Of); {
		case !now.index() || !old || there && was.Storage == now.Storage || s.reused(now):
			continue
		case s.ofConstraint(id) || slices.Contains(s.rewritten(), now.Of):
			continue // found as what it is a part of
		case !there && (now.Partition || !now.Valid || slices.Contains(s.words, "only")):
			continue // comes with that of the partitioned table, or builds nothing yet
		}
		f := found{rule: IndexBlocking, tables: []uint32{now.Of}}
		definition := concurrently(now.Definition)
		switch {
		case there:
			definition = "REINDEX INDEX CONCURRENTLY " + now.Path
			f.what = fmt.Sprintf("builds the index %s on %s anew while others wait", now.Path, s.path(now.Of))
		case now.Kind == "I": // there is no CONCURRENTLY for the whole
			definition = now.Definition + ";\n-- then for each partition an index of its own, CONCURRENTLY, and\n" +
				"ALTER INDEX " + now.Path + " ATTACH PARTITION …"
			fallthrough
		default:
			f.what = fmt.Sprintf("builds the index %s on %s while others wait", now.Path, s.path(now.Of))
		}
		f.values = []string{"definition", definition}
		out = append(out, f)
	}
	return out
}

// concurrently is the statement that builds an index beside others' work.
func concurrently(definition string) string {
	return strings.Replace(definition, "INDEX ", "INDEX CONCURRENTLY ", 1)
}

// reused reports whether an index is another one in name only: where the type of
// a column changes and its values stay as they are stored, so does the index.
func (s *step) reused(index relation) bool {
	for _, was := range s.before.relations {
		if was.Of == index.Of && was.Storage == index.Storage && was.index() && was.Storage != 0 {
			return true
		}
	}
	return false
}

// ofConstraint reports whether an index enforces a constraint that the statement
// made.
func (s *step) ofConstraint(index uint32) bool {
	for id, c := range s.after.constraints {
		if _, there := s.before.constraints[id]; !there && c.Index == index && !s.remade(c) {
			return true
		}
	}
	return false
}

// scans finds a table that is read as a whole, where nothing else was found that
// explains it, allowed or not.
func (look *inspection) scans(s *step) {
	for _, find := range []func(*step) []found{findRewrite, findConstraints, findValidated, findNotNull} {
		for _, f := range find(s) {
			if slices.Contains([]string{TableRewrite, CheckScan, ValidateUnderLock, SetNotNull, AddNotNull}, f.rule) {
				return
			}
		}
	}
	for id, r := range sorted(s.before.relations) {
		// Who validates a constraint is in nobody's way.
		if strongest(s.after.locks)[id] <= shareUpdateExclusive {
			continue
		}
		// The server does not say of which schema.
		if _, old := s.old(id); old && slices.Contains(s.notices, `verifying table "`+r.Name+`"`) {
			look.note(s, found{rule: TableScan, what: "reads all of " + r.Path + " to verify it", tables: []uint32{id}, values: []string{"table", r.Path}})
		}
	}
}

// findLock finds locks that are taken by name.
func findLock(s *step) []found {
	if !s.first("lock") {
		return nil
	}
	var out []found
	for id, m := range sorted(s.taken()) {
		if m >= share {
			out = append(out, found{rule: LockTable, what: "locks " + s.path(id), tables: []uint32{id}})
		}
	}
	return out
}

// findIfNotExists finds what would be hidden. The server leaves no trace of the
// words.
func findIfNotExists(s *step) []found {
	w := s.words
	if !s.first("create", "alter") || len(w) > 1 && (w[1] == "schema" || w[1] == "extension") {
		return nil
	}
	for i := 0; i+2 < len(w); i++ {
		if slices.Equal(w[i:i+3], []string{"if", "not", "exists"}) {
			return []found{{rule: IfNotExists, what: "IF NOT EXISTS hides something else that has the name"}}
		}
	}
	return nil
}
