package rehearse_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/migrate/rehearse"
)

// record is what a rehearsal of a file leaves.
func record(t *testing.T, good bool, up, down string) rehearse.Record {
	t.Helper()
	o := rehearse.Report{PostgreSQL: "15.1"}
	f := load(t, up, down)[0]
	o.Files = []rehearse.FileReport{{Version: f.Version, Name: f.Name, Checksum: f.Checksum, DownChecksum: rehearse.DownChecksum(f), Good: good,
		Faults: []string{"something"}, Back: rehearse.Back{Result: rehearse.LeadsBack}}}
	return o.Of(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "cli:ada")[0]
}

func TestCovers(t *testing.T) {
	t.Parallel()
	const up, down = "SELECT 1", "SELECT 2"
	tests := []struct {
		name    string
		records []rehearse.Record
		why     string
	}{
		{"good", []rehearse.Record{record(t, true, up, down)}, ""},
		{"never", nil, "was never rehearsed"},
		{"other up", []rehearse.Record{record(t, true, "SELECT 3", down)}, "was changed after its rehearsal"},
		{"other down", []rehearse.Record{record(t, true, up, "SELECT 3")}, "its down file was changed after its rehearsal"},
		{"no down then", []rehearse.Record{record(t, true, up, "")}, "its down file was changed after its rehearsal"},
		{"not good", []rehearse.Record{record(t, false, up, down)}, "its rehearsal of 2026-01-02T03:04:05Z was not good: something"},
		{"good again", []rehearse.Record{record(t, false, up, down), record(t, true, up, down)}, ""},
		{"not good again", []rehearse.Record{record(t, true, up, down), record(t, false, up, down)}, "its rehearsal of 2026-01-02T03:04:05Z was not good: something"},
		{"changed and back", []rehearse.Record{record(t, true, up, down), record(t, true, up, "SELECT 3")}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := rehearse.Records{Rehearsals: test.records}.Covers(load(t, up, down))
			var not *rehearse.NotRehearsedError
			if test.why == "" && err != nil || test.why != "" && (!errors.As(err, &not) || not.Gaps[0].Why != test.why || hint(err) == "") {
				t.Errorf("got %v, want %q", err, test.why)
			}
		})
	}
}

// Many who record at once lose nothing of each other, and the file is its
// owner's alone.
func TestRecordsOfMany(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "rehearsals.json")
	if r, err := rehearse.LoadRecords(path); err != nil || len(r.Rehearsals) != 0 {
		t.Fatalf("a file that is not there: %v, %v", r, err)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			rec := record(t, true, "SELECT 1", "SELECT 2")
			rec.By = fmt.Sprint(n)
			if err := rehearse.Add(path, rec); err != nil {
				t.Error(err)
			}
			if _, err := rehearse.LoadRecords(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r, err := rehearse.LoadRecords(path)
	seen := map[string]bool{}
	for _, rec := range r.Rehearsals {
		seen[rec.By] = true
	}
	if err != nil || len(r.Rehearsals) != 20 || len(seen) != 20 {
		t.Errorf("%d records of %d, %v", len(r.Rehearsals), len(seen), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rehearsals.json")
	for _, text := range []string{"", "{", `{"rehearsals": 7}`, `[]`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := rehearse.LoadRecords(path)
		if err == nil || !strings.Contains(err.Error(), path+" is damaged") || !strings.Contains(hint(err), "move it away") {
			t.Errorf("%q: got %v (hint: %s)", text, err, hint(err))
		}
		if err := rehearse.Add(path, record(t, true, "SELECT 1", "SELECT 2")); err == nil {
			t.Errorf("%q: was written over", text)
		}
	}
}
