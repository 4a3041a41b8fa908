package diff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// createTable returns CREATE TABLE with columns, keys and checks; where that
// fails because a default or a check needs something that comes later, with the
// columns alone.
func (g generator) createTable(o catalog.Object) staged {
	head := "CREATE "
	if o.Value(catalog.Unlogged) != "" {
		head += "UNLOGGED "
	}
	head += "TABLE " + o.Name
	tail := ""
	if by := o.Value(catalog.PartitionBy); by != "" {
		tail += " PARTITION BY " + by
	}
	if am := o.Value(catalog.AccessMethod); am != "" {
		tail += " USING " + am
	}
	if options := o.Value(catalog.Options); options != "" {
		tail += " WITH (" + optionList(options) + ")"
	}
	parent := o.Value(catalog.Inherits)
	switch bound := o.Value(catalog.Partition); {
	case o.Value(catalog.OfType) != "":
		return staged{}
	case bound != "":
		return either(stageTables, subject{}, []string{head + " PARTITION OF " + parent + " " + bound + tail})
	case parent != "":
		tail = " INHERITS (" + parent + ")" + tail
	}
	body := func(full bool) string {
		parts := g.columnList(o.Name, full)
		if full {
			parts = append(parts, g.ownConstraints(o.Name)...)
		}
		if len(parts) == 0 {
			return head + " ()" + tail
		}
		return head + " (\n    " + strings.Join(parts, ",\n    ") + "\n)" + tail
	}
	return either(stageTables, subject{}, []string{body(true)}, []string{body(false)})
}

// columnList returns the definitions of a wanted table's columns, in order.
func (g generator) columnList(table string, full bool) []string {
	var columns []catalog.Object
	for _, o := range g.want.Objects {
		if o.Kind == catalog.Column && o.Of == table {
			columns = append(columns, o)
		}
	}
	slices.SortFunc(columns, func(a, b catalog.Object) int { return cmp.Compare(a.Position, b.Position) })
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = g.columnDefinition(c, full)
	}
	return out
}

// ownConstraints returns a wanted table's constraints that need no other table.
func (g generator) ownConstraints(table string) []string {
	var out []string
	for _, o := range g.want.Objects {
		definition := o.Value(catalog.Definition)
		if o.Kind == catalog.Constraint && o.Of == table && !strings.HasPrefix(definition, "FOREIGN KEY") && !strings.HasSuffix(definition, " NOT VALID") {
			out = append(out, "CONSTRAINT "+o.Name+" "+definition)
		}
	}
	return out
}

// switches are the attributes of a table that one clause of ALTER TABLE sets.
func switches(c change) []string {
	on := func(attribute, yes, no string) string {
		if c.want.Value(attribute) != "" {
			return yes
		}
		return no
	}
	var out []string
	for _, s := range []struct{ attribute, clause string }{
		{catalog.Unlogged, on(catalog.Unlogged, "SET UNLOGGED", "SET LOGGED")},
		{catalog.Security, on(catalog.Security, "ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY")},
		{catalog.SecurityForce, on(catalog.SecurityForce, "FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY")},
		{catalog.Replica, "REPLICA IDENTITY " + cmp.Or(c.want.Value(catalog.Replica), "DEFAULT")},
		{catalog.AccessMethod, "SET ACCESS METHOD " + cmp.Or(c.want.Value(catalog.AccessMethod), "heap")},
	} {
		if c.has(s.attribute) {
			out = append(out, s.clause)
		}
	}
	return out
}

// alterTable returns what changes a table. How it is partitioned cannot change.
func (g generator) alterTable(c change) []staged {
	var out []staged
	name := c.want.Name
	for _, clause := range switches(c) {
		out = append(out, at(stageDetails, "ALTER TABLE "+name+" "+clause))
	}
	if c.has(catalog.Options) {
		for _, clause := range optionChanges(c) {
			out = append(out, at(stageDetails, "ALTER TABLE "+name+" "+clause))
		}
	}
	if !c.has(catalog.Inherits, catalog.Partition) || c.has(catalog.PartitionBy) {
		return out
	}
	var statements []string
	was, is := c.have.Value(catalog.Inherits), c.want.Value(catalog.Inherits)
	switch {
	case c.have.Value(catalog.Partition) != "":
		statements = append(statements, "ALTER TABLE "+was+" DETACH PARTITION "+name)
	case was != "":
		for parent := range strings.SplitSeq(was, ", ") {
			statements = append(statements, "ALTER TABLE "+name+" NO INHERIT "+parent)
		}
	}
	switch bound := c.want.Value(catalog.Partition); {
	case bound != "":
		statements = append(statements, "ALTER TABLE "+is+" ATTACH PARTITION "+name+" "+bound)
	case is != "":
		for parent := range strings.SplitSeq(is, ", ") {
			statements = append(statements, "ALTER TABLE "+name+" INHERIT "+parent)
		}
	}
	return append(out, either(stageTables, subject{}, statements))
}

// option splits name=value.
func option(s string) (name, value string) {
	name, value, _ = strings.Cut(s, "=")
	return name, value
}

// optionList writes options as WITH wants them.
func optionList(options string) string {
	var out []string
	for o := range strings.SplitSeq(options, ", ") {
		name, value := option(o)
		out = append(out, name+" = "+literal(value))
	}
	return strings.Join(out, ", ")
}

// optionChanges returns the clauses SET and RESET that lead to the wanted
// options.
func optionChanges(c change) []string {
	var out, reset []string
	if want := c.want.Value(catalog.Options); want != "" {
		out = append(out, "SET ("+optionList(want)+")")
	}
	wanted := strings.Split(c.want.Value(catalog.Options), ", ")
	for o := range strings.SplitSeq(c.have.Value(catalog.Options), ", ") {
		name, _ := option(o)
		if name != "" && !slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(w, name+"=") }) {
			reset = append(reset, name)
		}
	}
	if len(reset) > 0 {
		out = append(out, "RESET ("+strings.Join(reset, ", ")+")")
	}
	return out
}
