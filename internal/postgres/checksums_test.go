package postgres_test

import (
	"os"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
)

// TestMigrationChecksumsFresh fails where a file of migrations is not what
// checksums.txt says. A file that has been released must not change any more.
func TestMigrationChecksumsFresh(t *testing.T) {
	t.Parallel()
	const dir = "migrations"
	files, err := migrate.Rules{Unlisted: true}.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := migrate.WriteChecksums(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := migrate.Load(os.DirFS(dir)); err != nil {
		t.Errorf("%v\nrun make generate, if the file was never released", err)
	}
}
