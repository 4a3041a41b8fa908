package studio

import (
	"bufio"
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/dump"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/rows"
)

const (
	// bulkTime bounds an export or an import as a whole.
	bulkTime = 30 * time.Minute
	// stallTime is how long a browser may take none of an export, or send none
	// of an upload.
	stallTime = time.Minute
	// bulkAtOnce is how many exports and imports run at once: pages need the other
	// connections.
	bulkAtOnce = 2
)

// enter takes one of the places that there are; leave gives it back. ok is false
// where all are taken.
func enter(places chan struct{}) (leave func(), ok bool) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
		return nil, false
	}
}

// bulk takes one of the few places for long work; the function gives it back.
func (s *Server) bulk() (func(), error) {
	leave, ok := enter(s.places)
	if !ok {
		return nil, &afauth.Error{Code: afauth.CodeUnavailable, Message: "two exports or imports are running already, and pages need the other connections",
			Hint: "wait for one of them, or stop its download"}
	}
	return leave, nil
}

// exporting is what an export writes.
type exporting struct {
	query   *rows.Query
	columns []*catalog.Column
	format  dump.Format
	name    string
}

// export sends the rows of a view as a file. It reads and sends a row at a time.
// When it fails after the first byte it breaks the connection off: half a file
// must not look like a whole one.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	e, err := s.exported(r)
	if err != nil {
		return err
	}
	leave, err := s.bulk()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), bulkTime)
	defer cancel()
	out := &download{w: w, rc: http.NewResponseController(w), export: e}
	buffer := bufio.NewWriterSize(out, 64<<10)
	if r.Method == http.MethodHead {
		out.begin()
		return nil
	}
	// The server's own limits are those of a page.
	_ = out.rc.SetReadDeadline(time.Time{})
	file := dump.NewWriter(e.format, e.query.Table, e.columns)
	_, _ = buffer.Write(file.Head()) // errors stay with the buffer
	var line []byte
	err = s.db.Read(ctx, database.Limits{Statement: bulkTime, Lock: lockTime}, func(tx *database.Tx) error {
		return e.query.Each(ctx, tx, e.columns, func(cells [][]byte) error {
			var err error
			if line, err = file.Append(line[:0], cells); err == nil {
				_, err = buffer.Write(line)
			}
			if err != nil {
				cancel() // the rest need not be read
			}
			if cap(line) > 1<<20 {
				line = nil
			}
			return err
		})
	})
	if err == nil {
		err = buffer.Flush()
	}
	switch {
	case err == nil:
		out.begin() // of no bytes too
		return nil
	case !out.begun:
		return err
	}
	if r.Context().Err() == nil {
		s.Logger.WarnContext(r.Context(), "an export broke off", "code", explain(err).Code, "sqlstate", sqlState(err))
	}
	panic(http.ErrAbortHandler)
}

// exported reads what the address asks for.
func (s *Server) exported(r *http.Request) (*exporting, error) {
	format := dump.Format(r.PathValue("format"))
	if !slices.Contains(dump.Formats(), format) {
		return nil, &afauth.Error{Code: afauth.CodeNotFound, Message: "there is no such format", Hint: "choose csv, jsonl or sql"}
	}
	_, t, err := s.table(r)
	if err != nil {
		return nil, err
	}
	view, err := address.Parse(r.URL.Query())
	if err != nil {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: err.Error(), Hint: "open the table anew: " + t.Label(), Err: err}
	}
	e := &exporting{format: format, name: fileName(t, format)}
	if e.query, err = rows.New(t, view.First()); err != nil {
		return nil, err
	}
	e.columns, _ = e.query.Exported()
	if format == dump.SQL {
		e.columns = dump.Insertable(e.columns)
	}
	if len(t.Columns) == 0 {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: t.Label() + " has no columns, and a file of it would hold nothing", Hint: "its rows can be counted"}
	}
	if len(e.columns) == 0 {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "none of these columns can be exported: they are masked, generated, or this role may not read them",
			Hint: "choose other columns"}
	}
	return e, nil
}

// fileName is the table's name in letters that every system takes.
func fileName(t *catalog.Table, f dump.Format) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.':
			return r
		}
		return '_'
	}, t.Label())
	if safe = strings.Trim(safe, "._"); safe == "" {
		safe = "rows"
	}
	return safe[:min(len(safe), 100)] + "." + string(f)
}

// download is the answer that carries a file. Its headers are sent with the
// first bytes: what fails before them is answered by a page.
type download struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	export *exporting
	begun  bool
}

func (d *download) begin() {
	if d.begun {
		return
	}
	d.begun = true
	h := d.w.Header()
	h.Set("Content-Type", d.export.format.ContentType())
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.export.name}))
	d.w.WriteHeader(http.StatusOK)
}

// Write sends bytes, and waits for a browser that takes none for stallTime only.
func (d *download) Write(b []byte) (int, error) {
	_ = d.rc.SetWriteDeadline(time.Now().Add(stallTime))
	d.begin()
	return d.w.Write(b)
}

// exportMenu is the menu above the rows.
func (s *Server) exportMenu(sh *sheet) *page.ExportMenu {
	if sh.query == nil {
		return nil
	}
	whole, left := sh.query.Exported()
	m := &page.ExportMenu{Filtered: len(sh.view.Filters) > 0 || sh.view.Search != ""}
	if len(whole) > 0 {
		for _, f := range []struct {
			format dump.Format
			text   string
		}{{dump.CSV, "CSV"}, {dump.JSONLines, "JSON lines"}, {dump.SQL, "SQL inserts"}} {
			m.Files = append(m.Files, page.Link{Text: f.text, Href: s.base.Export(sh.table.Schema, sh.table.Name, string(f.format), sh.view.First())})
		}
	}
	for _, c := range left {
		if c.Masked {
			m.Masked = append(m.Masked, c.Name)
		} else {
			m.Closed = append(m.Closed, c.Name)
		}
	}
	if sh.table.Inserts() && !s.ReadOnly {
		m.ImportHref = s.base.Import(sh.table.Schema, sh.table.Name, "")
	}
	return m
}
