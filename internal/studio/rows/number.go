package rows

import (
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// number makes the columns that a relation without a key or a place on disk (a
// view, a foreign table) is paged by behind its sort: a hash of all that a row
// shows, and a number that tells rows with the same hash apart. Rows that are
// equal in everything are interchangeable, so that no page loses or repeats one.
// Each page reads and sorts the whole relation for it.
func (q *Query) number() []*catalog.Column {
	column := func(name string) *catalog.Column {
		for q.Table.Column(name) != nil {
			name += "_"
		}
		return &catalog.Column{Name: name, NotNull: true, Readable: true, System: true,
			Type: &catalog.Type{Schema: "pg_catalog", Name: "int8", OpSchema: "pg_catalog", Kind: catalog.Number}}
	}
	q.hash, q.nth = column("row_hash"), column("row_nth")
	return []*catalog.Column{q.hash, q.nth}
}

func (q *Query) numbered() bool { return q.hash != nil }

// source is what rows are selected from, under the alias, with the conditions of
// the filters and one more.
func (q *Query) source(condition string) string {
	from := q.Table.Identifier() + " AS " + alias
	if !q.numbered() {
		return from + q.where(condition)
	}
	var all, open []string
	for _, c := range q.Table.Columns {
		if !c.Readable {
			continue
		}
		all = append(all, alias+"."+c.Identifier())
		if c.Open() {
			open = append(open, alias+"."+c.Identifier())
		}
	}
	all = append(all, `hashtextextended(CAST(ROW(`+strings.Join(open, ", ")+`) AS pg_catalog.text) COLLATE "C", 0) AS `+q.hash.Identifier())
	from = "(SELECT *, row_number() OVER (PARTITION BY " + q.hash.Identifier() + ") AS " + q.nth.Identifier() +
		" FROM (SELECT " + strings.Join(all, ", ") + " FROM " + from + q.where() + ") AS hashed) AS " + alias
	if condition != "" {
		from += " WHERE " + condition
	}
	return from
}
