package rows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// maxValues bounds the values of one filter.
const maxValues = 1000

// Ops returns the operators that make sense for a column, the likeliest first.
func Ops(c *catalog.Column) []address.Op {
	if !c.Open() {
		return nil
	}
	var ops []address.Op
	t := c.Type
	switch t.Kind {
	case catalog.Text:
		ops = []address.Op{address.Is, address.IsNot, address.Contains, address.Starts, address.In, address.Less, address.More, address.Between, address.Empty}
	case catalog.Number, catalog.Time:
		ops = []address.Op{address.Is, address.IsNot, address.Less, address.More, address.AtMost, address.AtLeast, address.Between, address.In}
	case catalog.Bool:
		ops = []address.Op{address.Is, address.IsNot}
	case catalog.UUID, catalog.Enum:
		ops = []address.Op{address.Is, address.IsNot, address.In, address.Less, address.More}
	case catalog.JSON, catalog.Array:
		ops = []address.Op{address.Contains, address.Is, address.IsNot, address.Empty}
	case catalog.Bytes:
		ops = []address.Op{address.Is, address.IsNot, address.Empty}
	default:
		ops = []address.Op{address.Is, address.IsNot, address.Contains}
		if t.OpSchema != "" {
			ops = append(ops, address.Less, address.More, address.Between)
		}
	}
	return append(ops, address.Null, address.NotNull)
}

// filter adds a filter.
func (q *Query) filter(f address.Filter) error {
	c, err := usable(q.Table, f.Column, "filtering")
	if err != nil {
		return err
	}
	if !slices.Contains(Ops(c), f.Op) {
		return invalid("choose another comparison", "%s cannot be compared that way: it is %s", c.Name, c.Shown)
	}
	if len(f.Values) > maxValues {
		return invalid("name fewer", "a filter takes %d values at most", maxValues)
	}
	q.filters = append(q.filters, condition{filter: f, column: c, sql: q.compare(c, f)})
	if !q.large() || trigrams(q.Table, c) {
		return nil
	}
	switch {
	case f.Op == address.Contains:
		q.Slow = "No index helps to look for a part of " + c.Name + ": it reads " + q.reach() + " rows."
	case f.Op == address.Starts && !beginnings(q.Table, c):
		q.Slow = "No index helps to look for how " + c.Name + " begins: it reads " + q.reach() + " rows. One on lower(" + c.Identifier() + `) COLLATE "C" would.`
	}
	return nil
}

func (q *Query) compare(c *catalog.Column, f address.Filter) string {
	name, t := c.Identifier(), c.Type
	if t.OpSchema == "" { // json and its kin have no comparisons: their text has
		name, t = "CAST("+name+" AS pg_catalog.text)", text()
	}
	op := func(symbol string) string { return fmt.Sprintf(" OPERATOR(%s.%s) ", quote(t.OpSchema), symbol) }
	one := func(i int) string { return q.arg(&f.Values[i], t) }
	switch f.Op {
	case address.Is:
		return name + op("=") + one(0)
	case address.IsNot: // NULL is not that value either
		return "(" + c.Identifier() + " IS NULL OR NOT (" + name + op("=") + one(0) + "))"
	case address.Less:
		return name + op("<") + one(0)
	case address.More:
		return name + op(">") + one(0)
	case address.AtMost:
		return name + op("<=") + one(0)
	case address.AtLeast:
		return name + op(">=") + one(0)
	case address.Between:
		return "(" + name + op(">=") + one(0) + " AND " + name + op("<=") + one(1) + ")"
	case address.In:
		all := make([]string, len(f.Values))
		for i := range f.Values {
			all[i] = name + op("=") + one(i)
		}
		return "(" + strings.Join(all, " OR ") + ")"
	case address.Contains:
		pattern := "%" + likePattern(f.Values[0]) + "%"
		return q.asText(c) + " ILIKE " + q.arg(&pattern, text())
	case address.Starts:
		// Letter case does not count, as for contains. An index on lower(column) in
		// the order of bytes finds the beginning, else one of trigrams does.
		pattern := likePattern(f.Values[0]) + "%"
		if !beginnings(q.Table, c) && trigrams(q.Table, c) {
			return q.asText(c) + " ILIKE " + q.arg(&pattern, text())
		}
		return "lower(" + q.asText(c) + `) COLLATE "C" LIKE lower(` + q.arg(&pattern, text()) + ")"
	case address.Null:
		return c.Identifier() + " IS NULL"
	case address.NotNull:
		return c.Identifier() + " IS NOT NULL"
	default: // address.Empty
		return empty(c)
	}
}

// empty is the condition for a value that is there and holds nothing.
func empty(c *catalog.Column) string {
	switch c.Type.Kind {
	case catalog.Array:
		return "cardinality(" + c.Identifier() + ") = 0"
	case catalog.Bytes:
		return "octet_length(" + c.Identifier() + ") = 0"
	case catalog.JSON:
		return "CAST(" + c.Identifier() + ` AS pg_catalog.text) IN ('{}', '[]', '""')`
	}
	return "CAST(" + c.Identifier() + " AS pg_catalog.text) = ''"
}

// asText is the column as text; one that is text stays as it is, so that its
// indexes count.
func (q *Query) asText(c *catalog.Column) string {
	if c.Type.Schema == "pg_catalog" && c.Type.Name == "text" {
		return c.Identifier()
	}
	return "CAST(" + c.Identifier() + " AS pg_catalog.text)"
}

// search adds the words that are looked for in every text column.
func (q *Query) search() error {
	if q.View.Search == "" {
		return nil
	}
	pattern := "%" + likePattern(q.View.Search) + "%"
	word := q.arg(&pattern, text())
	var any []string
	indexed := true
	for _, c := range q.Table.Columns {
		if c.Open() && (c.Type.Kind == catalog.Text || c.Type.Kind == catalog.Enum) {
			any = append(any, q.asText(c)+" ILIKE "+word)
			indexed = indexed && trigrams(q.Table, c)
		}
	}
	if len(any) == 0 {
		return invalid("filter by a column", "%s has no text column to search in", q.Table.Label())
	}
	q.filters = append(q.filters, condition{sql: "(" + strings.Join(any, " OR ") + ")"})
	if q.large() && !indexed {
		q.Slow = "No index helps this search: it reads " + q.reach() + " rows."
	}
	return nil
}

// trigrams reports whether an index of pg_trgm can find a part of the column.
func trigrams(t *catalog.Table, c *catalog.Column) bool {
	return slices.ContainsFunc(t.Indexes, func(i *catalog.Index) bool {
		return (i.Method == "gin" || i.Method == "gist") && !i.Partial && slices.Contains(i.Columns, c)
	})
}

// beginnings reports whether an index can find how the column begins in any
// letter case. One on the column itself cannot: it has capitals elsewhere.
func beginnings(t *catalog.Table, c *catalog.Column) bool {
	var firsts []string // as pg_get_indexdef writes it
	for _, name := range []string{c.Name, c.Identifier()} {
		firsts = append(firsts, "lower("+name+")", "lower("+name+"::text)")
	}
	return slices.ContainsFunc(t.Indexes, func(i *catalog.Index) bool {
		return i.Ordered && !i.Partial && i.Bytewise && slices.Contains(firsts, i.First)
	})
}

func likePattern(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

func text() *catalog.Type {
	return &catalog.Type{Schema: "pg_catalog", Name: "text", Kind: catalog.Text, OpSchema: "pg_catalog"}
}
