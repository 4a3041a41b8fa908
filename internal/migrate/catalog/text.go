package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Text writes the catalogue for people and for hashing. It says everything that
// counts, and nothing else: two catalogues have the same text exactly when
// [Compare] finds no difference between them, with the same parts.
//
//	column users.login
//	  type: text
//	function f(integer)
//	  definition:
//	    CREATE OR REPLACE FUNCTION f(n integer)
//	     RETURNS void
//
// An object begins without a space, an attribute with two, and a line of a value
// that has several with four. Control characters in names are written as in Go,
// so no name can look like another line.
func (c Catalog) Text(with ...Part) string {
	var b strings.Builder
	tables := c.tables()
	for _, o := range c.Objects {
		if !o.Kind.counts(with) {
			continue
		}
		b.WriteString(string(o.Kind))
		if path := o.Path(); path != "" {
			b.WriteString(" " + oneLine(path))
		}
		b.WriteByte('\n')
		for _, a := range o.counting(tables, with) {
			if !strings.Contains(a.Value, "\n") {
				fmt.Fprintf(&b, "  %s: %s\n", a.Name, a.Value)
				continue
			}
			fmt.Fprintf(&b, "  %s:\n    %s\n", a.Name, strings.ReplaceAll(a.Value, "\n", "\n    "))
		}
	}
	return b.String()
}

// oneLine writes a name within a line. The backslash is doubled, so that two
// names never come out the same.
func oneLine(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return name
	}
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r < ' ' || r == 0x7f:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// counting returns the attributes that count, with these parts asked for. tables
// are the relations whose columns have no order that counts.
func (o Object) counting(tables map[string]bool, with []Part) []Attribute {
	out := slices.Clip(o.Attributes)
	if o.Position > 0 && (slices.Contains(with, Order) || !tables[o.Of]) {
		out = append(out, Attribute{Position, strconv.Itoa(o.Position)})
	}
	if o.Owner != "" && slices.Contains(with, Owners) {
		out = append(out, Attribute{Owner, o.Owner})
	}
	if len(o.Grants) > 0 && slices.Contains(with, Grants) {
		lines := make([]string, len(o.Grants))
		for i, g := range o.Grants {
			lines[i] = g.String()
		}
		out = append(out, Attribute{Rights, strings.Join(lines, "\n")})
	}
	return out
}

// tables returns the names of the tables.
func (c Catalog) tables() map[string]bool {
	out := map[string]bool{}
	for _, o := range c.Objects {
		if o.Kind == Table || o.Kind == ForeignTable {
			out[o.Name] = true
		}
	}
	return out
}
