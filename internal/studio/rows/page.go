package rows

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

// Cell is one value of a row.
type Cell struct {
	Column *catalog.Column
	// Text is the value, or the beginning of a long one; nil is NULL. That of a
	// masked column is always nil.
	Text *string
	// Null says that the value is NULL, of a masked column too. Of a column that
	// the role may not read nobody knows.
	Null bool
	// Bytes is the length of the whole value in bytes, where it may be long or is
	// masked; else -1.
	Bytes int64
	// Cut says that Text is not all of it.
	Cut bool
}

// Row is one row.
type Row struct {
	Cells []Cell
	// Key names the row; empty where its table has no key.
	Key []string
	// Version is the row's xmin, by which a change by somebody else shows; empty
	// for what has none.
	Version string

	place  []*string // values of the order's columns
	values map[*catalog.Column]*string
}

// Value returns the whole value of a column that identifies or links the row;
// ok is false where it is NULL or was not asked for.
func (r *Row) Value(c *catalog.Column) (value string, ok bool) {
	v := r.values[c]
	if v == nil {
		return "", false
	}
	return *v, true
}

// Page is one page of rows.
type Page struct {
	Rows []*Row
	// Next and Previous are where the pages beside this one begin and end; nil
	// where there is none.
	Next, Previous *address.Cursor
	// Complete says that these are all the rows there are.
	Complete bool
	// Unpaged says why there is no next page although there are more rows.
	Unpaged string
}

// Page reads the page that the view names.
func (q *Query) Page(ctx context.Context, tx *database.Tx) (*Page, error) {
	desc, at, back := q.View.Desc, q.View.After, false
	if q.View.Before != nil {
		desc, at, back = !desc, q.View.Before, true
	}
	segments, err := q.segments(desc, at)
	if err != nil {
		return nil, err
	}
	if q.View.From != "" && at == nil {
		b := q.copy()
		from := q.View.From
		c := q.Table.Key[0]
		segments = q.one(c.Identifier()+" OPERATOR("+quote(c.Type.OpSchema)+".>=) "+b.arg(&from, c.Type), nil)
		segments[0].args = b.args
	}
	plain := q.copy()
	plain.View.Whole = "" // whole is for the row at the side
	items := plain.items(q.Columns)
	var found []*Row
	for _, s := range segments {
		room := PageSize + 1 - len(found)
		if room <= 0 {
			break
		}
		sql := "SELECT " + items.sql() + " FROM " + q.source(s.condition) + q.orderBy(q.Order, desc) +
			" LIMIT " + strconv.Itoa(room)
		answer, err := tx.Query(ctx, sql, s.args...)
		if err != nil {
			return nil, err
		}
		for _, values := range answer {
			found = append(found, items.row(values))
		}
	}
	return q.page(found, back, at != nil || q.View.From != ""), nil
}

// page makes a page of the rows that were found, one more than it holds where
// there are more.
func (q *Query) page(found []*Row, back, moved bool) *Page {
	more := len(found) > PageSize
	found = found[:min(len(found), PageSize)]
	if back {
		slices.Reverse(found)
	}
	p := &Page{Rows: found, Complete: !more && !moved}
	if len(found) == 0 {
		return p
	}
	next, previous := more, moved
	if back {
		next, previous = true, more
	}
	if next {
		p.Next, p.Unpaged = q.cursor(found[len(found)-1])
	}
	if previous {
		p.Previous, _ = q.cursor(found[0])
	}
	return p
}

// cursor is the place of a row, or why it has none.
func (q *Query) cursor(r *Row) (*address.Cursor, string) {
	if len(q.Order) == 0 {
		how := "Sort by a column to page on; each page then reads all of it."
		if !slices.ContainsFunc(q.Table.Columns, (*catalog.Column).Sortable) {
			how = "None of its columns has an order to page by; filter to see others."
		}
		return nil, "These are the first " + strconv.Itoa(PageSize) + " rows: " + q.Table.Keyless() + ". " + how
	}
	for i, v := range r.place {
		if v != nil && len(*v) > cursorLimit {
			return nil, "Values of " + q.Order[i].Name + " are too long to page by. Sort by another column, or filter to see others."
		}
	}
	return &address.Cursor{Order: q.orderName(), Values: r.place}, ""
}

// One reads a row by its key, all its columns; nil where there is none.
func (q *Query) One(ctx context.Context, tx *database.Tx, key []string) (*Row, error) {
	if len(q.Table.Key) == 0 {
		return nil, invalid("open the table", "rows of %s have no address: %s", q.Table.Label(), q.Table.Keyless())
	}
	if len(key) != len(q.Table.Key) {
		return nil, &afauth.Error{Code: afauth.CodeNotFound, Message: "the address names no row of " + q.Table.Label(), Hint: "open the table"}
	}
	b := &Query{Table: q.Table, View: q.View, Order: q.Order}
	same := make([]string, len(key))
	for i, c := range q.Table.Key {
		same[i] = c.Identifier() + " OPERATOR(" + quote(c.Type.OpSchema) + ".=) " + b.arg(&key[i], c.Type)
	}
	items := b.items(q.Table.Columns)
	answer, err := tx.Query(ctx, "SELECT "+items.sql()+" FROM "+q.Table.Identifier()+" AS "+alias+
		" WHERE "+strings.Join(same, " AND ")+" LIMIT 2", b.args...)
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	if len(answer) > 1 { // a key counts for one table, not for those that inherit from it
		return nil, invalid("open it in the table where it stands", "more than one row has this key: tables that inherit from %s have rows of their own with it", q.Table.Label())
	}
	return items.row(answer[0]), nil
}
