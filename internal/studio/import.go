package studio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/csvfile"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/load"
)

// importRoute is the one route whose requests may be large.
const importRoute = "/t/{schema}/{table}/import"

// importTime bounds one batch of an import.
const importTime = time.Minute

// errUndone ends a transaction that must leave nothing.
var errUndone = errors.New("rolled back")

// destination looks up the table and what of it can be filled.
func (s *Server) destination(r *http.Request) (*catalog.Database, *catalog.Table, *load.Target, error) {
	db, t, err := s.table(r)
	if err != nil {
		return nil, nil, nil, err
	}
	if s.ReadOnly {
		return db, t, &load.Target{Refused: "this studio was started with --read-only, and changes nothing"}, nil
	}
	var target *load.Target
	err = s.db.Write(r.Context(), database.Limits{Statement: s.PageTime, Lock: lockTime}, func(tx *database.Tx) (err error) {
		target, err = load.Look(r.Context(), tx, t)
		return err
	})
	return db, t, target, importFault(err)
}

// refused is an error where nothing can be imported.
func refused(target *load.Target) error {
	if target.Refused == "" {
		return nil
	}
	return &afauth.Error{Code: afauth.CodeInvalid, Message: target.Refused, Hint: "nothing was imported"}
}

// importStart asks for a file.
func (s *Server) importStart(w http.ResponseWriter, r *http.Request) error {
	db, t, target, err := s.destination(r)
	if err != nil {
		return err
	}
	s.send(w, r, http.StatusOK, s.importPage(r, db, t, target))
	return nil
}

// importSend keeps the file that a form sends.
func (s *Server) importSend(w http.ResponseWriter, r *http.Request) error {
	_, t, target, err := s.destination(r)
	if err != nil {
		return err
	}
	if err := refused(target); err != nil {
		return err
	}
	leave, ok := enter(s.receiving)
	if !ok {
		return errReceiving
	}
	defer leave()
	f, err := receive(w, r)
	if err != nil {
		return err
	}
	f.session, _ = s.door.session(r)
	f.table = t.OID
	f.settings = settings{null: load.NullEmpty, fuse: true}
	s.uploads.add(f)
	seeOther(w, s.base.Import(t.Schema, t.Name, f.id))
	return nil
}

var errReceiving = &afauth.Error{Code: afauth.CodeRateLimited, Message: "other files are on their way already", Hint: "wait until they are there, and send it again"}

// waiting finds the file that the address names.
func (s *Server) waiting(r *http.Request, t *catalog.Table) (*upload, error) {
	session, _ := s.door.session(r)
	f := s.uploads.find(r.PathValue("id"), session, t)
	if f == nil {
		return nil, errGone
	}
	return f, nil
}

var errGone = &afauth.Error{Code: afauth.CodeNotFound, Message: "the file is not kept any more: studio keeps four, for an hour, until they are imported",
	Hint: "send it again"}

// importLook shows the first lines and where their cells go.
func (s *Server) importLook(w http.ResponseWriter, r *http.Request) error {
	db, t, target, err := s.destination(r)
	if err != nil {
		return err
	}
	f, err := s.waiting(r, t)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.send(w, r, http.StatusOK, s.importForm(r, db, t, target, f))
	return nil
}

// importDo takes the form's choices, and does what its button says.
func (s *Server) importDo(w http.ResponseWriter, r *http.Request) error {
	_, t, target, err := s.destination(r)
	if err != nil {
		return err
	}
	if err := refused(target); err != nil {
		return err
	}
	f, err := s.waiting(r, t)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "the form cannot be read", Err: err}
	}
	what := r.PostForm.Get("do")
	if what == "drop" {
		s.uploads.remove(f)
		seeOther(w, s.base.Import(t.Schema, t.Name, ""))
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "this file has been imported already", Hint: "send it again to import it once more"}
	}
	f.settings = chosen(r)
	f.report, f.tried = nil, false
	if what == "try" || what == "load" {
		if err := s.importRun(r.Context(), w, t, target, f, what == "load"); err != nil {
			return err
		}
	}
	seeOther(w, s.base.Import(t.Schema, t.Name, f.id))
	return nil
}

// chosen reads the form.
func chosen(r *http.Request) settings {
	form := r.PostForm
	c := settings{null: load.Null(form.Get("null")), fuse: form.Get("fuse") == "1", skip: form.Get("clash") == "skip"}
	n, err := strconv.Atoi(form.Get("cells"))
	if err != nil || n < 0 || n > 1664 {
		n = 0
	}
	c.columns = make([]string, n)
	for i := range c.columns {
		c.columns[i] = form.Get("c" + strconv.Itoa(i))
	}
	return c
}

// plan looks the choices up, and refuses what cannot be.
func (f *upload) plan(t *catalog.Table, target *load.Target, cells int) (load.Plan, error) {
	p := load.Plan{Table: t, Null: f.settings.null, Fuse: f.settings.fuse, Skip: f.settings.skip, Columns: make([]*catalog.Column, cells)}
	no := func(hint, format string, args ...any) *afauth.Error {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	named := func(name string, e *afauth.Error) *afauth.Error {
		e.Err = catalog.Named(name)
		return e
	}
	if len(f.settings.columns) != cells {
		return p, no("load the page again", "the choice of columns is that of another file")
	}
	used := 0
	for i, name := range f.settings.columns {
		if name == "" {
			continue
		}
		c := t.Column(name)
		switch {
		case c == nil:
			return p, named(t.Label(), no("choose another column", "%s has no column %s", t.Label(), name))
		case target.Closed[c] != "":
			return p, named(name, no("choose another column", "%s cannot be filled: it is %s", name, target.Closed[c]))
		case slices.Contains(p.Columns, c):
			return p, no("leave one of them out", "two columns of the file go into %s", name)
		}
		p.Columns[i] = c
		used++
	}
	if used == 0 {
		return p, no("choose where its columns go", "no column of the file goes into %s", t.Label())
	}
	if p.Skip && target.Unskipped != "" {
		return p, no("choose to stop instead", "lines cannot be told from rows that are there: %s", target.Unskipped)
	}
	return p, nil
}

// firstLine reads the first line.
func firstLine(file *csvfile.Reader) (csvfile.Line, error) {
	line, err := file.Next()
	var fault *csvfile.Fault
	switch {
	case errors.As(err, &fault):
		return line, &afauth.Error{Code: afauth.CodeInvalid, Message: fault.Error(), Hint: "mend the file and send it again"}
	case errors.Is(err, io.EOF):
		return line, &afauth.Error{Code: afauth.CodeInvalid, Message: "the file is empty", Hint: "its first line names the columns"}
	case errors.Is(err, os.ErrClosed):
		return line, errGone
	}
	return line, err
}

// importRun puts the file into the table: for good, or for a trial. Where a line
// is bad nothing stays either way.
func (s *Server) importRun(ctx context.Context, w http.ResponseWriter, t *catalog.Table, target *load.Target, f *upload, stay bool) error {
	file := csvfile.NewReader(f.open(), 0)
	first, err := firstLine(file)
	if err != nil {
		return err
	}
	plan, err := f.plan(t, target, len(first.Cells))
	if err != nil {
		return err
	}
	leave, err := s.bulk()
	if err != nil {
		return err
	}
	defer leave()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Now().Add(bulkTime + stallTime))
	ctx, cancel := context.WithTimeout(ctx, bulkTime)
	defer cancel()
	var report *load.Report
	err = s.db.Write(ctx, database.Limits{Statement: importTime, Lock: lockTime}, func(tx *database.Tx) (err error) {
		if s.Begin != nil {
			if err := s.Begin(ctx, tx.Pgx()); err != nil {
				return err
			}
		}
		if report, err = load.Run(ctx, tx, plan, file); err != nil {
			return err
		}
		if !stay || len(report.Bad) > 0 || report.Rows+report.Skipped == 0 {
			return errUndone
		}
		if s.Audit == nil {
			return nil
		}
		return s.Audit(ctx, tx.Pgx(), Change{Schema: t.Schema, Table: t.Name, Kind: "import", File: f.name, Rows: report.Rows})
	})
	if err != nil && !errors.Is(err, errUndone) {
		return importFault(err)
	}
	f.report, f.tried, f.done = report, !stay, stay && err == nil
	if f.done {
		f.close()
	}
	return nil
}

// importFault says in words why an import failed as a whole.
func importFault(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, os.ErrClosed):
		return errGone
	case !errors.As(err, &pg):
		return err
	}
	say := func(code afauth.Code, message, hint string) error {
		return &afauth.Error{Code: code, Message: message, Hint: hint, Err: err}
	}
	switch pg.Code {
	case "42501":
		return say(afauth.CodeInvalid, "this role may not insert there, and nothing was written", "ask whoever grants rights in this database")
	case "25006":
		return say(afauth.CodeInvalid, "this server takes no changes: it is a standby, or read-only", "open studio on the primary server")
	case "57014":
		return say(afauth.CodeUnavailable, "stopped: PostgreSQL took too long over some lines, and nothing was written", "see what triggers and indexes of the table do, or part the file")
	case "40001", "40P01", "55P03":
		return say(afauth.CodeUnavailable, "another transaction was in the way, and nothing was written", "try again")
	}
	if strings.HasPrefix(pg.Code, "42") {
		return say(afauth.CodeInvalid, "PostgreSQL refuses to insert there (SQLSTATE "+pg.Code+"), and nothing was written", "the server's log says more")
	}
	return err
}
