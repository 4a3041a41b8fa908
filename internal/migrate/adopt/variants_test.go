package adopt_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/adopt"
)

// Databases that can be adopted, each with what must be among the statements and
// what must be named. The seed's columns of every row stay as they are.
func TestAdopted(t *testing.T) {
	t.Parallel()
	files := own(t)
	first := files[0].Up
	for _, tt := range []struct {
		name, sql string
		had       string
		has       []string // statements
		named     string   // differences, extra, foreign, notes
		rewrites  string
	}{
		{"by hand, with the first file", first + ";" + people, "users", nil, "", ""},
		{"by hand, and all of it", first + ";" + people + files[1].Up, "users access", nil, "", ""},
		{"all of it, but for an index, a trigger and a column that may be NULL", first + ";" + files[1].Up + "; ALTER TABLE users DROP github_refresh_token; DROP INDEX users_login_idx; DROP TRIGGER users_after_delete ON users", "users access",
			[]string{"ADD COLUMN github_refresh_token text"}, "column users.github_refresh_token: missing", ""},
		{"all of it, but for an index and a trigger", first + ";" + files[1].Up + "; DROP INDEX users_login_idx; DROP TRIGGER users_after_delete ON users", "users access",
			[]string{"CREATE INDEX users_login_idx", "CREATE TRIGGER users_after_delete"}, "trigger users.users_after_delete: missing", ""},
		{"varchar tokens", strings.Replace(prismaTable, `"github_access_token" TEXT`, `"github_access_token" VARCHAR(1000)`, 1) + people, "users",
			[]string{"ALTER COLUMN github_access_token TYPE text"}, "column users.github_access_token: type: character varying(1000), wanted text", ""},
		{"ids as text", strings.Replace(prismaTable, `"github_user_id" BIGINT`, `"github_user_id" TEXT`, 1) + people, "users",
			[]string{"ALTER COLUMN github_user_id TYPE bigint USING github_user_id::bigint"}, "", "users"},
		{"small ids", strings.Replace(prismaTable, `"github_user_id" BIGINT`, `"github_user_id" INTEGER`, 1), "users",
			[]string{"ALTER COLUMN github_user_id TYPE bigint"}, "", "users"},
		{"times without a zone", strings.ReplaceAll(prismaTable, `TIMESTAMPTZ(6)`, `TIMESTAMP(3)`) + `INSERT INTO users (id, github_user_id, updated_at) VALUES (md5('1')::uuid, 1, '2024-01-01 12:00:00.123')`, "users",
			[]string{"ALTER COLUMN updated_at TYPE timestamp(6) with time zone"}, "the times in users.updated_at are taken as UTC, as Prisma writes them", ""},
		{"other names", strings.NewReplacer("users_pkey", "people_pk", "users_github_user_id_key", "by github").Replace(prismaTable) + people, "users",
			[]string{"RENAME CONSTRAINT people_pk TO users_pkey", `ADD CONSTRAINT users_github_user_id_key UNIQUE USING INDEX "by github"`}, "", ""},
		{"a constraint by another name, and the index twice", prismaTable + `ALTER TABLE users ADD CONSTRAINT a_key UNIQUE (github_user_id), ADD CONSTRAINT b_key UNIQUE (github_user_id)`, "users",
			nil, "constraint users.b_key", ""},
		{"no key", strings.Split(prismaTable, "CREATE UNIQUE")[0] + people, "users", []string{"ADD CONSTRAINT users_github_user_id_key UNIQUE (github_user_id)"}, "", ""},
		{"NULL where it may not be", strings.Replace(prismaTable, `"is_whitelisted" BOOLEAN NOT NULL`, `"is_whitelisted" BOOLEAN`, 1) + people, "users", []string{"ALTER COLUMN is_whitelisted SET NOT NULL"}, "", ""},
		{"a nullable column less", strings.Replace(prismaTable, `"github_refresh_token" TEXT,`, "", 1), "users", []string{"ADD COLUMN github_refresh_token text"}, "column users.github_refresh_token: missing", ""},
		{"more columns", prismaTable + people + `ALTER TABLE users ADD "nickName" text, ADD seen int NOT NULL DEFAULT 0; CREATE INDEX seen_idx ON users (seen); ALTER TABLE users ADD CONSTRAINT seen_check CHECK (seen >= 0), SET (fillfactor = 70)`, "users",
			nil, `options of table users: fillfactor=70; column users."nickName"; column users.seen; constraint users.seen_check; index users.seen_idx`, ""},
		{"a view and a function of others", prismaTable + people + `CREATE VIEW all_users AS SELECT * FROM users; GRANT SELECT ON all_users TO PUBLIC; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`, "users", nil, "function f()", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, tt.sql)
			values := func() string {
				return d.ask("SELECT md5(string_agg(md5(r::text), '' ORDER BY r::text)) FROM (SELECT id, github_user_id::text, github_access_token, is_whitelisted, created_at::timestamp, updated_at::timestamp FROM users) r")
			}
			before := values()
			views := d.ask("SELECT string_agg(oid || relname || coalesce(relacl::text, ''), ' ' ORDER BY oid) FROM pg_class WHERE relkind = 'v'")
			p := planned(t, d, files)
			if names(p.Had) != tt.had || strings.Join(p.Rewrites(), " ") != tt.rewrites {
				t.Errorf("had %q, rewrites %v", names(p.Had), p.Rewrites())
			}
			for _, want := range tt.has {
				if !strings.Contains(statements(p), want) {
					t.Errorf("no %q in\n%s", want, statements(p))
				}
			}
			if strings.Contains(statements(p), "DROP") && tt.rewrites == "" {
				t.Errorf("it drops:\n%s", statements(p))
			}
			if all := told(p); !strings.Contains(all, tt.named) {
				t.Errorf("no %q in\n%s", tt.named, all)
			}
			carryOut(t, d, files, p)
			if values() != before {
				t.Error("values changed")
			}
			if now := d.ask("SELECT string_agg(oid || relname || coalesce(relacl::text, ''), ' ' ORDER BY oid) FROM pg_class WHERE relkind = 'v'"); now != views {
				t.Error("views were made again")
			}
		})
	}
}

// told is everything that a plan names.
func told(p adopt.Plan) string {
	var all []string
	for _, d := range p.Differences {
		all = append(all, d.String())
	}
	all = append(all, p.Extra...)
	all = append(all, p.Foreign...)
	return strings.Join(append(all, p.Notes...), "; ")
}

// Databases that cannot be adopted as they are: each names the thing and says
// what to do by hand, and nothing is changed.
func TestRefused(t *testing.T) {
	t.Parallel()
	files := own(t)
	replace := func(old, new string) string { return strings.Replace(prismaTable, old, new, 1) }
	const one = `INSERT INTO users (id, github_user_id, updated_at) VALUES (md5('1')::uuid, `
	for _, tt := range []struct{ name, sql, want, hint string }{
		{"junk for ids", replace(`"github_user_id" BIGINT`, `"github_user_id" TEXT`) + one + `'12', now()); INSERT INTO users (id, github_user_id, updated_at) VALUES (md5('2')::uuid, 'secret-junk', now())`,
			"users.github_user_id is text, wanted bigint, and some rows would not keep the value; the server said: invalid input syntax for type bigint", "SELECT github_user_id FROM users"},
		{"ids that would change", replace(`"github_user_id" BIGINT`, `"github_user_id" TEXT`) + one + `'007', now())`,
			"users.github_user_id is text, wanted bigint, and 1 row would not keep the value", "convert it by hand"},
		{"no such cast", replace(`"github_user_id" BIGINT`, `"github_user_id" UUID`), "there is no way without harm to this: column users.github_user_id: type: uuid, wanted bigint", "change it by hand"},
		{"two of one id", strings.Split(prismaTable, "CREATE UNIQUE")[0] + one + `1, now()); INSERT INTO users (id, github_user_id, updated_at) VALUES (md5('2')::uuid, 1, now())`,
			"users_github_user_id_key of users cannot be made: values of (github_user_id) are there more than once, in 2 rows", "SELECT github_user_id, count(*) FROM users GROUP BY github_user_id"},
		{"a column that blocks", prismaTable + `ALTER TABLE users ADD tenant int NOT NULL`, "column users.tenant may not be NULL and has no default", "ALTER TABLE users ALTER COLUMN tenant DROP NOT NULL"},
		{"a view on a column that changes", replace(`"github_access_token" TEXT`, `"github_access_token" VARCHAR(99)`) + `CREATE VIEW v AS SELECT github_access_token FROM users`,
			"cannot alter type of a column used by a view or rule", "drop what is in the way"},
		{"NULL where it may not be", replace(`"is_whitelisted" BOOLEAN NOT NULL`, `"is_whitelisted" BOOLEAN`) + `INSERT INTO users (id, github_user_id, is_whitelisted, updated_at) VALUES (md5('1')::uuid, 1, NULL, now())`,
			"users.is_whitelisted is NULL in 1 row, and may not be", "fill it by hand"},
		{"another table of that name", `CREATE TABLE users (id serial PRIMARY KEY, email text)`, "20261123090000_users.up.sql would make what is there already: table users; and this is not there: column users.created_at", "rename it"},
		{"a column that a later file makes", prismaTable + `ALTER TABLE users ADD name varchar(9)`, "20261123090100_access.up.sql would make what is there already: column users.name", "rename it"},
		{"a table that a later file makes", prismaTable + `CREATE TABLE sessions (id text PRIMARY KEY)`, "20261123090100_access.up.sql would make what is there already: table sessions", "rename it"},
		{"Prisma failed", prismaTable + prismaLedger + `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ('2', 'x', '20240102000000_broken', now()); INSERT INTO _prisma_migrations (id, checksum, migration_name, rolled_back_at) VALUES ('3', 'x', 'undone', now())`,
			"Prisma's migration 20240102000000_broken has failed, or is still running", "npx prisma migrate resolve --rolled-back 20240102000000_broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, tt.sql)
			before := d.ask("SELECT string_agg(c::text, ' ' ORDER BY oid) FROM pg_class c WHERE relnamespace = 'public'::regnamespace")
			p := planned(t, d, files)
			err := p.Refusal()
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint(err), tt.hint) || !strings.HasPrefix(hint(err), "nothing was changed; ") {
				t.Errorf("%v\nhint: %s\nwant %s\nhint: %s", err, hint(err), tt.want, tt.hint)
			}
			if strings.Contains(fmt.Sprint(err, hint(err)), "secret-junk") {
				t.Error("a value was told")
			}
			if d.ask("SELECT string_agg(c::text, ' ' ORDER BY oid) FROM pg_class c WHERE relnamespace = 'public'::regnamespace") != before {
				t.Error("the database was changed")
			}
		})
	}
}

// What there is nothing to adopt in.
func TestNothing(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{"empty": "", "tables of others": oldTables[strings.Index(oldTables, "CREATE TYPE"):strings.Index(oldTables, "CREATE TABLE")] + "CREATE TABLE other ()", "Prisma of another service": prismaLedger} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, sql)
			if p := planned(t, d, own(t)); !p.Nothing() || len(p.Pending) != len(own(t)) {
				t.Errorf("%+v", p)
			}
			if known, err := known(t, d.Conn, own(t)); err != nil || len(known) != 0 {
				t.Errorf("known: %v, %v", known, err)
			}
		})
	}
}

// anybody's is a project that is not af-auth's: it has all that a run of files
// can leave, and one that leaves nothing.
func anybodys(t *testing.T, n int) []migrate.File {
	t.Helper()
	fsys := fstest.MapFS{}
	for i, up := range []string{
		"CREATE TABLE books (id serial PRIMARY KEY, title text, gone int); CREATE TYPE genre AS ENUM ('novel');",
		"UPDATE books SET title = trim(title);",
		"-- transaction: none\nCREATE INDEX CONCURRENTLY books_title_idx ON books (title);",
		"ALTER TABLE books ADD COLUMN genre genre;",
		"ALTER TABLE books DROP COLUMN gone;",
		"ALTER TABLE books ALTER COLUMN title SET DEFAULT 'untitled';",
		"UPDATE books SET title = upper(title);",
	}[:n] {
		fsys[fmt.Sprintf("2026010100000%d_m%d.up.sql", i, i+1)] = &fstest.MapFile{Data: []byte(up)}
	}
	files, err := migrate.Rules{HeaderOptional: true, DownOptional: true}.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Which files a database has had is judged by what they leave.
func TestHad(t *testing.T) {
	t.Parallel()
	const one = "CREATE TABLE books (id serial PRIMARY KEY, title text, gone int); CREATE TYPE genre AS ENUM ('novel'); INSERT INTO books (title) VALUES (' a ');"
	const index, column, drop, def = "CREATE INDEX books_title_idx ON books (title);", "ALTER TABLE books ADD genre genre;", "ALTER TABLE books DROP gone;", "ALTER TABLE books ALTER title SET DEFAULT 'untitled';"
	for _, tt := range []struct{ name, sql, had, unseen, title string }{
		{"one", one, "m1", "", "A"},
		{"an index", one + index, "m1 m2 m3", "m2", " A "},
		{"a column, and no index", one + column, "m1 m2 m3 m4", "m2", " A "},
		{"a column that is gone", one + column + drop, "m1 m2 m3 m4 m5", "m2", " A "},
		{"a default", one + index + column + drop + def, "m1 m2 m3 m4 m5 m6", "m2", " A "},
		{"an identity for a serial", strings.Replace(one, "serial", "int GENERATED BY DEFAULT AS IDENTITY", 1), "m1", "", "A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, tt.sql)
			files := anybodys(t, 7)
			p := planned(t, d, files)
			if names(p.Had) != tt.had || names(p.Unseen) != tt.unseen {
				t.Errorf("had %q, unseen %q", names(p.Had), names(p.Unseen))
			}
			carryOut(t, d, files, p)
			if title := d.ask("SELECT string_agg(title, '|') FROM books"); title != tt.title {
				t.Errorf("title %q, want %q", title, tt.title)
			}
			d.run("INSERT INTO books DEFAULT VALUES")
		})
	}
}

// known is what deploy refuses and status calls unknown.
func known(t *testing.T, conn *pgx.Conn, files []migrate.File) ([]string, error) {
	t.Helper()
	st, err := migrate.Read(t.Context(), conn, files)
	if err != nil {
		return nil, err
	}
	return migrate.Strangers(t.Context(), conn, st, files)
}
