package studio_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/af-auth/af-auth/internal/studio/address"
)

// The zoo is a database of every built-in type and of relations as odd as
// PostgreSQL allows: zoo.sql has most of them.
//
//go:embed testdata/zoo.sql
var zooSQL string

// oddNames are tables, each with a key of the same name.
func oddNames() []string {
	return []string{"..", ".", "a.b", "select", "1 odd.name", "100%", "%2e%2e", "a/b", "<script>alert(1)</script>", `a"b`, "it's; --", " spaces ", "üñí 😀 z̈", strings.Repeat("é", 31) + "x",
		"NULL", "row", "~41,~", "?q=1&f=x#y", "new", "\u202ereversed", "UPPER", "$1", `\`, "\n\t"}
}

// zoo is studio on the database, and what the database itself says of it.
type zoo struct {
	*world
	pool *pgxpool.Pool
	base address.Base
}

// relation is a relation as the catalogue has it.
type relation struct {
	schema, name, kind string
	columns            []string
	types              []string // as declared
	raw                []string // names of pg_type, of a domain's base type
	notNull            []bool
	computed           []bool  // generated, or an identity that is always counted
	nums               []int16 // attnum
	key                []string
	children           bool
	family             string // OID of the relation at the top of its partitions or children
}

const relationsOfZoo = `SELECT n.nspname::text, c.relname::text, c.relkind::text, c.relhassubclass AND c.relkind = 'r',
	coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'), coalesce(array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
	coalesce(array_agg(CASE t.typtype WHEN 'd' THEN (SELECT b.typname FROM pg_type b WHERE b.oid = t.typbasetype) ELSE t.typname END::text ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
	coalesce(array_agg(a.attnotnull OR t.typnotnull ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
	coalesce(array_agg(a.attnum ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
	coalesce(array_agg(a.attgenerated <> '' OR a.attidentity = 'a' ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
	coalesce((SELECT array_agg(ka.attname::text ORDER BY k.at) FROM (SELECT x.* FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND c.relkind IN ('r', 'p')
		AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL
		AND NOT EXISTS (SELECT FROM unnest(x.indkey) WITH ORDINALITY k(n, at) JOIN pg_attribute n ON n.attrelid = c.oid AND n.attnum = k.n AND NOT n.attnotnull WHERE k.at <= x.indnkeyatts)
		ORDER BY NOT x.indisprimary, x.indnkeyatts, i.relname LIMIT 1) x, unnest(x.indkey) WITH ORDINALITY k(n, at) JOIN pg_attribute ka ON ka.attnum = k.n
		WHERE ka.attrelid = c.oid AND k.at <= x.indnkeyatts), '{}'),
	(WITH RECURSIVE up(oid) AS (SELECT c.oid UNION SELECT inhparent FROM pg_inherits JOIN up ON inhrelid = up.oid)
		SELECT min(oid)::text FROM up WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = up.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' GROUP BY c.oid, n.nspname, c.relname, c.relkind ORDER BY 1, 2`

// newZoo makes the database. A type without samples fails the test.
func newZoo(t *testing.T) *zoo {
	t.Helper()
	w := newWorld(t, "SELECT 1")
	config, err := pgxpool.ParseConfig(w.url)
	if err != nil {
		t.Fatal(err)
	}
	// As studio reads: names in full, times in UTC.
	config.ConnConfig.RuntimeParams["search_path"], config.ConnConfig.RuntimeParams["TimeZone"] = "pg_catalog", "UTC"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	z := &zoo{world: w, pool: pool}
	var sql strings.Builder
	for i, name := range oddNames() {
		id, schema := pgx.Identifier{name}.Sanitize(), "public"
		if i%3 == 0 {
			schema = name
			fmt.Fprintf(&sql, "CREATE SCHEMA %s;\n", id)
		}
		table := pgx.Identifier{schema, name}.Sanitize()
		fmt.Fprintf(&sql, "CREATE TABLE %s (%s text PRIMARY KEY DEFAULT %s, v text);\nINSERT INTO %s SELECT %s || i, %s FROM generate_series(1, 56) i;\n", table, id, quoted(name), table, quoted(name), quoted(name))
	}
	sql.WriteString(zooSQL)
	w.exec(sql.String())
	sql.Reset()
	for _, b := range z.builtins() {
		sql.WriteString(b.create())
	}
	w.exec(sql.String() + "ANALYZE;")
	w.open()
	return z
}

// builtins are the types that a column can have, with their samples.
func (z *zoo) builtins() []builtin {
	z.t.Helper()
	found, err := z.pool.Query(z.t.Context(), builtinsSQL)
	if err != nil {
		z.t.Fatal(err)
	}
	all, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (b builtin, err error) {
		return b, row.Scan(&b.name, &b.array, &b.sortable)
	})
	if err != nil || len(all) < 60 {
		z.t.Fatalf("%d types, %v", len(all), err)
	}
	user := pgx.Identifier{z.answer("SELECT current_user::text")}.Sanitize()
	for i := range all {
		texts, known := samples[all[i].name]
		if !known {
			z.t.Errorf("there are no samples of type %s", all[i].name)
		}
		for _, text := range texts {
			all[i].samples = append(all[i].samples, strings.ReplaceAll(text, "USER", user))
		}
	}
	return all
}

func (z *zoo) relations() []relation {
	z.t.Helper()
	found, err := z.pool.Query(z.t.Context(), relationsOfZoo)
	if err != nil {
		z.t.Fatal(err)
	}
	all, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (r relation, err error) {
		return r, row.Scan(&r.schema, &r.name, &r.kind, &r.children, &r.columns, &r.types, &r.raw, &r.notNull, &r.nums, &r.computed, &r.key, &r.family)
	})
	if err != nil {
		z.t.Fatal(err)
	}
	return all
}

func (r relation) identifier() string { return pgx.Identifier{r.schema, r.name}.Sanitize() }

// How a value is asked for: cast to text, as pages show it, or as PostgreSQL
// writes it, which files hold.
const (
	shownText = "CAST(%s AS text)"
	written   = "CASE num_nulls(%[1]s) WHEN 0 THEN format('%%s', %[1]s) END"
)

// rows are the texts of all rows, in an order; what is NULL is nil.
func (z *zoo) rows(r relation, behind, how string) [][]*string {
	z.t.Helper()
	texts := make([]string, len(r.columns))
	for i, c := range r.columns {
		texts[i] = fmt.Sprintf(how, pgx.Identifier{c}.Sanitize())
	}
	found, err := z.pool.Query(z.t.Context(), "SELECT ARRAY["+strings.Join(texts, ", ")+"]::text[] FROM "+r.identifier()+" "+behind)
	if err != nil {
		z.t.Fatal(err)
	}
	all, err := pgx.CollectRows(found, pgx.RowTo[[]*string])
	if err != nil {
		z.t.Fatalf("rows of %s %s: %v", r.name, behind, err)
	}
	return all
}

// answer is one text that the database answers with.
func (z *zoo) answer(sql string, args ...any) string {
	z.t.Helper()
	var text *string
	if err := z.pool.QueryRow(z.t.Context(), sql, args...).Scan(&text); err != nil {
		z.t.Fatalf("%s: %v", sql, err)
	}
	if text == nil {
		return "NULL"
	}
	return *text
}

// in is the zoo for a subtest.
func (z *zoo) in(t *testing.T) *zoo {
	w := *z.world
	w.t = t
	return &zoo{world: &w, pool: z.pool, base: z.base}
}

// TestZoo opens, pages, sorts, filters and exports every relation, and then
// changes every column that can be changed. What cannot be read or changed says
// why, and nothing is a fault of ours.
func TestZoo(t *testing.T) {
	t.Parallel()
	z := newZoo(t)
	all := z.relations()
	tables := 0
	for _, r := range all {
		if r.kind == "r" {
			tables++
		}
	}
	if tables < 60 {
		t.Fatalf("the zoo has %d tables, want 60", tables)
	}
	z.page("/")
	z.page("/diagram")
	types := make(map[string]builtin)
	for _, b := range z.builtins() {
		types[b.table()] = b
	}
	t.Run("browse", func(t *testing.T) {
		for _, r := range all {
			t.Run(r.schema+"."+r.name, func(t *testing.T) {
				t.Parallel()
				z.in(t).browse(r, types[r.name])
			})
		}
	})
	t.Run("edit", func(t *testing.T) {
		families := make(map[string][]relation) // whose members have rows in common
		for _, r := range all {
			families[r.family] = append(families[r.family], r)
		}
		for _, members := range families {
			t.Run(members[0].schema+"."+members[0].name, func(t *testing.T) {
				t.Parallel()
				for _, r := range members {
					t.Run(r.name, func(t *testing.T) {
						if b, ok := types[r.name]; ok {
							z.in(t).editType(r, b)
							return
						}
						z.in(t).edit(r)
					})
				}
			})
		}
	})
	if logged := z.log.String(); strings.Contains(logged, "panicked") {
		t.Error(logged)
	}
}
