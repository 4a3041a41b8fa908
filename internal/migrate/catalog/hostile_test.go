package catalog_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// Names that could break out of their quotes, or look like another line.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	names := []string{
		`a"b`, `a'b`, "a.b", "Upper", "select", "1st", strings.Repeat("x", 63), strings.Repeat("é", 31),
		"naïve 数据 😀", "line\nbreak", "a\\nb", "a\nb", "\ttab", "x\n  type: text", "x\ncolumn y", `"`, `""`, "$$", "--", "/*", "{own}", "%s", "PUBLIC",
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := empty(t)
			n := quoted(name)
			d.run(strings.NewReplacer("NAME", n, "TEXT", strings.ReplaceAll(name, "'", "''"), "ENUM_", "ENUM", "ENUM", quoted(strings.ToValidUTF8(name[:min(len(name), 50)], "")+"e")).Replace(
				`CREATE SCHEMA NAME; SET search_path TO NAME;
CREATE TYPE ENUM AS ENUM_ ('TEXT'); CREATE TABLE NAME (NAME int PRIMARY KEY, y ENUM DEFAULT 'TEXT', CONSTRAINT NAME CHECK (NAME > 0));
COMMENT ON TABLE NAME IS 'TEXT'; CREATE INDEX i ON NAME ((NAME + 1)); CREATE FUNCTION NAME(NAME int) RETURNS text LANGUAGE sql AS $f$SELECT 'TEXT'::text$f$;
CREATE VIEW v AS SELECT NAME FROM NAME; CREATE POLICY NAME ON NAME USING (NAME > 0); CREATE FUNCTION g() ` + noop + `;
CREATE TRIGGER NAME BEFORE UPDATE ON NAME EXECUTE FUNCTION g()`))
			c, err := catalog.Read(t.Context(), d.Conn, name)
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []catalog.Kind{catalog.Column, catalog.Constraint, catalog.Trigger, catalog.Policy} {
				quotedName := identifier(t, d, name)
				if o, ok := c.Find(kind, quotedName, quotedName); !ok || o.Path() != quotedName+"."+quotedName {
					t.Errorf("no %s %s in\n%s", kind, quotedName, c.Text())
				}
			}
			for line := range strings.Lines(c.Text()) {
				if !strings.HasPrefix(line, " ") && strings.HasPrefix(line, "column y") {
					t.Errorf("a name passes for a column: %q", line)
				}
			}
			d.run("DROP TRIGGER " + n + " ON " + n)
			after, err := catalog.Read(t.Context(), d.Conn, name)
			if err != nil || after.Fingerprint() == c.Fingerprint() {
				t.Errorf("the same fingerprint without the trigger; %v", err)
			}
			if got := catalog.Compare(c, after); len(got) != 1 || got[0].Kind != catalog.Trigger || strings.Contains(got[0].String(), "\n") {
				t.Errorf("differences: %s", lines(got))
			}
		})
	}
}

// identifier is how PostgreSQL itself quotes a name.
func identifier(t *testing.T, d db, name string) string {
	t.Helper()
	var out string
	if err := d.QueryRow(t.Context(), "SELECT quote_ident($1)", name).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Two names that are written alike must not be taken for one.
func TestNamesStayApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"a\nb", `a\nb`, `a\\nb`, "a\\\nb", "a\x01b", `a\x01b`} {
		c := catalog.Catalog{Objects: []catalog.Object{{Kind: catalog.Table, Name: `"` + name + `"`}}}
		if other, ok := seen[c.Text()]; ok {
			t.Errorf("%q and %q are both %q", name, other, c.Text())
		}
		seen[c.Text()] = name
	}
}

// Whoever may create in a schema must not get the reader to run his code: each
// of these would fit a call better than PostgreSQL's own.
func TestReaderRunsNothing(t *testing.T) {
	t.Parallel()
	d := empty(t)
	const trap = " LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'caught'; END$$;"
	d.run(`CREATE FUNCTION quote_ident(name) RETURNS text` + trap + `CREATE FUNCTION format_type(oid, int) RETURNS text` + trap +
		`CREATE FUNCTION quote_ident(text) RETURNS text` + trap + `CREATE FUNCTION quote_literal(name) RETURNS text` + trap +
		`CREATE FUNCTION pg_get_expr(pg_node_tree, oid) RETURNS text` + trap + `CREATE FUNCTION rank() RETURNS bigint` + trap +
		`CREATE FUNCTION unnest(aclitem[]) RETURNS SETOF aclitem` + trap + `CREATE FUNCTION unnest(oidvector) RETURNS SETOF oid` + trap +
		`CREATE FUNCTION upper(varchar) RETURNS text` + trap + `CREATE FUNCTION substr(text, bigint) RETURNS text` + trap +
		`CREATE FUNCTION eq(name, text) RETURNS boolean` + trap + `CREATE OPERATOR = (FUNCTION = eq, LEFTARG = name, RIGHTARG = text);` +
		`CREATE FUNCTION eq(oid, regclass) RETURNS boolean` + trap + `CREATE OPERATOR = (FUNCTION = eq, LEFTARG = oid, RIGHTARG = regclass);` +
		`CREATE FUNCTION eq("char", "char") RETURNS boolean` + trap + `CREATE OPERATOR = (FUNCTION = eq, LEFTARG = "char", RIGHTARG = "char");` +
		`CREATE FUNCTION cat(text, regproc) RETURNS text` + trap + `CREATE OPERATOR || (FUNCTION = cat, LEFTARG = text, RIGHTARG = regproc);` +
		`CREATE FUNCTION cat(text, name) RETURNS text` + trap + `CREATE OPERATOR || (FUNCTION = cat, LEFTARG = text, RIGHTARG = name);` +
		`CREATE TABLE pg_class (oid oid, relname name); CREATE TABLE pg_namespace (oid oid, nspname name); CREATE TABLE t (a int DEFAULT 1 CHECK (a > 0));` +
		`CREATE VIEW v AS SELECT a FROM t; CREATE TYPE e AS ENUM ('x'); CREATE AGGREGATE s(int) (SFUNC = int4pl, STYPE = int); ` +
		`SET search_path TO public, pg_catalog`)
	c := d.read()
	if _, ok := c.Find(catalog.Table, "", "pg_class"); !ok {
		t.Errorf("the schema's own pg_class is not in\n%s", c.Text())
	}
	if _, ok := c.Find(catalog.Function, "", "public.quote_ident(name)"); ok {
		t.Error("a function is named with its schema")
	}
}

// Inside a transaction the reader sees what it did, and leaves no trace in it.
func TestInsideTransaction(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.run("SET search_path TO public, pg_catalog; SET TimeZone TO 'Asia/Tokyo'; BEGIN; CREATE TABLE t (a int); SET LOCAL lock_timeout TO 77")
	if _, ok := d.read().Find(catalog.Table, "", "t"); !ok {
		t.Error("the table of this transaction is not seen")
	}
	var path, zone, timeout string
	if err := d.QueryRow(t.Context(), "SELECT current_setting('search_path'), current_setting('TimeZone'), current_setting('lock_timeout')").
		Scan(&path, &zone, &timeout); err != nil || path != "public, pg_catalog" || zone != "Asia/Tokyo" || timeout != "77ms" {
		t.Errorf("settings %q %q %q, %v", path, zone, timeout, err)
	}
	d.run("COMMIT")
	if _, ok := d.read().Find(catalog.Table, "", "t"); !ok {
		t.Error("the table is gone")
	}
	if err := d.QueryRow(t.Context(), "SELECT current_setting('search_path'), current_setting('TimeZone'), current_setting('lock_timeout')").
		Scan(&path, &zone, &timeout); err != nil || path != "public, pg_catalog" || zone != "Asia/Tokyo" || timeout != "0" {
		t.Errorf("settings %q %q %q, %v", path, zone, timeout, err)
	}
}

func TestNoSchema(t *testing.T) {
	t.Parallel()
	d := empty(t)
	for _, name := range []string{"elsewhere", "", "PUBLIC", strings.Repeat("x", 100), `"; DROP SCHEMA public; --`} {
		if _, err := catalog.Read(t.Context(), d.Conn, name); !errors.Is(err, catalog.ErrNoSchema) {
			t.Errorf("%q: %v", name, err)
		}
	}
	d.run("SELECT 'public'::regnamespace")
	if _, err := catalog.Read(t.Context(), d.Conn, "nul\x00"); err == nil {
		t.Error("a name with a zero byte was read")
	}
	d.run("SELECT 1") // the connection is still good
}

// A role with USAGE on the schema reads the same as its owner. Without it the
// server would write all names with the schema, so the reader refuses.
func TestRights(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.run(`REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO ROLE_;
CREATE TABLE t (id serial PRIMARY KEY, a text DEFAULT lower('X')); CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f() FROM PUBLIC; REVOKE ALL ON t, v FROM PUBLIC; CREATE TYPE e AS ENUM ('a')`)
	want := d.read()
	d.run("SET ROLE ROLE_")
	if got := lines(catalog.Compare(want, d.read(), everything...)); got != "" {
		t.Errorf("differences: %s", got)
	}
	d.run("RESET ROLE; REVOKE USAGE ON SCHEMA public FROM ROLE_; SET ROLE ROLE_")
	_, err := catalog.Read(t.Context(), d.Conn, "public")
	d.run("RESET ROLE")
	var rights *catalog.RightsError
	if !errors.As(err, &rights) || !strings.Contains(rights.Hint(), `GRANT USAGE ON SCHEMA "public"`) {
		t.Errorf("without USAGE: %v", err)
	}
}

// A table that another session changes is waited for, but not for ever.
func TestLocked(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	d, other := open(t, url), open(t, url)
	d.run("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t")
	other.run("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
	_, err := catalog.Read(t.Context(), d.Conn, "public")
	var locked *catalog.LockedError
	var pg *pgconn.PgError
	if !errors.As(err, &locked) || !errors.As(err, &pg) || locked.Hint() == "" {
		t.Errorf("%v", err)
	}
	other.run("COMMIT")
	d.read()
}

// Objects come and go while the reader looks.
func TestWhileItChanges(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	d := open(t, url)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			conn, err := pgx.Connect(context.Background(), url)
			if err != nil {
				return err
			}
			defer conn.Close(context.Background()) //nolint:errcheck // a test's connection
			for ctx.Err() == nil {
				_, err := conn.PgConn().Exec(context.Background(), `CREATE TABLE t (id serial PRIMARY KEY, a int DEFAULT 1 CHECK (a > 0));
CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE e AS ENUM ('a')`).ReadAll()
				if err == nil {
					_, err = conn.PgConn().Exec(context.Background(), `DROP FUNCTION f(t); DROP VIEW v; DROP TABLE t; DROP TYPE e`).ReadAll()
				}
				if err != nil {
					return err
				}
			}
			return nil
		}()
	}()
	for range 100 {
		if _, err := catalog.Read(t.Context(), d.Conn, "public"); err != nil {
			t.Errorf("%v", err)
			break
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
