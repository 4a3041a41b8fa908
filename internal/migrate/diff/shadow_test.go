package diff_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// messy leaves traces everywhere that a file can.
const messy = `CREATE SCHEMA beside; CREATE TABLE beside.t (a int); CREATE EXTENSION citext; CREATE TABLE a (id serial PRIMARY KEY, e citext, x int GENERATED ALWAYS AS IDENTITY);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE UPDATE ON a EXECUTE FUNCTION f(); CREATE VIEW v AS SELECT e FROM a;
CREATE TYPE en AS ENUM ('a'); CREATE DOMAIN d AS en; CREATE AGGREGATE s(int) (SFUNC = int4pl, STYPE = int); CREATE MATERIALIZED VIEW m AS SELECT 1; CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF p DEFAULT;
CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION ev(); ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'mine'; CREATE TEMP TABLE tmp (a int); SET search_path TO beside; SET client_min_messages TO debug5; CREATE COLLATION public.c FROM "C"; CREATE OPERATOR FAMILY public.o USING btree`

// everything lists what stands in a database outside PostgreSQL's own schemas.
const everything = `SELECT coalesce(string_agg(x, ' ' ORDER BY x), '') FROM (SELECT relname::text FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL SELECT nspname || coalesce(nspacl::text, '') || coalesce(obj_description(oid), '') FROM pg_namespace WHERE nspname !~ '^pg_' UNION ALL SELECT extname FROM pg_extension
UNION ALL SELECT evtname FROM pg_event_trigger UNION ALL SELECT defaclacl::text FROM pg_default_acl) x (x)`

// The shadow is left as it was found, whatever happens.
func TestShadowIsLeftEmpty(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		src  diff.Source
		ok   bool
	}{
		{"files that leave traces", sql(messy), true},
		{"files that fail", sql(messy + "; SELECT 1 / 0"), false},
		{"files that leave a transaction open", sql("BEGIN; CREATE TABLE t (a int)"), false},
		{"a panic's cousin", diff.Replay("x", func(context.Context, *pgx.Conn) error { return errors.New("broken") }), false},
		{"files that close the connection", diff.Replay("x", func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "CREATE TABLE left_over (a int)")
			return errors.Join(err, conn.Close(ctx), errors.New("closed"))
		}), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			before := open(t, url).ask(everything)
			_, err := diff.Read(t.Context(), test.src, diff.Options{Shadow: diff.At(config(t, url))})
			if (err == nil) != test.ok {
				t.Errorf("%v", err)
			}
			if after := open(t, url).ask(everything); after != before {
				t.Errorf("left is %s\nwas    %s", after, before)
			}
		})
	}
}

// Stopped in the middle, the shadow is emptied too.
func TestStopped(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	before := open(t, url).ask(everything)
	ctx, stop := context.WithCancel(t.Context())
	_, err := diff.Make(ctx, sql(tableT), diff.Replay("x", func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "CREATE TABLE left_over (a int)"); err != nil {
			return err
		}
		stop()
		_, err := conn.Exec(ctx, "SELECT pg_sleep(60)")
		return err
	}), diff.Options{Shadow: diff.At(config(t, url))})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if after := open(t, url).ask(everything); after != before {
		t.Errorf("left is %s", after)
	}
}

// A database that holds something is refused, and not touched.
func TestShadowRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, sql, names string }{
		{"a table", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "public.t"},
		{"a table elsewhere", "CREATE SCHEMA x; CREATE TABLE x.t (a int)", "x.t"},
		{"a function", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "public.f"},
		{"what a killed run left", "CREATE TABLE af_auth_shadow (); CREATE TABLE t (a int)", "public.af_auth_shadow"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			open(t, url).run(test.sql)
			before := open(t, url).ask(everything)
			_, err := diff.Read(t.Context(), sql(tableT), diff.Options{Shadow: diff.At(config(t, url))})
			var refused *diff.ShadowError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.names) || refused.Hint() == "" {
				t.Errorf("%v", err)
			}
			if open(t, url).ask(everything) != before {
				t.Error("it was changed")
			}
		})
	}
}

// Two runs do not share a shadow.
func TestShadowInUse(t *testing.T) {
	t.Parallel()
	o := diff.Options{Shadow: shadowOf(t)}
	_, err := diff.Read(t.Context(), diff.Replay("x", func(ctx context.Context, _ *pgx.Conn) error {
		_, err := diff.Read(ctx, sql(tableT), o)
		var refused *diff.ShadowError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "another run") {
			t.Errorf("%v", err)
		}
		return nil
	}), o)
	if err != nil {
		t.Error(err)
	}
}

// The owner of a database is enough: no superuser, no CREATEDB, and another
// schema than public.
func TestShadowOfAnOwner(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	role := "r_" + open(t, url).ask("SELECT current_database()")
	open(t, url).run("CREATE ROLE " + role + " LOGIN PASSWORD 'x' NOCREATEDB; ALTER DATABASE " + strings.TrimPrefix(role, "r_") + " OWNER TO " + role)
	admin := open(t, url)
	t.Cleanup(func() {
		admin.run("REASSIGN OWNED BY " + role + " TO postgres; DROP OWNED BY " + role + "; DROP ROLE " + role)
	})
	c := config(t, url)
	c.User, c.Password = role, "x"
	for _, schema := range []string{"public", `Au"th`} {
		p, err := diff.Make(t.Context(), sql(tableT), sql(tableT+trigger+"ALTER TABLE t ADD c int; COMMENT ON TABLE t IS 'x'"), diff.Options{Shadow: diff.At(c), Schema: schema})
		if err != nil || len(p.Up) != 3 {
			t.Errorf("%s: %v\n%s", schema, err, diff.SQL(p.Up))
		}
	}
}

func TestNoShadow(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	live := diff.Database("database", config(t, url))
	if _, err := diff.Compare(t.Context(), live, live, diff.Options{}); err != nil {
		t.Errorf("two databases need no shadow: %v", err)
	}
	if _, err := diff.Read(t.Context(), sql(tableT), diff.Options{}); err == nil {
		t.Error("files were read without a shadow")
	}
	broken := func(context.Context) (*pgx.ConnConfig, func(context.Context) error, error) {
		return nil, nil, errors.New("no room")
	}
	if _, err := diff.Make(t.Context(), live, live, diff.Options{Shadow: broken}); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("%v", err)
	}
}
