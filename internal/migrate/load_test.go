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

const backfill = "-- schema: 1.0.0\n-- kind: backfill\n"

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
		{"a byte order mark", pair(a, "\ufeff"+header+"SELECT 1"), []string{a + ".up.sql: begins with a byte order mark; save it as UTF-8 without one"}},
		{"a byte order mark on the way back", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "\ufeffSELECT 1"), []string{a + ".down.sql: begins with a byte order mark"}},
		{"COMMIT", pair(a, header+"SELECT 1;\n/* x */ commit;\nSELECT 2"), []string{a + ".up.sql: line 4: COMMIT: each file already runs in one transaction"}},
		{"BEGIN", pair(a, header+"BEGIN; SELECT 1; END"), []string{"line 3: BEGIN", "line 3: END"}},
		{"two-phase", pair(a, header+"SELECT 1; PREPARE TRANSACTION 'x'"), []string{"line 3: PREPARE TRANSACTION"}},
		{"rows from nobody", pair(a, header+"COPY a.t (b, c) FROM stdin;"), []string{"line 3: COPY FROM STDIN"}},
		{"COMMIT on the way back", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "ROLLBACK"), []string{a + ".down.sql: line 1: ROLLBACK"}},
		{"DISCARD ALL", pair(a, header+"DISCARD ALL"), []string{"line 3: DISCARD ALL"}},
		{"two branches", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "", "20260102030405_z.up.sql", header+"SELECT 1", "20260102030405_z.down.sql", ""), []string{"two branches chose the same time"}},
		{"needs no transaction", pair(a, header+"SELECT 1;\nCREATE INDEX CONCURRENTLY i ON t (x);\nDROP INDEX CONCURRENTLY i;\nREINDEX (VERBOSE, CONCURRENTLY ON) TABLE t;\nVACUUM t;\nALTER SYSTEM SET a = 1;\nALTER TABLE t DETACH PARTITION \"p\" CONCURRENTLY;\nREINDEX DATABASE d;\nCLUSTER;\nCREATE DATABASE d"),
			[]string{"line 10: REINDEX DATABASE cannot", "line 11: CLUSTER cannot", "line 12: CREATE DATABASE cannot", `line 4: CREATE INDEX CONCURRENTLY cannot run in a transaction; put it into a migration of its own, with the header line "-- transaction: none"`, "line 5: DROP INDEX CONCURRENTLY", "line 6: REINDEX CONCURRENTLY", "line 7: VACUUM cannot", "line 8: ALTER SYSTEM cannot", "line 9: DETACH PARTITION CONCURRENTLY"}},
		{"needs none on the way back", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "DROP INDEX CONCURRENTLY i"), []string{a + ".down.sql: line 1: DROP INDEX CONCURRENTLY cannot"}},
		{"another transaction", pair(a, header+"-- transaction: some\nSELECT 1"), []string{`the header says "-- transaction: some"`}},
		{"no name", pair(a, header+"-- transaction: none\nCREATE UNIQUE INDEX CONCURRENTLY ON t (x)"), []string{"line 4: give the index a name"}},
		{"transaction's words without one", pair(a, header+"-- transaction: none\nBEGIN;\nSAVEPOINT s;\nLOCK TABLE t;\nSET LOCAL x.y = 1;\nDISCARD ALL"),
			[]string{"line 4: BEGIN", "line 5: SAVEPOINT needs a transaction", "line 6: LOCK needs", "line 7: SET LOCAL ends with its transaction", "line 8: DISCARD ALL"}},
		{"lost on the way there", pair(a, header+"-- lost: all\nSELECT 1"), []string{"lost stands in the file that goes back"}},
		{"lost what", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "-- lost:\nSELECT 1"), []string{`the header says "-- lost:" and not what`}},
		{"batch on the way back", folder(a+".up.sql", header+"SELECT 1", a+".down.sql", "-- batch: a by b 1\nSELECT 1"), []string{"batch stands in files that go forward"}},
		{"batch of another kind", pair(a, header+"-- batch: a by b 1\nSELECT $1, $2"), []string{"only a file of the kind backfill runs in batches"}},
		{"batch without keys", pair(a, backfill+"-- batch: a by b 1\nUPDATE a SET c = $10 WHERE b >= $1"), []string{`the statement needs $1 and $2, the first and the last key of a batch, as in "WHERE b BETWEEN $1 AND $2"`}},
		{"batch of two", pair(a, backfill+"-- batch: a by b 1\nSELECT $1; SELECT $2"), []string{"a backfill in batches is one statement, and here are 2"}},
		{"batch without size", pair(a, backfill+"-- batch: a by b\nSELECT $1, $2"), []string{"needs the form"}},
		{"batch of nothing", pair(a, backfill+"-- batch: a by b 0\nSELECT $1, $2"), []string{"needs the form"}},
		{"batch too large", pair(a, backfill+"-- batch: a by b 1000001\nSELECT $1, $2"), []string{"a batch has at most 1000000 rows"}},
		{"batch that is SQL", pair(a, backfill+"-- batch: a;b by c 1\nSELECT $1, $2"), []string{"needs the form"}},
		{"batch without transaction", pair(a, backfill+"-- transaction: none\n-- batch: a by b 1\nSELECT $1, $2"), []string{"each batch is a transaction"}},
		{"batch without its first key", pair(a, backfill+"-- batch: a by b 1\nUPDATE a SET c = 1 WHERE b > $1 AND b <= $2"), []string{`the statement says "> $1", which leaves a key of every batch out`}},
		{"batch without its last key", pair(a, backfill+"-- batch: a by b 1\nUPDATE a SET c = 1 WHERE b >= $1 AND b<$2"), []string{`the statement says "< $2", which leaves a key of every batch out`}},
		{"batch the other way round", pair(a, backfill+"-- batch: a by b 1\nUPDATE a SET c = 1 WHERE $1::bigint < b AND b <= $2"), []string{`the statement says "$1 <", which leaves a key of every batch out`}},
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

// Another project's folder may do without our headers and without ways back.
func TestLoadByOtherRules(t *testing.T) {
	t.Parallel()
	fsys := folder("20260102030405_a.up.sql", "SELECT 1", "20260102030406_b.up.sql", header+"SELECT 1", "20260102030407_c.up.sql", "SELECT 1", "20260102030407_c.down.sql", "SELECT 1")
	files, err := migrate.Rules{HeaderOptional: true, DownOptional: true}.Load(fsys)
	if err != nil || len(files) != 3 || !files[0].NoDown || !files[1].NoDown || files[2].NoDown || files[0].Schema != "" || files[1].Schema != "1.0.0" {
		t.Errorf("%+v, %v", files, err)
	}
	if _, err := migrate.Load(fsys); err == nil {
		t.Error("our own rules are as lax")
	}
	wrong := folder("20260102030405_a.up.sql", "-- schema: 1\n-- kind: big\nSELECT 1")
	if _, err := (migrate.Rules{HeaderOptional: true, DownOptional: true}).Load(wrong); err == nil || !strings.Contains(err.Error(), "2 faults") {
		t.Errorf("a wrong header: %v", err)
	}
}

func TestLoadNewHeaders(t *testing.T) {
	t.Parallel()
	files := loadFS(t, folder(
		"20260102030405_a.up.sql", header+"-- transaction: none\nSET x.y = 1;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS \"on\" ON t (x)", "20260102030405_a.down.sql", "-- lost: a\n-- transaction: none\n--lost: b \nSELECT 1",
		"20260102030406_b.up.sql", backfill+`-- batch: "Ü ""b".größe BY "x y" 1000000`+"\nSELECT $1,$2;", "20260102030406_b.down.sql", ""))
	if f := files[0]; !f.Outside || !f.DownOutside || f.Lost != "a\nb" {
		t.Errorf("%+v", f)
	}
	if f := files[1]; f.Batch != (migrate.Batch{Table: `"Ü ""b".größe`, Column: `"x y"`, Size: 1000000}) || f.Outside {
		t.Errorf("%+v", f)
	}
}

// A batch is all from the first key to the last. What only looks like leaving one
// out is none.
func TestLoadWholeBatches(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"b BETWEEN $1 AND $2", "b >= $1 AND b <= $2", "$1 <= b AND $2>=b", "b >= $1 AND b <= $2 AND c < 7 AND d > 1", "b BETWEEN $1 AND $2 -- not b > $1\n",
		"b BETWEEN $1 AND $2 /* b\n> $1 */", "b BETWEEN $1 AND $2 AND b <> $1", "int8range($1, $2, '[]') @> b", "b BETWEEN $1 AND $2 AND c > $11"} {
		loadFS(t, folder("20260102030405_a.up.sql", backfill+"-- batch: a by b 1\nUPDATE a SET c = 1 WHERE "+where, "20260102030405_a.down.sql", ""))
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	files := loadFS(t, folder("20260102030405_a.up.sql", header+"SELECT 1", "20260102030405_a.down.sql", "", "20260102030406_a.up.sql", header+"SELECT 1", "20260102030406_a.down.sql", ""))
	for which, want := range map[string]string{"20260102030405": "20260102030405", "20260102030406_a": "20260102030406", "a": "2 migrations are called", "b": "there is no migration"} {
		f, err := migrate.Find(files, which)
		if f.Version != want && (err == nil || !strings.Contains(err.Error(), want) || hint(err) == "") {
			t.Errorf("%s: %+v, %v", which, f, err)
		}
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
