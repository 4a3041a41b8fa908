package diff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// generator writes statements for differences. It only looks at the two
// catalogues; whether the server takes a statement is found out by trying.
type generator struct {
	schema     string
	want, have catalog.Catalog
}

// The stages of a round: what is likely to work comes before what needs it. An
// action in the wrong stage only costs another round.
const (
	stageDrop    = iota // what hangs on tables and holds no data
	stageTypes          // types and sequences
	stageCode           // routines
	stageTables         // tables and columns that are new or change
	stageRemove         // tables, columns, routines, types that go
	stageKeys           // constraints and indexes
	stageViews          // views
	stageHooks          // triggers, rules, policies
	stageDetails        // switches, comments, rights
)

// staged is an action with its place in the round.
type staged struct {
	action
	stage int
}

// change is one object that both sides have, and the attributes that differ.
type change struct {
	want, have catalog.Object
	attributes []string
}

// has reports whether one of the attributes differs.
func (c change) has(attributes ...string) bool {
	return slices.ContainsFunc(attributes, func(a string) bool { return slices.Contains(c.attributes, a) })
}

// actions returns what to try for the differences, in order.
func (g generator) actions(left []catalog.Difference) []action {
	var list []staged
	for len(left) > 0 {
		d, n := left[0], 1
		for n < len(left) && left[n].Kind == d.Kind && left[n].Of == d.Of && left[n].Name == d.Name {
			n++
		}
		list = append(list, g.object(d, left[:n])...)
		left = left[n:]
	}
	slices.SortStableFunc(list, func(a, b staged) int { return cmp.Compare(a.stage, b.stage) })
	out := make([]action, 0, len(list))
	for _, s := range list {
		if len(s.ways) > 0 {
			out = append(out, s.action)
		}
	}
	return out
}

// object returns what to try for one object.
func (g generator) object(d catalog.Difference, all []catalog.Difference) []staged {
	want, wanted := g.want.Find(d.Kind, d.Of, d.Name)
	have, there := g.have.Find(d.Kind, d.Of, d.Name)
	switch {
	case !there:
		return g.create(want)
	case !wanted:
		return g.drop(have)
	}
	c := change{want: want, have: have}
	for _, d := range all {
		c.attributes = append(c.attributes, d.Attribute)
	}
	list := g.alter(c)
	if c.has(catalog.Comment) {
		list = append(list, at(stageDetails, g.comment(want)))
	}
	if c.has(catalog.Rights) {
		list = append(list, staged{action{ways: [][]Step{g.rights(want, have)}}, stageDetails})
	}
	return list
}

// at is an action of one statement.
func at(stage int, sql string) staged { return either(stage, subject{}, []string{sql}) }

// either is an action with several ways, each of some statements.
func either(stage int, s subject, ways ...[]string) staged {
	a := action{subjects: []subject{s}}
	for _, way := range ways {
		var steps []Step
		for _, sql := range way {
			steps = append(steps, Step{SQL: sql})
		}
		a.ways = append(a.ways, steps)
	}
	return staged{a, stage}
}

// noted adds a note to every way of an action.
func (s staged) noted(note string) staged {
	for _, way := range s.ways {
		way[0].Note = note
	}
	return s
}

// losing marks every way of an action as destructive: its first statement, which
// bears the note, because each is listed by its own.
func (s staged) losing(note string) staged {
	for _, way := range s.ways {
		way[0].Destructive = true
	}
	return s.noted(note)
}

// none is for objects that no statement is written for: the difference stays,
// and ends in an [*IncompleteError].
func none() []staged { return nil }

// create returns what makes an object.
func (g generator) create(o catalog.Object) []staged {
	switch o.Kind {
	case catalog.Extension:
		return []staged{at(stageDrop, createExtension(o))}
	case catalog.Enum, catalog.Composite, catalog.Range, catalog.Domain:
		return []staged{at(stageTypes, createType(o))}
	case catalog.Sequence:
		return g.createSequence(o)
	case catalog.Table:
		return []staged{g.createTable(o)}
	case catalog.Column:
		return g.addColumn(o)
	case catalog.Constraint:
		return g.addConstraint(o)
	case catalog.Index:
		return g.createIndex(o)
	case catalog.Statistics:
		return []staged{at(stageHooks, createStatistics(o))}
	case catalog.Function, catalog.Procedure:
		return []staged{at(stageCode, trimmed(o.Value(catalog.Definition)))}
	case catalog.View, catalog.Materialized:
		return []staged{at(stageViews, createView(o, ""))}
	case catalog.Trigger, catalog.Rule:
		if o.Value(catalog.Inherited) != "" {
			return none() // comes with the trigger of the partitioned table
		}
		return []staged{at(stageHooks, trimmed(o.Value(catalog.Definition)))}
	case catalog.Policy:
		return []staged{at(stageHooks, createPolicy(o))}
	case catalog.EventTrigger:
		return []staged{at(stageHooks, createEventTrigger(o))}
	case catalog.DefaultRights:
		return []staged{g.changeDefaultRights(o, catalog.Object{Name: o.Name})}
	}
	return none()
}

// drop returns what takes an object away.
func (g generator) drop(o catalog.Object) []staged {
	switch o.Kind {
	case catalog.Table, catalog.ForeignTable:
		return []staged{either(stageRemove, relation(o.Name), []string{dropStatement(o)}).losing("the rows of " + o.Name + " are lost")}
	case catalog.Column:
		return g.dropColumn(o)
	case catalog.Sequence:
		return g.dropSequence(o)
	case catalog.Constraint:
		return g.dropConstraint(o)
	case catalog.Index:
		return g.dropIndex(o)
	case catalog.DefaultRights:
		return []staged{g.changeDefaultRights(catalog.Object{Name: o.Name}, o)}
	case catalog.Trigger:
		if o.Value(catalog.Inherited) != "" {
			return none()
		}
		return []staged{at(stageDrop, dropStatement(o))}
	case catalog.Policy, catalog.Rule, catalog.Statistics, catalog.EventTrigger:
		return []staged{at(stageDrop, dropStatement(o))}
	case catalog.View, catalog.Materialized:
		return []staged{either(stageDrop, relation(o.Name), []string{dropStatement(o)})}
	case catalog.Enum, catalog.Domain, catalog.Composite, catalog.Range, catalog.BaseType:
		return []staged{either(stageRemove, typeOf(o.Name), []string{dropStatement(o)})}
	case catalog.Function, catalog.Procedure, catalog.Aggregate:
		return []staged{either(stageRemove, routine(o.Name), []string{dropStatement(o)})}
	}
	return []staged{at(stageRemove, dropStatement(o))}
}

// alter returns what changes an object, besides its comment and rights.
func (g generator) alter(c change) []staged {
	switch c.want.Kind {
	case catalog.Enum:
		return g.alterEnum(c)
	case catalog.Domain:
		return alterDomain(c)
	case catalog.Composite, catalog.Range:
		if c.has(catalog.Members, catalog.Subtype) {
			return []staged{either(stageTypes, typeOf(c.want.Name), []string{dropStatement(c.have), createType(c.want)})}
		}
	case catalog.Sequence:
		return alterSequence(c)
	case catalog.Table:
		return g.alterTable(c)
	case catalog.Column:
		return g.alterColumn(c)
	case catalog.Constraint:
		return g.alterConstraint(c)
	case catalog.Index:
		return g.alterIndex(c)
	case catalog.View, catalog.Materialized:
		return alterView(c)
	case catalog.Function, catalog.Procedure:
		if c.has(catalog.Definition, catalog.Arguments, catalog.Returns) {
			definition := trimmed(c.want.Value(catalog.Definition))
			return []staged{either(stageCode, routine(c.want.Name), []string{definition}, []string{dropStatement(c.have), definition})}
		}
	case catalog.Statistics:
		if c.has(catalog.Columns, catalog.Kinds) {
			return []staged{either(stageHooks, subject{}, []string{dropStatement(c.have), createStatistics(c.want)})}
		}
		if c.has(catalog.Target) {
			return []staged{at(stageDetails, "ALTER STATISTICS "+c.want.Name+" SET STATISTICS "+cmp.Or(c.want.Value(catalog.Target), "-1"))}
		}
	case catalog.Trigger, catalog.Rule, catalog.EventTrigger:
		return alterHook(c)
	case catalog.Policy:
		if c.has(catalog.Mode, catalog.For, catalog.To, catalog.Using, catalog.WithCheck) {
			return []staged{either(stageHooks, subject{}, []string{dropStatement(c.have), createPolicy(c.want)})}
		}
	}
	return none()
}

// trimmed takes the semicolon and the line break from the end of a statement.
func trimmed(sql string) string {
	return strings.TrimSuffix(strings.TrimRight(sql, "\n "), ";")
}
