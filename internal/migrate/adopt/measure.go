package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// measure runs each statement on the shadow, in a transaction of its own, and
// asks the server what it did. That a table is written anew, and which locks are
// taken, does not depend on its rows: the server decides by the types.
func measure(ctx context.Context, conn *pgx.Conn, schema string, steps []diff.Step) ([]Step, error) {
	var out []Step
	for _, s := range steps {
		m, err := measureOne(ctx, conn, schema, s.SQL)
		if err != nil {
			return nil, fmt.Errorf("try on the shadow: %s: %w", s.SQL, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// storage is where a relation's rows or entries are kept.
type storage struct {
	name, kind string
	node       uint32
}

// measureOne runs one statement. The time zone is the one of a migration: from
// a time without a zone to one with it costs nothing in UTC only.
func measureOne(ctx context.Context, conn *pgx.Conn, schema, sql string) (Step, error) {
	step := Step{SQL: sql, Scans: scans(sql)}
	if _, err := conn.PgConn().Exec(ctx, "BEGIN; SET LOCAL TimeZone TO 'UTC'").ReadAll(); err != nil {
		return step, err
	}
	before, err := stored(ctx, conn, schema)
	if err != nil {
		return step, err
	}
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return step, err
	}
	after, err := stored(ctx, conn, schema)
	if err != nil {
		return step, err
	}
	if step.Locks, err = locks(ctx, conn, before); err != nil {
		return step, err
	}
	for oid, now := range after {
		was, there := before[oid]
		switch index := now.kind == "i"; {
		case there && was.node == now.node, !there && !index:
		case index:
			step.Builds = append(step.Builds, now.name)
		default:
			step.Rewrites = append(step.Rewrites, now.name)
		}
	}
	slices.Sort(step.Builds)
	slices.Sort(step.Rewrites)
	_, err = conn.PgConn().Exec(ctx, "COMMIT").ReadAll()
	return step, err
}

// stored lists the relations of the schema that have a file.
func stored(ctx context.Context, conn *pgx.Conn, schema string) (map[uint32]storage, error) {
	rows, err := conn.Query(ctx, `SELECT c.oid, quote_ident(c.relname), c.relkind::text, coalesce(pg_relation_filenode(c.oid), 0)
FROM pg_class c WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind IN ('r', 'm', 'i', 'p', 'v')`, pgx.QueryExecModeExec, schema)
	if err != nil {
		return nil, err
	}
	out := map[uint32]storage{}
	var oid uint32
	var s storage
	_, err = pgx.ForEachRow(rows, []any{&oid, &s.name, &s.kind, &s.node}, func() error {
		out[oid] = s
		return nil
	})
	return out, err
}

// locks returns the strongest lock that this transaction holds on each relation
// that was there before. The list is from the weakest to the strongest.
func locks(ctx context.Context, conn *pgx.Conn, before map[uint32]storage) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT relation, max(array_position(
    '{RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}', mode))
FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND mode <> 'AccessShareLock' GROUP BY relation`, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	names := []string{"ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}
	var out []string
	var oid uint32
	var rank *int
	_, err = pgx.ForEachRow(rows, []any{&oid, &rank}, func() error {
		if r, there := before[oid]; there && r.kind != "i" && rank != nil {
			out = append(out, names[*rank-1]+" on "+r.name)
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// scans reports whether a statement of the planner's reads every row of a table
// to see whether it fits.
func scans(sql string) bool {
	adds := strings.Contains(sql, " ADD CONSTRAINT ") && !strings.Contains(sql, " USING INDEX ") && !strings.HasSuffix(sql, " NOT VALID")
	return strings.HasPrefix(sql, "ALTER TABLE ") && (adds || strings.HasSuffix(sql, " SET NOT NULL") || strings.Contains(sql, " VALIDATE CONSTRAINT "))
}
