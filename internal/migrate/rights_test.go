package migrate_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// role makes a role of this test and returns its name; it may do nothing yet.
// Roles belong to the whole server, so the name is the database's.
func role(t *testing.T, admin *pgx.Conn) string {
	t.Helper()
	name := "r_" + ask[string](t, admin, "SELECT current_database()")
	quoted := pgx.Identifier{name}.Sanitize()
	run(t, admin, "CREATE ROLE "+quoted)
	t.Cleanup(func() {
		ctx, cancel := cleanupContext()
		defer cancel()
		if _, err := admin.PgConn().Exec(ctx, "RESET SESSION AUTHORIZATION; RESET ALL; BEGIN READ WRITE; DROP OWNED BY "+quoted+"; DROP ROLE "+quoted+"; COMMIT").ReadAll(); err != nil {
			t.Errorf("drop the role: %v", err)
		}
	})
	return quoted
}

func TestRights(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		setup      string // run by the owner, after a deployment; ROLE stands for the role
		as         string // run by the role's session
		read       string // part of Read's error; "": none
		deploy     string // part of Deploy's error; "": none
		deployHint string
	}{
		{"nothing", "", "", "read the table af_auth_migrations", "permission denied", "GRANT SELECT ON"},
		{"reads only", "GRANT SELECT ON af_auth_migrations, af_auth_migrations_history TO ROLE", "", "", "permission denied", "role that owns"},
		{"no schema", "REVOKE USAGE ON SCHEMA public FROM PUBLIC", "", "no schema of the search_path", "no schema of the search_path", "CREATE SCHEMA"},
		{"empty search_path", "", "SET search_path = ''", "no schema of the search_path", "no schema of the search_path", "name another in the URL"},
		{"another schema, empty", "CREATE SCHEMA other; GRANT USAGE ON SCHEMA other TO ROLE", "SET search_path = other", "", "make the table af_auth_migrations", "CREATE on this schema"},
		{"another schema of its own", "CREATE SCHEMA other AUTHORIZATION ROLE", "SET search_path = other", "", "", ""},
		{"read only by setting", "CREATE SCHEMA other AUTHORIZATION ROLE", "SET search_path = other; SET default_transaction_read_only = on", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			quoted := role(t, conn)
			first := load(t, "CREATE TABLE a ()")
			if _, err := migrate.Deploy(t.Context(), conn, first, migrate.Options{}); err != nil {
				t.Fatal(err)
			}
			run(t, conn, strings.ReplaceAll(tt.setup, "ROLE", quoted))
			run(t, conn, "SET SESSION AUTHORIZATION "+quoted+";"+tt.as)

			files := load(t, "CREATE TABLE a ()", "CREATE TABLE b ()")
			_, err := migrate.Read(t.Context(), conn, files)
			check(t, "Read", err, tt.read, "")
			_, err = migrate.Deploy(t.Context(), conn, files, migrate.Options{})
			check(t, "Deploy", err, tt.deploy, tt.deployHint)
		})
	}
}

func check(t *testing.T, what string, err error, want, wantHint string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want == "":
	case err == nil || !strings.Contains(err.Error(), want):
		t.Errorf("%s: %v, want %q", what, err, want)
	case hint(err) == "" || !strings.Contains(hint(err), wantHint):
		t.Errorf("%s: hint %q, want %q", what, hint(err), wantHint)
	}
}

func TestInsideATransaction(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	run(t, conn, "BEGIN")
	if _, err := migrate.Deploy(t.Context(), conn, load(t, "CREATE TABLE a ()"), migrate.Options{}); err == nil {
		t.Error("no error")
	}
}

// A role that migrates without rights of an administrator, and a table of the
// same name in another place: neither stands in for the ledger.
func TestLedgerIsTheOneOfItsSchema(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	run(t, conn, "CREATE SCHEMA one; SET search_path = one, public; CREATE TABLE public.af_auth_migrations (version text)")
	files := load(t, "CREATE TABLE a ()")
	if _, err := migrate.Deploy(t.Context(), conn, files, migrate.Options{}); err != nil {
		t.Fatal(err)
	}
	run(t, conn, "CREATE TEMP TABLE af_auth_migrations (version text)")
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil || !st.InSync() || st.Namespace != "one" {
		t.Errorf("%+v, %v", st, err)
	}
	run(t, conn, "SET search_path = public")
	if _, err := migrate.Read(t.Context(), conn, files); err == nil || !strings.Contains(err.Error(), "read the table af_auth_migrations") {
		t.Errorf("a table that is not a ledger: %v", err)
	}
}
