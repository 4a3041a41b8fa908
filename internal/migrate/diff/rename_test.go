package diff_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestRenames(t *testing.T) {
	t.Parallel()
	from := tableT + "CREATE INDEX t_a_idx ON t (a); CREATE SEQUENCE s; CREATE VIEW v AS SELECT a FROM t; CREATE TABLE u (id int GENERATED ALWAYS AS IDENTITY, CONSTRAINT u_id_check CHECK (id > 0))"
	to := `CREATE TABLE people (id int PRIMARY KEY, handle text, b int); CREATE INDEX people_handle_idx ON people (handle); CREATE SEQUENCE s;
CREATE VIEW v AS SELECT handle FROM people; CREATE TABLE "New U" (id int GENERATED ALWAYS AS IDENTITY, CHECK (id > 0))`
	asked := roundTrip(t, from, to, "DROP TABLE t", diff.Options{})
	want := []diff.Rename{{From: "t", To: "people"}, {From: "u", To: `"New U"`}}
	for _, r := range want {
		if !slices.Contains(asked.Candidates, r) {
			t.Errorf("%s is not proposed: %v", r, asked.Candidates)
		}
	}
	if !asked.Destructive() || len(asked.Lost) != 2 {
		t.Errorf("without renames, lost are %q", asked.Lost)
	}
	renames := append(want, diff.Rename{Table: "t", From: "a", To: "handle"})
	p := roundTrip(t, from, to, "ALTER TABLE t RENAME COLUMN a TO handle;\nALTER TABLE t RENAME TO people;\nALTER TABLE u RENAME TO \"New U\";", diff.Options{Renames: renames})
	if p.Destructive() || len(p.Lost) > 0 {
		t.Errorf("with renames, lost are %q:\n%s", p.Lost, diff.SQL(p.Up))
	}
	// The rows stay, there and back.
	url := pgtest.Empty(t)
	open(t, url).run(from + "; INSERT INTO t VALUES (1, 'x', 2); INSERT INTO u DEFAULT VALUES")
	open(t, url).run(diff.SQL(p.Up))
	if got := open(t, url).ask("SELECT handle || b FROM people"); got != "x2" {
		t.Errorf("after up: %q", got)
	}
	open(t, url).run(diff.SQL(p.Down))
	if got := open(t, url).ask("SELECT a || b || (SELECT count(*) FROM u) FROM t"); got != "x21" {
		t.Errorf("after down: %q", got)
	}
}

// A column that vanished beside one that appeared is proposed if its type fits.
func TestCandidates(t *testing.T) {
	t.Parallel()
	p, err := diff.Make(t.Context(), sql("CREATE TABLE t (id int, login text, n int)"), sql("CREATE TABLE t (id int, handle text, at date)"), diff.Options{Shadow: shadowOf(t)})
	if err != nil || len(p.Candidates) != 1 || p.Candidates[0].String() != "t.login:handle" {
		t.Errorf("%v, %v", p.Candidates, err)
	}
}

func TestRenameOfNothing(t *testing.T) {
	t.Parallel()
	_, err := diff.Make(t.Context(), sql(tableT), sql("CREATE TABLE u (id int)"), diff.Options{Shadow: shadowOf(t), Renames: []diff.Rename{{From: "nothing", To: "u"}}})
	if err == nil {
		t.Error("a rename of what is not there was accepted")
	}
}

func TestParseRename(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]diff.Rename{
		"users.login:handle":  {Table: "users", From: "login", To: "handle"},
		"users:people":        {From: "users", To: "people"},
		`"My.T"."a:b":"c""d"`: {Table: `"My.T"`, From: `"a:b"`, To: `"c""d"`},
		"größe:maß":           {From: "größe", To: "maß"},
		"":                    {}, ":": {}, "a": {}, "a:": {}, ":b": {}, "a.b": {}, "a.b.c:d": {}, "a:b:c": {}, "A:b": {}, `"":b`: {}, `"a:b`: {}, "1a:b": {}, "a b:c": {}, "a;:b": {}, "a:b.c": {},
	} {
		got, err := diff.ParseRename(text)
		if got != want || (err == nil) != (want.From != "") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// Whatever is accepted is names and nothing else.
func FuzzParseRename(f *testing.F) {
	for _, s := range []string{"users.login:handle", `"a""b".c:d`, `"`, `a."b:c`, `""".a:b`, "a:b; DROP TABLE t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := diff.ParseRename(s)
		if err != nil {
			return
		}
		if r.String() != s {
			t.Errorf("%q is read as %q", s, r)
		}
		for _, name := range []string{r.Table, r.From, r.To} {
			if name == "" || name[0] != '"' {
				continue
			}
			inside := name[1 : len(name)-1]
			if again := (pgx.Identifier{unquoted(inside)}).Sanitize(); again != name && len(inside) > 0 && !hasZero(inside) {
				t.Errorf("%q holds the name %q, which is quoted %q", s, name, again)
			}
		}
	})
}

func unquoted(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		out = append(out, s[i])
		if s[i] == '"' {
			i++
		}
	}
	return string(out)
}

func hasZero(s string) bool { return slices.Contains([]byte(s), 0) }
