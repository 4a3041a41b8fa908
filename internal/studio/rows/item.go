package rows

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// items are what a query selects: one value for each column, then the values
// that name and place the row. PostgreSQL selects 1664 at most, and a table may
// have 1600 columns.
type items struct {
	query   *Query
	columns []*catalog.Column
	exprs   []string
	// cell is where a column stands in the answer; -1: nowhere.
	cell    []int
	raw     map[*catalog.Column]int
	version int
}

func (q *Query) items(columns []*catalog.Column) *items {
	s := &items{query: q, columns: columns, raw: make(map[*catalog.Column]int), version: -1}
	for _, c := range columns {
		at, name := -1, alias+"."+c.Identifier()
		switch {
		case !c.Readable:
		case c.Masked:
			at = s.add(lengthOf(c, name))
		case c.Type.Short():
			at = s.add(name)
		case c.Type.Kind == catalog.Bytes:
			limit := bytesLimit
			if c.Name == q.View.Whole {
				limit = wholeLimit / 2
			}
			at = s.add(measured(c, name, fmt.Sprintf("CAST(substr(%s, 1, %d) AS pg_catalog.text)", name, limit)))
		default:
			limit := cellLimit
			if c.Name == q.View.Whole {
				limit = wholeLimit
			}
			at = s.add(measured(c, name, fmt.Sprintf("left(CAST(%s AS pg_catalog.text), %d)", name, limit)))
		}
		s.cell = append(s.cell, at)
	}
	s.keep(q.Order)
	s.keep(q.Table.Key)
	for _, r := range q.Table.In {
		s.keep(r.ToColumns)
	}
	for _, r := range q.Table.Out {
		s.keep(r.FromColumns)
	}
	if k := q.Table.Kind; len(q.Table.Key) > 0 && q.Table.Whole && (k == catalog.Plain || k == catalog.Partitioned) {
		s.version = s.add(alias + ".xmin")
	}
	if len(s.exprs) == 0 {
		s.add("1")
	}
	return s
}

// measured is a value that may be long, with its whole length before it: "12:…".
func measured(c *catalog.Column, name, value string) string {
	return "CAST(" + lengthOf(c, name) + " AS pg_catalog.text) || ':' || " + value
}

func lengthOf(c *catalog.Column, name string) string {
	if c.Type.Kind == catalog.Bytes {
		return "octet_length(" + name + ")"
	}
	return "octet_length(CAST(" + name + " AS pg_catalog.text))"
}

func (s *items) add(expr string) int {
	s.exprs = append(s.exprs, expr)
	return len(s.exprs) - 1
}

// keep selects whole values of columns, unless that was done. What an index
// holds is short.
func (s *items) keep(columns []*catalog.Column) {
	for _, c := range columns {
		if _, ok := s.raw[c]; ok || !c.Open() {
			continue
		}
		s.raw[c] = s.add(alias + "." + c.Identifier())
	}
}

func (s *items) sql() string { return strings.Join(s.exprs, ", ") }

// row reads one row of the answer.
func (s *items) row(answer []*string) *Row {
	r := &Row{values: make(map[*catalog.Column]*string, len(s.raw))}
	for c, i := range s.raw {
		r.values[c] = answer[i]
	}
	for i, c := range s.columns {
		if at := s.cell[i]; at >= 0 {
			r.Cells = append(r.Cells, cellOf(c, answer[at]))
		} else {
			r.Cells = append(r.Cells, Cell{Column: c, Bytes: -1})
		}
	}
	for _, c := range s.query.Order {
		r.place = append(r.place, r.values[c])
	}
	for _, c := range s.query.Table.Key {
		if v := r.values[c]; v != nil {
			r.Key = append(r.Key, *v)
		}
	}
	if s.version >= 0 && answer[s.version] != nil {
		r.Version = *answer[s.version]
	}
	return r
}

// cellOf reads what was selected for a column.
func cellOf(c *catalog.Column, answer *string) Cell {
	cell := Cell{Column: c, Bytes: -1, Null: answer == nil}
	switch {
	case cell.Null:
	case c.Masked:
		cell.Bytes, _ = strconv.ParseInt(*answer, 10, 64)
	case c.Type.Short():
		cell.Text = answer
	default:
		length, text, _ := strings.Cut(*answer, ":")
		cell.Bytes, _ = strconv.ParseInt(length, 10, 64)
		cell.Text, cell.Cut = &text, cell.Bytes > sizeOf(c, text)
	}
	return cell
}

// sizeOf is how many bytes of the value a text shows.
func sizeOf(c *catalog.Column, text string) int64 {
	if c.Type.Kind == catalog.Bytes {
		return int64(len(text)-len(`\x`)) / 2
	}
	return int64(len(text))
}
