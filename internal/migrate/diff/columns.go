package diff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// columnDefinition writes a column as CREATE TABLE wants it. Without full the
// default is left out, which may need what is not there yet.
func (g generator) columnDefinition(o catalog.Object, full bool) string {
	s := o.Name + " " + typeClause(o)
	if v, ok := o.Get(catalog.Generated); ok {
		s += " GENERATED ALWAYS AS (" + v + ") " + generatedKind(o)
	}
	if v, ok := o.Get(catalog.Identity); ok {
		s += " GENERATED " + v + " AS IDENTITY" + g.identityOptions(o)
	}
	if v, ok := o.Get(catalog.Default); ok && full {
		s += " DEFAULT " + v
	}
	if o.Value(catalog.NotNull) != "" {
		s += " NOT NULL"
	}
	return s
}

func generatedKind(o catalog.Object) string {
	if o.Value(catalog.Virtual) != "" {
		return "VIRTUAL"
	}
	return "STORED"
}

func typeClause(o catalog.Object) string {
	s := o.Value(catalog.Type)
	if v := o.Value(catalog.Collation); v != "" {
		s += " COLLATE " + v
	}
	return s
}

// identityOptions writes the sequence of an identity column, where it is not
// what PostgreSQL makes by itself.
func (g generator) identityOptions(o catalog.Object) string {
	for _, s := range g.want.Objects {
		if s.Kind == catalog.Sequence && s.Value(catalog.Identity) != "" && s.Value(catalog.OwnedBy) == o.Path() {
			if options := sequenceOptions(s); s.Name != o.Of+"_"+o.Name+"_seq" || options != "" {
				return " (SEQUENCE NAME " + s.Name + options + ")"
			}
		}
	}
	return ""
}

// isTable reports whether a wanted relation is a table, whose columns are made
// one by one.
func (g generator) isTable(name string) bool {
	_, ok := g.want.Find(catalog.Table, "", name)
	return ok
}

func (g generator) addColumn(o catalog.Object) []staged {
	if !g.isTable(o.Of) {
		return none() // a view's columns come with its definition
	}
	s := either(stageTables, subject{},
		[]string{"ALTER TABLE " + o.Of + " ADD COLUMN " + g.columnDefinition(o, true)})
	_, filled := o.Get(catalog.Default)
	if o.Value(catalog.NotNull) != "" && !filled && o.Value(catalog.Generated)+o.Value(catalog.Identity) == "" {
		s = s.noted("fails where " + o.Of + " has rows: " + o.Path() + " may not be NULL and has no default")
	}
	return []staged{s}
}

func (g generator) dropColumn(o catalog.Object) []staged {
	if _, table := g.have.Find(catalog.Table, "", o.Of); !table {
		return none()
	}
	return []staged{either(stageRemove, relation(o.Of), []string{"ALTER TABLE " + o.Of + " DROP COLUMN " + o.Name}).
		losing("the values of " + o.Path() + " are lost")}
}

// alterColumn returns what changes a column. Of a view, only the default can.
func (g generator) alterColumn(c change) []staged {
	table := c.want.Of
	alter := "ALTER TABLE " + table + " ALTER COLUMN " + c.want.Name + " "
	if !g.isTable(table) {
		if c.has(catalog.Default) {
			return []staged{at(stageDetails, strings.Replace(alter, "TABLE", "VIEW", 1)+defaultClause(c.want))}
		}
		return none()
	}
	var out []staged
	switch {
	case c.has(catalog.Generated, catalog.Virtual):
		return []staged{g.alterGenerated(c, alter)}
	case c.has(catalog.Type, catalog.Collation):
		out = append(out, g.alterType(c, alter))
	case c.has(catalog.Default):
		out = append(out, at(stageTables, alter+defaultClause(c.want)))
	}
	if c.has(catalog.Identity) {
		out = append(out, g.alterIdentity(c, alter))
	}
	if c.has(catalog.NotNull) {
		if c.want.Value(catalog.NotNull) != "" {
			out = append(out, at(stageTables, alter+"SET NOT NULL").noted("fails where "+c.want.Path()+" is NULL in a row"))
		} else {
			out = append(out, at(stageTables, alter+"DROP NOT NULL"))
		}
	}
	return append(out, alterDetails(c, alter)...)
}

// alterDetails returns what changes how a column is stored and estimated.
func alterDetails(c change, alter string) []staged {
	var out []staged
	if c.has(catalog.Storage) {
		if v := c.want.Value(catalog.Storage); v != "" {
			out = append(out, at(stageDetails, alter+"SET STORAGE "+v))
		} else { // SET STORAGE DEFAULT came with version 16
			out = append(out, either(stageDetails, subject{}, []string{alter + "SET STORAGE DEFAULT"}, []string{alter + "SET STORAGE EXTENDED"}))
		}
	}
	if c.has(catalog.Compression) {
		out = append(out, at(stageDetails, alter+"SET COMPRESSION "+cmp.Or(c.want.Value(catalog.Compression), "DEFAULT")))
	}
	if c.has(catalog.Statistic) {
		out = append(out, at(stageDetails, alter+"SET STATISTICS "+cmp.Or(c.want.Value(catalog.Statistic), "-1")))
	}
	if c.has(catalog.Options) {
		for _, clause := range optionChanges(c) {
			out = append(out, at(stageDetails, alter+clause))
		}
	}
	return out
}

func defaultClause(o catalog.Object) string {
	if v, ok := o.Get(catalog.Default); ok {
		return "SET DEFAULT " + v
	}
	return "DROP DEFAULT"
}

// alterIdentity returns what makes a column an identity, or none.
func (g generator) alterIdentity(c change, alter string) staged {
	was, is := c.have.Value(catalog.Identity), c.want.Value(catalog.Identity)
	switch {
	case is == "":
		return at(stageTables, alter+"DROP IDENTITY")
	case was == "":
		return g.becomeIdentity(c, alter+"ADD GENERATED "+is+" AS IDENTITY"+g.identityOptions(c.want), alter)
	}
	return at(stageTables, alter+"SET GENERATED "+is)
}

// becomeIdentity makes a column that has values an identity. Its own sequence,
// of a serial column, goes; the new one goes on behind the greatest value.
func (g generator) becomeIdentity(c change, add, alter string) staged {
	var before, after []string
	for _, h := range g.have.Objects {
		if h.Kind == catalog.Sequence && h.Value(catalog.OwnedBy) == c.have.Path() {
			before = append(before, dropStatement(h))
		}
	}
	for _, w := range g.want.Objects {
		if w.Kind == catalog.Sequence && w.Value(catalog.OwnedBy) == c.want.Path() {
			after = append(after, goOn(w, c.want))
		}
	}
	// An identity needs NOT NULL, and bears no default.
	return either(stageTables, subject{}, slices.Concat(before, []string{add}, after),
		slices.Concat([]string{alter + "SET NOT NULL", add}, after), slices.Concat([]string{alter + "DROP DEFAULT"}, before, []string{add}, after))
}

// goOn sets a sequence behind the greatest value of its column.
func goOn(sequence, column catalog.Object) string {
	return "SELECT setval(" + literal(sequence.Name) + ", coalesce(max(" + column.Name + "), 0) + 1, false) FROM " + column.Of
}

// alterGenerated returns what changes the expression of a generated column.
func (g generator) alterGenerated(c change, alter string) staged {
	expression, generated := c.want.Get(catalog.Generated)
	again := []string{"ALTER TABLE " + c.want.Of + " DROP COLUMN " + c.want.Name,
		"ALTER TABLE " + c.want.Of + " ADD COLUMN " + g.columnDefinition(c.want, true)}
	switch {
	case !generated:
		return either(stageTables, relation(c.want.Of), []string{alter + "DROP EXPRESSION"})
	case c.have.Value(catalog.Generated) == "":
		return either(stageTables, relation(c.want.Of), again).losing("the values of " + c.want.Path() + " are replaced by computed ones")
	}
	// SET EXPRESSION came with version 17.
	return either(stageTables, relation(c.want.Of), []string{alter + "SET EXPRESSION AS (" + expression + ")"}, again)
}
