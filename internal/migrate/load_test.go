package migrate_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/postgres"
)

// folder makes a folder of files from name, text pairs.
func folder(pairs ...string) fs.FS {
	out := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return out
}

const header = "-- schema: 1.0.0\n-- kind: expand\n"

func TestLoad(t *testing.T) {
	t.Parallel()
	second := "-- schema: 1.1.0\r\n--kind:  backfill \r\n-- kind of a note\r\n\r\nSELECT 2;\r\n"
	files, err := migrate.Load(folder(
		"20260102030406_b.up.sql", second, "20260102030406_b.down.sql", "",
		"20260102030405_a.up.sql", header+"SELECT 1;", "20260102030405_a.down.sql", "SELECT -1;",
		"README.md", "hello", "migrations.sum", "x",
	))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(second))
	want := []migrate.File{
		{Version: "20260102030405", Name: "a", Schema: "1.0.0", Kind: migrate.Expand, Up: header + "SELECT 1;", Down: "SELECT -1;", Checksum: files[0].Checksum},
		{Version: "20260102030406", Name: "b", Schema: "1.1.0", Kind: migrate.Backfill, Up: second, Checksum: hex.EncodeToString(sum[:])},
	}
	if len(files) != 2 || files[0] != want[0] || files[1] != want[1] {
		t.Errorf("got %+v, want %+v", files, want)
	}
	if got := files[1].UpName() + " " + files[1].DownName(); got != "20260102030406_b.up.sql 20260102030406_b.down.sql" {
		t.Error(got)
	}
}

func TestLoadFaults(t *testing.T) {
	t.Parallel()
	pair := func(name, up string) fs.FS { return folder(name+".up.sql", up, name+".down.sql", "SELECT 1") }
	const a = "20260102030405_a"
	tests := []struct {
		name string
		fsys fs.FS
		want []string // one for each fault, in order
	}{
		{"no date", pair("20261302030405_a", header+"SELECT 1"), []string{"20261302030405_a.down.sql: 20261302030405 is not a date", "20261302030405_a.up.sql: 20261302030405 is not a date"}},
		{"not our form", folder("1_a.sql", "SELECT 1"), []string{"1_a.sql: the name is not YYYYMMDDhhmmss_name.up.sql"}},
		{"upper case", folder("20260102030405_A.up.SQL", "SELECT 1"), []string{"20260102030405_A.up.SQL: the name is not"}},
		{"no down", folder(a+".up.sql", header+"SELECT 1"), []string{a + ".up.sql: has no " + a + ".down.sql beside it"}},
		{"no up", folder(a+".down.sql", "SELECT 1"), []string{a + ".down.sql: has no " + a + ".up.sql beside it"}},
		{"one version twice", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "", "20260102030405_b.up.sql", header+"SELECT 1", "20260102030405_b.down.sql", ""),
			[]string{"20260102030405_b.up.sql: has the same version as 20260102030405_a.up.sql"}},
		{"no header", pair(a, "SELECT 1"), []string{a + `.up.sql: the header needs a line "-- kind: expand"`, a + `.up.sql: the header needs a line like "-- schema: 1.0.0"`}},
		{"header after the SQL", pair(a, "SELECT 1;\n"+header), []string{"-- kind", "-- schema"}},
		{"no semantic version", pair(a, "-- schema: 1.0\n-- kind: expand\nSELECT 1"), []string{`and has "1.0"`}},
		{"leading zero", pair(a, "-- schema: 1.01.0\n-- kind: expand\nSELECT 1"), []string{`and has "1.01.0"`}},
		{"unknown kind", pair(a, "-- schema: 1.0.0\n-- kind: extend\nSELECT 1"), []string{`and has "extend"`}},
		{"said twice", pair(a, header+"-- kind: expand\nSELECT 1"), []string{`the header says "kind" twice`}},
		{"version goes back", folder(a+".up.sql", "-- schema: 1.10.0\n-- kind: expand\nSELECT 1", a+".down.sql", "", "20260102030406_b.up.sql", "-- schema: 1.9.0\n-- kind: expand\nSELECT 1", "20260102030406_b.down.sql", ""),
			[]string{"20260102030406_b.up.sql: leads to schema 1.9.0, which is older than 1.10.0"}},
		{"empty", pair(a, header+"-- soon\n;"), []string{"holds no statement"}},
		{"not UTF-8", pair(a, header+"SELECT '\xff'"), []string{a + ".up.sql: not a UTF-8 text"}},
		{"a zero byte", pair(a, header+"SELECT '\x00'"), []string{a + ".up.sql: not a UTF-8 text"}},
		{"COMMIT", pair(a, header+"SELECT 1;\n/* x */ commit;\nSELECT 2"), []string{a + ".up.sql: line 4: COMMIT: each file already runs in one transaction"}},
		{"BEGIN", pair(a, header+"BEGIN; SELECT 1; END"), []string{"line 3: BEGIN", "line 3: END"}},
		{"two-phase", pair(a, header+"SELECT 1; PREPARE TRANSACTION 'x'"), []string{"line 3: PREPARE TRANSACTION"}},
		{"rows from nobody", pair(a, header+"COPY a.t (b, c) FROM stdin;"), []string{"line 3: COPY FROM STDIN"}},
		{"COMMIT on the way back", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "ROLLBACK"), []string{a + ".down.sql: line 1: ROLLBACK"}},
		{"all at once", folder("x.sql", "", a+".up.sql", "SELECT 1", "20260102030406_b.down.sql", ""),
			[]string{a + ".up.sql: has no", a + ".up.sql: the header", a + ".up.sql: the header", "20260102030406_b.down.sql: has no", "x.sql: the name"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files, err := migrate.Load(tt.fsys)
			var le *migrate.LoadError
			if files != nil || !errors.As(err, &le) {
				t.Fatalf("got %v, %v", files, err)
			}
			if len(le.Faults) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(le.Faults), len(tt.want), err)
			}
			for i, want := range tt.want {
				if got := le.Faults[i].Error(); !strings.Contains(got, want) {
					t.Errorf("fault %d is %q, want %q", i, got, want)
				}
			}
		})
	}
}

func TestLoadNoFolder(t *testing.T) {
	t.Parallel()
	sub, err := fs.Sub(folder(), "none")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.Load(sub); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if files, err := migrate.Load(folder()); err != nil || len(files) != 0 {
		t.Errorf("an empty folder: %v, %v", files, err)
	}
}

func TestLoadOurs(t *testing.T) {
	t.Parallel()
	files, err := migrate.Load(postgres.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Error("the binary embeds no migrations")
	}
	for _, f := range files {
		if f.Lost == "" {
			t.Errorf("%s does not say what is lost", f.DownName())
		}
	}
}

func TestCompareSchema(t *testing.T) {
	t.Parallel()
	inOrder := []string{"", "0.0.1", "0.1.0", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0", "10.0.0"}
	for i, a := range inOrder {
		for j, b := range inOrder {
			got := migrate.CompareSchema(a, b)
			if got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("CompareSchema(%q, %q) = %d", a, b, got)
			}
		}
	}
}
