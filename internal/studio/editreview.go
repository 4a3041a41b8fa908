package studio

import (
	"net/http"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/change"
	"github.com/af-auth/af-auth/internal/studio/draft"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/rows"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// maxEffects is for how many deletions a review says what goes with them.
const maxEffects = 10

// review shows the SQL that saving would run.
func (s *Server) review(w http.ResponseWriter, r *http.Request) error {
	d, err := s.drafted(r)
	if err != nil {
		return err
	}
	t := d.table
	drafted := s.draft.Table(d.session, t.Schema, t.Name)
	table := s.base.Table(t.Schema, t.Name, address.View{})
	v := page.Review{Chrome: s.chrome(r, d.db, "tables", "Review · "+t.Label()), Name: t.Label(), TableHref: table, Unknown: drafted.Unknown,
		Bar: s.bar(d.session, t, table), Summary: counted(&drafted) + ". All of it is saved in one transaction, or nothing."}
	v.Side = s.side(d.db, t)
	plan, err := change.New(t, drafted.Rows)
	if err != nil {
		return err
	}
	if v.Bar != nil && drafted.Faulty() {
		v.Bar.Text = "" // it cannot be saved like this
	}
	asked := 0
	for _, step := range plan.Steps {
		row := step.Row
		line := page.ReviewStep{Title: stepTitle(t, &row), SQL: step.Text, Href: s.base.Row(t.Schema, t.Name, row.ID, address.View{}),
			Undo: page.RowAction{Label: "Take back", Action: s.base.Row(t.Schema, t.Name, row.ID, address.View{}),
				Hidden: []page.Field{{Name: "do", Value: "undo"}, {Name: "back", Value: r.URL.Path}}}}
		if row.Kind == draft.Insert {
			line.Href = s.base.Table(t.Schema, t.Name, address.View{Open: "insert:" + row.ID})
			line.Undo.Action, line.Undo.Hidden = s.base.Part(t.Schema, t.Name, "new"), append(line.Undo.Hidden, page.Field{Name: "id", Value: row.ID})
		}
		if row.Kind == draft.Delete && asked < maxEffects {
			asked++
			for _, effect := range change.Effects(r.Context(), s.db, t, row.Key) {
				line.Effects = append(line.Effects, effect.Text())
			}
		}
		line.Faults = faultsOf(&row)
		v.Steps = append(v.Steps, line)
	}
	s.send(w, r, http.StatusOK, v)
	return nil
}

func stepTitle(t *catalog.Table, row *draft.Row) string {
	key := strings.Join(row.Key, ", ")
	switch row.Kind {
	case draft.Insert:
		return "Insert a row"
	case draft.Delete:
		return "Delete row " + key
	}
	return "Change row " + key
}

func faultsOf(row *draft.Row) []string {
	var all []string
	if row.Refused != "" {
		all = append(all, row.Refused)
	}
	for _, v := range row.Values {
		if text := v.Fault + v.Refused; text != "" && row.Kind != draft.Delete {
			all = append(all, text)
		}
	}
	return all
}

// conflict shows rows that somebody else has changed: as they were, as they are,
// and as they are to be.
func (s *Server) conflict(w http.ResponseWriter, r *http.Request) error {
	d, err := s.drafted(r)
	if err != nil {
		return err
	}
	t := d.table
	drafted := s.draft.Table(d.session, t.Schema, t.Name)
	v := page.Conflict{Chrome: s.chrome(r, d.db, "tables", "Conflict · "+t.Label()), Name: t.Label(), TableHref: s.base.Table(t.Schema, t.Name, address.View{})}
	v.Side = s.side(d.db, t)
	for i := range drafted.Rows {
		row := &drafted.Rows[i]
		if !row.Conflict {
			continue
		}
		now, err := s.rowNow(r.Context(), t, row.Key, "")
		if err != nil && afauth.CodeOf(err) != afauth.CodeNotFound {
			return err
		}
		v.Rows = append(v.Rows, s.conflictRow(t, row, now))
	}
	s.send(w, r, http.StatusOK, v)
	return nil
}

func (s *Server) conflictRow(t *catalog.Table, row *draft.Row, now *rows.Row) page.ConflictRow {
	c := page.ConflictRow{Title: strings.Join(row.Key, ", "), Action: s.base.Part(t.Schema, t.Name, "conflict"), Gone: now == nil,
		Delete: row.Kind == draft.Delete, Hidden: []page.Field{{Name: "id", Value: row.ID}}}
	if now == nil {
		return c
	}
	c.Hidden = append(c.Hidden, page.Field{Name: "version", Value: now.Version})
	var over []string
	for _, cell := range now.Cells {
		line := page.ConflictLine{Name: cell.Column.Name, Theirs: value.Show(cell), Unknown: row.Base == nil}
		if was := cellOf(row.Base, cell.Column); was != nil {
			line.Was = value.Show(*was)
			line.Changed = line.Was.Text != line.Theirs.Text || line.Was.Look != line.Theirs.Look || was.Bytes != cell.Bytes
		} else {
			line.Unknown = true
		}
		v, mine := row.Values[cell.Column.Name]
		if mine && row.Kind == draft.Update {
			drawn := shown(cell.Column, v)
			line.Mine = &drawn
			over = append(over, cell.Column.Name)
		}
		if cell.Column.Generated != "" {
			continue // it follows from the others
		}
		if line.Changed || line.Mine != nil {
			c.Lines = append(c.Lines, line)
		}
	}
	c.Over = strings.Join(over, ", ")
	return c
}

// settle decides about one row of a conflict.
func (s *Server) settle(w http.ResponseWriter, r *http.Request) error {
	d, err := s.drafted(r)
	if err != nil {
		return err
	}
	t, id := d.table, d.form.Get("id")
	switch d.form.Get("do") {
	case "theirs":
		err = s.alter(d, func(all *draft.Table) error { all.Drop(id); return nil })
	case "mine":
		err = s.overwrite(r, d, id, d.form.Get("version"))
	default:
		err = &afauth.Error{Code: afauth.CodeInvalid, Message: "the form does not say what is to be done"}
	}
	if err != nil {
		return err
	}
	left := s.draft.Table(d.session, t.Schema, t.Name)
	to := s.base.Table(t.Schema, t.Name, address.View{})
	switch {
	case left.Conflicts():
		to = s.base.Part(t.Schema, t.Name, "conflict")
	case len(left.Rows) > 0 && d.form.Get("do") == "mine":
		if to, err = s.saveDraft(r.Context(), d, left.Revision, to); err != nil {
			return err
		}
	}
	seeOther(w, to)
	return nil
}

// overwrite makes the version that the person has seen the one that is changed.
// Where it has changed once more, the conflict stays.
func (s *Server) overwrite(r *http.Request, d *drafting, id, version string) error {
	drafted := s.draft.Table(d.session, d.table.Schema, d.table.Name)
	row := drafted.Row(id)
	if row == nil {
		return &afauth.Error{Code: afauth.CodeNotFound, Message: "this change is no longer there"}
	}
	now, err := s.rowNow(r.Context(), d.table, row.Key, "")
	if err != nil {
		return err
	}
	return s.alter(d, func(all *draft.Table) error {
		row := all.Row(id)
		if row == nil || now.Version != version {
			return nil
		}
		row.Version, row.Base, row.Conflict = version, now, false
		return nil
	})
}
