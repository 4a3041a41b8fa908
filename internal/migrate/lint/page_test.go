package lint_test

import (
	"flag"
	"os"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/lint"
	"github.com/af-auth/af-auth/internal/postgres"
)

var update = flag.Bool("update", false, "write docs/lint.md anew")

func TestGeneratedPage(t *testing.T) {
	t.Parallel()
	const path = "../../../docs/lint.md"
	if *update {
		if err := os.WriteFile(path, []byte(lint.Page()), 0o644); err != nil { // #nosec G306 -- documentation
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != lint.Page() {
		t.Errorf("%s is stale: run go test ./internal/migrate/lint -run Generated -update", path)
	}
}

// What we ask of others we do: our own migrations have no finding, and each
// exception says why.
func TestOwnMigrations(t *testing.T) {
	t.Parallel()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	found, err := lint.Run(t.Context(), files, lint.Options{Shadow: shadowOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Errorf("\n%s", text(found))
	}
}
