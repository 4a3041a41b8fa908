package studio

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/change"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/draft"
	"github.com/af-auth/af-auth/internal/studio/rows"
	"github.com/af-auth/af-auth/internal/studio/value"
)

var errReadOnly = &afauth.Error{Code: afauth.CodeInvalid, Message: "studio was started with --read-only and changes nothing",
	Hint: "start it without --read-only to change rows"}

// drafting is what every handler that deals with a draft begins with.
type drafting struct {
	session afauth.TokenHash
	db      *catalog.Database
	table   *catalog.Table
	form    url.Values
}

// drafted reads the form and finds the table, which must be one that can be
// changed.
func (s *Server) drafted(r *http.Request) (*drafting, error) {
	if s.ReadOnly {
		return nil, errReadOnly
	}
	if err := r.ParseForm(); err != nil {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "the form cannot be read, or is longer than studio takes"}
	}
	session, ok := s.door.session(r)
	if !ok {
		return nil, errDoor
	}
	db, t, err := s.table(r)
	if err != nil {
		return nil, err
	}
	if why := change.Why(t); why != "" {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: t.Label() + " can be read and not edited: " + why, Hint: "change it with SQL"}
	}
	return &drafting{session: session, db: db, table: t, form: r.PostForm}, nil
}

func forbidden(t *catalog.Table) error {
	return &afauth.Error{Code: afauth.CodeInvalid, Message: strings.TrimSuffix(change.Forbidden(t), "."), Hint: "ask whoever grants rights in this database"}
}

func (s *Server) alter(d *drafting, fn func(*draft.Table) error) error {
	return s.draft.Change(d.session, d.table.Schema, d.table.Name, fn)
}

// keepRow keeps what a form says about one row: a new value, that it is to be
// deleted, or that one of these is taken back.
func (s *Server) keepRow(w http.ResponseWriter, r *http.Request) error {
	d, err := s.drafted(r)
	if err != nil {
		return err
	}
	key, err := address.ParseKey(r.PathValue("key"))
	if err != nil || len(key) != len(d.table.Key) {
		return &afauth.Error{Code: afauth.CodeNotFound, Message: "the address names no row of " + d.table.Label(), Hint: "open the table"}
	}
	id := change.ID(key)
	do := d.form.Get("do")
	if d.form.Get("how") == "undo" { // a button of the editor
		do = "undo"
	}
	switch do {
	case "set":
		err = s.setCell(r.Context(), d, id, key)
	case "undo":
		err = s.alter(d, func(t *draft.Table) error { undo(t, id, d.form.Get("column")); return nil })
	case "delete":
		err = s.markDeleted(r.Context(), d, id, key)
	case "restore":
		err = s.alter(d, func(t *draft.Table) error { restore(t, id); return nil })
	default:
		err = &afauth.Error{Code: afauth.CodeInvalid, Message: "the form does not say what is to be done"}
	}
	if err != nil {
		return err
	}
	seeOther(w, s.back(d.form.Get("back")))
	return nil
}

// undo takes back one column's change, or all of a row's.
func undo(t *draft.Table, id, column string) {
	row := t.Row(id)
	if row == nil {
		return
	}
	if column != "" {
		delete(row.Values, column)
		row.Refused = ""
	}
	if column == "" || len(row.Values) == 0 && row.Kind == draft.Update {
		t.Drop(id)
	}
}

// restore takes a deletion back.
func restore(t *draft.Table, id string) {
	row := t.Row(id)
	switch {
	case row == nil || row.Kind != draft.Delete:
	case len(row.Values) == 0:
		t.Drop(id)
	default:
		row.Kind, row.Refused = draft.Update, ""
	}
}

// begin returns the draft's row, which it begins with what was read, unless the
// version that the form was made for is another one.
func begin(t *draft.Table, id string, key []string, version string, now *rows.Row) *draft.Row {
	if row := t.Row(id); row != nil {
		return row
	}
	row := draft.Row{ID: id, Kind: draft.Update, Key: key, Version: version, Values: make(map[string]draft.Value)}
	if now != nil && now.Version == version {
		row.Base = now
	}
	t.Rows = append(t.Rows, row)
	return &t.Rows[len(t.Rows)-1]
}

func (s *Server) markDeleted(ctx context.Context, d *drafting, id string, key []string) error {
	if !d.table.Deletes {
		return forbidden(d.table)
	}
	now, err := s.rowNow(ctx, d.table, key, "")
	if err != nil {
		return err
	}
	return s.alter(d, func(t *draft.Table) error {
		begin(t, id, key, d.form.Get("version"), now).Kind = draft.Delete
		return nil
	})
}

// rowNow reads a row as it is now, one column of it whole.
func (s *Server) rowNow(ctx context.Context, t *catalog.Table, key []string, whole string) (*rows.Row, error) {
	q, err := rows.New(t, address.View{Whole: whole})
	if err != nil {
		return nil, err
	}
	var found *rows.Row
	err = s.db.Read(ctx, database.Limits{Statement: s.PageTime, Lock: lockTime}, func(tx *database.Tx) (err error) {
		found, err = q.One(ctx, tx, key)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, &afauth.Error{Code: afauth.CodeNotFound, Message: "there is no such row any more", Hint: "it was deleted, or its key was changed; load the table again"}
	}
	return found, nil
}

// setCell keeps a new value of one column.
func (s *Server) setCell(ctx context.Context, d *drafting, id string, key []string) error {
	c := d.table.Column(d.form.Get("column"))
	if c == nil {
		return &afauth.Error{Code: afauth.CodeNotFound, Message: d.table.Label() + " has no such column", Hint: "load the table again"}
	}
	now, err := s.rowNow(ctx, d.table, key, c.Name)
	if err != nil {
		return err
	}
	v, err := s.typed(ctx, c, d.form.Get("how"), d.form.Get("value"), cellOf(now, c), false)
	if err != nil {
		return err
	}
	return s.alter(d, func(t *draft.Table) error {
		row := begin(t, id, key, d.form.Get("version"), now)
		row.Kind, row.Refused = draft.Update, ""
		row.Values[c.Name] = v
		if row.Base != nil && unchanged(v, cellOf(row.Base, c)) {
			undo(t, id, c.Name)
		}
		return nil
	})
}

func cellOf(row *rows.Row, c *catalog.Column) *rows.Cell {
	if row == nil {
		return nil
	}
	for i := range row.Cells {
		if row.Cells[i].Column.Name == c.Name {
			return &row.Cells[i]
		}
	}
	return nil
}

func unchanged(v draft.Value, was *rows.Cell) bool {
	switch {
	case was == nil || was.Cut || v.Fault != "":
		return false
	case v.How == draft.Null:
		return was.Null
	}
	return v.How == draft.Text && was.Text != nil && *was.Text == v.Text
}

// typed makes a value of what a form says. What the column cannot be is kept as
// it was typed, with the reason; what it must never be is an error.
func (s *Server) typed(ctx context.Context, c *catalog.Column, how, text string, was *rows.Cell, insert bool) (draft.Value, error) {
	v := draft.Value{How: draft.How(how)}
	switch v.How {
	case "empty":
		v.How, text = draft.Text, ""
	case draft.Text, draft.Null, draft.Default:
	default:
		return v, &afauth.Error{Code: afauth.CodeInvalid, Message: "the form does not say what " + c.Name + " is to become"}
	}
	if why := change.Refuse(c, v.How, insert); why != "" {
		return v, &afauth.Error{Code: afauth.CodeInvalid, Message: c.Name + " cannot be changed that way: " + why, Err: catalog.Named(c.Name)}
	}
	if v.How != draft.Text {
		return v, nil
	}
	v.Text = newlines(text, was)
	parsed, err := value.Parse(c, v.Text)
	if err != nil {
		v.Fault = sentence(err.Error(), c.Name)
		return v, nil
	}
	limits := database.Limits{Statement: s.PageTime, Lock: lockTime}
	canonical, err := change.Canonical(ctx, s.db, limits, c, parsed)
	var pg *pgconn.PgError
	switch {
	case err == nil:
		if c.Type.Schema == "pg_catalog" && c.Type.Name == "money" && !value.SameDigits(parsed, canonical) {
			v.Fault = sentence(c.Name+" is money and would keep "+clip(canonical)+" of it", c.Name)
			return v, nil
		}
		// What the column's own rules refuse is said when it is saved.
		if kept, whole, err := change.Stored(ctx, s.db, limits, c, parsed); err == nil && !whole {
			v.Fault = sentence(c.Name+" is "+c.Shown+" and would keep "+clip(kept)+" of it", c.Name)
			return v, nil
		}
		v.Text = canonical
	case errors.As(err, &pg) && pg.Code[:2] == "0A":
		v.Fault = sentence("values of type " + c.Shown + " are made by PostgreSQL itself: none can be typed")
	case errors.As(err, &pg) && (pg.Code[:2] == "22" || pg.Code[:2] == "23"):
		v.Fault = sentence(`"` + clip(v.Text) + `" is no value of ` + c.Name + ", which is " + c.Shown)
	default:
		return v, err
	}
	return v, nil
}

// newlines undoes what browsers do to the lines of a form: they send CR LF for
// each. A text that is otherwise what it was stays what it was.
func newlines(typed string, was *rows.Cell) string {
	plain := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	text := plain.Replace(typed)
	if was != nil && was.Text != nil && !was.Cut && plain.Replace(*was.Text) == text {
		return *was.Text
	}
	return text
}

func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// keepNew keeps a new row, or takes one back.
func (s *Server) keepNew(w http.ResponseWriter, r *http.Request) error {
	d, err := s.drafted(r)
	if err != nil {
		return err
	}
	id := d.form.Get("id")
	if d.form.Get("do") == "undo" {
		err = s.alter(d, func(t *draft.Table) error { t.Drop(id); return nil })
	} else {
		err = s.setNew(r.Context(), d, id)
	}
	if err != nil {
		return err
	}
	seeOther(w, s.back(d.form.Get("back")))
	return nil
}

func (s *Server) setNew(ctx context.Context, d *drafting, id string) error {
	if !d.table.Inserts() {
		return forbidden(d.table)
	}
	values := make(map[string]draft.Value)
	for _, c := range d.table.Columns {
		field := fieldName(c)
		how, text := d.form.Get("how-"+field), d.form.Get("value-"+field)
		if how == "" || value.Editable(c) != "" || !c.Inserts {
			continue
		}
		if text != "" {
			how = string(draft.Text) // what was typed counts
		}
		if how == string(draft.Default) {
			continue // the default comes by itself
		}
		v, err := s.typed(ctx, c, how, text, nil, true)
		if err != nil {
			return err
		}
		values[c.Name] = v
	}
	if id == "" {
		id = s.draft.NewID(d.session)
	}
	return s.alter(d, func(t *draft.Table) error {
		if row := t.Row(id); row != nil && row.Kind == draft.Insert {
			row.Values, row.Refused = values, ""
			return nil
		}
		if !strings.HasPrefix(id, "+") {
			return &afauth.Error{Code: afauth.CodeInvalid, Message: "the form names no new row"}
		}
		t.Rows = append(t.Rows, draft.Row{ID: id, Kind: draft.Insert, Values: values})
		return nil
	})
}

// discard throws the draft of a table away.
func (s *Server) discard(w http.ResponseWriter, r *http.Request) error {
	d, err := s.drafted(r)
	if err != nil {
		return err
	}
	if err := s.alter(d, func(t *draft.Table) error { t.Rows = nil; return nil }); err != nil {
		return err
	}
	seeOther(w, s.back(d.form.Get("back")))
	return nil
}
