package diff

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// subject is an object that others can depend on.
type subject struct {
	class string // the catalogue that it stands in, such as "pg_class"; "" for none
	as    string // the type that its name is read as, such as "regclass"
	name  string // as SQL wants it
}

func relation(name string) subject { return subject{"pg_class", "regclass", name} }
func typeOf(name string) subject   { return subject{"pg_type", "regtype", name} }
func routine(name string) subject  { return subject{"pg_proc", "regprocedure", name} }

// dependentsQuery follows pg_depend from one object to all that PostgreSQL would
// not drop without CASCADE. A view is followed through its rule, a relation and
// a type through their row types and arrays. A column of a type is none: it can
// be neither dropped nor made again.
const dependentsQuery = `WITH RECURSIVE hit (class, id) AS (
    SELECT $1::regclass::oid, $2::oid
    UNION
    SELECT more.class, more.id FROM hit CROSS JOIN LATERAL (
        SELECT d.classid, d.objid FROM pg_depend d
        WHERE d.refclassid = hit.class AND d.refobjid = hit.id AND d.deptype = 'n'
            AND NOT (d.classid = 'pg_class'::regclass AND d.objsubid > 0)
        UNION ALL
        SELECT 'pg_class'::regclass::oid, r.ev_class FROM pg_rewrite r
        WHERE hit.class = 'pg_rewrite'::regclass AND r.oid = hit.id AND r.rulename = '_RETURN'
        UNION ALL
        SELECT 'pg_type'::regclass::oid, t.oid FROM pg_type t
        WHERE hit.class = 'pg_class'::regclass AND t.typrelid = hit.id
            OR hit.class = 'pg_type'::regclass AND t.oid = (SELECT e.typarray FROM pg_type e WHERE e.oid = hit.id)
    ) more (class, id)
)
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, '', quote_ident(c.relname)
    FROM hit JOIN pg_class c ON hit.class = 'pg_class'::regclass AND c.oid = hit.id AND c.relkind IN ('v', 'm')
UNION SELECT 'rule', r.ev_class::regclass::text, quote_ident(r.rulename)
    FROM hit JOIN pg_rewrite r ON hit.class = 'pg_rewrite'::regclass AND r.oid = hit.id AND r.rulename <> '_RETURN'
UNION SELECT 'trigger', t.tgrelid::regclass::text, quote_ident(t.tgname)
    FROM hit JOIN pg_trigger t ON hit.class = 'pg_trigger'::regclass AND t.oid = hit.id AND NOT t.tgisinternal
UNION SELECT 'policy', p.polrelid::regclass::text, quote_ident(p.polname)
    FROM hit JOIN pg_policy p ON hit.class = 'pg_policy'::regclass AND p.oid = hit.id
UNION SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, '',
        quote_ident(p.proname) || '(' || (SELECT coalesce(string_agg(format_type(a, NULL), ', ' ORDER BY n), '')
            FROM unnest(p.proargtypes) WITH ORDINALITY x (a, n)) || ')'
    FROM hit JOIN pg_proc p ON hit.class = 'pg_proc'::regclass AND p.oid = hit.id AND p.prokind <> 'a'
    WHERE NOT $3
UNION SELECT 'constraint', k.conrelid::regclass::text, quote_ident(k.conname)
    FROM hit JOIN pg_constraint k ON hit.class = 'pg_constraint'::regclass AND k.oid = hit.id AND k.conrelid <> 0
    WHERE NOT $3
UNION SELECT 'index', i.indrelid::regclass::text, quote_ident(c.relname)
    FROM hit JOIN pg_index i ON hit.class = 'pg_class'::regclass AND i.indexrelid = hit.id JOIN pg_class c ON c.oid = hit.id
    WHERE NOT $3
UNION SELECT 'column', d.adrelid::regclass::text, quote_ident(a.attname)
    FROM hit JOIN pg_attrdef d ON hit.class = 'pg_attrdef'::regclass AND d.oid = hit.id
        JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated = ''
    WHERE NOT $3`

// dependents lists what depends on the subject: all, or only what keeps a
// column's type from changing. An object that is not there has none.
func (s subject) dependents(ctx context.Context, conn *pgx.Conn, ofColumns bool) ([]catalog.Difference, error) {
	if s.class == "" {
		return nil, nil
	}
	var oid *uint32
	if err := conn.QueryRow(ctx, "SELECT to_"+s.as+"($1)::oid", pgx.QueryExecModeExec, s.name).Scan(&oid); err != nil || oid == nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, dependentsQuery, pgx.QueryExecModeExec, s.class, *oid, ofColumns)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (catalog.Difference, error) {
		var d catalog.Difference
		err := row.Scan(&d.Kind, &d.Of, &d.Name)
		return d, err
	})
}
