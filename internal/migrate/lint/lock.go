package lint

import (
	"maps"
	"slices"
	"strings"
)

// mode is a lock on a table. The order is that of PostgreSQL, "Explicit
// Locking": a later one is in the way of more.
type mode int

const (
	noLock mode = iota
	accessShare
	rowShare
	rowExclusive
	shareUpdateExclusive
	share
	shareRowExclusive
	exclusive
	accessExclusive
)

// modes returns the names as SQL has them, in their order.
func modes() []string {
	return []string{"no lock", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
		"SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}
}

// String returns the name as SQL has it.
func (m mode) String() string { return modes()[m] }

// modeNamed reads a mode as pg_locks has it, such as ShareRowExclusiveLock;
// noLock where it is none of a table.
func modeNamed(name string) mode {
	for i, words := range modes()[1:] {
		if strings.EqualFold(strings.ReplaceAll(words, " ", "")+"Lock", name) {
			return mode(i + 1)
		}
	}
	return noLock
}

// blocks says what cannot happen beside it.
func (m mode) blocks() string {
	switch {
	case m == accessExclusive:
		return "blocks reads and writes"
	case m >= share:
		return "blocks writes"
	case m == shareUpdateExclusive:
		return "blocks neither reads nor writes, only changes of the schema and VACUUM"
	case m == rowExclusive:
		return "blocks changes of the schema, and writes to the same rows"
	}
	return "blocks changes of the schema only"
}

// on writes a lock for people: "SHARE on users: blocks writes".
func (m mode) on(tables ...string) string {
	return m.String() + " on " + list(tables) + ": " + m.blocks()
}

// list joins names: "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// lock is one lock that is held.
type lock struct {
	relation uint32
	mode     mode
}

// strongest returns the strongest mode for each relation.
func strongest(locks map[lock]bool) map[uint32]mode {
	out := map[uint32]mode{}
	for l := range locks {
		out[l.relation] = max(out[l.relation], l.mode)
	}
	return out
}

// describe writes locks for people, the strongest first.
func describe(locks map[uint32]mode, path func(uint32) string) string {
	by := map[mode][]string{}
	for id, m := range locks {
		by[m] = append(by[m], path(id))
	}
	var parts []string
	for _, m := range slices.Backward(slices.Sorted(maps.Keys(by))) {
		slices.Sort(by[m])
		parts = append(parts, m.on(by[m]...))
	}
	return strings.Join(parts, "; ")
}
