package rows

import (
	"context"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
)

// Exported are the columns of the view that leave the database, whole; left are
// those that do not: masked ones, and ones that the role may not read.
func (q *Query) Exported() (whole, left []*catalog.Column) {
	columns := q.Columns
	if len(q.View.Columns) == 0 {
		columns = q.Table.Columns // a page shows the first of many only
	}
	for _, c := range columns {
		switch {
		case slices.Contains(whole, c) || slices.Contains(left, c):
		case c.Open():
			whole = append(whole, c)
		default:
			left = append(left, c)
		}
	}
	return whole, left
}

// Each hands all rows of the view to fn, one after the other, with the values of
// these columns as PostgreSQL writes them; nil is NULL. Rows come in the order
// of the view; without a sort and a key in that of the table. The bytes are good
// until fn returns.
func (q *Query) Each(ctx context.Context, tx *database.Tx, columns []*catalog.Column, fn func([][]byte) error) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = alias + "." + c.Identifier()
	}
	sql := "SELECT " + strings.Join(names, ", ") + " FROM " + q.Table.Identifier() + " AS " + alias + q.where()
	switch {
	case q.numbered():
		sql += q.orderBy(q.Order[:1], q.View.Desc)
	case q.View.Sort != "" || len(q.Table.Key) > 0:
		sql += q.orderBy(q.Order, q.View.Desc)
	}
	_, err := tx.Stream(ctx, sql, q.args, fn)
	return err
}
