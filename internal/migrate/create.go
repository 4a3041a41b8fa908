package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var migrationName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

// Draft is what a new pair of files begins with. The zero value is a pair to be
// written by hand.
type Draft struct {
	Kind     string   // "" means Expand
	About    string   // what it changes, and why, for the header; may have lines
	Up, Down string   // the SQL; "" where somebody has still to write it
	Lost     []string // what going back loses for good, a sentence each
}

// Create writes a pair of files to dir, which must exist, and returns their
// paths. The name is of lower case letters, digits and _, up to 100 characters,
// beginning with a letter.
//
// The version is now in UTC, or a second after the newest file where that is
// later: two clocks that differ must not make a file that is older than one
// already applied. The header proposes the next minor schema version. No file
// is ever overwritten.
func Create(dir, name string, d Draft, now time.Time) (up, down string, err error) {
	if !migrationName.MatchString(name) {
		return "", "", &hinted{
			err:  fmt.Errorf("%q cannot be the name of a migration", name),
			hint: "use lower case letters, digits and _, beginning with a letter, such as add_user_notes",
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", "", fmt.Errorf("open the folder of migrations: %w", err)
	}
	defer root.Close() //nolint:errcheck // only read from
	version, schema, err := following(root.FS(), now)
	if err != nil {
		return "", "", err
	}
	f := File{Version: version, Name: name}
	if err := writeNew(root, f.UpName(), d.upText(schema)); err != nil {
		return "", "", err
	}
	if err := writeNew(root, f.DownName(), d.downText()); err != nil {
		return "", "", errors.Join(err, root.Remove(f.UpName()))
	}
	return filepath.Join(dir, f.UpName()), filepath.Join(dir, f.DownName()), nil
}

func (d Draft) upText(schema string) string {
	text := fmt.Sprintf("-- schema: %s\n-- kind: %s\n--\n", schema, cmp.Or(d.Kind, Expand))
	for line := range strings.Lines(cmp.Or(d.About, "Say here what this changes, and why.")) {
		text += strings.TrimSpace("-- "+strings.TrimSpace(line)) + "\n"
	}
	return text + d.Up
}

func (d Draft) downText() string {
	if d.Down == "" {
		return "-- lost: say here what does not come back, or take this line away\n"
	}
	text := ""
	for _, lost := range d.Lost {
		text += "-- lost: " + strings.Join(strings.Fields(lost), " ") + "\n"
	}
	return text + d.Down
}

// following returns the version and the schema version that come after the
// newest file. It does not insist that the other files are sound: somebody may
// be writing them.
func following(fsys fs.FS, now time.Time) (version, schema string, err error) {
	l := newLoader(Rules{})
	if err := l.read(fsys); err != nil {
		return "", "", fmt.Errorf("read the folder of migrations: %w", err)
	}
	now = now.UTC().Truncate(time.Second)
	newest := ""
	for _, f := range l.files {
		newest = max(newest, f.Version)
		if CompareSchema(f.Schema, schema) > 0 {
			schema = f.Schema
		}
	}
	if newest != "" {
		last, err := time.Parse(versionLayout, newest)
		if err != nil {
			return "", "", fmt.Errorf("read the time %s: %w", newest, err)
		}
		if !now.After(last) {
			now = last.Add(time.Second)
		}
	}
	return now.Format(versionLayout), nextMinor(schema), nil
}

// writeNew writes a file that must not exist yet.
func writeNew(root *os.Root, name, text string) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the migration: %w", err)
	}
	_, err = strings.NewReader(text).WriteTo(file)
	return errors.Join(err, file.Close())
}
