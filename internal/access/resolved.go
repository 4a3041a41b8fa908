package access

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
)

const (
	// resolvedFor is how long an answer of GitHub is good for: a long list takes
	// days at 5,000 questions an hour, and logins change hands.
	resolvedFor = 7 * 24 * time.Hour
	// unknownFor is the same for "there is nobody": somebody may just have
	// mistyped a name, or made an account.
	unknownFor = 24 * time.Hour
)

// answered is what GitHub said about a login.
type answered struct {
	id    int64 // 0: nobody has it who can sign in
	login string
	why   string // where id is 0
}

// resolvedFile keeps GitHub's answers from one run to the next: a line of CSV
// each, "login,github_user_id,asked_at,why", written before the next is asked.
// Whoever may write it decides who is let in, so it must be ours alone.
type resolvedFile struct {
	path string
	file *os.File
	now  func() time.Time
}

// open reads what earlier runs have left, and goes on behind it.
func (r *resolvedFile) open() (map[string]answered, error) {
	known := map[string]answered{}
	if r.path == "" {
		return known, nil
	}
	info, err := os.Lstat(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("reading what GitHub has said before: %w", err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0:
		return nil, &afauth.Error{Code: afauth.CodeInvalid,
			Message: r.path + " holds GitHub's answers, and others may write it or it is no file",
			Hint:    "remove it, and GitHub is asked again"}
	}
	raw, err := os.ReadFile(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading what GitHub has said before: %w", err)
	}
	whole := strings.LastIndexByte(string(raw), '\n') + 1 // a process that was killed leaves part of a line
	for text := range strings.Lines(string(raw[:whole])) {
		fields, err := csv.NewReader(strings.NewReader(text)).Read()
		if err != nil || len(fields) != 4 {
			continue
		}
		id, idErr := strconv.ParseInt(fields[1], 10, 64)
		at, atErr := time.Parse(time.RFC3339, fields[2])
		age := r.now().Sub(at)
		if idErr != nil || atErr != nil || id < 0 || !isLogin(fields[0]) || age < 0 || age > resolvedFor || id == 0 && age > unknownFor {
			continue
		}
		known[strings.ToLower(fields[0])] = answered{id, fields[0], fields[3]}
	}
	return known, nil
}

// keep writes an answer down.
func (r *resolvedFile) keep(a answered) error {
	if r.path == "" {
		return nil
	}
	if r.file == nil {
		f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600) // #nosec G304 -- named by whoever runs this
		if err != nil {
			return fmt.Errorf("keeping what GitHub has said: %w", err)
		}
		r.file = f
		// Behind part of a line, the next one begins anew.
		if info, err := f.Stat(); err == nil && info.Size() > 0 {
			last := make([]byte, 1)
			if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
				if _, err := f.WriteString("\n"); err != nil {
					return fmt.Errorf("keeping what GitHub has said: %w", err)
				}
			}
		}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.Write([]string{a.login, strconv.FormatInt(a.id, 10), r.now().UTC().Format(time.RFC3339), a.why}); err != nil {
		return err
	}
	w.Flush()
	if _, err := r.file.WriteString(b.String()); err != nil {
		return fmt.Errorf("keeping what GitHub has said: %w", err)
	}
	return nil
}

func (r *resolvedFile) close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}
