package diff_test

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
)

const (
	tableT  = "CREATE TABLE t (id int PRIMARY KEY, a text, b int);"
	trigger = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
)

// Each change is planned there and back, and the plan is run on a database of
// its own: up must lead to the wanted schema, and down to the former one.
func TestChanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, from, to string
		up             string // something that must be among the statements; "" for anything
	}{
		{"nothing", tableT, tableT, ""},
		{"table", "", tableT, "CREATE TABLE t (\n    id integer NOT NULL,\n    a text,\n    b integer,\n    CONSTRAINT t_pkey PRIMARY KEY (id)\n)"},
		{"table dropped", tableT, "", "-- Loses data: the rows of t are lost.\nDROP TABLE t;"},
		{"tables that refer to each other", "", tableT + "CREATE TABLE u (t int REFERENCES t, id int PRIMARY KEY); ALTER TABLE t ADD u int REFERENCES u", "FOREIGN KEY (t) REFERENCES t(id)"},
		{"unlogged", tableT, "CREATE UNLOGGED TABLE t (id int PRIMARY KEY, a text, b int);", "ALTER TABLE t SET UNLOGGED;"},
		{"options", tableT, tableT + "ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = off)", "SET (autovacuum_enabled = 'off', fillfactor = '70')"},
		{"option taken back", tableT + "ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = off)", tableT + "ALTER TABLE t SET (fillfactor = 70)", "RESET (autovacuum_enabled)"},
		{"row security", tableT, tableT + "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON t FOR SELECT USING (b > 0)", "CREATE POLICY p ON t AS PERMISSIVE FOR SELECT TO PUBLIC USING"},
		{"replica identity", tableT, tableT + "ALTER TABLE t REPLICA IDENTITY FULL", "REPLICA IDENTITY FULL"},
		{"partitions", "", "CREATE TABLE p (a int, b text) PARTITION BY RANGE (a); CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (9); CREATE INDEX i ON p (b); CREATE TABLE d PARTITION OF p DEFAULT", "CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (9);"},
		{"partition moved", "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (9)", "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (8)", "DETACH PARTITION q"},
		{"inheritance", tableT, tableT + "CREATE TABLE u (c int) INHERITS (t)", "INHERITS (t)"},

		{"column", tableT, tableT + "ALTER TABLE t ADD c int DEFAULT 3", "ALTER TABLE t ADD COLUMN c integer DEFAULT 3;"},
		{"column that may not be NULL", tableT, tableT + "ALTER TABLE t ADD c int NOT NULL", "-- fails where t has rows: t.c may not be NULL and has no default.\nALTER TABLE t ADD COLUMN c integer NOT NULL;"},
		{"column in the middle", tableT, "CREATE TABLE t (id int PRIMARY KEY, c int, a text, b int)", "ADD COLUMN c"},
		{"columns in another order", tableT, "CREATE TABLE t (b int, a text, id int PRIMARY KEY)", ""},
		{"column dropped", tableT, "CREATE TABLE t (id int PRIMARY KEY, a text)", "-- Loses data: the values of t.b are lost.\nALTER TABLE t DROP COLUMN b;"},
		{"column dropped with its index", tableT + "CREATE INDEX i ON t (a, b); ALTER TABLE t ADD CHECK (b > 0)", "CREATE TABLE t (id int PRIMARY KEY, a text)", "DROP COLUMN b"},
		{"wider type", tableT, "CREATE TABLE t (id bigint PRIMARY KEY, a text, b numeric(10, 2))", "ALTER TABLE t ALTER COLUMN b TYPE numeric(10,2);"},
		{"type with a cast", tableT, "CREATE TABLE t (id int PRIMARY KEY, a int, b int)", "ALTER TABLE t ALTER COLUMN a TYPE integer USING a::integer;"},
		{"type and default", "CREATE TABLE t (a text DEFAULT 'x')", "CREATE TABLE t (a int DEFAULT 7)", "SET DEFAULT 7"},
		{"type under an index, a check and a key", "CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a > 0)); CREATE INDEX i ON t (a) WHERE a > 3; CREATE TABLE u (t int REFERENCES t)", "CREATE TABLE t (id bigint PRIMARY KEY, a bigint CHECK (a > 0)); CREATE INDEX i ON t (a) WHERE a > 3; CREATE TABLE u (t bigint REFERENCES t)", "TYPE bigint"},
		{"type under a view", tableT + "CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT b FROM v; COMMENT ON VIEW v IS 'x'; GRANT SELECT ON v TO PUBLIC", "CREATE TABLE t (id int PRIMARY KEY, a text, b bigint);" + "CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT b FROM v; COMMENT ON VIEW v IS 'x'; GRANT SELECT ON v TO PUBLIC", "DROP VIEW v;"},
		{"type under a trigger and a policy", tableT + trigger + "CREATE TRIGGER g BEFORE UPDATE OF b ON t FOR EACH ROW WHEN (NEW.b > 3) EXECUTE FUNCTION f(); CREATE POLICY p ON t USING (b > 0)", "CREATE TABLE t (id int PRIMARY KEY, a text, b bigint);" + trigger + "CREATE TRIGGER g BEFORE UPDATE OF b ON t FOR EACH ROW WHEN (NEW.b > 3) EXECUTE FUNCTION f(); CREATE POLICY p ON t USING (b > 0)", "DROP TRIGGER g ON t;"},
		{"default", tableT, tableT + "ALTER TABLE t ALTER b SET DEFAULT 5", "ALTER TABLE t ALTER COLUMN b SET DEFAULT 5;"},
		{"default dropped", tableT + "ALTER TABLE t ALTER b SET DEFAULT 5", tableT, "ALTER TABLE t ALTER COLUMN b DROP DEFAULT;"},
		{"not null", tableT, tableT + "ALTER TABLE t ALTER b SET NOT NULL", "-- fails where t.b is NULL in a row.\nALTER TABLE t ALTER COLUMN b SET NOT NULL;"},
		{"collation", tableT, `CREATE TABLE t (id int PRIMARY KEY, a text COLLATE "C", b int)`, `TYPE text COLLATE "C"`},
		{"identity", tableT, "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text, b int)", "ADD GENERATED ALWAYS AS IDENTITY"},
		{"identity with options", "", "CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY (START 5 INCREMENT 10 CYCLE))", "INCREMENT BY 10 MINVALUE 1 MAXVALUE 2147483647 START WITH 5 CACHE 1 CYCLE"},
		{"identity's kind", "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)", "CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY)", "SET GENERATED BY DEFAULT"},
		{"identity widened", "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)", "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY)", "TYPE bigint"},
		{"serial", "CREATE TABLE t (a int)", "CREATE TABLE t (a int, id serial)", "ALTER SEQUENCE t_id_seq OWNED BY t.id"},
		{"serial widened", "CREATE TABLE t (id serial PRIMARY KEY)", "CREATE TABLE t (id bigserial PRIMARY KEY)", "AS bigint"},
		{"serial to identity", "CREATE TABLE t (id serial PRIMARY KEY)", "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", "SELECT setval('t_id_seq', coalesce(max(id), 0) + 1, false) FROM t;"},
		{"generated", tableT, tableT + "ALTER TABLE t ADD g int GENERATED ALWAYS AS (b * 2) STORED", "GENERATED ALWAYS AS ((b * 2)) STORED"},
		{"generated changed", tableT + "ALTER TABLE t ADD g int GENERATED ALWAYS AS (b * 2) STORED", tableT + "ALTER TABLE t ADD g int GENERATED ALWAYS AS (b * 3) STORED", "b * 3"},
		{"generated from a plain column", tableT, "CREATE TABLE t (id int PRIMARY KEY, a text, b int GENERATED ALWAYS AS (id + 1) STORED)", "-- Loses data: the values of t.b are replaced by computed ones."},
		{"storage", tableT, tableT + "ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER a SET COMPRESSION pglz, ALTER a SET STATISTICS 500, ALTER b SET (n_distinct = 5)", "SET STORAGE EXTERNAL"},

		{"check", tableT, tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)", "ALTER TABLE t ADD CONSTRAINT c CHECK ((b > 0));"},
		{"check without a column", tableT, tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (false) NO INHERIT", "CHECK (false) NO INHERIT"},
		{"check changed", tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)", tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 1)", "DROP CONSTRAINT c"},
		{"check renamed", tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)", tableT + "ALTER TABLE t ADD CONSTRAINT d CHECK (b > 0)", "RENAME CONSTRAINT c TO d"},
		{"not valid", tableT, tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0) NOT VALID", "NOT VALID"},
		{"validated", tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0) NOT VALID", tableT + "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)", "VALIDATE CONSTRAINT c"},
		{"unique", tableT, tableT + "ALTER TABLE t ADD UNIQUE (a)", "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a);"},
		{"unique deferrable", tableT + "ALTER TABLE t ADD UNIQUE (a)", tableT + "ALTER TABLE t ADD UNIQUE (a) DEFERRABLE", "UNIQUE (a) DEFERRABLE"},
		{"unique index to constraint", tableT + "CREATE UNIQUE INDEX t_a_key ON t (a)", tableT + "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a)", "ADD CONSTRAINT t_a_key UNIQUE USING INDEX t_a_key"},
		{"unique index of another name to constraint", tableT + "CREATE UNIQUE INDEX i ON t (a)", tableT + "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a)", "ADD CONSTRAINT t_a_key UNIQUE USING INDEX i"},
		{"unique index of some rows to constraint", tableT + "CREATE UNIQUE INDEX i ON t (a) WHERE b > 0", tableT + "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a)", "DROP INDEX i"},
		{"unique index of other columns to constraint", tableT + "CREATE UNIQUE INDEX k ON t (b)", tableT + "ALTER TABLE t ADD CONSTRAINT k UNIQUE (a)", "UNIQUE (a)"},
		{"primary key", tableT, "CREATE TABLE t (id int NOT NULL, a text, b int PRIMARY KEY)", "PRIMARY KEY (b)"},
		{"primary key that others refer to", tableT + "CREATE TABLE u (t int REFERENCES t)", "CREATE TABLE t (id int NOT NULL, a text, b int PRIMARY KEY, UNIQUE (id)); CREATE TABLE u (t int REFERENCES t (id))", "PRIMARY KEY (b)"},
		{"foreign key", tableT + "CREATE TABLE u (t int)", tableT + "CREATE TABLE u (t int CONSTRAINT k REFERENCES t ON DELETE CASCADE)", "ADD CONSTRAINT k FOREIGN KEY (t) REFERENCES t(id) ON DELETE CASCADE"},
		{"foreign key deferred", tableT + "CREATE TABLE u (t int CONSTRAINT k REFERENCES t)", tableT + "CREATE TABLE u (t int CONSTRAINT k REFERENCES t DEFERRABLE INITIALLY DEFERRED)", "DEFERRABLE INITIALLY DEFERRED"},
		{"exclusion", tableT, tableT + "ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING gist (int4range(id, b) WITH &&)", "EXCLUDE USING gist"},

		{"index", tableT, tableT + "CREATE INDEX i ON t (a)", "CREATE INDEX i ON t USING btree (a);"},
		{"index partial", tableT, tableT + "CREATE INDEX i ON t (a) WHERE b > 0 AND a IS NOT NULL", "WHERE b > 0 AND a IS NOT NULL"},
		{"index on an expression", tableT, tableT + "CREATE UNIQUE INDEX i ON t (lower(a), (b + 1) DESC NULLS LAST)", "lower(a), (b + 1) DESC NULLS LAST"},
		{"index with all", tableT, tableT + `CREATE INDEX i ON t USING btree (a COLLATE "C" text_pattern_ops) INCLUDE (b) WITH (fillfactor = 50)`, "INCLUDE (b)"},
		{"index of another method", "CREATE TABLE t (a int[])", "CREATE TABLE t (a int[]); CREATE INDEX i ON t USING gin (a)", "USING gin (a)"},
		{"index changed", tableT + "CREATE INDEX i ON t (a)", tableT + "CREATE INDEX i ON t (b)", "DROP INDEX i;\nCREATE INDEX i ON t USING btree (b);"},
		{"index renamed", tableT + "CREATE INDEX i ON t (a)", tableT + "CREATE INDEX j ON t (a)", "ALTER INDEX i RENAME TO j;"},
		{"index clustered", tableT, tableT + "ALTER TABLE t CLUSTER ON t_pkey", "CLUSTER ON t_pkey"},
		{"statistics", tableT, tableT + "CREATE STATISTICS s (ndistinct, mcv) ON a, b FROM t", "CREATE STATISTICS s (ndistinct, mcv) ON a, b FROM t"},
		{"statistics on an expression", tableT, tableT + "CREATE STATISTICS s ON (b + 1) FROM t", "CREATE STATISTICS s ON (b + 1) FROM t"},

		{"enum", "", "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (e e DEFAULT 'a')", "CREATE TYPE e AS ENUM ('a', 'b');"},
		{"enum's values", "CREATE TYPE e AS ENUM ('b', 'd'); CREATE TABLE t (e e DEFAULT 'b', f e[])", "CREATE TYPE e AS ENUM ('a', 'b', 'c', 'd', 'it''s', ''', ''', E'\\\\'); CREATE TABLE t (e e DEFAULT 'b', f e[])",
			"ALTER TYPE e ADD VALUE 'a' BEFORE 'b';\nALTER TYPE e ADD VALUE 'c' AFTER 'b';\nALTER TYPE e ADD VALUE 'it''s';"},
		{"enum's values in another order", "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (e e DEFAULT 'a', f e[]); CREATE INDEX i ON t (e) WHERE e = 'a'; CREATE VIEW v AS SELECT e FROM t; CREATE FUNCTION g(e) RETURNS e LANGUAGE sql AS 'SELECT $1'", "CREATE TYPE e AS ENUM ('b', 'a'); CREATE TABLE t (e e DEFAULT 'a', f e[]); CREATE INDEX i ON t (e) WHERE e = 'a'; CREATE VIEW v AS SELECT e FROM t; CREATE FUNCTION g(e) RETURNS e LANGUAGE sql AS 'SELECT $1'", "USING f::text[]::e[]"},
		{"enum dropped", "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (e e)", "CREATE TABLE t (e text)", "DROP TYPE e;"},
		{"domain", "CREATE DOMAIN d AS text; CREATE TABLE t (d d)", "CREATE DOMAIN d AS text DEFAULT 'x' NOT NULL CONSTRAINT c CHECK (VALUE <> ''); CREATE TABLE t (d d); COMMENT ON CONSTRAINT c ON DOMAIN d IS 'x'", "ALTER DOMAIN d ADD CONSTRAINT c CHECK"},
		{"domain made", "", "CREATE DOMAIN d AS text DEFAULT 'x' NOT NULL CHECK (VALUE <> ''); CREATE TABLE t (d d)", "CREATE DOMAIN d AS text DEFAULT 'x'::text NOT NULL"},
		{"composite", "CREATE TYPE c AS (a int)", "CREATE TYPE c AS (a int, b text); CREATE TYPE r AS RANGE (SUBTYPE = int)", "CREATE TYPE c AS (a integer, b text)"},
		{"sequence", "CREATE SEQUENCE s", "CREATE SEQUENCE s AS int INCREMENT 5 MAXVALUE 100 CYCLE; CREATE SEQUENCE z START 7", "ALTER SEQUENCE s AS integer INCREMENT BY 5"},

		{"function", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS 'SELECT 2'", "SET search_path TO 'public', 'pg_temp'"},
		{"function of another type", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT 'a'::text$$", "DROP FUNCTION f();"},
		{"function of another type that is in use", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (a text DEFAULT f()::text, CHECK (f() IS NOT NULL)); CREATE VIEW v AS SELECT f() IS NULL AS f", "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (a text DEFAULT f()::text, CHECK (f() IS NOT NULL)); CREATE VIEW v AS SELECT f() IS NULL AS f", "DROP FUNCTION f();"},
		{"function with other names for its arguments", "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION f(b int DEFAULT 3) RETURNS int LANGUAGE sql AS 'SELECT 1'", "b integer DEFAULT 3"},
		{"function that a table needs and that needs a table", "", "CREATE TABLE u (a int); CREATE FUNCTION f() RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM u; END; CREATE TABLE a (n bigint DEFAULT f()); CREATE FUNCTION g(a) RETURNS bigint LANGUAGE sql AS 'SELECT $1.n'; CREATE VIEW b AS SELECT g(a) AS g FROM a; CREATE VIEW aa AS SELECT g FROM b", "BEGIN ATOMIC"},
		{"functions that call each other", "", "CREATE FUNCTION b() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION a() RETURNS int LANGUAGE sql AS 'SELECT b()'; CREATE FUNCTION plus(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2'", "CREATE OR REPLACE FUNCTION a()"},
		{"procedure", "", "CREATE PROCEDURE p(INOUT a int) LANGUAGE plpgsql AS 'BEGIN END'", "PROCEDURE p(INOUT a integer)"},
		{"trigger", tableT + trigger, tableT + trigger + "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()", "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"},
		{"trigger on a partitioned table", "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF p DEFAULT;" + trigger, "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF p DEFAULT;" + trigger + "CREATE TRIGGER g BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION f()", "CREATE TRIGGER g BEFORE UPDATE ON p"},
		{"constraint trigger", tableT + trigger, tableT + trigger + "CREATE CONSTRAINT TRIGGER g AFTER UPDATE ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()", "CREATE CONSTRAINT TRIGGER g"},
		{"trigger disabled", tableT + trigger + "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()", tableT + trigger + "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER g", "ALTER TABLE t DISABLE TRIGGER g;"},
		{"trigger changed", tableT + trigger + "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()", tableT + trigger + "CREATE TRIGGER g AFTER INSERT ON t REFERENCING NEW TABLE AS n EXECUTE FUNCTION f(); ALTER TABLE t ENABLE ALWAYS TRIGGER g; COMMENT ON TRIGGER g ON t IS 'x'", "ENABLE ALWAYS TRIGGER g"},
		{"rule", tableT, tableT + "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING", "CREATE RULE r AS"},
		{"policy changed", tableT + "CREATE POLICY p ON t USING (b > 0)", tableT + "CREATE POLICY p ON t AS RESTRICTIVE FOR UPDATE TO CURRENT_USER USING (b > 0) WITH CHECK (a <> '')", "AS RESTRICTIVE FOR UPDATE"},

		{"view", tableT, tableT + "CREATE VIEW v WITH (security_barrier) AS SELECT a FROM t; COMMENT ON COLUMN v.a IS 'x'; CREATE MATERIALIZED VIEW m AS SELECT b FROM t; CREATE UNIQUE INDEX i ON m (b)", "CREATE MATERIALIZED VIEW m AS\n"},
		{"view with one more column", tableT + "CREATE VIEW v AS SELECT a FROM t", tableT + "CREATE VIEW v AS SELECT a, b FROM t", "CREATE OR REPLACE VIEW v"},
		{"view with one column less", tableT + "CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT a FROM v", tableT + "CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v", "DROP VIEW v;"},
		{"column dropped under a view", tableT + "CREATE VIEW v AS SELECT a, b FROM t", "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE VIEW v AS SELECT a FROM t", "DROP COLUMN b"},
		{"view that becomes a table", "CREATE VIEW v AS SELECT 1 AS a", "CREATE TABLE v (a int)", "DROP VIEW v;"},
		{"materialised view changed", tableT + "CREATE MATERIALIZED VIEW m AS SELECT b FROM t; CREATE INDEX i ON m (b)", tableT + "CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t; CREATE INDEX i ON m (b)", "DROP MATERIALIZED VIEW m;"},

		{"comments", tableT, tableT + "COMMENT ON TABLE t IS 'it''s\n-- a table'; COMMENT ON COLUMN t.a IS 'a'; COMMENT ON CONSTRAINT t_pkey ON t IS 'k'; COMMENT ON INDEX t_pkey IS 'i'; COMMENT ON SCHEMA public IS 's'", "COMMENT ON TABLE t IS 'it''s\n-- a table';"},
		{"comments on code", trigger, trigger + "COMMENT ON FUNCTION f() IS 'x'; CREATE TYPE e AS ENUM ('a'); COMMENT ON TYPE e IS 'y'; CREATE SEQUENCE s; COMMENT ON SEQUENCE s IS 'z'", "COMMENT ON FUNCTION f() IS 'x';"},
		{"comment taken back", tableT + "COMMENT ON TABLE t IS 'x'", tableT, "COMMENT ON TABLE t IS NULL;"},
		{"rights", trigger + tableT, trigger + tableT + "REVOKE ALL ON FUNCTION f() FROM PUBLIC; GRANT SELECT, INSERT ON t TO pg_monitor; GRANT UPDATE (a), SELECT (a) ON t TO pg_monitor WITH GRANT OPTION; GRANT USAGE ON SCHEMA public TO pg_monitor", "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC;"},
		{"default privileges", "", "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor", "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA \"public\" GRANT SELECT ON TABLES TO pg_monitor"},
		{"extension", "", "CREATE EXTENSION citext; CREATE TABLE t (a citext UNIQUE)", "CREATE EXTENSION IF NOT EXISTS citext"},
		{"event trigger", "", "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION f()", "CREATE EVENT TRIGGER e"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			roundTrip(t, test.from, test.to, test.up, diff.Options{})
		})
	}
}

func roundTrip(t *testing.T, from, to, up string, o diff.Options) diff.Plan {
	t.Helper()
	o.Shadow = shadowOf(t)
	p, err := diff.Make(t.Context(), sql(from), sql(to), o)
	if err != nil {
		t.Fatalf("%v\nup:\n%s\ndown:\n%s", err, diff.SQL(p.Up), diff.SQL(p.Down))
	}
	if !strings.Contains(diff.SQL(p.Up), up) || p.Unchecked != "" {
		t.Errorf("unchecked %q; the plan\n%s\nhas no\n%s", p.Unchecked, diff.SQL(p.Up), up)
	}
	d := open(t, pgtest.Empty(t))
	const again = "DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
	d.run(again + to)
	want := d.fingerprint()
	d.run(again + from)
	before := d.fingerprint()
	if p.Empty() != (before == want) {
		t.Errorf("the plan is empty: %t\n%s", p.Empty(), diff.SQL(p.Up))
	}
	d.run("BEGIN; " + diff.SQL(p.Up) + "COMMIT")
	if d.fingerprint() != want {
		t.Errorf("up does not lead to the wanted schema:\n%s", diff.SQL(p.Up))
	}
	d.run("BEGIN; " + diff.SQL(p.Down) + "COMMIT")
	if d.fingerprint() != before {
		t.Errorf("down does not lead back:\n%s", diff.SQL(p.Down))
	}
	return p
}
