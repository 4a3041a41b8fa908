package diff

import (
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Constraints, indexes and statistics.

// alterOf returns ALTER TABLE or ALTER DOMAIN with the name of what a
// constraint is of.
func (g generator) alterOf(o catalog.Object) string {
	_, wanted := g.want.Find(catalog.Domain, "", o.Of)
	_, there := g.have.Find(catalog.Domain, "", o.Of)
	if wanted || there {
		return "ALTER DOMAIN " + o.Of
	}
	return "ALTER TABLE " + o.Of
}

// Twin finds, among objects, one of the same table that is the same as o but
// for its name, and that the other side does not have. It was renamed: nothing
// need be built again.
func Twin(o catalog.Object, among, other catalog.Catalog) (catalog.Object, bool) {
	for _, t := range among.Objects {
		if t.Kind != o.Kind || t.Of != o.Of || t.Name == o.Name || shape(t) == "" || shape(t) != shape(o) {
			continue
		}
		if _, both := other.Find(t.Kind, t.Of, t.Name); !both {
			return t, true
		}
	}
	return catalog.Object{}, false
}

// shape is a definition without the object's name.
func shape(o catalog.Object) string {
	return strings.Replace(o.Value(catalog.Definition), " INDEX "+o.Name+" ON ", " INDEX ON ", 1)
}

func (g generator) addConstraint(o catalog.Object) []staged {
	alter := g.alterOf(o)
	definition := o.Value(catalog.Definition)
	former, renamed := Twin(o, g.have, g.want)
	index, ok := StandIn(o, g.have, g.want)
	// An index that has the name already leaves no other way.
	if ok && (!renamed || index.Name == o.Name) {
		kind, _, _ := strings.Cut(definition, " (")
		return []staged{either(stageKeys, subject{}, []string{alter + " ADD CONSTRAINT " + o.Name + " " + kind + " USING INDEX " + index.Name})}
	}
	if renamed {
		return []staged{at(stageDrop, alter+" RENAME CONSTRAINT "+former.Name+" TO "+o.Name)}
	}
	return []staged{at(stageKeys, alter+" ADD CONSTRAINT "+o.Name+" "+definition).noted(keyNote(o))}
}

// StandIn finds the unique index that a missing key can be made of, so that
// nothing need be built: the one of its name, or one on the same columns that is
// not wanted besides. PostgreSQL then gives it the key's name.
func StandIn(key catalog.Object, have, want catalog.Catalog) (catalog.Object, bool) {
	kind, columns, _ := strings.Cut(key.Value(catalog.Definition), " (")
	if kind != "UNIQUE" && kind != "PRIMARY KEY" {
		return catalog.Object{}, false
	}
	if i, ok := have.Find(catalog.Index, key.Of, key.Name); ok && !ofConstraint(i) {
		return i, true
	}
	for _, i := range have.Objects {
		if i.Kind != catalog.Index || i.Of != key.Of || i.Value(catalog.Definition) != "CREATE UNIQUE INDEX "+i.Name+" ON "+i.Of+" USING btree ("+columns {
			continue
		}
		if _, wanted := want.Find(i.Kind, i.Of, i.Name); !wanted && i.Value(catalog.State) == "" {
			return i, true
		}
	}
	return catalog.Object{}, false
}

// standsIn reports whether an index becomes that of a missing key.
func (g generator) standsIn(index catalog.Object) bool {
	for _, k := range g.want.Objects {
		if k.Kind != catalog.Constraint || k.Of != index.Of {
			continue
		}
		if _, there := g.have.Find(k.Kind, k.Of, k.Name); there {
			continue
		}
		if i, ok := StandIn(k, g.have, g.want); ok && i.Name == index.Name {
			return true
		}
	}
	return false
}

// keyNote says what rows can break; "" where none can.
func keyNote(o catalog.Object) string {
	definition := o.Value(catalog.Definition)
	if strings.HasSuffix(definition, " NOT VALID") {
		return ""
	}
	return "fails where rows of " + o.Of + " break " + o.Name
}

func (g generator) dropConstraint(o catalog.Object) []staged {
	if _, renamed := Twin(o, g.want, g.have); renamed {
		return none()
	}
	return []staged{either(stageDrop, relation(o.Of), []string{g.alterOf(o) + " DROP CONSTRAINT " + o.Name})}
}

func (g generator) alterConstraint(c change) []staged {
	alter := g.alterOf(c.want)
	if !c.has(catalog.Definition) {
		if c.has(catalog.Enabled) && c.want.Value(catalog.Enabled) == "" {
			return []staged{at(stageDetails, alter+" ENABLE TRIGGER ALL")}
		}
		return none()
	}
	was, is := c.have.Value(catalog.Definition), c.want.Value(catalog.Definition)
	if was == is+" NOT VALID" {
		return []staged{at(stageKeys, alter+" VALIDATE CONSTRAINT "+c.want.Name).noted(keyNote(c.want))}
	}
	return []staged{either(stageKeys, relation(c.want.Of),
		[]string{alter + " DROP CONSTRAINT " + c.want.Name, alter + " ADD CONSTRAINT " + c.want.Name + " " + is}).noted(keyNote(c.want))}
}

// ofConstraint reports whether an index belongs to a constraint, and comes and
// goes with it.
func ofConstraint(o catalog.Object) bool { return o.Value(catalog.Definition) == "" }

func (g generator) createIndex(o catalog.Object) []staged {
	if ofConstraint(o) || o.Value(catalog.PartOf) != "" {
		return none()
	}
	if former, ok := Twin(o, g.have, g.want); ok {
		return []staged{at(stageDrop, "ALTER INDEX "+former.Name+" RENAME TO "+o.Name)}
	}
	s := at(stageKeys, indexStatement(o))
	if strings.HasPrefix(o.Value(catalog.Definition), "CREATE UNIQUE") {
		s = s.noted(keyNote(o))
	}
	return []staged{s}
}

// indexStatement writes CREATE INDEX. That of a partitioned table is shown with
// ONLY, which would leave it invalid: without, it is made on all partitions.
func indexStatement(o catalog.Object) string {
	return strings.Replace(o.Value(catalog.Definition), " INDEX "+o.Name+" ON ONLY ", " INDEX "+o.Name+" ON ", 1)
}

func (g generator) dropIndex(o catalog.Object) []staged {
	if _, renamed := Twin(o, g.want, g.have); renamed || ofConstraint(o) || o.Value(catalog.PartOf) != "" || g.standsIn(o) {
		return none()
	}
	return []staged{at(stageDrop, "DROP INDEX "+o.Name)}
}

func (g generator) alterIndex(c change) []staged {
	if c.has(catalog.Definition, catalog.State) {
		if ofConstraint(c.want) || ofConstraint(c.have) {
			return none()
		}
		return []staged{either(stageKeys, subject{}, []string{dropStatement(c.have), indexStatement(c.want)})}
	}
	var out []staged
	if c.has(catalog.Clustered) {
		clause := " SET WITHOUT CLUSTER"
		if c.want.Value(catalog.Clustered) != "" {
			clause = " CLUSTER ON " + c.want.Name
		}
		out = append(out, at(stageDetails, "ALTER TABLE "+c.want.Of+clause))
	}
	if c.has(catalog.Options) {
		for _, clause := range optionChanges(c) {
			out = append(out, at(stageDetails, "ALTER INDEX "+c.want.Name+" "+clause))
		}
	}
	if c.has(catalog.Statistic) {
		for part := range strings.SplitSeq(c.want.Value(catalog.Statistic), ", ") {
			if n, target, ok := strings.Cut(part, ": "); ok {
				out = append(out, at(stageDetails, "ALTER INDEX "+c.want.Name+" ALTER COLUMN "+n+" SET STATISTICS "+target))
			}
		}
	}
	return out
}

func createStatistics(o catalog.Object) string {
	words := map[string]string{"d": "ndistinct", "f": "dependencies", "m": "mcv"}
	var kinds []string
	for k := range strings.SplitSeq(o.Value(catalog.Kinds), ", ") {
		if w, ok := words[k]; ok {
			kinds = append(kinds, w)
		}
	}
	s := "CREATE STATISTICS " + o.Name
	// On one expression there are no kinds.
	if len(kinds) > 0 {
		s += " (" + strings.Join(kinds, ", ") + ")"
	}
	return s + " ON " + o.Value(catalog.Columns) + " FROM " + o.Of
}

// sequenceOptions writes what a sequence counts.
func sequenceOptions(o catalog.Object) string {
	s := " INCREMENT BY " + o.Value(catalog.Increment) + " MINVALUE " + o.Value(catalog.Minimum) +
		" MAXVALUE " + o.Value(catalog.Maximum) + " START WITH " + o.Value(catalog.Start) + " CACHE " + o.Value(catalog.Cache)
	if usual(o) {
		s = ""
	}
	if o.Value(catalog.Cycle) != "" {
		s += " CYCLE"
	}
	return s
}

// usual reports whether a sequence counts as one does without options.
func usual(o catalog.Object) bool {
	limits := map[string]int64{"smallint": 1<<15 - 1, "integer": 1<<31 - 1, "bigint": 1<<63 - 1}
	return o.Value(catalog.Increment) == "1" && o.Value(catalog.Minimum) == "1" && o.Value(catalog.Start) == "1" &&
		o.Value(catalog.Cache) == "1" && o.Value(catalog.Maximum) == strconv.FormatInt(limits[o.Value(catalog.Type)], 10)
}
