package rehearse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
)

// contents stands for all values of all tables: by table its rows, and for each
// column a sum over the hashes of its values. Sums do not depend on the order of
// the rows.
type contents map[string]digest

type digest struct {
	rows    int64
	whole   string            // over rows: two values that changed places count
	columns map[string]string // by name
}

// digests reads all tables.
func digests(ctx context.Context, conn *pgx.Conn) (contents, error) {
	rows, err := conn.Query(ctx, `SELECT `+named+`, array_agg(quote_ident(a.attname) ORDER BY a.attname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND `+people+` GROUP BY 1`, migrate.Tables())
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	columns := map[string][]string{}
	var name string
	var list []string
	if _, err := pgx.ForEachRow(rows, []any{&name, &list}, func() error {
		columns[name] = list
		return nil
	}); err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	all := contents{}
	for _, table := range slices.Sorted(maps.Keys(columns)) {
		if all[table], err = digestOf(ctx, conn, table, columns[table]); err != nil {
			return nil, fmt.Errorf("read all rows of %s: %w", table, err)
		}
	}
	return all, nil
}

func digestOf(ctx context.Context, conn *pgx.Conn, table string, columns []string) (digest, error) {
	sum := func(value string) string {
		return "coalesce(sum(hashtextextended(" + value + ", 0)::numeric), 0)::text"
	}
	parts := []string{sum("ROW(" + strings.Join(columns, ", ") + ")::text")}
	for _, c := range columns {
		// A NULL has a hash of its own: no text holds this character by chance.
		parts = append(parts, sum("coalesce("+c+"::text, E'\\x01')"))
	}
	d := digest{columns: map[string]string{}}
	var sums []string
	err := conn.QueryRow(ctx, "SELECT count(*), ARRAY["+strings.Join(parts, ", ")+"] FROM "+table,
		pgx.QueryExecModeExec).Scan(&d.rows, &sums)
	if err != nil {
		return d, err
	}
	d.whole = sums[0]
	for i, c := range columns {
		d.columns[c] = sums[i+1]
	}
	return d, nil
}

// differ lists the tables and columns whose contents are not what they were.
// Tables and columns that only one side has are the schema's affair.
func (was contents) differ(is contents) []string {
	out := []string{}
	for _, table := range slices.Sorted(maps.Keys(was)) {
		a, b := was[table], is[table]
		if b.columns == nil {
			continue
		}
		if a.rows != b.rows {
			out = append(out, fmt.Sprintf("%s: %d rows, were %d", table, b.rows, a.rows))
			continue
		}
		before := len(out)
		for _, c := range slices.Sorted(maps.Keys(a.columns)) {
			if sum, there := b.columns[c]; there && sum != a.columns[c] {
				out = append(out, table+"."+c+": other values")
			}
		}
		if len(out) == before && a.whole != b.whole && maps.Equal(a.columns, b.columns) {
			out = append(out, table+": values changed places")
		}
	}
	return out
}
