package catalog_test

import (
	"context"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

func (d db) stamp(earlier string) string {
	d.t.Helper()
	stamp, err := catalog.Stamp(context.Background(), d.Conn, earlier)
	if err != nil {
		d.t.Fatal(err)
	}
	return stamp
}

// What is no change of the schema and happens every day leaves the stamp as it
// is, or nothing would be gained by it.
func TestStampStays(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.run(tableT + "CREATE INDEX ON t (a); INSERT INTO t SELECT g, g, g FROM generate_series(1, 1000) g; CREATE VIEW v AS SELECT a FROM t; CREATE SEQUENCE s; COMMENT ON SCHEMA public IS 'x'")
	before := d.stamp("")
	if before == "" {
		t.Fatal("no stamp")
	}
	for _, sql := range []string{"ANALYZE", "VACUUM", "VACUUM FREEZE", "CHECKPOINT", "DELETE FROM t WHERE id > 10", "SELECT nextval('s')",
		"VACUUM t", "VACUUM pg_catalog.pg_class", "VACUUM FREEZE pg_catalog.pg_attribute", "SELECT * FROM v"} {
		d.run(sql)
		if now := d.stamp(before); now != before {
			t.Errorf("after %s: %s, was %s", sql, now, before)
		}
	}
}

// Each of these makes the stamp another one. Some are no change of the schema:
// then the schema is read, and found unchanged.
func TestStampChanges(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.run(tableT + adder + "CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN small AS int[]; CREATE SEQUENCE s; CREATE VIEW v AS SELECT a FROM t; CREATE SCHEMA other; CREATE STATISTICS x ON a, b FROM t;" +
		"CREATE FUNCTION f() " + noop + "; CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()")
	for _, sql := range []string{
		"ALTER TYPE mood ADD VALUE 'b'", "ALTER TYPE mood RENAME VALUE 'b' TO 'c'", "ALTER DOMAIN small SET NOT NULL", "ALTER DOMAIN small SET DEFAULT '{1}'",
		"ALTER DOMAIN small ADD CONSTRAINT c CHECK (cardinality(VALUE) < 3)", "ALTER SEQUENCE s INCREMENT BY 2", "ALTER SEQUENCE s OWNED BY t.b", "ALTER SEQUENCE s OWNED BY NONE",
		"ALTER STATISTICS x SET STATISTICS 10", "ALTER SCHEMA other RENAME TO another", "COMMENT ON SCHEMA public IS 'x'", "COMMENT ON SCHEMA public IS NULL",
		"CREATE OR REPLACE VIEW v AS SELECT a, b FROM t", "CREATE OR REPLACE FUNCTION plus(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2'",
		"ALTER FUNCTION plus(int, int) COST 7", "ALTER TABLE t ALTER b SET DEFAULT 1", "ALTER TABLE t ALTER b SET DEFAULT 2", "ALTER TABLE t ALTER b DROP DEFAULT",
		"ALTER TABLE t DISABLE TRIGGER g", "ALTER TABLE t CLUSTER ON t_pkey", "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT c",
		"ALTER INDEX t_pkey RENAME TO k", "CREATE TABLE u (a int)", "ALTER EXTENSION plpgsql ADD TABLE u", "ALTER EXTENSION plpgsql DROP TABLE u",
		"CREATE COLLATION german FROM \"C\"", "REINDEX TABLE t", "TRUNCATE t", "GRANT SELECT ON t TO PUBLIC", "DROP TABLE u",
	} {
		before := d.stamp("")
		if before == "" {
			t.Errorf("no stamp before %s", sql)
		}
		d.run(sql)
		if now := d.stamp(before); now == before {
			t.Errorf("%s does not change the stamp %s", sql, before)
		}
		if strings.HasPrefix(sql, "CREATE COLLATION") {
			if now := d.stamp(""); now != "" {
				t.Errorf("there is a stamp over collations: %s", now)
			}
			d.run("DROP COLLATION german")
		}
	}
	if got := d.stamp("nonsense,class:1"); strings.HasPrefix(got, "nonsense") || got == "" {
		t.Errorf("a stamp that is none: %q", got)
	}
}

// Nobody's own functions and operators run when a stamp is taken.
func TestStampAsks(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.run(`CREATE FUNCTION trap() RETURNS void LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
CREATE FUNCTION hash_record_extended(record, int) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
CREATE FUNCTION sum(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT trap(); SELECT 1::bigint';
CREATE TABLE t (a int)`)
	d.run(`SET search_path TO public, pg_catalog`)
	if d.stamp("") == "" {
		t.Error("no stamp")
	}
	// With an operator of somebody's there is none, and it is not called to see so.
	d.run(`CREATE FUNCTION yes(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT trap(); SELECT true';
CREATE OPERATOR public.>= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = yes)`)
	if got := d.stamp(""); got != "" {
		t.Errorf("a stamp: %s", got)
	}
}

// What an extension brought is no reason to go without a stamp; what people made
// is, beside it too.
func TestStampWithAnExtension(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.run("CREATE EXTENSION pg_trgm; CREATE TABLE t (a text); CREATE INDEX ON t USING gin (a gin_trgm_ops)")
	first := d.stamp("")
	if first == "" {
		t.Fatal("no stamp")
	}
	d.run("DROP EXTENSION pg_trgm CASCADE")
	if d.stamp(first) == first {
		t.Error("the extension went, and the stamp stayed")
	}
	d.run("CREATE EXTENSION pg_trgm; CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)")
	if got := d.stamp(""); got != "" {
		t.Errorf("a stamp beside an operator of somebody's: %s", got)
	}
}
