package migrate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ChecksumFile is the file in a folder of migrations that lists the others, in
// the form of sha256sum(1):
//
//	2c26b46b…  20260101000000_users.up.sql
//
// Where it is there, [Rules.Load] holds every file against it. So a file that was
// edited, deleted or slipped in is noticed before a database is asked, and two
// branches that both add a file conflict when they are merged.
const ChecksumFile = "checksums.txt"

// notListed is the fault of a file that is not in the list, as of one that was
// written by hand.
const notListed = "is not in " + ChecksumFile

// Checksums returns the contents of ChecksumFile for the files.
func Checksums(files []File) string {
	var lines []string
	for _, f := range files {
		lines = append(lines, f.Checksum+"  "+f.UpName()+"\n")
		if !f.NoDown {
			lines = append(lines, checksumOf(f.Down)+"  "+f.DownName()+"\n")
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return strings.Join(lines, "")
}

// WriteChecksums writes ChecksumFile in dir, where it says something else. An empty
// folder needs none.
func WriteChecksums(dir string, files []File) error {
	path := filepath.Join(dir, ChecksumFile)
	want := []byte(Checksums(files))
	have, err := os.ReadFile(path) // #nosec G304 -- the folder that was asked for
	if err == nil && bytes.Equal(have, want) || errors.Is(err, fs.ErrNotExist) && len(files) == 0 {
		return nil
	}
	if err := os.WriteFile(path, want, 0o600); err != nil {
		return fmt.Errorf("write the checksums: %w", err)
	}
	return nil
}

// checksums holds the files against the list, where there is one.
func (l *loader) checksums(fsys fs.FS, files []File) error {
	text, err := fs.ReadFile(fsys, ChecksumFile)
	if errors.Is(err, fs.ErrNotExist) || l.rules.Unlisted {
		return nil
	}
	if err != nil {
		return err
	}
	listed := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			l.fault(ChecksumFile, "the line %q is not a checksum, two spaces and a name", lines.Text())
			continue
		}
		listed[name] = sum
	}
	check := func(name, sum string) {
		switch was, ok := listed[name]; {
		case !ok:
			l.fault(name, notListed)
		case was != sum:
			l.fault(name, "was changed after it had been written to %s", ChecksumFile)
		}
		delete(listed, name)
	}
	for _, f := range files {
		check(f.UpName(), f.Checksum)
		if !f.NoDown {
			check(f.DownName(), checksumOf(f.Down))
		}
	}
	for name := range listed {
		l.fault(name, "is in %s, and not in the folder", ChecksumFile)
	}
	return nil
}
