package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/schemadoc"
	"github.com/af-auth/af-auth/internal/pgtest"
)

const schemaPage = "../../docs/schema.md"

const schemaIntro = "<!-- Written by `make generate` from the comments in internal/postgres/schema and the headers in internal/postgres/migrations. -->\n\n" +
	"What stands in af-auth's database, and how it came there. The meaning of a table or a column is its comment in the schema, so `\\d+` in psql shows the same. " +
	"How rows come and go, and with which rights, is in [database.md](database.md); how a change is made, in [CONTRIBUTING.md](../CONTRIBUTING.md#recipes)."

// ownCatalogue reads the schema as the migrations make it.
func ownCatalogue(t *testing.T) catalog.Catalog {
	t.Helper()
	c, err := catalog.Read(t.Context(), newProbe(t, pgtest.New(t)).Conn, "public")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGeneratedSchemaPage fails when docs/schema.md is not what the schema says;
// with -update it writes the page anew.
func TestGeneratedSchemaPage(t *testing.T) {
	t.Parallel()
	want := schemadoc.Page{
		Title: "Schema", Intro: schemaIntro, Catalog: ownCatalogue(t),
		Bookkeeping: migrate.Tables(), Files: loadMigrations(t),
	}.Markdown()
	if *update {
		if err := os.WriteFile(schemaPage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(schemaPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/schema.md is stale: run make generate\n%s", firstDifference(string(got), want))
	}
}

// firstDifference shows where two texts part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	line := func(list []string) string { return strings.Join(list[min(i, len(list)):min(i+1, len(list))], "") }
	return "the page: " + line(g) + "\nthe schema: " + line(w)
}

func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	for _, name := range schemadoc.Undescribed(ownCatalogue(t)) {
		t.Errorf("%s has no comment: say what it is for with COMMENT ON", name)
	}
}
