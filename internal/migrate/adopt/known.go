package adopt

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
)

// Known returns the relations that the files make and that are there already,
// though the ledger is empty or not there: somebody else made them. Names are as
// SQL has them, sorted. A database with a ledger, or one in which a migration of
// these files is half done, has none.
func Known(ctx context.Context, conn *pgx.Conn, files []migrate.File) (strangers []string, err error) {
	st, err := migrate.Read(ctx, conn, files)
	if err != nil || len(st.Applied) > 0 {
		return nil, err
	}
	p := Plan{State: st}
	if p.halfDone(); len(p.Obstacles) > 0 {
		return nil, nil
	}
	var names []string
	for _, f := range files {
		names = append(names, migrate.Creates(f)...)
	}
	rows, err := conn.Query(ctx, `SELECT DISTINCT quote_ident(c.relname) FROM unnest($1::text[]) made (name)
    JOIN pg_class c ON c.oid = to_regclass(quote_ident($2) || '.' || made.name) ORDER BY 1`, pgx.QueryExecModeExec, names, st.Namespace)
	if err == nil {
		strangers, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return nil, fmt.Errorf("look for relations that are there already: %w", err)
	}
	return strangers, nil
}
