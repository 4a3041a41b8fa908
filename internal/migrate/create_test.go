package migrate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/migrate"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2026, 3, 29, 2, 30, 0, 0, time.FixedZone("CEST", 2*60*60))
	steps := []struct {
		name, want string
		now        time.Time
	}{
		{"first", "20260329003000_first", now},
		{"same_second", "20260329003001_same_second", now},
		{"clock_is_behind", "20260329003002_clock_is_behind", now.Add(-time.Hour)},
		{"later", "20260330003000_later", now.Add(24 * time.Hour)},
	}
	for i, s := range steps {
		up, down, err := migrate.Create(dir, s.name, migrate.Draft{}, s.now)
		if err != nil {
			t.Fatal(err)
		}
		if up != filepath.Join(dir, s.want+".up.sql") || down != filepath.Join(dir, s.want+".down.sql") {
			t.Fatalf("got %s and %s, want %s", up, down, s.want)
		}
		// A pair is a fault until somebody writes a statement into it.
		if _, err := migrate.Load(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), s.want+".up.sql: holds no statement") {
			t.Fatalf("an empty pair loads: %v", err)
		}
		text, err := os.ReadFile(up) //nolint:gosec // a path of this test
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(up, append(text, "SELECT 1;\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		files, err := migrate.Load(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"1.0.0", "1.1.0", "1.2.0", "1.3.0"}[i]; files[i].Schema != want || files[i].Kind != migrate.Expand {
			t.Errorf("header of %s: %q %q", s.want, files[i].Schema, files[i].Kind)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Add", "1st", "a b", "../a", "a/b", "a.up", "é", "a-b", "_a", "a\x00", strings.Repeat("a", 101)} {
		dir := t.TempDir()
		if _, _, err := migrate.Create(dir, name, migrate.Draft{}, time.Unix(0, 0)); err == nil || hint(err) == "" {
			t.Errorf("%q: %v", name, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%q: wrote %v, %v", name, entries, err)
		}
	}
	if _, _, err := migrate.Create(filepath.Join(t.TempDir(), "none"), "a", migrate.Draft{}, time.Unix(0, 0)); err == nil {
		t.Error("a folder that does not exist was accepted")
	}
}

// A directory in the way of the second file: the first does not stay alone.
func TestCreateIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Mkdir(filepath.Join(dir, "20260102030405_a.down.sql"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := migrate.Create(dir, "a", migrate.Draft{}, now); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(filepath.Join(dir, "20260102030405_a.up.sql")); !os.IsNotExist(err) {
		t.Errorf("the up file stayed: %v", err)
	}
}
