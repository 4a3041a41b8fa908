package access

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
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
	file, err := os.OpenFile(r.path, os.O_RDWR|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0) // #nosec G304 -- named by whoever runs this
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return known, nil
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EMLINK): // BSD says the latter
		return nil, foreign(r.path, "it is a link")
	case errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENXIO): // the latter: a socket
		return nil, foreign(r.path, "it is no file")
	case err != nil:
		return nil, fmt.Errorf("reading what GitHub has said before: %w", err)
	}
	r.file = file
	raw, err := r.read()
	if err != nil {
		r.close()
		return nil, err
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

// read returns all of the open file, which is looked at as it is open: by its
// name it could be another one by now.
func (r *resolvedFile) read() ([]byte, error) {
	info, err := r.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading what GitHub has said before: %w", err)
	}
	if why := whyForeign(info, os.Geteuid()); why != "" {
		return nil, foreign(r.path, why)
	}
	raw, err := io.ReadAll(r.file)
	if err != nil {
		return nil, fmt.Errorf("reading what GitHub has said before: %w", err)
	}
	// Behind part of a line, the next one begins anew.
	if len(raw) > 0 && raw[len(raw)-1] != '\n' {
		if _, err := r.file.WriteString("\n"); err != nil {
			return nil, fmt.Errorf("keeping what GitHub has said: %w", err)
		}
	}
	return raw, nil
}

// whyForeign says why somebody else than this user may have written a file; "":
// nobody else.
func whyForeign(info fs.FileInfo, uid int) string {
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return "it is no file"
	case !known || int64(owner.Uid) != int64(uid):
		return "it is another user's"
	case info.Mode().Perm()&0o077 != 0:
		return "others may read or write it"
	}
	return ""
}

func foreign(path, why string) error {
	return &afauth.Error{Code: afauth.CodeInvalid,
		Message: path + " holds GitHub's answers, and " + why + ": whoever wrote it would decide who is let in",
		Hint:    "remove it, and GitHub is asked again; or name another file with --resolved"}
}

// keep writes an answer down.
func (r *resolvedFile) keep(a answered) error {
	if r.path == "" {
		return nil
	}
	if r.file == nil {
		// What is there by now is not ours.
		f, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_RDWR, 0o600) // #nosec G304 -- named by whoever runs this
		if err != nil {
			return fmt.Errorf("keeping what GitHub has said: %w", err)
		}
		r.file = f
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
