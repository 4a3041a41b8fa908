package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Strangers returns the tables that the files make and that are there, in a
// database where no file was ever tried: somebody else made them, such as the
// migrations of another tool. Names are as SQL has them.
func Strangers(ctx context.Context, conn *pgx.Conn, st State, files []File) ([]string, error) {
	if len(st.Applied)+len(st.last) > 0 {
		return nil, nil
	}
	var names []string
	for _, f := range files {
		for _, s := range scan(f.Up) {
			if name := createdTable(f.Up[s.start:s.end]); name != "" {
				names = append(names, name)
			}
		}
	}
	rows, err := conn.Query(ctx, `SELECT DISTINCT name FROM pg_catalog.unnest($1::text[]) name
WHERE pg_catalog.to_regclass(pg_catalog.quote_ident($2) || '.' || name) IS NOT NULL ORDER BY 1`,
		pgx.QueryExecModeExec, names, st.Namespace)
	if err != nil {
		return nil, fmt.Errorf("look for tables that are there already: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// createdTable reads the name in CREATE TABLE, or returns "". A schema before it
// is left out, and a temporary table does not count.
func createdTable(sql string) string {
	c := newCursor(sql)
	if !c.accept("create", "table") && !c.accept("create", "unlogged", "table") {
		return ""
	}
	c.accept("if", "not", "exists")
	name := c.name()
	if strings.HasSuffix(name, `"`) {
		return name[strings.LastIndex(strings.TrimSuffix(name, `"`), `"`):]
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}
