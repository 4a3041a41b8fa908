package adopt_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/adopt"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// Another schema than public, as ?schema=app has it, beside a public one that is
// none of ours.
func TestOtherSchema(t *testing.T) {
	t.Parallel()
	files := own(t)
	d := open(t, `CREATE TABLE users (a int); CREATE SCHEMA "My App"; SET search_path TO "My App";`+prismaTable+prismaLedger+people)
	p := planned(t, d, files)
	if names(p.Had) != "users" || p.State.Namespace != "My App" || !slices.Equal(p.Foreign, []string{"table _prisma_migrations"}) {
		t.Errorf("%q in %s, foreign %q", names(p.Had), p.State.Namespace, p.Foreign)
	}
	carryOut(t, d, files, p)
	if got := d.ask(`SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'public.users'::regclass AND attnum > 0`); got != "a" {
		t.Errorf("public.users has %s", got)
	}
}

// Two that adopt at once, and one that deploys: the work is done once.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	files := own(t)
	d := open(t, prismaTable+prismaLedger+people)
	before := d.rows("users", seedColumns)
	others, plans := make([]db, 3), make([]adopt.Plan, 3)
	for i := range others {
		others[i] = connect(t, d.url, "")
		plans[i] = planned(t, others[i], files)
	}
	var done sync.WaitGroup
	for i, p := range plans {
		other := others[i]
		done.Go(func() {
			o := migrate.Options{Shape: shape}
			_, err := migrate.Adopt(t.Context(), other.Conn, files, p.Adoption(), o)
			if err == nil {
				_, err = migrate.Deploy(t.Context(), other.Conn, files, o)
			}
			if err != nil {
				t.Errorf("%v (hint: %s)", err, hint(err))
			}
		})
	}
	done.Wait()
	inSync(t, d, files)
	if d.rows("users", seedColumns) != before {
		t.Error("rows were touched")
	}
	if n := d.ask("SELECT count(*) FROM af_auth_migrations_history"); n != fmt.Sprint(len(files)) {
		t.Errorf("%s attempts", n)
	}
}

// What happens between plan and adoption is noticed, and nothing is changed.
func TestMeanwhile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, sql, want string }{
		{"a column", "ALTER TABLE users ADD x int", "the schema was changed while the plan was made: column users.x: not wanted"},
		{"a table of others", "CREATE TABLE more ()", "the schema was changed while the plan was made: table more: not wanted"},
		{"Prisma", "SELECT pg_advisory_lock(72707369)", "a migration of Prisma is running on this database"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, prismaTable+prismaLedger)
			p := planned(t, d, own(t))
			connect(t, d.url, tt.sql)
			_, err := migrate.Adopt(t.Context(), d.Conn, own(t), p.Adoption(), migrate.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint(err), "nothing was changed; adopt again") {
				t.Errorf("%v (hint: %s)", err, hint(err))
			}
			if got := d.ask("SELECT to_regclass('af_auth_migrations')"); got != "NULL" {
				t.Error("there is a ledger")
			}
		})
	}
}

// A role without rights is told before anything runs.
func TestRights(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, rights, want, hint string }{
		{"reads", "GRANT SELECT ON users, _prisma_migrations TO ROLE", "does not own users", "with the role that owns the tables"},
		{"owns, but may make nothing", "ALTER TABLE users OWNER TO ROLE; GRANT SELECT ON _prisma_migrations TO ROLE", "may not make tables in the schema \"public\"", "GRANT CREATE ON SCHEMA"},
		{"sees nothing", "", "read the table _prisma_migrations", "with the role that owns the tables"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, prismaTable+prismaLedger+"REVOKE CREATE ON SCHEMA public FROM PUBLIC;")
			role := pgx.Identifier{"r_" + d.ask("SELECT current_database()")}.Sanitize()
			d.run("CREATE ROLE " + role + ";" + strings.ReplaceAll(tt.rights, "ROLE", role))
			t.Cleanup(func() { connectLate(t, d.url, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
			d.run("SET SESSION AUTHORIZATION " + role)
			p, err := adopt.Make(t.Context(), d.Conn, own(t), options(t))
			if err == nil {
				err = p.Refusal()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint(err), tt.hint) {
				t.Errorf("%v (hint: %s)", err, hint(err))
			}
		})
	}
}

// What the shadow cannot reproduce is named, where it is none of ours.
func TestUnproved(t *testing.T) {
	t.Parallel()
	files := own(t)
	d := open(t, prismaTable+people+"CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE far (a int) SERVER s;")
	p := planned(t, d, files)
	if !slices.Contains(p.Unproved, "foreign table far") {
		t.Errorf("unproved %q", p.Unproved)
	}
	carryOut(t, d, files, p)
}

// A file that does not run by itself, and a shadow that is not there.
func TestErrors(t *testing.T) {
	t.Parallel()
	d := open(t, prismaTable)
	files := own(t)
	files[1].Up = "SELECT 1 / 0"
	if _, err := adopt.Make(t.Context(), d.Conn, files, options(t)); err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("%v", err)
	}
	if _, err := adopt.Make(t.Context(), d.Conn, files, diff.Options{}); err == nil {
		t.Error("no error without a shadow")
	}
	half := anybodys(t, 3)
	other := open(t, "CREATE TABLE books (id int)")
	half[0].Up, half[0].Outside = "CREATE TYPE genre AS ENUM ('a'); SELECT 1 / 0", true
	if _, err := migrate.Deploy(t.Context(), other.Conn, half, migrate.Options{}); err == nil {
		t.Fatal("no error")
	}
	p := planned(t, other, half)
	if err := p.Refusal(); err == nil || !strings.Contains(err.Error(), "is half done by an earlier attempt") {
		t.Errorf("%v", err)
	}
	if known, err := known(t, other.Conn, half); err != nil || len(known) != 0 {
		t.Errorf("known: %v, %v", known, err)
	}
}

// connectLate runs SQL after a test, when its context is over.
func connectLate(t *testing.T, url, sql string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
		_ = conn.Close(ctx)
	}
	if err != nil {
		t.Error(err)
	}
}
