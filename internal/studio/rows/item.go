package rows

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// items are what a query selects: for each column its value and, where that may
// be long or is masked, its length; then the values that name and place the row.
type items struct {
	query   *Query
	columns []*catalog.Column
	exprs   []string
	// value and length are where they stand in the answer; -1: nowhere.
	value, length []int
	raw           map[*catalog.Column]int
	version       int
}

func (q *Query) items(columns []*catalog.Column) *items {
	s := &items{query: q, columns: columns, raw: make(map[*catalog.Column]int), version: -1}
	for _, c := range columns {
		value, length := -1, -1
		name := alias + "." + c.Identifier()
		switch {
		case !c.Readable:
		case c.Masked:
			length = s.add(lengthOf(c, name))
		case c.Type.Short():
			value = s.add(name)
		case c.Type.Kind == catalog.Bytes:
			limit := bytesLimit
			if c.Name == q.View.Whole {
				limit = wholeLimit / 2
			}
			value, length = s.add(fmt.Sprintf("substr(%s, 1, %d)", name, limit)), s.add(lengthOf(c, name))
		default:
			limit := cellLimit
			if c.Name == q.View.Whole {
				limit = wholeLimit
			}
			value = s.add(fmt.Sprintf("left(CAST(%s AS pg_catalog.text), %d)", name, limit))
			length = s.add(lengthOf(c, name))
		}
		s.value, s.length = append(s.value, value), append(s.length, length)
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
		cell := Cell{Column: c, Bytes: -1}
		if at := s.length[i]; at >= 0 && answer[at] != nil {
			cell.Bytes, _ = strconv.ParseInt(*answer[at], 10, 64)
		}
		if at := s.value[i]; at >= 0 {
			cell.Text = answer[at]
			cell.Null = cell.Text == nil
			cell.Cut = !cell.Null && cell.Bytes > sizeOf(c, *cell.Text)
		} else {
			cell.Null = c.Masked && c.Readable && cell.Bytes < 0
		}
		r.Cells = append(r.Cells, cell)
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

// sizeOf is how many bytes of the value a text shows.
func sizeOf(c *catalog.Column, text string) int64 {
	if c.Type.Kind == catalog.Bytes {
		return int64(len(text)-len(`\x`)) / 2
	}
	return int64(len(text))
}
