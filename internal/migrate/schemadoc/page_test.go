package schemadoc_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/schemadoc"
	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// read makes a schema and reads it.
func read(t *testing.T, sql string) catalog.Catalog {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Read(t.Context(), conn, "public")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// contains fails for each line that a page lacks.
func contains(t *testing.T, page string, lines ...string) {
	t.Helper()
	have := strings.Split(page, "\n")
	for _, line := range lines {
		if !slices.Contains(have, line) {
			t.Errorf("the page has no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	c := read(t, `
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE owners (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'nobody', tags text[]);
CREATE TABLE pets (owner bigint PRIMARY KEY REFERENCES owners, mother bigint REFERENCES pets, mood mood, at timestamptz(3), weight numeric(10, 2) CHECK (weight > 0));
CREATE INDEX pets_mother ON pets (mother) WHERE mother > 0;
CREATE UNIQUE INDEX pets_at ON pets (at);
CREATE TABLE ledger (version text);
CREATE VIEW names AS SELECT name FROM owners;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION about(what text DEFAULT 'SECURITY DEFINER') RETURNS text LANGUAGE sql AS 'SELECT what';
CREATE TRIGGER touch BEFORE UPDATE ON pets FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER still BEFORE INSERT ON pets FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE pets DISABLE TRIGGER still;
ALTER TABLE owners ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON owners FOR SELECT USING (name = current_user);
COMMENT ON TABLE pets IS E'Animals.\n\nOne each.';
COMMENT ON COLUMN pets.mother IS 'Whose child it is.';
COMMENT ON INDEX pets_mother IS 'Finds children.';
COMMENT ON TRIGGER still ON pets IS 'Not now.';
COMMENT ON FUNCTION touch() IS 'Sees to it.'`)
	page := schemadoc.Page{Title: "Zoo", Intro: "As *it* is.", Catalog: c, Bookkeeping: []string{"ledger"}, Files: []migrate.File{
		{Version: "20260102030405", Name: "a", NoDown: true, Up: "SELECT 1"},
		{Version: "20260102030406", Name: "b", Schema: "1.1.0", Kind: migrate.Backfill, Batch: migrate.Batch{Table: "pets", Column: "owner", Size: 100}, Lost: "names\nages",
			Up: "-- schema: 1.1.0\n-- kind: backfill\n-- batch: pets by owner 100\n--\n-- What it\n-- is for.\n--\n-- And why.\n\n-- not the header\nSELECT 1"},
	}}.Markdown()
	contains(t, page, "# Zoo", "As *it* is.",
		`    "owners" ||--o| "pets" : "owner"`, `    "pets" |o--o{ "pets" : "mother"`,
		"        bigint owner PK, FK", "        bigint mother FK", "        mood mood", "        timestamptz(3) at", "        numeric weight", "        text[] tags", "        character_varying(40) name",
		"### `pets`", "Animals.", "One each.", "| `owner` | `bigint` | no |  |  |", "| `mother` | `bigint` | yes |  | Whose child it is. |",
		"| `id` | `bigint` | no | `GENERATED ALWAYS AS IDENTITY` |", "| `name` | `character varying(40)` | no | `'nobody'::character varying` |",
		"| `pets_owner_fkey` | `FOREIGN KEY (owner) REFERENCES owners(id)` |", "| `pets_weight_check` | `CHECK ((weight > (0)::numeric))` |",
		"| `pets_mother` | `btree (mother) WHERE mother > 0` | Finds children. |", "| `pets_at` | `UNIQUE btree (at)` |  |",
		"| `touch` | `BEFORE UPDATE ON pets FOR EACH ROW EXECUTE FUNCTION touch()` | Sees to it. |",
		"| `still` | `BEFORE INSERT ON pets FOR EACH ROW EXECUTE FUNCTION touch()` | Switched off. Not now. |",
		"With row security.", "| `own` | `PERMISSIVE FOR SELECT TO PUBLIC` | `((name)::text = CURRENT_USER)` |  |",
		"### `names`", "A view.", "| `mood` | enum | `'good', 'bad'` |", "| `touch()` | `trigger` | owner | Sees to it. |",
		"| `about(what text DEFAULT 'SECURITY DEFINER'::text)` | `text` | caller |  |",
		"## Bookkeeping", "### `ledger`",
		"### `20260102030406_b`", "Schema 1.1.0 · backfill · in batches of 100 over `pets` by `owner`", "What it is for.", "And why.", "- names", "- ages",
		"### `20260102030405_a`", "no way back")
	if strings.Contains(page, "not the header") || strings.Contains(page, `"ledger"`) || strings.Contains(page, "owners_pkey` | `btree") {
		t.Error("the page says too much")
	}
	if !strings.Contains(page, "### `20260102030406_b`\n\n") || strings.Index(page, "30406_b") > strings.Index(page, "30405_a") {
		t.Error("the newest migration does not come first")
	}
}

// Whatever names and comments hold, the page keeps its form.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	const name = "a|b`c``d\"\"\n# e\\| <script>x</script> %1$s --> ~~~ PK"
	quoted := strings.ReplaceAll(`"NAME"`, "NAME", name)
	c := read(t, strings.ReplaceAll(`
CREATE TABLE NAME (NAME text DEFAULT '|`+"`"+`' PRIMARY KEY, pk text, "1" text REFERENCES NAME);
CREATE TABLE "a_b_c__d__ # e__ _script_x__script_ _1_s --_ ___ PK" (x int);
CREATE TABLE "用户" ("名" text);
CREATE FUNCTION NAME(NAME text) RETURNS int LANGUAGE sql AS 'SELECT 1';
COMMENT ON TABLE NAME IS E'| a | b |\n|---|---|\n\n\`+"`\\`\\`"+`html\n<img src=x onerror=y>\n# no heading\n\n- [x](javascript:y)';
COMMENT ON COLUMN NAME.NAME IS E'one|two\nthree\\|four\r\n\`+"`"+`five';
COMMENT ON COLUMN NAME.pk IS E'ends with a backslash\\';`, "NAME", quoted))
	page := schemadoc.Page{Title: "a\n# b | <i>", Catalog: c, Files: []migrate.File{
		{Version: "20260102030405", Name: "a", Schema: "1.0.0", Kind: "expand", Up: "-- # no heading\n-- | no | table |\nSELECT 1", Lost: "```\n# all"},
	}}.Markdown()
	wellFormed(t, page)
	if want := " | one\\|two<br>three\\\\\\|four<br>\\`five |\n| `pk` | `text` | yes |  | ends with a backslash\\\\ |\n"; !strings.Contains(page, want) {
		t.Errorf("the page has no %s", want)
	}
	contains(t, page, `# a # b \| \<i>`, `- \`+"`\\`\\`", `- \# all`, `\# no heading \| no \| table \|`, "### `\"用户\"`")
}

// wellFormed fails where a line of the page is none that the generator writes.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	fenced, width := false, 0
	mermaid := regexp.MustCompile(`^(erDiagram|    "\w+" (\{|[|}o]{2}--[|{o]{2} "\w+" : "[\w, ]*")|    \}|        [a-zA-Z]\w*(\(\d+\))?(\[\])? [a-zA-Z]\w*( [PFU]K(, [PFU]K)*)?)$`)
	for line := range strings.SplitSeq(page, "\n") {
		switch {
		case strings.HasPrefix(line, "```mermaid") || fenced && line == "```":
			fenced = !fenced
		case fenced:
			if !mermaid.MatchString(line) {
				t.Errorf("not Mermaid: %s", line)
			}
		case strings.HasPrefix(line, "|"):
			cells := strings.Count(regexp.MustCompile(`\\+\|`).ReplaceAllString(line, ""), "|")
			if width != 0 && cells != width {
				t.Errorf("%d cells instead of %d: %s", cells, width, line)
			}
			width = cells
		default:
			width = 0
			if strings.HasPrefix(line, "~") || strings.HasPrefix(line, "#") && !regexp.MustCompile("^#{1,3} [^#]").MatchString(line) || strings.Contains(strings.ReplaceAll(line, `\<`, ""), "<i") {
				t.Errorf("not text: %s", line)
			}
		}
	}
}

func TestUndescribed(t *testing.T) {
	t.Parallel()
	c := read(t, `CREATE TABLE a (b serial, c int); COMMENT ON COLUMN a.c IS 'x'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE e AS ENUM ('x'); COMMENT ON TYPE e IS ' '`)
	if got := schemadoc.Undescribed(c); !slices.Equal(got, []string{"enum e", "table a", "column a.b", "function f()"}) {
		t.Errorf("%q", got)
	}
}
