package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// HoldsRows returns the name of a table in the schema that holds a row, other
// than the tables of this package, or "".
func HoldsRows(ctx context.Context, conn *pgx.Conn, namespace string) (string, error) {
	rows, err := conn.Query(ctx, `SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname::text <> ALL ($2::text[]) ORDER BY 1`,
		pgx.QueryExecModeExec, namespace, Tables())
	if err != nil {
		return "", fmt.Errorf("list the tables: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		return "", err
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("WHEN EXISTS (SELECT FROM %s) THEN %d", pgx.Identifier{namespace, name}.Sanitize(), i+1)
	}
	var at int
	err = conn.QueryRow(ctx, "SELECT CASE "+strings.Join(parts, " ")+" ELSE 0 END", pgx.QueryExecModeExec).Scan(&at)
	switch {
	case sqlState(err) == insufficientPrivilege:
		return names[0], nil // whoever may not look must not guess that it is empty
	case err != nil:
		return "", fmt.Errorf("look for rows: %w", err)
	case at == 0:
		return "", nil
	}
	return names[at-1], nil
}
