package main

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// TestLeastPrivilege does what docs/database.md says, in its order and with its
// SQL as it stands: two roles, a deployment as the owner, a server as the other.
// It serves at once, and once the record is closed it serves on.
func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	_, as, after := deployedByRoles(t)
	sim := newSlowGitHub(t)
	s := startServe(t, as("app"), sim.url)
	if status, body := s.ready(t); status != http.StatusOK {
		t.Fatalf("/ready: %d\n%s", status, body)
	}

	runSQL(t, as("owner"), after)
	second := startServe(t, as("app"), sim.url)
	if status, body := second.ready(t); status != http.StatusOK {
		t.Fatalf("/ready, once the record is closed: %d\n%s", status, body)
	}
	if second.signIn(t, "octocat") == nil {
		t.Error("octocat got no session")
	}
	for _, forbidden := range []string{
		"UPDATE events SET kind = 'x'", "DELETE FROM events", "TRUNCATE events",
		"INSERT INTO events (id, kind) OVERRIDING SYSTEM VALUE VALUES (9223372036854775807, 'x')", "INSERT INTO events (at, kind) VALUES ('2020-01-01', 'x')",
		"INSERT INTO events (kind, role) VALUES ('x', 'postgres')", "SELECT setval('events_id_seq', 9223372036854775807)", "DELETE FROM af_auth_migrations",
		"UPDATE af_auth_migrations_history SET actor = 'x'", "INSERT INTO af_auth_migrations SELECT * FROM af_auth_migrations",
		"CREATE TABLE mine (id int)", "ALTER TABLE users DISABLE TRIGGER ALL",
	} {
		if err := trySQL(t, as("app"), forbidden); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: %v, want SQLSTATE 42501", forbidden, err)
		}
	}

	commandsWork(t, as("app"))

	// A command of a role without its rights names the GRANT.
	runSQL(t, as("owner"), "REVOKE ALL ON users, af_auth_migrations FROM af_auth_app")
	for want, args := range map[string][]string{
		"hint: as the owner of the tables: GRANT SELECT, INSERT, UPDATE, DELETE ON users TO the role of DATABASE_URL": {"users"},
		`GRANT SELECT ON "public"."af_auth_migrations"`:                                                               {"db", "migrate", "status"},
	} {
		command := exec.Command("af-auth", args...)
		command.Dir, command.Env = t.TempDir(), []string{"DATABASE_URL=" + as("app")}
		if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("af-auth %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, want)
		}
	}
}

// commandsWork runs each command that writes a line of the record itself, or makes
// the triggers write some.
func commandsWork(t *testing.T, database string) {
	t.Helper()
	people := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(people, []byte("github_user_id\n7\n8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"allow", "#9"}, {"revoke", "#9"}, {"import", people, "--yes"}, {"sign-out", "#7"}, {"forget", "#8", "--yes"}, {"events", "--all"},
	} {
		command := exec.Command("af-auth", args...)
		command.Dir, command.Env = t.TempDir(), []string{"DATABASE_URL=" + database}
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("af-auth %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// leastPrivilege returns the two blocks of SQL of docs/database.md's section of
// that name.
func leastPrivilege(t *testing.T) (before, after string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "database.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n### Least privilege\n")
	section, _, _ = strings.Cut(section, "\n##")
	parts := strings.Split(section, "```")
	if len(parts) != 5 || !strings.HasPrefix(parts[1], "sql\n") || !strings.HasPrefix(parts[3], "sql\n") {
		t.Fatal("the section has not two blocks of SQL")
	}
	before, after = strings.TrimPrefix(parts[1], "sql\n"), strings.TrimPrefix(parts[3], "sql\n")
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range strings.Split(strings.TrimSuffix(after, ";\n"), ";\n") {
		if !strings.Contains(string(readme), "-c '"+statement+"'") {
			t.Errorf("README.md's step 4 lacks %s", statement)
		}
	}
	return before, after
}

// deployedByRoles is a server on which was done what docs/database.md says, as far
// as the deployment as the owner: its address, that of the database as a role, and
// the statements for afterwards.
func deployedByRoles(t *testing.T) (address string, as func(role string) string, after string) {
	t.Helper()
	// Roles and the database's name are the server's, so this one has its own.
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	before, after := leastPrivilege(t)
	superuser, database, _ := strings.Cut(before, "\\connect af_auth\n")
	as = func(role string) string { return roleURL(t, server.URL(), role) }
	runSQL(t, server.URL(), superuser)
	runSQL(t, databaseURL(t, server.URL()), database)

	deploy := exec.Command("af-auth", "db", "migrate", "deploy", "--yes")
	deploy.Dir, deploy.Env = t.TempDir(), []string{"AF_AUTH_OWNER_URL=" + as("owner"), "AF_AUTH_ENV=production"}
	if out, err := deploy.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return server.URL(), as, after
}

// roleURL is the address of the documented database as one of its two roles.
func roleURL(t *testing.T, server, role string) string {
	t.Helper()
	u, err := url.Parse(databaseURL(t, server))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("af_auth_"+role, role+"_password")
	return u.String()
}

func databaseURL(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/af_auth"
	return u.String()
}

// runSQL runs statements, each in a transaction of its own, as psql would.
func runSQL(t *testing.T, url, statements string) {
	t.Helper()
	for _, statement := range strings.Split(statements, ";\n") {
		if err := trySQL(t, url, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func trySQL(t *testing.T, url, sql string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	return err
}
