package rehearse

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
)

// table is what must be known of a table to make rows for it.
type table struct {
	oid     uint32
	name    string // as SQL has it
	alias   string // its bare name as SQL has it: expressions of its CHECKs may use it
	columns []*column
	checks  []check
	keys    []foreignKey
	uniques [][]int16 // columns of its unique keys

	partitioned bool
}

// column is one column.
type column struct {
	num     int16
	name    string // as SQL has it
	bare    string // as it is
	typ     string // as SQL has it, with its length
	oid     uint32 // of the type
	typmod  int32
	notNull bool
	preset  string // the default's expression, "" for none
	itself  bool   // the server makes the value: identity, generated, a sequence
}

// check is a CHECK of a table. An expression that is no boolean never gets here.
type check struct {
	name    string
	expr    string
	columns []int16
}

// foreignKey leads from columns of one table to those of another.
type foreignKey struct {
	name     string
	columns  []int16
	to       uint32
	toNames  []string // as SQL has them
	nullable bool     // one of the columns may be NULL
}

func (t *table) column(num int16) *column {
	for _, c := range t.columns {
		if c.num == num {
			return c
		}
	}
	return &column{}
}

// readTables reads all tables of people, without partitions: rows reach those
// through their parents.
func readTables(ctx context.Context, conn *pgx.Conn) ([]*table, error) {
	rows, err := conn.Query(ctx, `SELECT c.oid, `+named+`, quote_ident(c.relname), c.relkind = 'p' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND `+people+` ORDER BY 2`, migrate.Tables())
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	byOID := map[uint32]*table{}
	var all []*table
	var t table
	if _, err := pgx.ForEachRow(rows, []any{&t.oid, &t.name, &t.alias, &t.partitioned}, func() error {
		one := t
		all, byOID[t.oid] = append(all, &one), &one
		return nil
	}); err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	for _, part := range []func(context.Context, *pgx.Conn, map[uint32]*table) error{readColumns, readConstraints, readUniques} {
		if err := part(ctx, conn, byOID); err != nil {
			return nil, fmt.Errorf("read the tables: %w", err)
		}
	}
	return all, nil
}

func oids(tables map[uint32]*table) []uint32 {
	var list []uint32
	for oid := range tables {
		list = append(list, oid)
	}
	return list
}

func readColumns(ctx context.Context, conn *pgx.Conn, tables map[uint32]*table) error {
	rows, err := conn.Query(ctx, `SELECT a.attrelid, a.attnum, quote_ident(a.attname), a.attname::text, format_type(a.atttypid, a.atttypmod), a.atttypid,
    CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, a.attnotnull OR t.typnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
    a.attidentity <> '' OR a.attgenerated <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum`, oids(tables))
	if err != nil {
		return err
	}
	var oid uint32
	var c column
	_, err = pgx.ForEachRow(rows, []any{&oid, &c.num, &c.name, &c.bare, &c.typ, &c.oid, &c.typmod, &c.notNull, &c.preset, &c.itself}, func() error {
		one := c
		tables[oid].columns = append(tables[oid].columns, &one)
		return nil
	})
	return err
}

func readConstraints(ctx context.Context, conn *pgx.Conn, tables map[uint32]*table) error {
	rows, err := conn.Query(ctx, `SELECT k.conrelid, k.contype::text, quote_ident(k.conname), coalesce(k.conkey, '{}'), k.confrelid,
    coalesce(pg_get_expr(k.conbin, k.conrelid), ''),
    ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.confkey) WITH ORDINALITY f(num, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = f.num ORDER BY place)
FROM pg_catalog.pg_constraint k WHERE k.conrelid = ANY ($1::oid[]) AND k.contype IN ('c', 'f') ORDER BY k.conname`, oids(tables))
	if err != nil {
		return err
	}
	var oid, to uint32
	var kind, name, expr string
	var columns []int16
	var toNames []string
	_, err = pgx.ForEachRow(rows, []any{&oid, &kind, &name, &columns, &to, &expr, &toNames}, func() error {
		t := tables[oid]
		if kind == "c" {
			t.checks = append(t.checks, check{name: name, expr: expr, columns: columns})
			return nil
		}
		nullable := slices.ContainsFunc(columns, func(n int16) bool { return !t.column(n).notNull })
		t.keys = append(t.keys, foreignKey{name: name, columns: columns, to: to, toNames: toNames, nullable: nullable})
		return nil
	})
	return err
}

// readUniques reads unique indexes, those of keys among them. Of an expression
// the columns count: values that differ do so in lower case too.
func readUniques(ctx context.Context, conn *pgx.Conn, tables map[uint32]*table) error {
	rows, err := conn.Query(ctx, `SELECT i.indrelid, CASE WHEN i.indexprs IS NULL
    THEN ARRAY(SELECT k FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(k, place) WHERE place <= i.indnkeyatts)
    ELSE ARRAY(SELECT DISTINCT d.refobjsubid::int2 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0) END
FROM pg_catalog.pg_index i WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique ORDER BY i.indexrelid`, oids(tables))
	if err != nil {
		return err
	}
	var oid uint32
	var columns []int16
	_, err = pgx.ForEachRow(rows, []any{&oid, &columns}, func() error {
		if len(columns) > 0 {
			tables[oid].uniques = append(tables[oid].uniques, columns)
		}
		return nil
	})
	return err
}

// fillOrder puts tables behind those that their foreign keys lead to. In a
// circle the keys that may be NULL give way: those leading forward stay NULL.
func fillOrder(all []*table) ([]*table, error) {
	done := map[uint32]bool{}
	var order []*table
	ready := func(t *table, strict bool) bool {
		for _, k := range t.keys {
			if k.to != t.oid && !done[k.to] && (strict || !k.nullable) {
				return false
			}
		}
		return true
	}
	for left := slices.Clone(all); len(left) > 0; {
		i := slices.IndexFunc(left, func(t *table) bool { return ready(t, true) })
		if i < 0 {
			i = slices.IndexFunc(left, func(t *table) bool { return ready(t, false) })
		}
		if i < 0 {
			return nil, &hinted{
				err:  fmt.Errorf("no rows can be made for %s: its foreign keys lead round in a circle, and none may be NULL", left[0].name),
				hint: "leave it out: --rows " + left[0].name + "=0",
			}
		}
		order, done[left[i].oid] = append(order, left[i]), true
		left = slices.Delete(left, i, i+1)
	}
	return order, nil
}
