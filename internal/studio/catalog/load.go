package catalog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/database"
)

// foreign is the condition that keeps PostgreSQL's own schemas out. Schemas that
// the role may not use are read too, and left out only at the end: a view of
// another schema may show what a masked column there holds.
const foreign = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

const databaseSQL = `SELECT current_database(), current_setting('server_version'), current_user`

// Reading may happen under another role; what is written is written by the
// session's user.
const tablesSQL = `SELECT c.oid, n.nspname, c.relname, c.relkind, COALESCE(obj_description(c.oid, 'pg_class'), ''),
	c.reltuples::bigint, c.relhassubclass, COALESCE((SELECT min(i.inhparent::bigint) FROM pg_inherits i WHERE i.inhrelid = c.oid), 0),
	has_table_privilege(c.oid, 'SELECT'), has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(session_user, c.oid, 'DELETE')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ` + foreign + `
ORDER BY n.nspname, c.relname`

// Comments are joined: col_description looks each one up by itself, which is half
// of what the rest costs together.
const columnsSQL = `SELECT a.attrelid, a.attnum, a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod), a.attnotnull,
	COALESCE(pg_get_expr(d.adbin, d.adrelid), ''), a.attgenerated, a.attidentity,
	COALESCE(e.description, ''),
	has_column_privilege(a.attrelid, a.attnum, 'SELECT'), has_column_privilege(session_user, a.attrelid, a.attnum, 'INSERT'),
	has_column_privilege(session_user, a.attrelid, a.attnum, 'UPDATE')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_description e ON e.objoid = a.attrelid AND e.classoid = 'pg_class'::regclass AND e.objsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ` + foreign + `
ORDER BY a.attrelid, a.attnum`

// The comparisons of a type are those of its default btree operator class: an
// operator of the same name found elsewhere may order otherwise.
const typesSQL = `WITH RECURSIVE used(oid) AS (
	SELECT DISTINCT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ` + foreign + `
	UNION
	SELECT next.oid FROM used JOIN pg_type t ON t.oid = used.oid CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem)) next(oid)
	WHERE next.oid <> 0
)
SELECT t.oid, n.nspname, t.typname, t.typtype, t.typcategory, t.typbasetype, t.typelem, COALESCE((
	SELECT on_.nspname FROM pg_opclass oc JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
	JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = t.oid AND ao.amoprighttype = t.oid AND ao.amopstrategy = 1
	JOIN pg_operator o ON o.oid = ao.amopopr AND o.oprname = '<' JOIN pg_namespace on_ ON on_.oid = o.oprnamespace
	WHERE oc.opcdefault AND oc.opcintype = t.oid LIMIT 1), '')
FROM used JOIN pg_type t ON t.oid = used.oid JOIN pg_namespace n ON n.oid = t.typnamespace`

const labelsSQL = `SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder`

const relationsSQL = `SELECT o.conname, o.conrelid, array_to_string(o.conkey, ' '), o.confrelid, array_to_string(o.confkey, ' '), o.confdeltype
FROM pg_constraint o WHERE o.contype = 'f' AND o.conparentid = 0 ORDER BY o.conrelid, o.conname`

// PostgreSQL 14 has no datlocprovider; where it is ICU, datcollate orders nothing.
const indexesSQL = `SELECT x.indrelid, i.relname, x.indkey::text, x.indnkeyatts, x.indisunique, x.indisprimary, x.indpred IS NOT NULL,
	am.amname, pg_get_indexdef(x.indexrelid, 1, true), x.indimmediate,
	o.opcname IN ('text_pattern_ops', 'varchar_pattern_ops', 'bpchar_pattern_ops') OR k.collcollate IN ('C', 'POSIX')
		OR k.collname = 'default' AND db.datcollate IN ('C', 'POSIX') AND to_jsonb(db) ->> 'datlocprovider' IS DISTINCT FROM 'i'
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am am ON am.oid = i.relam
JOIN pg_opclass o ON o.oid = x.indclass[0] LEFT JOIN pg_collation k ON k.oid = x.indcollation[0]
JOIN pg_database db ON db.datname = current_database()
JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE x.indisvalid AND ` + foreign + ` ORDER BY x.indrelid, NOT x.indisprimary, i.relname`

// A view depends on the columns that it reads, a generated column on those that
// it is made of (in PostgreSQL 14 by itself, later by its expression). A row taken
// as a whole, as in to_jsonb(t), is noted nowhere as a dependency: such a view
// (column 0 in its rule) is taken to read all of its tables.
const readsSQL = `SELECT r.ev_class, 0, d.refobjid, d.refobjsubid FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
UNION
SELECT r.ev_class, 0, a.attrelid, a.attnum FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid JOIN pg_attribute a ON a.attrelid = d.refobjid
WHERE r.oid >= 16384 AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
	AND a.attnum > 0 AND r.ev_action::text LIKE '%:varattno 0 %'
UNION
SELECT ad.adrelid, ad.adnum, d.refobjid, d.refobjsubid FROM pg_depend d JOIN pg_attrdef ad ON ad.oid = d.objid
WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
UNION
SELECT d.objid, d.objsubid, d.refobjid, d.refobjsubid FROM pg_depend d
WHERE d.classid = 'pg_class'::regclass AND d.objsubid > 0 AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0`

// A table may inherit from several.
const inheritsSQL = `SELECT inhrelid, inhparent FROM pg_inherits`

// record is one row of an answer, read by position.
type record []*string

func (r record) text(i int) string {
	if r[i] == nil {
		return ""
	}
	return *r[i]
}

func (r record) int(i int) int64 {
	n, err := strconv.ParseInt(r.text(i), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (r record) oid(i int) uint32 { return uint32(r.int(i)) } // #nosec G115 -- PostgreSQL's oids have 32 bits
func (r record) bool(i int) bool  { return r.text(i) == "t" }
func (r record) numbers(i int) []int {
	var all []int
	for _, word := range strings.Fields(r.text(i)) {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}

// loader gathers what the queries return.
type loader struct {
	tx    *database.Tx
	db    *Database
	byOID map[uint32]*Table
	types types
	twins twins
}

// Load reads the catalogue in the transaction, as the role that reads rows.
func Load(ctx context.Context, tx *database.Tx, masks []Mask) (*Database, error) {
	l := &loader{
		tx: tx, db: &Database{byName: make(map[[2]string]*Table)}, byOID: make(map[uint32]*Table), twins: make(twins),
		types: types{raw: make(map[uint32]*rawType), labels: make(map[uint32][]string)},
	}
	for _, part := range []struct {
		sql  string
		each func(record)
	}{
		{databaseSQL, l.database}, {tablesSQL, l.table}, {typesSQL, l.typ}, {labelsSQL, l.label},
		{columnsSQL, l.column}, {indexesSQL, l.index}, {relationsSQL, l.relation}, {readsSQL, l.reads}, {inheritsSQL, l.inherits},
	} {
		answer, err := tx.Query(ctx, part.sql)
		if err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
		for _, row := range answer {
			part.each(row)
		}
	}
	l.parents()
	l.db.mask(masks, l.twins)
	l.db.leaveOut()
	for _, t := range l.db.Tables {
		t.chooseKey()
		t.estimate()
	}
	for _, t := range l.db.Tables {
		for _, r := range t.Out {
			r.Indexed = r.From.leads(r.FromColumns)
		}
	}
	return l.db, nil
}

func (l *loader) database(r record) {
	l.db.Name, l.db.Role = r.text(0), r.text(2)
	l.db.Version, _, _ = strings.Cut(r.text(1), " ")
}

func (l *loader) table(r record) {
	t := &Table{OID: r.oid(0), Schema: r.text(1), Name: r.text(2), Kind: Kind(r.text(3)[0]), Comment: r.text(4),
		Rows: r.int(5), Children: r.bool(6), Readable: r.bool(8), Whole: r.bool(8), shut: !r.bool(9), Deletes: r.bool(10)}
	if parent := r.oid(7); parent != 0 {
		t.Parent = &Table{OID: parent} // resolved by parents
	}
	l.db.Tables = append(l.db.Tables, t)
	l.db.byName[[2]string{t.Schema, t.Name}] = t
	l.byOID[t.OID] = t
}

func (l *loader) parents() {
	for _, t := range l.db.Tables {
		if t.Parent != nil {
			t.Parent = l.byOID[t.Parent.OID]
		}
	}
}

func (l *loader) typ(r record) {
	l.types.raw[r.oid(0)] = &rawType{schema: r.text(1), name: r.text(2), class: r.text(3), category: r.text(4),
		base: r.oid(5), element: r.oid(6), opSchema: r.text(7)}
}

func (l *loader) label(r record) {
	l.types.labels[r.oid(0)] = append(l.types.labels[r.oid(0)], r.text(1))
}

func (l *loader) column(r record) {
	t := l.byOID[r.oid(0)]
	if t == nil {
		return
	}
	c := &Column{Num: int(r.int(1)), Name: r.text(2), Type: l.types.of(r.oid(3)), Shown: r.text(4), NotNull: r.bool(5),
		Default: r.text(6), Generated: r.text(7), Identity: r.text(8), Comment: r.text(9), Readable: r.bool(10), Inserts: r.bool(11), Updates: r.bool(12)}
	if raw := l.types.raw[r.oid(3)]; raw != nil {
		c.Domain = raw.base != 0
	}
	t.Readable = t.Readable || c.Readable
	t.Columns = append(t.Columns, c)
}

func (l *loader) index(r record) {
	t := l.byOID[r.oid(0)]
	if t == nil {
		return
	}
	i := &Index{Name: r.text(1), Unique: r.bool(4), Deferrable: !r.bool(9), Primary: r.bool(5), Partial: r.bool(6),
		Method: r.text(7), Ordered: r.text(7) == "btree", First: r.text(8), Bytewise: r.bool(10)}
	numbers := r.numbers(2)
	for _, n := range numbers[:min(len(numbers), int(r.int(3)))] {
		i.Columns = append(i.Columns, t.number(n))
	}
	t.Indexes = append(t.Indexes, i)
}

func (l *loader) relation(r record) {
	from, to := l.byOID[r.oid(1)], l.byOID[r.oid(3)]
	if from == nil || to == nil {
		return
	}
	rel := &Relation{Name: r.text(0), From: from, To: to, OnDelete: r.text(5)}
	for _, n := range r.numbers(2) {
		rel.FromColumns = append(rel.FromColumns, from.number(n))
	}
	for _, n := range r.numbers(4) {
		rel.ToColumns = append(rel.ToColumns, to.number(n))
	}
	if slices.Contains(rel.FromColumns, nil) || slices.Contains(rel.ToColumns, nil) || len(rel.FromColumns) != len(rel.ToColumns) {
		return
	}
	from.Out, to.In = append(from.Out, rel), append(to.In, rel)
	if len(rel.FromColumns) == 1 && rel.FromColumns[0].References == nil {
		rel.FromColumns[0].References = rel
	}
}

func (l *loader) reads(r record) {
	reader, source := l.byOID[r.oid(0)], l.byOID[r.oid(2)]
	if reader == nil || source == nil || reader == source && r.int(1) == 0 {
		return
	}
	read := source.number(int(r.int(3)))
	if n := int(r.int(1)); n > 0 {
		if reader == source {
			l.twins.join(read, reader.number(n))
		}
		return
	}
	for _, c := range reader.Columns {
		l.twins.join(read, c)
	}
}

// leaveOut takes away the tables of schemas that the role may not use.
func (d *Database) leaveOut() {
	shut := func(t *Table) bool { return t.shut }
	d.Tables = slices.DeleteFunc(d.Tables, shut)
	maps.DeleteFunc(d.byName, func(_ [2]string, t *Table) bool { return t.shut })
	for _, t := range d.Tables {
		t.Out = slices.DeleteFunc(t.Out, func(r *Relation) bool { return r.To.shut })
		t.In = slices.DeleteFunc(t.In, func(r *Relation) bool { return r.From.shut })
		for _, c := range t.Columns {
			if c.References != nil && c.References.To.shut {
				c.References = nil
			}
		}
		if t.Parent != nil && t.Parent.shut {
			t.Parent = nil
		}
		if t.Parent != nil {
			t.Parent.Below = append(t.Parent.Below, t)
		}
	}
}

// chooseKey takes the primary key, else the unique index with the fewest
// columns that are never NULL. One that holds a masked column is no key: links
// would show it.
func (t *Table) chooseKey() {
	var fit []*Index
	for _, i := range t.Indexes {
		usable := i.Unique && i.Ordered && !i.Partial && len(i.Columns) > 0
		for _, c := range i.Columns {
			usable = usable && c != nil && c.NotNull && c.Sortable()
		}
		if usable {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return
	}
	best := slices.MinFunc(fit, func(a, b *Index) int {
		if a.Primary != b.Primary {
			return map[bool]int{true: -1, false: 1}[a.Primary]
		}
		if a.Deferrable != b.Deferrable {
			return map[bool]int{true: 1, false: -1}[a.Deferrable]
		}
		return cmp.Compare(len(a.Columns), len(b.Columns))
	})
	t.Key, t.KeyName, t.Primary, t.KeyDeferrable = best.Columns, best.Name, best.Primary, best.Deferrable
	for _, c := range t.Key {
		c.InKey = true
	}
}

// estimate corrects what PostgreSQL does not know of views and, before their
// first ANALYZE, of partitioned tables.
func (t *Table) estimate() {
	if t.Kind == View {
		t.Rows = -1
	}
}

// leads reports whether an index begins with these columns, in any order.
func (t *Table) leads(columns []*Column) bool {
	return slices.ContainsFunc(t.Indexes, func(i *Index) bool {
		if !i.Ordered || i.Partial || len(i.Columns) < len(columns) {
			return false
		}
		return !slices.ContainsFunc(columns, func(c *Column) bool { return !slices.Contains(i.Columns[:len(columns)], c) })
	})
}

// inherits joins what an heir and what it inherits from have both.
func (l *loader) inherits(r record) {
	heir, from := l.byOID[r.oid(0)], l.byOID[r.oid(1)]
	if heir == nil || from == nil {
		return
	}
	for _, c := range heir.Columns {
		l.twins.join(c, from.Column(c.Name))
		l.twins.join(from.Column(c.Name), c)
	}
}
