package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
)

// gone is a name that a release may use and that a statement took away.
type gone struct {
	step  *step
	key   string // its identity
	was   thing
	is    string // its new name; "" where it was dropped
	table uint32 // where it is one, or is a column of one
}

// vanished notes the names of old things that a statement took away.
func (look *inspection) vanished(s *step) {
	for _, key := range slices.Sorted(maps.Keys(s.before.things)) {
		was := s.before.things[key]
		if base, old := s.base.things[key]; !old || base.Path != was.Path {
			continue // new in this file, or so is its name
		}
		is, there := s.after.things[key]
		if there && is.Path == was.Path {
			continue
		}
		g := gone{step: s, key: key, was: was}
		if there {
			g.is = is.Name
		}
		for _, id := range []string{key, was.Parent} {
			var n uint32
			if _, err := fmt.Sscanf(id, "relation %d", &n); err == nil {
				g.table = n
			}
		}
		// What is part of something that went, or has another name, is not named
		// for itself.
		parent, inside := s.before.things[was.Parent]
		if inside && s.after.things[was.Parent].Path != parent.Path {
			continue
		}
		look.gone = append(look.gone, g)
	}
}

// broken notes what the previous release would miss at the end of the file.
func (look *inspection) broken(end *snapshot) {
	if look.file.Kind == migrate.Contract {
		return
	}
	there := map[string]bool{}
	for _, t := range end.things {
		there[t.Path] = true
	}
	for _, g := range look.gone {
		if there[g.was.Path] {
			look.lessColumns(g, there)
			continue
		}
		f := found{values: []string{"old", g.was.Name, "new", g.is}}
		if g.table != 0 {
			f.tables = []uint32{g.table}
		}
		table := g.was.Class == "table" || g.was.Class == "column" && g.step.before.relations[g.table].table()
		switch {
		case g.is != "":
			f.safe, f.values = g.safeRename()
			f.rule, f.what = Rename, fmt.Sprintf("the %s %s is called %s now", g.was.Class, g.was.Name, g.is)
		case table:
			continue // its data is lost, which is found already
		case g.was.Class == "value":
			continue // see lostValues
		default:
			f.rule, f.what = DropObject, fmt.Sprintf("drops the %s %s", g.was.Class, g.was.Name)
		}
		look.note(g.step, f)
	}
	look.lostValues(end, there)
}

// The ways to another name. {was} and {is} are the names of a column without what
// it is a column of.
const (
	safeColumn = "-- 1. expand:   ALTER TABLE {table} ADD COLUMN {is} …; a trigger keeps it equal to {old}\n" +
		"-- 2. backfill: UPDATE {table} SET {is} = {was} in batches\n" +
		"-- 3. contract: drop {old} and the trigger a release after nothing uses it"
	safeViewColumn = "-- 1. expand: let the view have both columns, the new one at its end:\n" +
		"CREATE OR REPLACE VIEW {table} AS SELECT …, {was} AS {is} FROM …;\n" +
		"-- 2. contract: a release later, make it without {old}"
	safeRelation = "-- 1. expand: in the same file, a view with the old name:\n" +
		"CREATE VIEW {old} AS SELECT * FROM {new};\n-- 2. contract: a release later, DROP VIEW {old};"
	safeThing = "-- 1. expand: make a second {class}, {new}, and leave {old} as it is\n" +
		"-- 2. contract: a release later, drop {old}"
	safeValue = "-- 1. expand: add {new} as a second value, and leave {old} as it is\n" +
		"-- 2. backfill: a release later, change the rows in batches; the old value costs nothing"
)

// safeRename is the way to let both names work, and the words for its braces.
func (g gone) safeRename() (safe string, values []string) {
	table := g.step.after.relations[g.table]
	values = []string{"old", g.was.Name, "new", g.is, "class", g.was.Class, "table", table.Path,
		"was", strings.TrimPrefix(g.was.Name, g.step.before.relations[g.table].Path+"."), "is", strings.TrimPrefix(g.is, table.Path+".")}
	switch g.was.Class {
	case "column":
		if table.table() || table.Kind == "f" {
			return safeColumn, values
		}
		return safeViewColumn, values
	case "table", "view", "materialized view", "foreign table":
		return safeRelation, values
	case "value":
		return safeValue, values
	}
	return safeThing, values
}

// lessColumns notes columns that a view or table has no more, which was made
// anew with the old name.
func (look *inspection) lessColumns(g gone, there map[string]bool) {
	for _, key := range slices.Sorted(maps.Keys(look.base.things)) {
		was := look.base.things[key]
		if was.Class == "column" && was.Parent == g.key && !there[was.Path] {
			look.note(g.step, found{rule: DropObject, what: "leaves out the column " + was.Name, values: []string{"old", was.Name}})
		}
	}
}

// lostValues notes values that an enum has no more. The type may be another one
// by then, with the old one's name.
func (look *inspection) lostValues(end *snapshot, there map[string]bool) {
	for _, key := range slices.Sorted(maps.Keys(look.base.things)) {
		was := look.base.things[key]
		parent := look.base.things[was.Parent]
		if was.Class != "value" || there[was.Path] || !there[parent.Path] {
			continue
		}
		if _, renamed := end.things[key]; renamed && end.things[was.Parent].Path == parent.Path {
			continue
		}
		s := cmp.Or(look.taker(was.Path), look.taker(parent.Path))
		if s == nil {
			continue
		}
		value := strings.TrimSuffix(was.Name, " of "+parent.Name)
		look.note(s, found{rule: DropValue, what: "the enum " + parent.Name + " has no value " + value + " any more", values: []string{"value", value}})
	}
}

// taker returns the last statement that took a name away; nil where none did.
func (look *inspection) taker(path string) *step {
	for _, g := range slices.Backward(look.gone) {
		if g.was.Path == path {
			return g.step
		}
	}
	return nil
}
