package postgres_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// probe is a connection of a test that looks at a database with plain SQL.
type probe struct {
	*pgx.Conn
	t *testing.T
}

func newProbe(t *testing.T, url string) probe {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return probe{conn, t}
}

// run executes any number of statements.
func (p probe) run(sql string) {
	p.t.Helper()
	if err := p.try(sql); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
}

func (p probe) try(sql string) error {
	_, err := p.PgConn().Exec(p.t.Context(), sql).ReadAll()
	return err
}

// lines returns the rows of a query that gives one text column.
func (p probe) lines(sql string, args ...any) []string {
	p.t.Helper()
	rows, err := p.Query(p.t.Context(), sql, args...)
	if err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// as goes on as a new role with the given rights; ROLE stands for its name,
// which is the name of the database behind r_.
func (p probe) as(rights string) {
	p.t.Helper()
	role := pgx.Identifier{"r_" + p.lines("SELECT current_database()::text")[0]}.Sanitize()
	p.run("CREATE ROLE " + role)
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err := p.PgConn().Exec(ctx, "ROLLBACK; RESET SESSION AUTHORIZATION; DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role).ReadAll()
		if err != nil {
			p.t.Errorf("drop the role: %v", err)
		}
	})
	p.run(strings.ReplaceAll(rights, "ROLE", role) + "; SET SESSION AUTHORIZATION " + role)
}

func loadMigrations(t *testing.T) []migrate.File {
	t.Helper()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// catalogue describes everything in the schema "public" except the ledger of
// the migrations, one thing a line. Columns are numbered by rank, because a
// dropped column leaves a gap in attnum. The order of rights is the order of
// GRANTs, and means nothing, so they are sorted.
const catalogue = `
WITH space AS (SELECT 'public'::regnamespace AS oid),
relations AS (
    SELECT c.* FROM pg_class c, space
    WHERE c.relnamespace = space.oid AND c.relname NOT LIKE 'af\_auth\_migrations%'
), things AS (
    SELECT format('relation %s %s kind=%s persistence=%s rls=%s/%s options=%s acl=%s view=%s comment=%s', relname, relowner::regrole,
        relkind, relpersistence, relrowsecurity, relforcerowsecurity, reloptions,
        (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a),
        CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END, obj_description(oid, 'pg_class')) AS line
    FROM relations
UNION ALL
    SELECT format('column %s %s %s %s notnull=%s default=%s identity=%s generated=%s collation=%s storage=%s statistics=%s acl=%s comment=%s', c.relname,
        rank() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attstorage, a.attstattarget,
        a.attacl, col_description(a.attrelid, a.attnum))
    FROM relations c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'c')
UNION ALL
    SELECT format('constraint %s %s %s validated=%s comment=%s', c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated,
        obj_description(k.oid, 'pg_constraint'))
    FROM relations c JOIN pg_constraint k ON k.conrelid = c.oid
UNION ALL
    SELECT format('index %s valid=%s clustered=%s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered)
    FROM relations c JOIN pg_index i ON i.indrelid = c.oid
UNION ALL
    SELECT format('trigger %s enabled=%s comment=%s', pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger'))
    FROM relations c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal
UNION ALL
    SELECT format('function %s owner=%s acl=%s comment=%s', pg_get_functiondef(p.oid), p.proowner::regrole,
        (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.proacl) a), obj_description(p.oid, 'pg_proc'))
    FROM pg_proc p, space WHERE p.pronamespace = space.oid AND p.prokind IN ('f', 'p')
UNION ALL
    SELECT format('aggregate %s', p.oid::regprocedure) FROM pg_proc p, space WHERE p.pronamespace = space.oid AND p.prokind IN ('a', 'w')
UNION ALL
    SELECT format('policy %s %s', c.relname, p.*) FROM relations c JOIN pg_policy p ON p.polrelid = c.oid
UNION ALL
    SELECT format('rule %s', pg_get_ruledef(r.oid)) FROM relations c JOIN pg_rewrite r ON r.ev_class = c.oid WHERE c.relkind NOT IN ('v', 'm')
UNION ALL
    SELECT format('type %s kind=%s labels=%s', t.typname, t.typtype, (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
    FROM pg_type t, space WHERE t.typnamespace = space.oid AND t.typtype IN ('e', 'd', 'r', 'm')
UNION ALL
    SELECT format('extension %s', extname) FROM pg_extension
)
SELECT line FROM things ORDER BY line COLLATE "C"`

// fingerprint is what two databases share when their schemas are the same.
func (p probe) fingerprint() []string {
	p.t.Helper()
	return p.lines(catalogue)
}

// apply runs SQL as the engine does: in one transaction, with the search_path
// that functions capture.
func (p probe) apply(name, sql string) {
	p.t.Helper()
	if strings.Contains(sql, "-- transaction: none") {
		p.run("SET search_path TO public, pg_temp")
		for _, one := range strings.Split(sql, ";\n") {
			if err := p.try(one); err != nil {
				p.t.Fatalf("%s: %v", name, err)
			}
		}
		p.run("RESET search_path")
		return
	}
	p.run("BEGIN; SET LOCAL search_path TO public, pg_temp")
	if err := p.try(sql); err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	p.run("COMMIT")
}

// same fails with the lines that only one of two fingerprints has.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s: too much: %s", what, line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s: missing: %s", what, line)
		}
	}
	if !t.Failed() {
		t.Errorf("%s: the same things, another number of times", what)
	}
}

func TestMigrationsMakeTheSchema(t *testing.T) {
	t.Parallel()
	migrated := newProbe(t, pgtest.New(t)).fingerprint()

	wanted := newProbe(t, pgtest.Empty(t))
	names, err := fs.Glob(postgres.Schema(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("the files of the schema: %v, %v", names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(postgres.Schema(), name)
		if err != nil {
			t.Fatal(err)
		}
		wanted.apply(name, string(text))
	}
	same(t, "migrations beside schema/", migrated, wanted.fingerprint())

	// A comparison that sees nothing would pass too.
	for _, word := range []string{"relation users ", "column users 8 updated_at", "constraint sessions sessions_user_id_fkey FOREIGN KEY",
		"index CREATE UNIQUE INDEX users_pkey", "trigger CREATE TRIGGER users_after_update", "SET search_path TO 'public', 'pg_temp'",
		"comment=The database role that really did it."} {
		if !slices.ContainsFunc(migrated, func(line string) bool { return strings.Contains(line, word) }) {
			t.Errorf("the catalogue does not show %q", word)
		}
	}
}

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	p := newProbe(t, pgtest.Empty(t))
	before := p.fingerprint()
	for _, f := range loadMigrations(t) {
		p.apply(f.UpName(), f.Up)
		after := p.fingerprint()
		if slices.Equal(before, after) {
			t.Errorf("%s changes nothing", f.UpName())
		}
		p.apply(f.DownName(), f.Down)
		same(t, f.DownName(), p.fingerprint(), before)
		p.apply(f.UpName(), f.Up)
		same(t, f.UpName()+" again", p.fingerprint(), after)
		before = after
	}
}

func TestFirstFileAgain(t *testing.T) {
	t.Parallel()
	files := loadMigrations(t)
	t.Run("on the newest schema", func(t *testing.T) {
		t.Parallel()
		p := newProbe(t, pgtest.New(t))
		p.run("INSERT INTO users (github_user_id, login) VALUES (1, 'octocat')")
		before := p.fingerprint()
		p.apply(files[0].UpName(), files[0].Up)
		same(t, "again", p.fingerprint(), before)
		if got := p.lines("SELECT login FROM users"); !slices.Equal(got, []string{"octocat"}) {
			t.Errorf("people: %q", got)
		}
	})
	// A database that has its table, but no ledger.
	t.Run("then the rest", func(t *testing.T) {
		t.Parallel()
		p := newProbe(t, pgtest.Empty(t))
		p.apply(files[0].UpName(), files[0].Up)
		p.run("INSERT INTO users (github_user_id, is_whitelisted) VALUES (1, true)")
		res, err := migrate.Deploy(t.Context(), p.Conn, files, migrate.Options{})
		if err != nil || len(res.Applied) != len(files) {
			t.Fatalf("%+v, %v", res, err)
		}
		same(t, "deployed", p.fingerprint(), newProbe(t, pgtest.New(t)).fingerprint())
		if got := p.lines("SELECT github_user_id || ' ' || is_whitelisted FROM users"); !slices.Equal(got, []string{"1 true"}) {
			t.Errorf("people: %q", got)
		}
	})
}

// The rule stands twice, in Go and in SQL. Both get every case, until = now to
// the microsecond included: now() stands still within a transaction.
func TestDecideAgreesWithAccessOf(t *testing.T) {
	t.Parallel()
	p := newProbe(t, pgtest.New(t))
	p.run("BEGIN")
	var now time.Time
	if err := p.QueryRow(t.Context(), "SELECT now()").Scan(&now); err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) *time.Time { v := now.Add(d); return &v }
	times := []*time.Time{nil, at(0), at(time.Microsecond), at(-time.Microsecond), at(time.Hour), at(-time.Hour)}
	seen := map[afauth.Access]int{}
	for _, is := range []bool{false, true} {
		for _, until := range times {
			for _, decided := range times {
				var got string
				err := p.QueryRow(t.Context(), "SELECT access_of($1, $2, $3)", is, until, decided).Scan(&got)
				want := afauth.Decide(afauth.Whitelist{IsWhitelisted: is, Until: until, DecidedAt: decided}, now)
				if err != nil || got != string(want) {
					t.Errorf("whitelisted %t, until %v, decided %v: SQL says %q (%v), Go %q", is, until, decided, got, err, want)
				}
				seen[want]++
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("the cases reach %v only", seen)
	}
}
