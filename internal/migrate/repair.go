package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// finished reports whether a statement, of which nobody knows, has done its
// work, and on which object. Only what can be seen is recognised; any other
// statement is run again.
func (s session) finished(ctx context.Context, st Statement) (object string, done bool, err error) {
	if b, ok := readBuild(st.SQL); ok {
		name, valid, err := s.index(ctx, b)
		return name, name != "" && valid, err
	}
	if name, ok := readDrop(st.SQL); ok && name != "" {
		err := s.conn.QueryRow(ctx, `SELECT to_regclass($1) IS NULL`, pgx.QueryExecModeExec, name).Scan(&done)
		return name, done, err
	}
	return "", false, nil
}

// index looks for the index that a statement builds; name is "" where it is not
// there. Broken off, CREATE INDEX CONCURRENTLY leaves an invalid index behind,
// which costs every write and serves no read ("Building Indexes Concurrently").
func (s session) index(ctx context.Context, b build) (name string, valid bool, err error) {
	if b.index == "" || b.table == "" {
		return "", false, nil
	}
	err = s.conn.QueryRow(ctx, `SELECT format('%I.%I', n.nspname, c.relname), i.indisvalid
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = to_regclass($1) AND c.relname = (parse_ident($2))[1]::name AND c.relkind = 'i'`,
		pgx.QueryExecModeExec, b.table, b.index).Scan(&name, &valid)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return name, valid, err
}

// repair drops the invalid indexes that an earlier try of a statement has left,
// by whomever: nothing is lost with them.
func (r *runner) repair(ctx context.Context, s Step, st Statement) error {
	var names []string
	var err error
	if b, ok := readBuild(st.SQL); ok {
		var name string
		var valid bool
		if name, valid, err = r.index(ctx, b); name != "" && !valid {
			names = []string{name}
		}
	} else if kind, name, ok := readReindex(st.SQL); ok && isConcurrent(s.text(), st.statement) {
		names, err = r.leftovers(ctx, kind, name)
	}
	if err != nil {
		return r.broken(ctx, s, fmt.Errorf("look for invalid indexes: %w", err))
	}
	for _, name := range names {
		r.event(s, Event{Kind: Repairing, Statement: st.Number, Line: st.Line, Object: name})
		drop := Statement{Number: st.Number, Line: st.Line, SQL: "DROP INDEX CONCURRENTLY IF EXISTS " + name}
		if err := r.unhurried(ctx, s, st, func() error { return r.sendOne(ctx, s, drop) }); err != nil {
			return err
		}
	}
	return nil
}

// leftovers finds what a broken REINDEX CONCURRENTLY has left: invalid indexes
// whose names end in _ccnew or _ccold ("Rebuilding Indexes Concurrently"). Those
// of TOAST tables cannot be dropped by name and are left alone.
func (s session) leftovers(ctx context.Context, kind, name string) ([]string, error) {
	where, args := `c.relnamespace = $1`, []any{s.oid}
	switch kind {
	case "table":
		where, args = `i.indrelid IN (SELECT to_regclass($1) UNION SELECT relid FROM pg_partition_tree(to_regclass($1)))`, []any{name}
	case "index":
		where, args = `i.indrelid = (SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass($1))`, []any{name}
	}
	rows, err := s.conn.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relname ~ '_cc(new|old)[0-9]*$' AND `+where+` ORDER BY 1`,
		append([]any{pgx.QueryExecModeExec}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
