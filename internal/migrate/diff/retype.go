package diff

import (
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// alterType tries what PostgreSQL converts by itself, then a cast, then both
// without the default, which is converted too otherwise.
func (g generator) alterType(c change, alter string) staged {
	to := "TYPE " + typeClause(c.want)
	cast := to + " USING " + c.want.Name + "::" + c.want.Value(catalog.Type)
	ways := [][]string{{alter + to}, {alter + cast}}
	if _, ok := c.have.Get(catalog.Default); ok {
		for _, w := range []string{to, cast} {
			way := []string{alter + "DROP DEFAULT", alter + w}
			if _, ok := c.want.Get(catalog.Default); ok {
				way = append(way, alter+defaultClause(c.want))
			}
			ways = append(ways, way)
		}
	} else if c.has(catalog.Default) {
		for i := range ways {
			ways[i] = append(ways[i], alter+defaultClause(c.want))
		}
	}
	s := either(stageTables, relation(c.want.Of), ways...)
	g.noteType(c, s, alter+to)
	return s
}

// noteType says, at the statement that changes the type, what becomes of the
// values. It differs by the way: a cast cuts what assigning, the statement without one,
// refuses.
func (g generator) noteType(c change, s staged, assigning string) {
	r, checked := g.retyping(c)
	for _, way := range s.ways {
		for i, step := range way {
			if !strings.HasPrefix(step.SQL, assigning) {
				continue
			}
			way[i].Retypes = true
			r.Explicit = step.SQL != assigning
			switch keeping := r.Keeping(); {
			case keeping == catalog.Alters:
				way[i].Destructive, way[i].Note = true, "values of "+c.want.Path()+" are "+r.Words()
			case r.GainsZone():
				way[i].Note = "values of " + c.want.Path() + " are " + r.Words()
			case keeping == catalog.Refuses || checked:
				way[i].Note = "fails where a value of " + c.want.Path() + " does not fit " + c.want.Value(catalog.Type)
			}
		}
	}
}

// retyping is a change of a column's type, with domains as what they are made
// of. checked: the new type refuses what its checks, or its list of values, do.
func (g generator) retyping(c change) (r catalog.Retyping, checked bool) {
	r.From, _ = underlying(g.have, c.have.Value(catalog.Type))
	r.To, checked = underlying(g.want, c.want.Value(catalog.Type))
	if _, enum := g.want.Find(catalog.Enum, "", strings.TrimSuffix(r.To, "[]")); enum {
		// A text is a value of the enum as it stands, or is refused.
		from, _ := strings.CutSuffix(r.From, "[]")
		r.Free = from == "text" || strings.HasPrefix(from, "character varying")
		checked = true
	}
	return r, checked
}

// underlying is the type of which a domain is made, and whether t is a domain.
func underlying(c catalog.Catalog, t string) (string, bool) {
	name, array := strings.CutSuffix(t, "[]")
	d, ok := c.Find(catalog.Domain, "", name)
	if !ok {
		return t, false
	}
	base, _ := underlying(c, d.Value(catalog.Type)) // of a domain; it ends at a type
	if array {
		base += "[]"
	}
	return base, true
}
