package catalog_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// What was made in another order, or by other words, is the same schema.
func TestSame(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, one, other string }{
		{"order of creation",
			"CREATE TABLE a (x int); CREATE TABLE b (y int); CREATE INDEX i ON a (x); CREATE INDEX j ON a (x); CREATE TYPE e AS ENUM ('k'); CREATE VIEW v AS SELECT x FROM a",
			"CREATE TYPE e AS ENUM ('k'); CREATE TABLE b (y int); CREATE TABLE a (x int); CREATE VIEW v AS SELECT x FROM a; CREATE INDEX j ON a (x); CREATE INDEX i ON a (x)"},
		{"order of columns", "CREATE TABLE a (x int, y int DEFAULT 1)", "CREATE TABLE a (y int DEFAULT 1, x int)"},
		{"gaps between columns", "CREATE TABLE a (x int, y int)", "CREATE TABLE a (x int, z int, y int); ALTER TABLE a DROP z"},
		{"rename", "CREATE TABLE a (x int)", "CREATE TABLE b (y int); ALTER TABLE b RENAME TO a; ALTER TABLE a RENAME y TO x"},
		{"words for a type", "CREATE TABLE a (x int, y varchar(3), z timestamptz(6))", "CREATE TABLE a (x int4, y character varying(3), z timestamp(6) with time zone)"},
		{"words for a key", "CREATE TABLE a (x int PRIMARY KEY)", "CREATE TABLE a (x int NOT NULL); CREATE UNIQUE INDEX k ON a (x); ALTER TABLE a ADD CONSTRAINT a_pkey PRIMARY KEY USING INDEX k"},
		{"where a sequence stands", "CREATE TABLE a (x serial)", "CREATE TABLE a (x serial); INSERT INTO a DEFAULT VALUES; INSERT INTO a DEFAULT VALUES"},
		{"an enum's value put between", "CREATE TYPE e AS ENUM ('a', 'b')", "CREATE TYPE e AS ENUM ('b'); ALTER TYPE e ADD VALUE 'a' BEFORE 'b'"},
		{"rows", "CREATE TABLE a (x int)", "CREATE TABLE a (x int); INSERT INTO a SELECT generate_series(1, 1000); ANALYZE a"},
		{"a view that is filled", "CREATE MATERIALIZED VIEW a AS SELECT 1 AS x", "CREATE MATERIALIZED VIEW a AS SELECT 1 AS x WITH NO DATA"},
		{"settings of the session",
			"CREATE TABLE a (x timestamptz DEFAULT '2020-01-01 00:00Z', y interval DEFAULT '1 day 2 hours', z bytea DEFAULT '\\x01', d date DEFAULT '2020-02-01')",
			"CREATE TABLE a (x timestamptz DEFAULT '2020-01-01 00:00Z', y interval DEFAULT '1 day 2 hours', z bytea DEFAULT '\\x01', d date DEFAULT '2020-02-01'); SET TimeZone TO 'Asia/Tokyo'; SET DateStyle TO 'SQL, DMY'; SET IntervalStyle TO 'iso_8601'; SET bytea_output TO escape; SET quote_all_identifiers TO on; SET search_path TO ''"},
		{"a temporary table", "CREATE TABLE a (x int); CREATE VIEW v AS SELECT x FROM a", "CREATE TABLE a (x int); CREATE VIEW v AS SELECT x FROM a; CREATE TEMP TABLE a (x int)"},
		{"rights written out", "CREATE TABLE a (x int)", "CREATE TABLE a (x int); GRANT ALL ON a TO postgres; GRANT SELECT ON a TO PUBLIC; REVOKE SELECT ON a FROM PUBLIC"},
		{"order of rights", "CREATE TABLE a (x int); GRANT SELECT ON a TO PUBLIC; GRANT SELECT ON a TO pg_monitor", "CREATE TABLE a (x int); GRANT SELECT ON a TO pg_monitor; GRANT SELECT ON a TO PUBLIC"},
		{"members of an extension", "CREATE EXTENSION hstore", "CREATE EXTENSION hstore; ALTER EXTENSION hstore UPDATE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			one, other := empty(t), empty(t)
			one.run(test.one)
			other.run(test.other)
			a, b := one.read(), other.read()
			parts := []catalog.Part{catalog.Owners, catalog.Grants, catalog.Database}
			if got := lines(catalog.Compare(a, b, parts...)); got != "" {
				t.Errorf("differences: %s", got)
			}
			if a.Fingerprint(parts...) != b.Fingerprint(parts...) || a.Fingerprint() != b.Fingerprint() {
				t.Errorf("the fingerprints differ:\n%s\nand\n%s", a.Text(parts...), b.Text(parts...))
			}
			if len(a.Objects) < 2 {
				t.Errorf("nothing was read: %s", a.Text())
			}
		})
	}
}

// The same schema under another name is the same schema.
func TestAnotherName(t *testing.T) {
	t.Parallel()
	d := empty(t)
	for _, name := range []string{"public", `"Ünder.score""s"`} {
		d.run("CREATE SCHEMA IF NOT EXISTS " + name + "; SET search_path TO " + name + `;
CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (id serial PRIMARY KEY, e e DEFAULT 'a'); CREATE TABLE u (t int REFERENCES t, CHECK (t > 0));
CREATE INDEX i ON u (t) WHERE t > 3; CREATE VIEW v AS SELECT id FROM t JOIN u ON u.t = id; CREATE DOMAIN d AS e;
CREATE FUNCTION f(t) RETURNS e LANGUAGE sql AS 'SELECT $1.e'; CREATE FUNCTION g() ` + noop + `; CREATE TRIGGER g BEFORE UPDATE ON t EXECUTE FUNCTION g();
CREATE RULE r AS ON DELETE TO t DO ALSO SELECT 1; CREATE POLICY p ON t USING (id > 0); CREATE STATISTICS s ON id, e FROM t;
CREATE MATERIALIZED VIEW m AS SELECT f(t) FROM t`)
	}
	one := d.read()
	other, err := catalog.Read(t.Context(), d.Conn, `Ünder.score"s`)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(catalog.Compare(one, other)); got != "" || one.Fingerprint() != other.Fingerprint() {
		t.Errorf("differences: %s", got)
	}
	if strings.Contains(one.Text(), "public.") {
		t.Errorf("the schema's name stands in\n%s", one.Text())
	}
}

// af-auth's own schema, made by the migrations and from its files.
func TestOwnSchema(t *testing.T) {
	t.Parallel()
	migrated := open(t, pgtest.New(t)).read(migrate.Tables()...)
	wanted := empty(t)
	names, err := fs.Glob(postgres.Schema(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("the files of the schema: %v, %v", names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(postgres.Schema(), name)
		if err != nil {
			t.Fatal(err)
		}
		wanted.run("BEGIN; SET LOCAL search_path TO public, pg_temp;\n" + string(text) + ";\nCOMMIT")
	}
	if got := lines(catalog.Compare(wanted.read(), migrated, everything...)); got != "" {
		t.Errorf("the migrations beside the files: %s", got)
	}
	for _, word := range []string{"column users.updated_at\n  type: timestamp(6) with time zone\n  not null: yes\n  default: now()",
		"constraint sessions.sessions_user_id_fkey\n  definition: FOREIGN KEY", "trigger users.users_after_update\n",
		"SET search_path TO 'public', 'pg_temp'", "comment: The database role that really did it."} {
		if !strings.Contains(migrated.Text(), word) {
			t.Errorf("the catalogue does not show %q", word)
		}
	}
}

func TestExclude(t *testing.T) {
	t.Parallel()
	d := empty(t)
	before := d.read().Text(everything...)
	d.run(`CREATE TABLE "led""ger \ ," (id serial PRIMARY KEY, x int GENERATED ALWAYS AS IDENTITY, CHECK (id > 0)); COMMENT ON TABLE "led""ger \ ," IS 'x';
CREATE INDEX i ON "led""ger \ ," (x); CREATE FUNCTION pg_temp.f() ` + noop + `; CREATE EXTENSION pg_trgm`)
	if got := d.read(`led"ger \ ,`, "pg_trgm").Text(everything...); got != before {
		t.Errorf("left is\n%s\nwant\n%s", got, before)
	}
}

func ExampleDifference() {
	fmt.Println(catalog.Difference{Kind: catalog.Column, Object: "users.login", Attribute: catalog.Type, Want: "text", Have: "character varying(20)"})
	fmt.Println(catalog.Difference{Kind: catalog.Index, Object: "users.users_login_idx", Missing: true})
	// Output:
	// column users.login: type: character varying(20), wanted text
	// index users.users_login_idx: missing
}

// quoted returns a name as SQL wants it, whatever is in it.
func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// A catalogue can be kept as JSON, and compared later with what a database has
// become.
func TestJSON(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.New(t)).read()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var kept catalog.Catalog
	if err := json.Unmarshal(raw, &kept); err != nil || kept.Fingerprint(everything...) != c.Fingerprint(everything...) || len(catalog.Compare(kept, c, everything...)) > 0 {
		t.Errorf("%v: %d bytes of JSON are not the same catalogue", err, len(raw))
	}
}
