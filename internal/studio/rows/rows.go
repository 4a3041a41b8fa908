// Package rows asks for the rows of a table: filtered, in order, a page at a
// time, and says it in SQL.
//
// Identifiers come from the catalogue and are quoted by pgx; values are always
// parameters, cast to the column's type. A page is found by the values of the
// columns that order it (keyset paging): a later page costs what the first one
// does. What has neither key nor place on disk, such as a view, is numbered for
// it, which reads all of it. OFFSET is never sent, count(*) only when somebody
// asked for the number.
//
// Masked columns are never part of a condition or an order, and of their values
// only the length is selected.
package rows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

const (
	// PageSize is how many rows a page shows.
	PageSize = 50
	// cellLimit is how much of a long value a page carries, in characters.
	cellLimit = 4096
	// wholeLimit is how much of one that was asked for whole, in characters.
	wholeLimit = 1 << 20
	// bytesLimit is how many bytes of a bytea a page carries.
	bytesLimit = 64
	// cursorLimit is how long a value may be that pages go by, in bytes: it
	// stands in an address.
	cursorLimit = 1500
	// estimateFrom is the number of rows from which reading all of them is slow.
	estimateFrom = 100_000
	// MaxColumns is how many columns a page shows unless others were chosen.
	MaxColumns = 200
)

// Query is a view whose names have been found in the catalogue.
type Query struct {
	Table *catalog.Table
	View  address.View
	// Columns are those that show.
	Columns []*catalog.Column
	// Order are the columns that put rows in order: the sort, then the locator.
	Order []*catalog.Column
	// Slow says what about it reads every row, "" where nothing does.
	Slow string

	filters []condition
	args    []*string
	// hash and nth are what a relation without key and place is paged by: see number.
	hash, nth *catalog.Column
}

// condition is a filter in SQL; its values begin at args[first].
type condition struct {
	filter address.Filter
	column *catalog.Column
	sql    string
}

// invalid refuses a question. A message that begins with a name says so.
func invalid(hint, format string, args ...any) error {
	e := &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf(format, args...), Hint: hint}
	if name, ok := strings.CutPrefix(format, "%s"); ok && name != "" {
		e.Err = catalog.Named(fmt.Sprint(args[0]))
	}
	return e
}

// New looks the view's names up and refuses what may not be asked.
func New(t *catalog.Table, v address.View) (*Query, error) {
	q := &Query{Table: t, View: v, Columns: t.Columns[:min(len(t.Columns), MaxColumns)]}
	if !t.Readable {
		return nil, invalid("ask whoever grants rights in this database", "this role may not read %s", t.Label())
	}
	if len(v.Columns) > 0 {
		q.Columns = nil
		for _, name := range v.Columns {
			c := t.Column(name)
			if c == nil {
				return nil, noColumn(t, name)
			}
			q.Columns = append(q.Columns, c)
		}
	}
	if err := q.order(); err != nil {
		return nil, err
	}
	for _, f := range v.Filters {
		if err := q.filter(f); err != nil {
			return nil, err
		}
	}
	return q, q.search()
}

func noColumn(t *catalog.Table, name string) error {
	return &afauth.Error{Code: afauth.CodeNotFound, Message: fmt.Sprintf("%s has no column %s", t.Label(), name),
		Hint: "it may have been renamed or dropped; open the table without this address's filters", Err: catalog.Named(t.Label())}
}

// usable refuses a column that nothing may be asked about.
func usable(t *catalog.Table, name, doing string) (*catalog.Column, error) {
	c := t.Column(name)
	switch {
	case c == nil:
		return nil, noColumn(t, name)
	case c.Masked:
		return nil, invalid("ask about another column", "%s is masked: %s by it would tell its values", name, doing)
	case !c.Readable:
		return nil, invalid("ask about another column", "this role may not read %s", name)
	}
	return c, nil
}

// order finds the columns that rows are ordered by.
func (q *Query) order() error {
	if name := q.View.Sort; name != "" {
		c, err := usable(q.Table, name, "sorting")
		if err != nil {
			return err
		}
		if !c.Sortable() {
			return invalid("sort by another column", "values of type %s have no order", c.Shown)
		}
		q.Order = append(q.Order, c)
		if q.large() && !q.Table.IndexedFirst(c) {
			q.Slow = "This sort has no index: it reads " + q.reach() + " rows."
		}
	}
	locator := q.Table.Locator()
	if len(locator) == 0 && len(q.Order) > 0 {
		locator = q.number()
	}
	for _, c := range locator {
		if !slices.Contains(q.Order, c) {
			q.Order = append(q.Order, c)
		}
	}
	if q.View.From != "" && (q.View.Sort != "" || len(q.Table.Key) == 0) {
		return invalid("take the sort away first", "rows can be jumped to in the order of their key only")
	}
	return nil
}

func (q *Query) large() bool { return q.Table.Rows >= estimateFrom || q.Table.Kind == catalog.View }

func (q *Query) reach() string {
	if q.Table.Rows < 0 {
		return "all"
	}
	return "≈ " + catalog.Thousands(q.Table.Rows)
}

// orderName names the order, so that a cursor is used in the order it was made in.
func (q *Query) orderName() string {
	names := make([]string, len(q.Order))
	for i, c := range q.Order {
		names[i] = c.Name
	}
	return map[bool]string{false: "+", true: "-"}[q.View.Desc] + strings.Join(names, "\x1f")
}

// arg adds a parameter and returns how to write it, cast to a type.
func (q *Query) arg(value *string, t *catalog.Type) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("CAST($%d AS %s)", len(q.args), t.Identifier())
}

// where is the condition of the filters and of more, with WHERE before it.
func (q *Query) where(more ...string) string {
	var all []string
	for _, c := range q.filters {
		all = append(all, c.sql)
	}
	for _, m := range more {
		if m != "" {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(all, " AND ")
}

// Estimate returns how many rows the planner expects the filters to leave, and
// -1 where it has no idea.
func (q *Query) Estimate(ctx context.Context, tx *database.Tx) (int64, error) {
	if len(q.filters) == 0 {
		return q.Table.Rows, nil
	}
	answer, err := tx.Query(ctx, "EXPLAIN SELECT 1 FROM "+q.Table.Identifier()+q.where(), q.args...)
	if err != nil || len(answer) == 0 || answer[0][0] == nil {
		return -1, err
	}
	_, rest, _ := strings.Cut(*answer[0][0], " rows=")
	number, _, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return -1, nil //nolint:nilerr // another form of plan: no idea
	}
	return n, nil
}

// Count returns the exact number of rows that the filters leave.
func (q *Query) Count(ctx context.Context, tx *database.Tx) (int64, error) {
	answer, err := tx.Query(ctx, "SELECT count(*) FROM "+q.Table.Identifier()+q.where(), q.args...)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(*answer[0][0], 10, 64)
}

// Culprit finds the value that is none of its column's type, after PostgreSQL
// refused a page for one: it asks about each alone. key names the row at the
// side; nil: there is none. It returns nil where all are in order.
func (q *Query) Culprit(ctx context.Context, db *database.DB, key []string) error {
	if q.View.From != "" && !isOf(ctx, db, q.Table.Key[0], q.View.From) {
		return noValue(q.Table.Key[0], q.View.From, "go to another value, or open the first page")
	}
	if len(key) == len(q.Table.Key) {
		for i, c := range q.Table.Key {
			if !isOf(ctx, db, c, key[i]) {
				return noValue(c, key[i], "the address names no row; open the table")
			}
		}
	}
	for _, c := range q.filters {
		if c.column == nil || c.filter.Op == address.Contains || c.filter.Op == address.Starts {
			continue
		}
		for _, v := range c.filter.Values {
			if !isOf(ctx, db, c.column, v) {
				return noValue(c.column, v, "change the filter on "+c.column.Name)
			}
		}
	}
	return nil
}

// isOf reports whether PostgreSQL reads a text as the type of a column.
func isOf(ctx context.Context, db *database.DB, c *catalog.Column, v string) bool {
	return db.Read(ctx, database.Limits{}, func(tx *database.Tx) error {
		_, err := tx.Query(ctx, "SELECT CAST($1 AS "+c.Type.Identifier()+")", &v)
		return err
	}) == nil
}

func noValue(c *catalog.Column, v, hint string) error {
	return invalid(hint, "%q is no value of %s, which is %s", clip(v), c.Name, c.Shown)
}

func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// errCursor says that the address names a page of another order.
func errCursor() error {
	return &afauth.Error{Code: afauth.CodeInvalid, Message: "the address names a page that is not there",
		Hint: "open the first page", Err: errors.New("cursor of another order")}
}
