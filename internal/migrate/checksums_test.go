package migrate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/af-auth/af-auth/internal/migrate"
)

func TestChecksums(t *testing.T) {
	t.Parallel()
	fill := func(more ...string) fstest.MapFS {
		m := fstest.MapFS{}
		pairs := append([]string{version(1) + "_a.up.sql", header + "SELECT 1", version(1) + "_a.down.sql", "SELECT 2"}, more...)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
		return m
	}
	files := loadFS(t, fill())
	list := migrate.Checksums(files)
	if strings.Count(list, "\n") != 2 || !strings.HasSuffix(list, "  "+files[0].UpName()+"\n") {
		t.Fatalf("the list is %q", list)
	}
	tests := []struct {
		name string
		list string
		more []string
		want string // "" where it loads
	}{
		{"as listed", list, nil, ""},
		{"edited up", list, []string{version(1) + "_a.up.sql", header + "SELECT 3"}, "_a.up.sql: was changed after it had been written to checksums.txt"},
		{"edited down", list, []string{version(1) + "_a.down.sql", "SELECT 3"}, "_a.down.sql: was changed after"},
		{"slipped in", list, []string{version(2) + "_b.up.sql", header + "SELECT 1", version(2) + "_b.down.sql", "SELECT 1"}, "_b.up.sql: is not in checksums.txt"},
		{"deleted", list + strings.Repeat("0", 64) + "  " + version(3) + "_c.up.sql\n", nil, "_c.up.sql: is in checksums.txt, and not in the folder"},
		{"not a list", "<<<<<<< HEAD\n" + list, nil, `checksums.txt: the line "<<<<<<< HEAD" is not`},
		{"emptied", "", nil, "_a.up.sql: is not in checksums.txt"},
	}
	for _, tt := range tests {
		m := fill(append(tt.more, migrate.ChecksumFile, tt.list)...)
		_, err := migrate.Load(m)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if unlisted := strings.Contains(tt.want, "is not in"); err != nil && strings.Contains(hint(err), "af-auth db migrate dev") != unlisted {
			t.Errorf("%s: the hint is %q", tt.name, hint(err))
		}
		if _, err := (migrate.Rules{Unlisted: true}).Load(m); err != nil {
			t.Errorf("%s, while they are written: %v", tt.name, err)
		}
	}
}

func TestWriteChecksums(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := migrate.WriteChecksums(dir, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, migrate.ChecksumFile)); err == nil {
		t.Error("an empty folder got an empty list")
	}
	if _, _, err := migrate.Create(dir, "a", migrate.Draft{About: "One.\nTwo.", Up: "SELECT 1;\n", Down: "SELECT 2;\n", Lost: []string{"what\nwas"}}, time.Unix(1_750_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	files, err := migrate.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if files[0].Lost != "what was" || !strings.Contains(files[0].Up, "--\n-- One.\n-- Two.\nSELECT 1;\n") {
		t.Errorf("%+v", files[0])
	}
	for range 2 { // a second time nothing is written
		if err := migrate.WriteChecksums(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := migrate.Load(os.DirFS(dir)); err != nil {
		t.Error(err)
	}
}
