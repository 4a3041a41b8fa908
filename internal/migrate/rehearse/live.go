package rehearse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgserver"
)

// Live is what a rehearsal takes from a live database.
type Live struct {
	State      migrate.State
	PostgreSQL string            // the server's version
	Rows       map[string]int64  // about, by table as SQL has it
	Columns    map[string]Column // by TABLE.COLUMN as SQL has it
	Roles      []string
	// Drift is how the schema differs from what its files made; nil: it does not,
	// or that is not known.
	Drift *migrate.DriftError
}

// ReadLive looks at a live database. It only reads: the session is made one that
// cannot write. Sizes are the server's estimates; no table is counted.
func ReadLive(ctx context.Context, conn *pgx.Conn, files []migrate.File) (Live, error) {
	l := Live{Rows: map[string]int64{}, Columns: map[string]Column{}}
	if _, err := conn.Exec(ctx, "SET default_transaction_read_only = on", pgx.QueryExecModeSimpleProtocol); err != nil {
		return l, fmt.Errorf("look at the live database: %w", err)
	}
	var err error
	if l.State, err = migrate.Read(ctx, conn, files); err != nil {
		return l, err
	}
	if err := l.read(ctx, conn); err != nil {
		return l, fmt.Errorf("look at the live database: %w", err)
	}
	l.Drift, err = migrate.Drift(ctx, conn, l.State, migrate.Options{Shape: diff.Shape})
	return l, err
}

// read reads estimates. A table that was never analysed has none; then the
// server's count of what was inserted and deleted says more.
func (l *Live) read(ctx context.Context, conn *pgx.Conn) error {
	if err := conn.QueryRow(ctx, `SELECT split_part(current_setting('server_version'), ' ', 1),
    ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1)`).Scan(&l.PostgreSQL, &l.Roles); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `SELECT `+named+`, (CASE WHEN c.relkind = 'p' THEN coalesce((SELECT sum(greatest(p.reltuples, 0))
        FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class p ON p.oid = t.relid AND t.isleaf), 0)
    WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_catalog.pg_stat_get_live_tuples(c.oid) END)::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND `+people, migrate.Tables())
	if err != nil {
		return err
	}
	var name string
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		l.Rows[name] = n
		return nil
	}); err != nil {
		return err
	}
	// pg_stats shows a role only what it may read; the rest is guessed.
	rows, err = conn.Query(ctx, `SELECT `+named+` || '.' || quote_ident(s.attname), s.null_frac, s.avg_width
FROM pg_catalog.pg_stats s JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename WHERE NOT s.inherited AND `+people, migrate.Tables())
	if err != nil {
		return err
	}
	var c Column
	_, err = pgx.ForEachRow(rows, []any{&name, &c.Nulls, &c.Width}, func() error {
		l.Columns[name] = c
		return nil
	})
	return err
}

// Elsewhere notes that the programs of this machine are of another major version
// than the live server, where they are.
func (l Live) Elsewhere() []string {
	here, err := pgserver.Find()
	if err != nil || strconv.Itoa(here.Major) == major(l.PostgreSQL) {
		return nil // what is missing will be said by whoever needs it
	}
	return []string{fmt.Sprintf("the database runs PostgreSQL %s, and the rehearsal %s: times and locks may differ", l.PostgreSQL, here.Version)}
}

// Capped returns the sizes with none above limit, and a note for each that was.
func (l Live) Capped(limit int64) (rows map[string]int64, notes []string) {
	rows = maps.Clone(l.Rows)
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if n := rows[name]; n > limit {
			rows[name] = limit
			notes = append(notes, fmt.Sprintf("%s has about %d rows, and was rehearsed with %d: times and locks grow with them", name, n, limit))
		}
	}
	return rows, notes
}
