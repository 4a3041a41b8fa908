package rows

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
)

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// alias is the table in a query, where a column's bare name might be taken for
// one of the answer.
const alias = "r"

// orderBy is ORDER BY in the direction. NULL stands where PostgreSQL's indexes
// have it: after everything, and so first when descending.
func (q *Query) orderBy(columns []*catalog.Column, desc bool) string {
	if len(columns) == 0 {
		return ""
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = alias + "." + c.Identifier()
		if desc {
			parts[i] += " DESC"
		}
	}
	return " ORDER BY " + strings.Join(parts, ", ")
}

// segment is a part of what lies behind a cursor. Asked one after the other,
// until the page is full, segments give rows in order; a single condition with
// OR in it would make PostgreSQL walk the index from its beginning.
type segment struct {
	condition string
	args      []*string
}

// segments are what lies behind a cursor in a direction; the whole table where
// there is no cursor.
func (q *Query) segments(desc bool, at *address.Cursor) ([]segment, error) {
	if at == nil {
		return q.one("", q.args), nil
	}
	if at.Order != q.orderName() || len(at.Values) != len(q.Order) || len(q.Order) == 0 {
		return nil, errCursor()
	}
	for i, v := range at.Values {
		if v == nil && (i > 0 || q.Order[i].NotNull) {
			return nil, errCursor()
		}
	}
	b := q.copy()
	first := q.Order[0]
	if first.NotNull {
		return q.one(b.beyond(q.Order, at.Values, desc), b.args), nil
	}
	null, there := first.Identifier()+" IS NULL", first.Identifier()+" IS NOT NULL"
	if at.Values[0] != nil {
		found := q.one(b.beyond(q.Order, at.Values, desc), b.args)
		if !desc {
			found = append(found, q.one(null, q.args)...)
		}
		return found, nil
	}
	found := q.one(null+" AND "+b.beyond(q.Order[1:], at.Values[1:], desc), b.args)
	if desc {
		found = append(found, q.one(there, q.args)...)
	}
	return found, nil
}

func (q *Query) one(condition string, args []*string) []segment {
	return []segment{{condition: condition, args: args}}
}

// copy is the query with parameters of its own.
func (q *Query) copy() *Query {
	b := *q
	b.args = append([]*string{}, q.args...)
	return &b
}

// beyond is the condition for rows behind these values, in the order of the
// columns. b.args grows.
func (q *Query) beyond(columns []*catalog.Column, values []*string, desc bool) string {
	symbol := ">"
	if desc {
		symbol = "<"
	}
	plain := true
	names, placed := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], placed[i] = c.Identifier(), q.arg(values[i], c.Type)
		plain = plain && c.Type.OpSchema == "pg_catalog"
	}
	if plain {
		return "(" + strings.Join(names, ", ") + ") " + symbol + " (" + strings.Join(placed, ", ") + ")"
	}
	// A row comparison has one operator for all columns: these have several.
	compare := func(i int, symbol string) string {
		return fmt.Sprintf("%s OPERATOR(%s.%s) %s", names[i], quote(columns[i].Type.OpSchema), symbol, placed[i])
	}
	condition := ""
	for i := len(columns) - 1; i >= 0; i-- {
		if condition == "" {
			condition = compare(i, symbol)
			continue
		}
		condition = "(" + compare(i, symbol) + " OR " + compare(i, "=") + " AND " + condition + ")"
	}
	return compare(0, symbol+"=") + " AND " + condition
}
