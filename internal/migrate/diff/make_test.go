package diff_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

func ownFiles(t testing.TB) []migrate.File {
	t.Helper()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// af-auth's own schema: the migrations and the files agree; from the first
// migration, and from nothing, a plan leads to the files and back.
func TestOwnSchema(t *testing.T) {
	t.Parallel()
	files := ownFiles(t)
	wanted := diff.Folder("schema", postgres.Schema())
	for n := range len(files) + 1 {
		p, err := diff.Make(t.Context(), diff.Migrations("migrations", files[:n]), wanted, diff.Options{Shadow: shadowOf(t)})
		if err != nil {
			t.Errorf("from %d migrations: %v\n%s", n, err, diff.SQL(p.Up))
		}
		if p.Empty() != (n == len(files)) || p.Destructive() || p.Unchecked != "" {
			t.Errorf("from %d migrations, unchecked %q:\n%s", n, p.Unchecked, diff.SQL(p.Up))
		}
		if n == 1 && !strings.Contains(diff.SQL(p.Up), "REVOKE EXECUTE ON FUNCTION note_event(text, uuid, jsonb) FROM PUBLIC;") {
			t.Errorf("the plan leaves functions open to all:\n%s", diff.SQL(p.Up))
		}
	}
}

// A database that somebody changed by hand: the drift is seen, the way there
// and the way back are planned, and the database is not touched.
func TestDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	migrations := diff.Migrations("migrations", ownFiles(t))
	live := diff.Database("database", config(t, url))
	o := diff.Options{Shadow: shadowOf(t)}
	// What a host and its roles add is no drift.
	open(t, url).run("CREATE EXTENSION pg_stat_statements; GRANT SELECT ON users TO pg_monitor; REVOKE USAGE ON SCHEMA public FROM PUBLIC")
	if got, err := diff.Compare(t.Context(), live, migrations, o); err != nil || len(got) > 0 {
		t.Fatalf("drift of a new database: %v, %s", err, lines(got))
	}
	open(t, url).run(`ALTER TABLE users DISABLE TRIGGER users_after_update; ALTER TABLE users ADD note text; DROP INDEX users_login_idx; GRANT EXECUTE ON FUNCTION notify_access(uuid[]) TO PUBLIC;
CREATE OR REPLACE FUNCTION notify_access(ids uuid[]) RETURNS void LANGUAGE sql AS 'SELECT'; CREATE TYPE mood AS ENUM ('good'); INSERT INTO users (github_user_id, note) VALUES (1, 'x')`)
	before := open(t, url).fingerprint()
	got, err := diff.Compare(t.Context(), live, migrations, o)
	if err != nil || lines(got) != `enum mood: not wanted
column users.note: not wanted
index users.users_login_idx: missing
`+lines(got[3:]) || len(got) != 6 || got[3].Attribute != catalog.Definition || got[4].Attribute != catalog.Rights || got[5].String() != "trigger users.users_after_update: enabled: not wanted: no" {
		t.Fatalf("drift: %v\n%s", err, lines(got))
	}
	for _, way := range []struct {
		from, to diff.Source
		has      string
	}{
		{live, migrations, "ALTER TABLE users DROP COLUMN note;"},
		{migrations, live, "ALTER TABLE users ADD COLUMN note text;"},
		{live, diff.Database("another", config(t, pgtest.New(t))), "ENABLE TRIGGER users_after_update;"},
	} {
		p, err := diff.Make(t.Context(), way.from, way.to, o)
		if err != nil || !strings.Contains(diff.SQL(p.Up), way.has) || strings.Contains(diff.SQL(p.Up), "pg_stat_statements") {
			t.Errorf("%s to %s: %v\n%s", way.from, way.to, err, diff.SQL(p.Up))
		}
	}
	if open(t, url).fingerprint() != before || open(t, url).ask("SELECT note FROM users") != "x" {
		t.Error("the database was changed")
	}
}

// Named roles count between files, and beside a database when asked for.
func TestRoles(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	open(t, url).run(tableT)
	live, files := diff.Database("database", config(t, url)), sql(tableT+"GRANT SELECT ON t TO pg_monitor")
	for _, roles := range []bool{false, true} {
		p, err := diff.Make(t.Context(), live, files, diff.Options{Shadow: shadowOf(t), Roles: roles})
		if err != nil || p.Empty() == roles {
			t.Errorf("roles %t: %v, %s", roles, err, diff.SQL(p.Up))
		}
	}
}

// Rows that were there before stay as they are.
func TestRowsSurvive(t *testing.T) {
	t.Parallel()
	from := "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (id serial PRIMARY KEY, e e DEFAULT 'a', n int); CREATE VIEW v AS SELECT e FROM t"
	to := "CREATE TYPE e AS ENUM ('b', 'a'); CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, e e DEFAULT 'a', n text); CREATE VIEW v AS SELECT e FROM t"
	p := roundTrip(t, from, to, "", diff.Options{})
	url := pgtest.Empty(t)
	open(t, url).run(from + "; INSERT INTO t (e, n) VALUES ('a', 1), ('b', 2)")
	open(t, url).run(diff.SQL(p.Up) + "INSERT INTO t (n) VALUES ('three')")
	if got := open(t, url).ask("SELECT string_agg(id || ' ' || e || ' ' || n, ', ' ORDER BY id) FROM t"); got != "1 a 1, 2 b 2, 3 a three" {
		t.Errorf("after up: %s", got)
	}
	open(t, url).run("DELETE FROM t WHERE id = 3;" + diff.SQL(p.Down) + "INSERT INTO t (n) VALUES (4)")
	if got := open(t, url).ask("SELECT string_agg(id || ' ' || e || ' ' || n, ', ' ORDER BY id) FROM t"); got != "1 a 1, 2 b 2, 3 a 4" {
		t.Errorf("after down: %s", got)
	}
}

// What no statement is known for is named, with what was found.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, from, to, left, hint string }{
		{"no statement", tableT, tableT + "ALTER TABLE t ADD c int; CREATE FUNCTION plus(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE OPERATOR +@ (FUNCTION = plus, LEFTARG = int, RIGHTARG = int)", "operator +@ (integer, integer): missing", "by hand"},
		{"a value of an enum in its own transaction", "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (e e)", "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (e e DEFAULT 'b')", "column t.e: default", "two migrations"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := diff.Make(t.Context(), sql(test.from), sql(test.to), diff.Options{Shadow: shadowOf(t)})
			var e *diff.IncompleteError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.left) || !strings.Contains(e.Hint(), test.hint) || p.Empty() {
				t.Errorf("%v\n%v\n%s", err, e, diff.SQL(p.Up))
			}
		})
	}
}

// Names that are made to break out of quotes and comments.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`x" int); DROP TABLE victim; --`, "x\nDROP TABLE victim; --", "a'b", `a\b`, "Ünïcode 😀", "SELECT", strings.Repeat("x", 63), `"`, "$f$"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, text := pgx.Identifier{name}.Sanitize(), strings.ReplaceAll(name, "'", "''")
			all := strings.NewReplacer("NAME", n, "TEXT", text).Replace(`CREATE TYPE en AS ENUM ('TEXT', 'x'); CREATE TABLE NAME (NAME int NOT NULL, e en DEFAULT 'TEXT', CONSTRAINT NAME CHECK (NAME > 0));
CREATE TABLE s (NAME serial, o text COLLATE "C"); CREATE INDEX i ON NAME (NAME); COMMENT ON COLUMN NAME.NAME IS 'TEXT'; CREATE FUNCTION NAME(NAME int) RETURNS text LANGUAGE sql AS $q$SELECT 'TEXT'$q$;
COMMENT ON FUNCTION NAME(int) IS 'TEXT'; CREATE VIEW v AS SELECT NAME FROM NAME; CREATE POLICY NAME ON NAME USING (NAME > 0);` + trigger + `CREATE TRIGGER NAME BEFORE UPDATE ON NAME EXECUTE FUNCTION f('TEXT')`)
			victim := "CREATE TABLE victim (a int);"
			p := roundTrip(t, victim, victim+all, "", diff.Options{})
			if strings.Contains("\n"+diff.SQL(p.Down), "\nDROP TABLE victim") && !strings.Contains(name, "\n") {
				t.Errorf("down:\n%s", diff.SQL(p.Down))
			}
			url := pgtest.Empty(t)
			open(t, url).run(victim + all)
			open(t, url).run(diff.SQL(p.Down)) // notes are comments with these names in them
			if got := open(t, url).ask("SELECT count(*) FROM pg_class WHERE relname = 'victim'"); got != "1" {
				t.Error("the victim is gone")
			}
		})
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"1_a.sql": {Data: []byte("CREATE TABLE a (x int);")}, "2_b.sql": {Data: []byte("-- é\nCREATE TABLE b (\n    y nothing)")}, "notes.txt": {Data: []byte("x")}}
	o := diff.Options{Shadow: shadowOf(t)}
	_, err := diff.Read(t.Context(), diff.Folder("schema", files), o)
	var fe *diff.FileError
	if !errors.As(err, &fe) || fe.File != "2_b.sql" || fe.Line != 3 || !strings.Contains(err.Error(), "2_b.sql:3: ") || fe.Hint() == "" {
		t.Errorf("%v", err)
	}
	files["2_b.sql"].Data = []byte("CREATE TABLE b AS SELECT x FROM a")
	c, err := diff.Read(t.Context(), diff.Folder("schema", files), o)
	if err != nil || !slices.ContainsFunc(c.Objects, func(o catalog.Object) bool { return o.Kind == catalog.Column && o.Of == "b" && o.Name == "x" }) {
		t.Errorf("%v\n%s", err, c.Text())
	}
	if _, err := diff.Read(t.Context(), diff.Folder("schema", fstest.MapFS{}), o); err == nil {
		t.Error("a folder without files was read")
	}
}
