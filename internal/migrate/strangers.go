package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Strangers returns the tables, views and sequences that the files make and that
// are there, in a database where no file was ever tried: somebody else made
// them, such as the migrations of another tool. Names are as SQL has them,
// sorted.
func Strangers(ctx context.Context, conn *pgx.Conn, st State, files []File) ([]string, error) {
	if len(st.Applied)+len(st.last) > 0 {
		return nil, nil
	}
	var names []string
	for _, f := range files {
		names = append(names, Creates(f)...)
	}
	rows, err := conn.Query(ctx, `SELECT DISTINCT quote_ident(c.relname) FROM unnest($1::text[]) made (name)
    JOIN pg_class c ON c.oid = to_regclass(quote_ident($2) || '.' || made.name) ORDER BY 1`, pgx.QueryExecModeExec, names, st.Namespace)
	if err != nil {
		return nil, fmt.Errorf("look for relations that are there already: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// StrangersError says that tables which the files make are there, and no file was
// ever tried. Nothing was changed.
type StrangersError struct{ Names []string } // as SQL has them

// Error names them.
func (e *StrangersError) Error() string {
	return "no migration was ever applied here, but " + strings.Join(e.Names, ", ") + " is there"
}

// Hint says how to go on.
func (e *StrangersError) Hint() string {
	return "nothing was changed; adopt compares it with what the migrations make, and takes it over"
}

// noStrangers returns a [*StrangersError] where there are some and that counts.
func (r *runner) noStrangers(ctx context.Context, st State, files []File) error {
	if !r.o.NoStrangers {
		return nil
	}
	names, err := Strangers(ctx, r.conn, st, files)
	if err == nil && len(names) > 0 {
		err = &StrangersError{names}
	}
	return err
}
