package studio

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/load"
)

const (
	// maxUpload bounds a file that is imported; a form around it has some more.
	maxUpload = 64 << 20
	// maxUploads is how many files are kept at once, of all browsers; a new one
	// puts the oldest out. keepUpload is how long one is kept.
	maxUploads = 4
	keepUpload = time.Hour
)

// upload is a file that was sent and waits to be imported. It lies in a file of
// its own that only this user may read, and that has no name any more where the
// system allows that: it goes with the process.
type upload struct {
	id      string
	session afauth.TokenHash
	table   uint32 // OID
	name    string // as the browser calls it, for people
	size    int64
	made    time.Time
	file    *os.File

	mu       sync.Mutex // guards what follows
	settings settings
	report   *load.Report
	// tried says that the report is that of a trial with these settings, done
	// that it is that of the import.
	tried, done bool
}

// settings are the choices of the form.
type settings struct {
	// columns are the names of the columns that the cells of a line go into, ""
	// for none; nil before the file was looked at.
	columns    []string
	null       load.Null
	fuse, skip bool
}

// uploads are the files that wait. It is safe for concurrent use.
type uploads struct {
	mu   sync.Mutex
	kept map[string]*upload
}

// add keeps a file, and puts out those that have had their time.
func (u *uploads) add(f *upload) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.kept == nil {
		u.kept = make(map[string]*upload)
	}
	var oldest *upload
	for _, other := range u.kept {
		if f.made.Sub(other.made) > keepUpload {
			u.drop(other)
		} else if oldest == nil || other.made.Before(oldest.made) {
			oldest = other
		}
	}
	if len(u.kept) >= maxUploads {
		u.drop(oldest)
	}
	u.kept[f.id] = f
}

// find returns a file of this session for this table, nil where there is none.
func (u *uploads) find(id string, session afauth.TokenHash, t *catalog.Table) *upload {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.kept[id]
	if f == nil || f.session != session || f.table != t.OID {
		return nil
	}
	return f
}

// remove forgets a file.
func (u *uploads) remove(f *upload) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(f)
}

func (u *uploads) drop(f *upload) {
	delete(u.kept, f.id)
	f.close()
}

// close gives the file's place back; what has become of it can be asked on.
func (f *upload) close() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name()) // #nosec G703 -- a name of os.CreateTemp; there only where an open file cannot be removed
}

func (u *uploads) clear() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, f := range u.kept {
		u.drop(f)
	}
}

var errLarge = &afauth.Error{Code: afauth.CodeInvalid, Message: "the file is larger than 64 MiB, and nothing of it was kept",
	Hint: "part it, or use \\copy of psql"}

// receive spools the file of a form.
func receive(w http.ResponseWriter, r *http.Request) (*upload, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "the form cannot be read", Hint: "choose a file on the import page", Err: err}
	}
	rc := http.NewResponseController(w)
	for {
		_ = rc.SetReadDeadline(time.Now().Add(stallTime))
		part, err := parts.NextPart()
		if err != nil {
			return nil, received(err)
		}
		if part.FormName() == "file" && part.FileName() != "" {
			return spool(&patient{part, rc}, part.FileName())
		}
	}
}

// received puts an error of an upload into words.
func received(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errLarge
	case errors.Is(err, io.EOF):
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "no file was chosen", Hint: "choose a CSV file"}
	}
	return &afauth.Error{Code: afauth.CodeInvalid, Message: "the file did not arrive whole, and nothing of it was kept", Hint: "send it again", Err: err}
}

// patient waits for the next bytes for stallTime.
type patient struct {
	in io.Reader
	rc *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(stallTime))
	return p.in.Read(b)
}

func spool(in io.Reader, name string) (*upload, error) {
	file, err := os.CreateTemp("", "af-auth-import-*.csv") // mode 0600
	if err != nil {
		return nil, &afauth.Error{Code: afauth.CodeUnavailable, Message: "there is no place for the file on this machine", Hint: "see that the folder for temporary files can be written", Err: err}
	}
	_ = os.Remove(file.Name())
	f := &upload{id: afauth.NewToken().Reveal(), name: shownName(name), made: time.Now(), file: file}
	f.size, err = io.Copy(file, io.LimitReader(in, maxUpload+1))
	if err == nil && f.size > maxUpload {
		err = &http.MaxBytesError{Limit: maxUpload}
	}
	if err != nil {
		f.close()
		return nil, received(err)
	}
	return f, nil
}

// shownName is the last part of a file's name, without what would confuse a reader.
func shownName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if runes := []rune(name); len(runes) > 100 {
		name = string(runes[:100]) + "…"
	}
	return name
}

// open reads the file from its beginning.
func (f *upload) open() io.Reader { return io.NewSectionReader(f.file, 0, f.size) }
