package rehearse

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/af-auth/af-auth/internal/migrate"
)

// Record says that a file was rehearsed, and how it went.
type Record struct {
	Version      string    `json:"version"`
	Name         string    `json:"name"`
	Checksum     string    `json:"checksum"`      // of the up file
	DownChecksum string    `json:"down_checksum"` // of the down file; "" where there is none
	PostgreSQL   string    `json:"postgresql"`    // the server's version
	Rows         int64     `json:"rows"`          // in all tables
	Load         string    `json:"load"`          // what ran beside it; "" for nothing
	Good         bool      `json:"good"`
	Faults       []string  `json:"faults"` // what was not good
	At           time.Time `json:"at"`
	By           string    `json:"by"`
}

// Records are all that is kept of rehearsals, oldest first. They are a file of
// JSON, readable by its owner only:
//
//	{"rehearsals": [{"version": "20260101000000", "checksum": "…", "good": true, …}, …]}
type Records struct {
	Rehearsals []Record `json:"rehearsals"`
}

// Of returns the records of a report: one for each file that ran.
func (r Report) Of(at time.Time, by string) []Record {
	var rows int64
	for _, t := range r.Tables {
		rows += t.Rows
	}
	load := ""
	if r.Load != nil {
		load = r.Load.Name
	}
	var out []Record
	for _, f := range r.Files {
		rec := Record{
			Version: f.Version, Name: f.Name, Checksum: f.Checksum, DownChecksum: f.DownChecksum,
			PostgreSQL: r.PostgreSQL, Rows: rows, Load: load, Good: f.Good, Faults: f.Faults, At: at.UTC().Truncate(time.Second), By: by,
		}
		if f.Good && f.Back.Result == NotTested {
			rec.Good, rec.Faults = false, []string{"its way back was not tried"}
		}
		out = append(out, rec)
	}
	return out
}

// LoadRecords reads the file at path. One that is not there holds none.
func LoadRecords(path string) (Records, error) {
	text, err := os.ReadFile(path) // #nosec G304 -- the operator's own file
	if errors.Is(err, fs.ErrNotExist) {
		return Records{}, nil
	}
	if err != nil {
		return Records{}, fmt.Errorf("read the record of rehearsals: %w", err)
	}
	var r Records
	if err := json.Unmarshal(text, &r); err != nil {
		return Records{}, &hinted{
			err:  fmt.Errorf("the record of rehearsals %s is damaged: %w", path, err),
			hint: "move it away and rehearse again; nothing else depends on it",
		}
	}
	return r, nil
}

// Add adds records to the file at path, which is replaced as a whole: whoever
// reads it meanwhile, or after a crash, finds the old or the new one. Those who
// add at the same time wait for each other.
func Add(path string, records ...Record) error {
	dir := filepath.Dir(path)
	// Others may pass through, as the account of a private PostgreSQL must where
	// this is its folder too; they can list nothing.
	if err := os.MkdirAll(dir, 0o711); err != nil { // #nosec G301 -- see above
		return fmt.Errorf("record the rehearsal: %w", err)
	}
	folder, err := os.Open(dir) // #nosec G304 -- the operator's own folder
	if err != nil {
		return fmt.Errorf("record the rehearsal: %w", err)
	}
	// The end of the process gives the lock back too, and leaves no file behind.
	defer func() { _ = folder.Close() }()
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return fmt.Errorf("record the rehearsal: lock %s: %w", dir, err)
	}
	all, err := LoadRecords(path)
	if err != nil {
		return err
	}
	all.Rehearsals = append(all.Rehearsals, records...)
	if err := replace(path, all); err != nil {
		return fmt.Errorf("record the rehearsal: %w", err)
	}
	return folder.Sync()
}

func replace(path string, all Records) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".rehearsals-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Covers returns nil where every file was rehearsed with exactly its contents,
// up and down, and its newest rehearsal was good. Else the error is a
// [*NotRehearsedError].
func (r Records) Covers(files []migrate.File) error {
	var gaps []Gap
	for _, f := range files {
		if why := r.gap(f); why != "" {
			gaps = append(gaps, Gap{File: f.UpName(), Why: why})
		}
	}
	if len(gaps) > 0 {
		return &NotRehearsedError{Gaps: gaps}
	}
	return nil
}

// gap says what is missing for a file, "" where nothing is.
func (r Records) gap(f migrate.File) string {
	why := ""
	for i := len(r.Rehearsals) - 1; i >= 0; i-- {
		rec := r.Rehearsals[i]
		switch {
		case rec.Version != f.Version:
		case rec.Checksum != f.Checksum:
			why = cmp.Or(why, "was changed after its rehearsal")
		case rec.DownChecksum != downChecksum(f):
			why = cmp.Or(why, "its down file was changed after its rehearsal")
		case !rec.Good:
			return "its rehearsal of " + rec.At.Format(time.RFC3339) + " was not good: " + list(rec.Faults)
		default:
			return ""
		}
	}
	return cmp.Or(why, "was never rehearsed")
}

// downChecksum is of the text that goes back: migrate has a checksum of the other
// only.
func downChecksum(f migrate.File) string {
	if f.NoDown {
		return ""
	}
	sum := sha256.Sum256([]byte(f.Down))
	return hex.EncodeToString(sum[:])
}

// Gap is a file that was not rehearsed well.
type Gap struct {
	File string // its name
	Why  string
}

// NotRehearsedError says which files were not rehearsed well.
type NotRehearsedError struct{ Gaps []Gap }

// Error names them, one a line.
func (e *NotRehearsedError) Error() string {
	var lines []string
	for _, g := range e.Gaps {
		lines = append(lines, g.File+": "+g.Why)
	}
	return strings.Join(lines, "\n")
}

// Hint says how to go on.
func (e *NotRehearsedError) Hint() string { return "nothing was changed; rehearse first" }
