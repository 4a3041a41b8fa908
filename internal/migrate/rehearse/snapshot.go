package rehearse

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
)

// people is which relations belong to people: not PostgreSQL's own, not an
// extension's, not those of package migrate. It needs c (pg_class), n
// (pg_namespace), and migrate's tables as $1.
const people = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT (c.relname = ANY ($1::text[]) OR EXISTS (SELECT FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
        WHERE x.indexrelid = c.oid AND t.relname = ANY ($1::text[])))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.objid = c.oid AND d.deptype = 'e')`

// named is the name of c as SQL has it, with its schema where that is not the
// one at work.
const named = `CASE WHEN n.nspname = current_schema() THEN quote_ident(c.relname) ELSE quote_ident(n.nspname) || '.' || quote_ident(c.relname) END`

// relation is a table, index or materialised view at one moment.
type relation struct {
	oid   uint32
	name  string
	kind  string // "table", "index" or "materialized view"
	file  uint32 // relfilenode: another one means written anew
	bytes int64  // without its indexes
}

// snapshot is what there is at one moment.
type snapshot struct {
	relations map[uint32]relation
	wal       int64 // bytes written to the log since the server was made
}

// look takes a snapshot.
func look(ctx context.Context, conn *pgx.Conn) (snapshot, error) {
	s := snapshot{relations: map[uint32]relation{}}
	if err := conn.QueryRow(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint`).Scan(&s.wal); err != nil {
		return s, fmt.Errorf("read the position in the log: %w", err)
	}
	rows, err := conn.Query(ctx, `SELECT c.oid, `+named+`, CASE c.relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'm' THEN 'materialized view' ELSE 'table' END,
    coalesce(pg_relation_filenode(c.oid), 0), CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) ELSE coalesce(pg_relation_size(c.oid), 0) END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I') AND `+people, migrate.Tables())
	if err != nil {
		return s, fmt.Errorf("look at the tables: %w", err)
	}
	var r relation
	_, err = pgx.ForEachRow(rows, []any{&r.oid, &r.name, &r.kind, &r.file, &r.bytes}, func() error {
		s.relations[r.oid] = r
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("look at the tables: %w", err)
	}
	return s, nil
}

// bytes sums up what tables and what indexes take.
func (s snapshot) bytes() (tables, indexes int64) {
	for _, r := range s.relations {
		if r.kind == "index" {
			indexes += r.bytes
		} else {
			tables += r.bytes
		}
	}
	return tables, indexes
}

// rewritten lists what has the same identity in both and another file.
func (s snapshot) rewritten(after snapshot) []Rewrite {
	out := []Rewrite{}
	for _, oid := range slices.Sorted(maps.Keys(s.relations)) {
		was, is := s.relations[oid], after.relations[oid]
		if is.oid != 0 && was.file != is.file {
			out = append(out, Rewrite{Name: is.name, Kind: is.kind, Bytes: is.bytes})
		}
	}
	return out
}
