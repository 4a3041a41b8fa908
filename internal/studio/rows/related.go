package rows

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

// CountLimit is as far as rows that point here are counted.
const CountLimit = 100

// Countable reports whether the rows of one row of a relation are found by an
// index, and may be counted unasked.
func Countable(r *catalog.Relation) bool { return r.Indexed && r.Open() && r.From.Readable }

// Counts returns how many rows of the relation's table point at each of these
// rows, CountLimit at most; -1 where that is not known.
func Counts(ctx context.Context, tx *database.Tx, r *catalog.Relation, to []*Row) ([]int, error) {
	counts := make([]int, len(to))
	b := &Query{}
	var lines []string
	for i, row := range to {
		counts[i] = -1
		line := []string{strconv.Itoa(i)}
		for _, c := range r.ToColumns {
			if v, ok := row.Value(c); ok {
				line = append(line, b.arg(&v, c.Type))
			}
		}
		if len(line) == len(r.ToColumns)+1 {
			lines = append(lines, "("+strings.Join(line, ", ")+")")
		}
	}
	if len(lines) == 0 {
		return counts, nil
	}
	names, same := []string{"n"}, []string{}
	for i, c := range r.FromColumns {
		name := "k" + strconv.Itoa(i)
		names = append(names, name)
		same = append(same, "o."+c.Identifier()+" = v."+name)
	}
	answer, err := tx.Query(ctx, fmt.Sprintf(`SELECT v.n, (SELECT count(*) FROM (SELECT 1 FROM %s AS o WHERE %s LIMIT %d) AS found)
FROM (VALUES %s) AS v(%s)`, r.From.Identifier(), strings.Join(same, " AND "), CountLimit,
		strings.Join(lines, ", "), strings.Join(names, ", ")), b.args...)
	if err != nil {
		return nil, err
	}
	for _, line := range answer {
		i, err := strconv.Atoi(*line[0])
		if err != nil {
			return nil, err
		}
		if counts[i], err = strconv.Atoi(*line[1]); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// PointingHere is the view of a relation's table that shows the rows which
// point at this one.
func PointingHere(r *catalog.Relation, to *Row) (address.View, bool) {
	var v address.View
	for i, c := range r.ToColumns {
		value, ok := to.Value(c)
		if !ok || !r.FromColumns[i].Open() {
			return v, false
		}
		v.Filters = append(v.Filters, address.Filter{Column: r.FromColumns[i].Name, Op: address.Is, Values: []string{value}})
	}
	return v, true
}

// PointedAt finds what a row's foreign key points at: the key of a row of To,
// or where it is no key of To a view of it.
func PointedAt(r *catalog.Relation, from *Row) (key []string, v address.View, ok bool) {
	byColumn := make(map[*catalog.Column]string)
	for i, c := range r.FromColumns {
		value, there := from.Value(c)
		if !there || !r.ToColumns[i].Open() {
			return nil, v, false
		}
		byColumn[r.ToColumns[i]] = value
		v.Filters = append(v.Filters, address.Filter{Column: r.ToColumns[i].Name, Op: address.Is, Values: []string{value}})
	}
	if len(r.To.Key) != len(byColumn) {
		return nil, v, true
	}
	for _, c := range r.To.Key {
		value, there := byColumn[c]
		if !there {
			return nil, v, true
		}
		key = append(key, value)
	}
	return key, v, true
}
