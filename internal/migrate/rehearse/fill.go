package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Column is what is known of a live column.
type Column struct {
	Nulls float64 // the share that is NULL, 0 to 1
	Width int     // the average of bytes
}

// usualNulls is the share of NULL in a column that may hold it, where nothing is
// known: the schema allows them, so a migration must live with them.
const usualNulls = 0.1

func isServers(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg)
}

// fill makes rows for all tables.
func (r *run) fill(ctx context.Context) error {
	all, err := readTables(ctx, r.conn)
	if err != nil {
		return err
	}
	types, err := readTypes(ctx, r.conn)
	if err != nil {
		return err
	}
	if err := unknownTables(all, r.o.Rows); err != nil {
		return err
	}
	if all, err = fillOrder(r.wanted(all)); err != nil {
		return err
	}
	f := filler{run: r, types: types, rows: map[uint32]int64{}}
	for _, t := range all {
		report, err := f.table(ctx, t)
		if err != nil {
			return err
		}
		r.report.Tables = append(r.report.Tables, report)
	}
	// So that neither the first reader nor a checkpoint of all this falls into
	// what is measured.
	for _, sql := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := r.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("settle the rows: %w", err)
		}
	}
	return nil
}

// wanted leaves out the tables that get no rows, and says so.
func (r *run) wanted(all []*table) []*table {
	var out []*table
	for _, t := range all {
		if r.rowsOf(t) > 0 {
			out = append(out, t)
		} else {
			r.report.Tables = append(r.report.Tables, TableReport{Name: t.name})
		}
	}
	return out
}

func (r *run) rowsOf(t *table) int64 {
	if n, set := r.o.Rows[t.name]; set {
		return n
	}
	if n, set := r.o.Sizes[t.name]; set {
		return n
	}
	return r.o.DefaultRows
}

// unknownTables refuses sizes for tables that are not there: a typing mistake
// would rehearse with other sizes than were meant.
func unknownTables(all []*table, rows map[string]int64) error {
	var names []string
	for _, t := range all {
		names = append(names, t.name)
	}
	for name := range rows {
		if !slices.Contains(names, name) {
			return &hinted{err: fmt.Errorf("there is no table %s", name), hint: "at that version there are: " + strings.Join(names, ", ")}
		}
	}
	return nil
}

// filler fills one table after the other.
type filler struct {
	*run
	types typeMap
	rows  map[uint32]int64 // made so far
}

// link is a foreign key that rows are given through.
type link struct {
	key   foreignKey
	count int64 // rows that it can lead to
	join  string
}

// table makes the rows of one table.
func (f *filler) table(ctx context.Context, t *table) (TableReport, error) {
	report := TableReport{Name: t.name, Rows: f.rowsOf(t)}
	f.tell("filling %s: %d rows", t.name, report.Rows)
	p := &picker{conn: f.conn, types: f.types, o: &f.o, t: t, taken: map[int16]bool{}}
	for _, c := range t.columns {
		p.taken[c.num] = c.itself
	}
	links, missing, err := f.links(ctx, t, p.taken)
	if err != nil {
		return report, err
	}
	if missing != "" {
		report.Rows, report.Note = 0, missing
		return report, nil
	}
	if err := p.pick(ctx); err != nil {
		return report, err
	}
	p.toItself()
	plan := newRowPlan(t, p, links)
	if limit, why := plan.limit(); limit < report.Rows {
		report.Rows, report.Note = limit, why
	}
	report.Rows, err = f.insert(ctx, t, plan.sql(report.Rows), report.Rows)
	f.rows[t.oid] = report.Rows
	return report, err
}

// links settles the foreign keys of a table. Those of more columns come first:
// others over the same columns follow from them. missing says why the table
// cannot have rows.
func (f *filler) links(ctx context.Context, t *table, taken map[int16]bool) (links []link, missing string, err error) {
	keys := slices.Clone(t.keys)
	slices.SortStableFunc(keys, func(a, b foreignKey) int { return len(b.columns) - len(a.columns) })
	for _, k := range keys {
		if slices.ContainsFunc(k.columns, func(n int16) bool { return taken[n] }) {
			continue
		}
		l := link{key: k}
		if k.to != t.oid && f.rows[k.to] > 0 {
			if l, err = f.link(ctx, k, len(links)); err != nil {
				return nil, "", err
			}
		}
		if l.count == 0 && !k.nullable {
			if k.to == t.oid {
				// A row may lead to itself: the same value stands in both places.
				continue
			}
			return nil, "left out: " + k.name + " leads to a table without rows", nil
		}
		if l.count == 0 {
			// One NULL is enough, and the other columns may lead elsewhere.
			l.key.columns = slices.DeleteFunc(slices.Clone(k.columns), func(n int16) bool { return t.column(n).notNull })
		}
		for _, n := range l.key.columns {
			taken[n] = true
		}
		links = append(links, l)
	}
	return links, "", nil
}

// toItself lets the rows of a foreign key that leads to its own table, and may
// not be NULL, lead to themselves: both places hold the same value.
func (p *picker) toItself() {
	for _, k := range p.t.keys {
		for i, num := range k.columns {
			if k.to != p.t.oid || p.taken[num] {
				continue
			}
			at := slices.IndexFunc(p.t.columns, func(c *column) bool { return c.name == k.toNames[i] })
			if v := p.values[p.t.columns[at].num]; v.of != nil {
				p.values[num] = v
			} else {
				p.values[num] = form("%s", 0) // a sequence counts from 1, as n does
			}
		}
	}
}

// link counts what a foreign key can lead to, and numbers it.
func (f *filler) link(ctx context.Context, k foreignKey, place int) (link, error) {
	var to string
	if err := f.conn.QueryRow(ctx, `SELECT $1::oid::regclass::text`, k.to).Scan(&to); err != nil {
		return link{}, fmt.Errorf("follow %s: %w", k.name, err)
	}
	var names, set []string
	for i, n := range k.toNames {
		names = append(names, fmt.Sprintf("%s AS k%d", n, i))
		set = append(set, n+" IS NOT NULL")
	}
	from := "FROM " + to + " WHERE " + strings.Join(set, " AND ")
	l := link{key: k, join: fmt.Sprintf("(SELECT %s, row_number() OVER () AS place %s) AS p%d", strings.Join(names, ", "), from, place)}
	if err := f.conn.QueryRow(ctx, "SELECT count(*) "+from).Scan(&l.count); err != nil {
		return link{}, fmt.Errorf("follow %s: %w", k.name, err)
	}
	return l, nil
}

// manyRows is from how many rows on indexes are built after them.
const manyRows = 20_000

// insert runs without triggers: those of foreign keys would only look up what is
// right already, and those of people may write or refuse.
//
// To sort a million entries into an index one by one takes several times as long
// as building it. So the server is told that the indexes are not ready, as it
// tells itself where CREATE INDEX CONCURRENTLY was cut short, and REINDEX makes
// them good: it finds what is not unique, too.
func (f *filler) insert(ctx context.Context, t *table, sql string, rows int64) (n int64, err error) {
	statements := []string{"SET LOCAL session_replication_role = replica"}
	later := rows >= manyRows && !t.partitioned
	if later {
		statements = append(statements, "SET LOCAL maintenance_work_mem = '256MB'",
			fmt.Sprintf("UPDATE pg_catalog.pg_index SET indisready = false, indisvalid = false WHERE indrelid = %d AND indisready AND indisvalid", t.oid))
	}
	err = pgx.BeginFunc(ctx, f.conn, func(tx pgx.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(ctx, s); err != nil {
				return err
			}
		}
		tag, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		if n = tag.RowsAffected(); err == nil && later {
			_, err = tx.Exec(ctx, "REINDEX TABLE "+t.name)
		}
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return 0, &RowsError{Table: t.name, Constraint: pg.ConstraintName, Err: err}
	}
	return n, err
}
