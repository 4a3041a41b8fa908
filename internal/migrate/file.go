package migrate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The kinds of a migration, from its header.
const (
	Expand   = "expand"   // adds what the previous release does not mind
	Backfill = "backfill" // fills what was added
	Contract = "contract" // removes what nobody uses any more
)

// File is one migration: a step forward and the way back.
type File struct {
	Version string // YYYYMMDDhhmmss, UTC; the order of the files
	Name    string // lower case letters, digits and _
	// Schema is the semantic version of the schema after this file, from the
	// header line "-- schema: 1.0.0".
	Schema string
	Kind   string // Expand, Backfill or Contract, from "-- kind: expand"
	Batch  Batch  // from "-- batch: TABLE by COLUMN SIZE"; zero: not in batches
	Up     string // the SQL that goes forward
	Down   string // the SQL that goes back
	NoDown bool   // there is no file that goes back
	// Lost is what going back loses for good, from the down file's lines
	// "-- lost: …", one a line; "" where it does not say.
	Lost string
	// Outside: the up file runs outside a transaction, by "-- transaction: none".
	Outside     bool
	DownOutside bool // the same of the down file
	// Checksum is the SHA-256 of the up file's bytes, in lower-case hex. The
	// down file may be mended later.
	Checksum string
}

// UpName returns the name of the file that goes forward.
func (f File) UpName() string { return f.Version + "_" + f.Name + ".up.sql" }

// DownName returns the name of the file that goes back.
func (f File) DownName() string { return f.Version + "_" + f.Name + ".down.sql" }

const versionLayout = "20060102150405"

var fileName = regexp.MustCompile(`^(\d{14})_([a-z][a-z0-9_]{0,99})\.(up|down)\.sql$`)

// Rules say what a folder may do without. The zero value is af-auth's own rule:
// nothing.
type Rules struct {
	HeaderOptional bool // lines with schema and kind
	DownOptional   bool // files that go back
	// Unlisted: files may differ from ChecksumFile, as while they are written.
	Unlisted bool
}

// Load reads the migrations in the top folder of fsys by the strictest rules.
// See [Rules.Load].
func Load(fsys fs.FS) ([]File, error) { return Rules{}.Load(fsys) }

// Load reads the migrations in the top folder of fsys, oldest first, and holds
// them against [ChecksumFile], where that is there. What else does not end in
// .sql is left alone. It reports every fault of every file at once,
// as a [*LoadError]; with any fault it returns no files.
func (r Rules) Load(fsys fs.FS) ([]File, error) {
	l := newLoader(r)
	if err := l.read(fsys); err != nil {
		return nil, fmt.Errorf("read the folder of migrations: %w", err)
	}
	files := l.pairs()
	l.order(files)
	if err := l.checksums(fsys, files); err != nil {
		return nil, fmt.Errorf("read the checksums of the migrations: %w", err)
	}
	if len(l.faults) > 0 {
		slices.SortStableFunc(l.faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, &LoadError{Faults: l.faults}
	}
	return files, nil
}

// loader gathers files and what is wrong with them.
type loader struct {
	rules      Rules
	files      map[string]*File // by version and name
	ups, downs map[string]bool
	faults     []error
}

func newLoader(r Rules) *loader {
	return &loader{rules: r, files: map[string]*File{}, ups: map[string]bool{}, downs: map[string]bool{}}
}

func (l *loader) fault(file, format string, args ...any) {
	l.faults = append(l.faults, errors.New(file+": "+fmt.Sprintf(format, args...)))
}

func (l *loader) read(fsys fs.FS) error {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(strings.ToLower(e.Name()), ".sql") {
			continue
		}
		m := fileName.FindStringSubmatch(e.Name())
		if m == nil {
			l.fault(e.Name(), "the name is not YYYYMMDDhhmmss_name.up.sql or .down.sql, "+
				"with a name of lower case letters, digits and _")
			continue
		}
		if _, err := time.Parse(versionLayout, m[1]); err != nil {
			l.fault(e.Name(), "%s is not a date and time of the form YYYYMMDDhhmmss", m[1])
			continue
		}
		text, err := fs.ReadFile(fsys, e.Name())
		if err != nil {
			l.faults = append(l.faults, err)
			continue
		}
		l.add(m[1], m[2], m[3] == "up", e.Name(), string(text))
	}
	return nil
}

func (l *loader) add(version, name string, up bool, file, text string) {
	key := version + "_" + name
	f := l.files[key]
	if f == nil {
		f = &File{Version: version, Name: name}
		l.files[key] = f
	}
	if up {
		f.Up, l.ups[key] = text, true
		sum := sha256.Sum256([]byte(text))
		f.Checksum = hex.EncodeToString(sum[:])
	} else {
		f.Down, l.downs[key] = text, true
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		l.fault(file, "not a UTF-8 text; save it as UTF-8")
		return
	}
	if strings.HasPrefix(text, "\ufeff") {
		// The server takes it for a character of the first word, which nobody sees.
		l.fault(file, "begins with a byte order mark; save it as UTF-8 without one")
		return
	}
	if !up {
		l.downHeader(f, file)
		l.checkStatements(file, text, f.DownOutside)
		return
	}
	if len(scan(text)) == 0 {
		l.fault(file, "holds no statement; write one, or delete the pair")
	}
	l.upHeader(f, file)
	l.checkStatements(file, text, f.Outside)
}

// pairs returns the files in order, and notes those that have no other half.
func (l *loader) pairs() []File {
	var out []File
	for key, f := range l.files {
		switch {
		case !l.downs[key]:
			f.NoDown = true
			if !l.rules.DownOptional {
				l.fault(f.UpName(), "has no %s beside it; write the way back", f.DownName())
			}
		case !l.ups[key]:
			l.fault(f.DownName(), "has no %s beside it", f.UpName())
		}
		if l.ups[key] {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b File) int {
		return cmp.Or(strings.Compare(a.Version, b.Version), strings.Compare(a.Name, b.Name))
	})
	return out
}

// order notes versions that are there twice, and schema versions that go back.
func (l *loader) order(files []File) {
	var newest File // the last one that has a schema version
	for i, f := range files {
		if i > 0 && files[i-1].Version == f.Version {
			l.fault(f.UpName(), "has the same version as %s: two branches chose the same time; give one of them a later time", files[i-1].UpName())
		}
		if !semantic.MatchString(f.Schema) {
			continue
		}
		if CompareSchema(f.Schema, newest.Schema) < 0 {
			l.fault(f.UpName(), "leads to schema %s, which is older than %s of %s", f.Schema, newest.Schema, newest.UpName())
		}
		newest = f
	}
}

// Find returns the file with the given version, name or both ("VERSION_NAME").
// An unknown or ambiguous one is an error with a hint.
func Find(files []File, which string) (File, error) {
	var found []File
	for _, f := range files {
		if which == f.Version || which == f.Name || which == f.Version+"_"+f.Name {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return File{}, &hinted{err: fmt.Errorf("there is no migration %q", which), hint: "status lists those that there are"}
	}
	return File{}, &hinted{err: fmt.Errorf("%d migrations are called %q", len(found), which), hint: "name one by its version, the 14 digits"}
}

// LoadError lists everything that is wrong with a folder of migrations.
type LoadError struct {
	Faults []error // each begins with the file's name
}

// Error returns the faults, one a line.
func (e *LoadError) Error() string {
	if len(e.Faults) == 1 {
		return e.Faults[0].Error()
	}
	return fmt.Sprintf("%d faults in the migrations:\n%v", len(e.Faults), errors.Join(e.Faults...))
}

// Unwrap returns the faults.
func (e *LoadError) Unwrap() []error { return e.Faults }

// Hint says how to go on.
func (e *LoadError) Hint() string {
	for _, f := range e.Faults {
		if strings.HasSuffix(f.Error(), notListed) {
			return "nothing was applied; af-auth db migrate dev tries new files and writes them to " + ChecksumFile
		}
	}
	return "nothing was applied; mend these files first"
}
