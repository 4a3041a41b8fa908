package studio_test

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// samples are values of each built-in type that a column can have, as people
// type them. A type of pg_type that is missing here fails the test. One without
// samples takes none that is typed: PostgreSQL alone makes its values.
var samples = map[string][]string{
	"bool": {"true", "false"},
	"int2": {"-32768", "0", "32767"},
	"int4": {"-2147483648", "0", "2147483647"},
	"int8": {"-9223372036854775808", "0", "9007199254740993", "9223372036854775807"},
	"numeric": {"NaN", "Infinity", "-Infinity", "0", "-0.00", "1.0", "1.00", "-12345678901234567890.123456789012345678900", "1e-300",
		strings.Repeat("1234567890", 100), "-0." + strings.Repeat("0123456789", 60)},
	"float4": {"NaN", "Infinity", "-Infinity", "-0", "0.1", "1e-45", "3.4028235e+38", "16777216", "1.1754944e-38"},
	"float8": {"NaN", "Infinity", "-Infinity", "-0", "0.1", "5e-324", "1.7976931348623157e+308", "9007199254740992", "0.30000000000000004"},
	"money":  {"-$92,233,720,368,547,758.08", "$0.00", "$1,234.50", "$92,233,720,368,547,758.07"},
	"oid":    {"0", "1259", "4294967295"},

	"text":      {"", " ", "a", "A", "Zoë 😀", "x'y\"z\\", "<script>alert(1)</script>", "\x01\x02\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f", "two\nlines\n", "\ttab", "NULL", "\u202eright to left\u202c \ufeff", "=1+1"},
	"varchar":   {"", "a", "ä ", "%_\\", "\x1b[31m"},
	"bpchar":    {"", "a", "ä  b", "'"},
	"char":      {"", "a", "'", "~", " ", "\x01"},
	"name":      {"", "a name", `"quoted"`, strings.Repeat("n", 63), "pg_class"},
	"refcursor": {"", "<unnamed portal 1>"},
	"bytea":     {`\x`, `\x00`, `\x00ff1b2700`, `\x` + strings.Repeat("c0ffee", 100), `\x2761275c`},

	"date":        {"4713-01-01 BC", "0044-03-15 BC", "1582-10-15", "2026-02-28", "5874897-12-31", "infinity", "-infinity"},
	"time":        {"00:00", "23:59:59.999999", "24:00:00", "12:00:00.5"},
	"timetz":      {"00:00:00+15:59", "24:00:00-15:59", "12:00:00.000001+02:30:15", "12:00:00+00"},
	"timestamp":   {"4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "2026-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999", "infinity", "-infinity"},
	"timestamptz": {"4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "2026-01-01 00:00:00.000001+00", "2026-06-01 12:00:00+05:30", "infinity", "-infinity"},
	"interval":    {"-178000000 years", "178000000 years", "-1 mons +2 days -03:04:05.000006", "00:00:00.000001", "1 mon", "30 days", "2562047788:00:54.775807", "0"},

	"point":   {"(0,0)", "(-1.5,1e+300)", "(NaN,Infinity)", "(0.30000000000000004,-0)"},
	"lseg":    {"[(0,0),(1,1)]", "[(-1,2.5),(3,3)]"},
	"path":    {"[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"},
	"box":     {"(1,1),(0,0)", "(2,0.5),(-1,0.25)"},
	"polygon": {"((0,0),(1,1),(2,0))", "((0.1,0.2))"},
	"line":    {"{1,-1,0}", "{0,1,-2.5}"},
	"circle":  {"<(0,0),1>", "<(-1.5,2),0>"},

	"inet":     {"10.0.0.1", "10.0.0.1/8", "::1", "2001:db8::ffff/64", "255.255.255.255"},
	"cidr":     {"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "10.0.0.1"},
	"macaddr":  {"08:00:2b:01:02:03", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"},
	"macaddr8": {"08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:ff:ff"},
	"bit":      {"", "0", "1010", strings.Repeat("01", 100)},
	"varbit":   {"", "1", "0000", strings.Repeat("10", 100)},
	"uuid":     {"00000000-0000-0000-0000-000000000000", "0193a1f2-7c3e-7d40-8a51-2f6b0c9d1e73", "ffffffff-ffff-ffff-ffff-ffffffffffff"},

	"json":     {`{"b": 1,  "a": 123456789012345678901234567890.10, "a": 2}`, "null", `""`, `[1, "<b>", "\u0000"]`, `-0.0`},
	"jsonb":    {`{"a": [1, null, {"b": "x\ty"}], "n": 12345678901234567890.123456789}`, "null", `""`, "{}", `"é"`, `1e100`},
	"jsonpath": {`$.a[*]?(@ > 1)`, `strict $."odd key".**{2 to last}`, `$`},
	"xml":      {"<a>x &amp; y</a>", "", "text <b/>", "<?xml version=\"1.0\"?><r/>"},
	"tsvector": {"", "a fat cat", "'it''s':1A,2B 'x y':3"},
	"tsquery":  {"", "fat & (rat | !cat)", "'it''s':*A <2> x"},

	"int4range":      {"empty", "[1,5)", "(,)", "[,0)", "[7,)"},
	"int8range":      {"empty", "[-9223372036854775808,9223372036854775807)", "(,)"},
	"numrange":       {"empty", "[1.10,1.100]", "(0,1e-9]", "(,)"},
	"daterange":      {"empty", "[2026-01-01,2026-02-01)", "[-infinity,infinity)", "(,)"},
	"tsrange":        {"empty", `["2026-01-01 00:00:00","2026-01-01 00:00:00.000001"]`, "(,infinity]"},
	"tstzrange":      {"empty", `["2026-01-01 00:00:00+02","2027-01-01 00:00:00+00")`, "(,)"},
	"int4multirange": {"{}", "{[1,2),[5,6)}", "{(,)}"},
	"int8multirange": {"{}", "{[1,2),[9223372036854775806,9223372036854775807)}"},
	"nummultirange":  {"{}", "{[1.5,1.5],(2,3)}"},
	"datemultirange": {"{}", "{[2026-01-01,2026-01-02),[infinity,)}"},
	"tsmultirange":   {"{}", `{["2026-01-01 00:00:00","2026-01-01 12:00:00")}`},
	"tstzmultirange": {"{}", `{(,"2026-01-01 00:00:00+00")}`},

	"int2vector":    {"", "1 -2 3"},
	"oidvector":     {"", "0 4294967295"},
	"tid":           {"(0,0)", "(0,1)", "(4294967295,65535)"},
	"xid":           {"0", "4294967295"},
	"xid8":          {"0", "18446744073709551615"},
	"cid":           {"0", "4294967295"},
	"pg_lsn":        {"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"},
	"pg_snapshot":   {"1:1:", "10:20:10,14,15"},
	"txid_snapshot": {"1:1:", "10:20:10,14,15"},
	"aclitem":       {"USER=r/USER", "=arwdDxt/USER", "pg_monitor=r*/USER"},

	"regclass": {"pg_class", "-", "4294967295", `public."1 odd.name"`}, "regtype": {"integer", "-", "timestamp with time zone[]", "public.mood"},
	"regproc": {"now", "-"}, "regprocedure": {"upper(text)", "-"}, "regoper": {"||/", "0"}, "regoperator": {"+(integer,integer)", "!!(NONE,tsquery)", "0"},
	"regrole": {"USER", "pg_monitor", "-"}, "regnamespace": {"pg_catalog", "public", "-"}, "regcollation": {`"C"`, "-"},
	"regconfig": {"english", "simple", "-"}, "regdictionary": {"simple", "english_stem", "-"},

	"gtsvector": nil, "pg_node_tree": nil, "pg_ndistinct": nil, "pg_dependencies": nil, "pg_mcv_list": nil, "pg_brin_bloom_summary": nil, "pg_brin_minmax_multi_summary": nil,
}

// builtin is a type of pg_catalog that a column can have.
type builtin struct {
	name            string
	sortable, array bool
	samples         []string
}

// builtinsSQL finds them: base types, ranges and multiranges that are no arrays
// of another one.
const builtinsSQL = `SELECT t.typname, t.typarray <> 0, EXISTS (SELECT FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod AND a.amname = 'btree' WHERE o.opcdefault AND (o.opcintype = t.oid
	OR t.typtype = 'r' AND o.opcintype = 'anyrange'::regtype OR t.typtype = 'm' AND o.opcintype = 'anymultirange'::regtype
	OR t.typname = 'varchar' AND o.opcintype = 'text'::regtype OR t.typname = 'cidr' AND o.opcintype = 'inet'::regtype OR t.typname = 'int2vector' AND o.opcintype = 'anyarray'::regtype))
FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm')
AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) ORDER BY t.typname`

// sql is the name of the type, of any length where it may have one.
func (b builtin) sql() string { return pgx.Identifier{"pg_catalog", b.name}.Sanitize() }

func (b builtin) table() string { return "type_" + b.name }

// zooPages is as many rows as need a second page.
const zooPages = 56

// create makes the table of a type: rows with each sample, as a part of the key
// where the type has an order, and in arrays of one and two dimensions, with
// NULLs, that begin at 1 and elsewhere; and a row of NULLs.
func (b builtin) create() string {
	table, typ := pgx.Identifier{b.table()}.Sanitize(), b.sql()
	defined, named, chosen, key := "n int, v "+typ, "n, v", "c * %d + s.i, s.v", "n"
	if b.sortable {
		defined, named, chosen, key = "k "+typ+", "+defined, "k, "+named, "s.v, "+chosen, "k, n"
	}
	if b.array {
		defined, named, chosen = defined+", list "+typ+"[]", named+", list", chosen+", s.list"
	}
	sql := fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s));\n", table, defined, key)
	if len(b.samples) == 0 {
		return sql + fmt.Sprintf("INSERT INTO %s (n) SELECT generate_series(-1, %d);\n", table, zooPages)
	}
	var lines []string
	for i := range b.samples {
		one, next := b.literal(i), b.literal(i+1)
		list := "ARRAY[" + one + ", NULL, " + next + "]"
		switch i % 3 {
		case 1:
			list = "ARRAY[ARRAY[" + one + ", NULL], ARRAY[" + next + ", " + one + "]]"
		case 2:
			list = "array_fill(" + one + ", ARRAY[2, 1], ARRAY[-1, 5])"
		}
		if !b.array {
			list = "NULL"
		}
		lines = append(lines, fmt.Sprintf("(%d, %s, %s)", i, one, list))
	}
	size := len(b.samples)
	sql += fmt.Sprintf("INSERT INTO %s (%s) SELECT "+chosen+" FROM generate_series(0, %d) c, (VALUES %s) s(i, v, list);\n",
		table, named, size, zooPages/size, strings.Join(lines, ", "))
	if b.sortable {
		return sql + fmt.Sprintf("INSERT INTO %s (k, n) VALUES (%s, -1);\n", table, b.literal(0))
	}
	return sql + fmt.Sprintf("INSERT INTO %s (n) VALUES (-1);\n", table)
}

// sample is one of the samples, counted round.
func (b builtin) sample(i int) string { return b.samples[i%len(b.samples)] }

func (b builtin) literal(i int) string { return quoted(b.sample(i)) + "::" + b.sql() }
