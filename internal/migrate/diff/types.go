package diff

import (
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Types and sequences.

func createExtension(o catalog.Object) string {
	s := "CREATE EXTENSION IF NOT EXISTS " + o.Name
	if in := o.Value(catalog.ExtensionIn); in != "this one" && in != "pg_catalog" {
		s += " SCHEMA " + in
	}
	return s
}

func createType(o catalog.Object) string {
	switch o.Kind {
	case catalog.Enum:
		return "CREATE TYPE " + o.Name + " AS ENUM (" + o.Value(catalog.Labels) + ")"
	case catalog.Composite:
		return "CREATE TYPE " + o.Name + " AS (" + o.Value(catalog.Members) + ")"
	case catalog.Range:
		return "CREATE TYPE " + o.Name + " AS RANGE (" + o.Value(catalog.Subtype) + ")"
	}
	s := "CREATE DOMAIN " + o.Name + " AS " + typeClause(o)
	if v, ok := o.Get(catalog.Default); ok {
		s += " DEFAULT " + v
	}
	if o.Value(catalog.NotNull) != "" {
		s += " NOT NULL"
	}
	return s
}

// labels splits the labels of an enum, each as SQL wants it.
func labels(o catalog.Object) []string {
	var out []string
	rest := o.Value(catalog.Labels)
	for rest != "" {
		end := strings.IndexByte(rest, '\'') + 1 // after an E, where it has one
		for end < len(rest) {
			if rest[end] != '\'' {
				end++
			} else if strings.HasPrefix(rest[end:], "''") {
				end += 2
			} else {
				break
			}
		}
		end = min(end+1, len(rest))
		out = append(out, rest[:end])
		rest = strings.TrimPrefix(rest[end:], ", ")
	}
	return out
}

// alterEnum adds values; where others go or change places, it makes the type
// anew and converts the columns.
func (g generator) alterEnum(c change) []staged {
	if !c.has(catalog.Labels) {
		return none()
	}
	was, is := labels(c.have), labels(c.want)
	var adds []string
	at := 0 // how many of the former values have been passed
	for i, l := range is {
		switch {
		case at < len(was) && was[at] == l:
			at++
		case slices.Contains(was, l):
			return []staged{g.rebuildEnum(c)}
		case i == 0:
			adds = append(adds, "ALTER TYPE "+c.want.Name+" ADD VALUE "+l+" BEFORE "+was[0])
		case at == len(was):
			adds = append(adds, "ALTER TYPE "+c.want.Name+" ADD VALUE "+l)
		default:
			adds = append(adds, "ALTER TYPE "+c.want.Name+" ADD VALUE "+l+" AFTER "+is[i-1])
		}
	}
	if at < len(was) || len(was) == 0 {
		return []staged{g.rebuildEnum(c)}
	}
	return []staged{either(stageTypes, subject{}, adds)}
}

// formerEnum is the name of an enum while it is replaced.
const formerEnum = "af_auth_former_enum"

// rebuildEnum replaces an enum: PostgreSQL can add values only.
func (g generator) rebuildEnum(c change) staged {
	name := c.want.Name
	statements := []string{"ALTER TYPE " + name + " RENAME TO " + formerEnum, createType(c.want)}
	subjects := []subject{typeOf(name)}
	for _, o := range g.have.Objects {
		_, table := g.have.Find(catalog.Table, "", o.Of)
		t := o.Value(catalog.Type)
		if o.Kind != catalog.Column || !table || t != name && t != name+"[]" {
			continue
		}
		subjects = append(subjects, relation(o.Of))
		alter := "ALTER TABLE " + o.Of + " ALTER COLUMN " + o.Name + " "
		through := "text" + strings.TrimPrefix(t, name)
		former, ok := o.Get(catalog.Default)
		if ok {
			statements = append(statements, alter+"DROP DEFAULT")
		}
		statements = append(statements, alter+"TYPE "+t+" USING "+o.Name+"::"+through+"::"+t)
		if ok {
			if w, there := g.want.Find(o.Kind, o.Of, o.Name); there && w.Value(catalog.Type) == t {
				former, ok = w.Get(catalog.Default)
			}
		}
		if ok {
			statements = append(statements, alter+"SET DEFAULT "+former)
		}
	}
	statements = append(statements, "DROP TYPE "+formerEnum)
	s := either(stageTypes, subject{}, statements)
	s.subjects = subjects
	return s.
		noted("rewrites the tables that use " + name + ", and fails where a row holds a value that is no longer there")
}

func alterDomain(c change) []staged {
	alter := "ALTER DOMAIN " + c.want.Name + " "
	if c.has(catalog.Type, catalog.Collation) {
		return []staged{either(stageTypes, typeOf(c.want.Name), []string{dropStatement(c.have), createType(c.want)})}
	}
	var out []staged
	if c.has(catalog.Default) {
		out = append(out, at(stageTypes, alter+defaultClause(c.want)))
	}
	if c.has(catalog.NotNull) {
		if c.want.Value(catalog.NotNull) != "" {
			out = append(out, at(stageTypes, alter+"SET NOT NULL").noted("fails where a value of "+c.want.Name+" is NULL"))
		} else {
			out = append(out, at(stageTypes, alter+"DROP NOT NULL"))
		}
	}
	return out
}

// createSequence makes a sequence, or renames the one of the same column. That
// of an identity column comes with it.
func (g generator) createSequence(o catalog.Object) []staged {
	owner, identity := o.Value(catalog.OwnedBy), o.Value(catalog.Identity)
	for _, h := range g.have.Objects {
		if h.Kind == catalog.Sequence && owner != "" && h.Value(catalog.OwnedBy) == owner && h.Value(catalog.Identity) == identity {
			if _, wanted := g.want.Find(h.Kind, "", h.Name); !wanted {
				return []staged{at(stageTypes, "ALTER SEQUENCE "+h.Name+" RENAME TO "+o.Name)}
			}
		}
	}
	if identity != "" {
		return none()
	}
	unlogged := ""
	if o.Value(catalog.Unlogged) != "" {
		unlogged = "UNLOGGED "
	}
	way := []string{"CREATE " + unlogged + "SEQUENCE " + o.Name + " AS " + o.Value(catalog.Type) + sequenceOptions(o)}
	for _, c := range g.have.Objects {
		if c.Kind == catalog.Column && owner != "" && c.Path() == owner {
			way = append(way, goOn(o, c))
		}
	}
	return []staged{either(stageTypes, subject{}, way)}
}

func (g generator) dropSequence(o catalog.Object) []staged {
	if o.Value(catalog.Identity) != "" {
		return none()
	}
	return []staged{either(stageRemove, relation(o.Name), []string{dropStatement(o)}).losing("where " + o.Name + " stands is lost")}
}

func alterSequence(c change) []staged {
	var out []staged
	name := c.want.Name
	if c.has(catalog.Identity) {
		return none() // comes with the column
	}
	if c.has(catalog.Type, catalog.Increment, catalog.Minimum, catalog.Maximum, catalog.Start, catalog.Cache, catalog.Cycle) {
		options := " INCREMENT BY " + c.want.Value(catalog.Increment) + " MINVALUE " + c.want.Value(catalog.Minimum) + " MAXVALUE " +
			c.want.Value(catalog.Maximum) + " START WITH " + c.want.Value(catalog.Start) + " CACHE " + c.want.Value(catalog.Cache)
		if c.want.Value(catalog.Cycle) != "" {
			options += " CYCLE"
		} else {
			options += " NO CYCLE"
		}
		ways := [][]string{{"ALTER SEQUENCE " + name + " AS " + c.want.Value(catalog.Type) + options}, {"ALTER SEQUENCE " + name + options}}
		out = append(out, either(stageTables, subject{}, ways...))
	}
	if c.has(catalog.Unlogged) {
		clause := " SET LOGGED"
		if c.want.Value(catalog.Unlogged) != "" {
			clause = " SET UNLOGGED"
		}
		out = append(out, at(stageDetails, "ALTER SEQUENCE "+name+clause))
	}
	if c.has(catalog.OwnedBy) {
		owner := c.want.Value(catalog.OwnedBy)
		if owner == "" {
			owner = "NONE"
		}
		out = append(out, at(stageKeys, "ALTER SEQUENCE "+name+" OWNED BY "+owner))
	}
	return out
}
