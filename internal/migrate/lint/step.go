package lint

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
)

// step is one statement, and everything that is known about it.
type step struct {
	st            migrate.Statement
	words         []string
	base          *snapshot  // before the file
	before, after *snapshot  // before and after the statement
	notices       []string   // what the server said at DEBUG1
	changes       []change   // of rows, by the plan
	narrowed      []columnID // whose type holds less now
	since         map[uint32]held
}

// found is a finding before it has words.
type found struct {
	rule     string
	severity Severity // "" means the rule's
	what     string   // the message
	tables   []uint32 // whose locks count; none: every table's
	values   []string // for the words in braces of the safe way
	safe     string   // instead of the rule's, where the way depends on what it is about
}

// first reports whether a statement begins with one of some words.
func (s *step) first(words ...string) bool {
	return len(s.words) > 0 && slices.Contains(words, s.words[0])
}

// old returns a table or materialized view that was there before the file.
func (s *step) old(id uint32) (relation, bool) {
	r, ok := s.base.relations[id]
	return r, ok && (r.table() || r.Kind == "m")
}

// path names a relation as it was before the statement, or is after it.
func (s *step) path(id uint32) string {
	return cmp.Or(s.before.relations[id].Path, s.after.relations[id].Path)
}

// taken returns the strongest of the locks that the statement took on each table
// that was there before the file.
func (s *step) taken() map[uint32]mode { return strongest(s.fresh()) }

// fresh returns those locks. What the transaction held already is not taken
// again.
func (s *step) fresh() map[lock]bool {
	fresh := map[lock]bool{}
	for l := range s.after.locks {
		if _, old := s.old(l.relation); old && !s.before.locks[l] {
			fresh[l] = true
		}
	}
	return fresh
}

// verified reports whether the server read a table to check its rows.
func (s *step) verified() bool {
	return slices.ContainsFunc(s.notices, func(m string) bool { return strings.HasPrefix(m, "verifying table ") })
}

// rewritten returns the tables and materialized views whose storage is another
// one than before the statement, and which were there before the file.
func (s *step) rewritten() []uint32 {
	var out []uint32
	for id, r := range sorted(s.before.relations) {
		now, there := s.after.relations[id]
		if _, old := s.old(id); old && there && now.Storage != r.Storage {
			out = append(out, id)
		}
	}
	return out
}

// changesSchema reports whether the statement changed tables, or took a lock for
// it.
func (s *step) changesSchema() bool {
	if !maps.Equal(s.before.relations, s.after.relations) || !maps.Equal(s.before.columns, s.after.columns) ||
		!maps.Equal(s.before.constraints, s.after.constraints) {
		return true
	}
	if s.first("lock", "truncate") {
		return false
	}
	for _, m := range s.taken() {
		if m >= shareRowExclusive {
			return true
		}
	}
	return false
}

// paths names relations.
func (s *step) paths(ids []uint32) []string {
	var out []string
	for _, id := range ids {
		out = append(out, s.path(id))
	}
	return out
}

// sorted goes through a map in the order of its keys.
func sorted[V any](m map[uint32]V) func(func(uint32, V) bool) {
	return func(yield func(uint32, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
