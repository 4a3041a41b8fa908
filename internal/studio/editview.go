package studio

import (
	"context"
	"net/http"
	"strconv"
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

// editing draws what a grid has where rows can be changed: what is drafted in
// its cells, the bar below, and the form that stands open.
func (s *Server) editing(r *http.Request, g *page.Grid, sh *sheet) {
	session, ok := s.door.session(r)
	if !ok || s.ReadOnly {
		return
	}
	e := &page.Editing{Toast: s.draft.Said(session)}
	g.Edit = e
	e.Bar = s.bar(session, sh.table, s.here(sh))
	if change.Why(sh.table) != "" {
		return
	}
	sh.draft = s.draft.Table(session, sh.table.Schema, sh.table.Name)
	if why := change.Forbidden(sh.table); why != "" {
		g.Notes = append(g.Notes, why)
	}
	if sh.table.Inserts() {
		opening := sh.view.Closed()
		opening.Open = "insert"
		e.InsertHref = s.base.Table(sh.table.Schema, sh.table.Name, opening)
	}
	if sh.page != nil && sh.query != nil {
		s.draftLines(g, sh)
	}
	s.faults(e, sh)
	if id, ok := strings.CutPrefix(sh.view.Open, "insert"); ok && g.Fault == nil && e.InsertHref != "" {
		g.Panel = s.insertPanel(sh, strings.TrimPrefix(id, ":"))
	}
	if g.Panel != nil && sh.row != nil {
		s.editPanel(r.Context(), g.Panel, sh)
	}
	if g.Nothing != nil && len(sh.view.Filters) == 0 && sh.view.Search == "" && e.InsertHref != "" {
		g.Nothing.Actions = append(g.Nothing.Actions, page.Link{Text: "Insert row", Href: e.InsertHref})
	}
}

// here is the address of the rows without anything that stands open.
func (s *Server) here(sh *sheet) string {
	return s.base.Table(sh.table.Schema, sh.table.Name, sh.view.Closed())
}

// bar is the bar of what is not saved, nil where nothing is.
func (s *Server) bar(session afauth.TokenHash, t *catalog.Table, back string) *page.PendingBar {
	b := &page.PendingBar{Back: back, SaveHref: s.base.Part(t.Schema, t.Name, "save"), ReviewHref: s.base.Part(t.Schema, t.Name, "review"),
		DiscardHref: s.base.Part(t.Schema, t.Name, "discard")}
	for _, d := range s.draft.Tables(session) {
		if d.Schema != t.Schema || d.Name != t.Name {
			label := (&catalog.Table{Schema: d.Schema, Name: d.Name}).Label()
			b.Others = append(b.Others, page.Link{Text: label, Href: s.base.Table(d.Schema, d.Name, address.View{})})
			continue
		}
		b.Text, b.Save, b.Revision = counted(&d)+" of "+t.Label(), "Save "+count(d.Changes(), "change", "changes"), d.Revision
		b.Careful = d.Unknown
		for _, row := range d.Rows {
			b.Careful = b.Careful || row.Kind == draft.Delete
		}
		if d.Conflicts() {
			b.ConflictHref = s.base.Part(t.Schema, t.Name, "conflict")
		}
	}
	if b.Text == "" && len(b.Others) == 0 {
		return nil
	}
	return b
}

// draftLines draws what is drafted into the rows of the page, and new rows above
// them.
func (s *Server) draftLines(g *page.Grid, sh *sheet) {
	t := sh.table
	for i, row := range sh.page.Rows {
		line := &g.Lines[i]
		if len(row.Key) != len(t.Key) || row.Version == "" {
			continue
		}
		id := change.ID(row.Key)
		drafted := sh.draft.Row(id)
		line.Version = row.Version
		for j := range line.Cells {
			c := row.Cells[j].Column
			line.Cells[j].ID = cellID(id, c)
			line.Cells[j].Edit = s.editHref(sh, id, c)
			if drafted != nil && drafted.Kind == draft.Update {
				line.Cells[j].Pending = pendingCell(drafted, c)
			}
		}
		if t.Deletes {
			line.DeleteHref = s.rowHref(sh, id, "delete")
		}
		if drafted == nil {
			continue
		}
		if drafted.Refused != "" || drafted.Conflict {
			line.Fault = "fault-" + id
		}
		if drafted.Kind == draft.Delete {
			line.State, line.DeleteHref = "deleted", ""
			line.Drop = s.rowAction(sh, id, "restore", "Keep row")
		}
	}
	var fresh []page.Line
	for i := range sh.draft.Rows {
		if row := &sh.draft.Rows[i]; row.Kind == draft.Insert {
			fresh = append(fresh, s.newLine(g, sh, row))
		}
	}
	if len(fresh) > 0 {
		g.Lines = append(fresh, g.Lines...)
		if len(g.Heads) > 0 {
			g.Nothing = nil
		}
	}
}

func cellID(id string, c *catalog.Column) string { return "cell-" + id + "-" + c.Name }

// editHref is the address of a cell's editor, "" where it has none.
func (s *Server) editHref(sh *sheet, id string, c *catalog.Column) string {
	if !c.Updates || value.Editable(c) != "" && (!c.Masked || c.NotNull) {
		return ""
	}
	return s.rowHref(sh, id, "edit:"+c.Name)
}

func (s *Server) rowHref(sh *sheet, id, open string) string {
	v := sh.view.Closed()
	v.Open = open
	return s.base.Row(sh.table.Schema, sh.table.Name, id, v)
}

// rowAction is a button that posts to a row.
func (s *Server) rowAction(sh *sheet, id, do, label string) *page.RowAction {
	return &page.RowAction{Action: s.base.Row(sh.table.Schema, sh.table.Name, id, address.View{}), Label: label,
		Hidden: []page.Field{{Name: "do", Value: do}, {Name: "back", Value: s.here(sh)}}}
}

func pendingCell(row *draft.Row, c *catalog.Column) *page.Pending {
	v, ok := row.Values[c.Name]
	if !ok {
		return nil
	}
	p := &page.Pending{New: shown(c, v)}
	if v.Fault != "" || v.Refused != "" {
		p.Fault = "fault-" + cellID(row.ID, c)
	}
	return p
}

// shown draws a value that is not saved.
func shown(c *catalog.Column, v draft.Value) value.Shown {
	switch {
	case v.Fault != "":
		return value.Shown{Look: value.Plain, Text: v.Text}
	case v.How == draft.Null:
		return value.Shown{Look: value.Null, Text: "NULL"}
	case v.How == draft.Default:
		return value.Shown{Look: value.Default, Text: "default " + c.Default}
	}
	cell := rows.Cell{Column: c, Text: &v.Text, Bytes: int64(len(v.Text))}
	if c.Type.Kind == catalog.Bytes {
		cell.Bytes = max(0, int64(len(v.Text)-2)/2)
	}
	if c.Type.Kind == catalog.Bool {
		text := v.Text[:min(1, len(v.Text))]
		cell.Text = &text
	}
	return value.Show(cell)
}

// newLine draws a new row as a line of the grid.
func (s *Server) newLine(g *page.Grid, sh *sheet, row *draft.Row) page.Line {
	t := sh.table
	v := sh.view.Closed()
	v.Open = "insert:" + row.ID
	href := s.base.Table(t.Schema, t.Name, v)
	l := page.Line{ID: "row-" + row.ID, Href: href, State: "new", Current: sh.view.Open == v.Open}
	if row.Refused != "" {
		l.Fault = "fault-" + row.ID
	}
	l.Drop = &page.RowAction{Action: s.base.Part(t.Schema, t.Name, "new"), Label: "Drop new row",
		Hidden: []page.Field{{Name: "do", Value: "undo"}, {Name: "id", Value: row.ID}, {Name: "back", Value: s.here(sh)}}}
	for _, c := range sh.query.Columns {
		cell := page.Cell{ID: cellID(row.ID, c), Edit: href, Right: c.Type.Kind == catalog.Number && !c.Masked, Sticky: c == stickyColumn(sh)}
		given, ok := row.Values[c.Name]
		if !ok {
			given = draft.Value{How: draft.Default}
		}
		if given.How == draft.Default {
			cell.Shown = unset(c)
		} else {
			cell.Shown = shown(c, given)
		}
		if given.Fault != "" || given.Refused != "" {
			cell.Pending = &page.Pending{New: cell.Shown, Fault: "fault-" + cellID(row.ID, c)}
		}
		l.Cells = append(l.Cells, cell)
	}
	for range g.Relations {
		l.Related = append(l.Related, page.Link{})
	}
	return l
}

// unset is how a column shows that a new row gives no value for.
func unset(c *catalog.Column) value.Shown {
	switch {
	case c.Generated != "":
		return value.Shown{Look: value.Default, Text: "generated"}
	case c.Identity != "":
		return value.Shown{Look: value.Default, Text: "default, counted up"}
	case c.Default != "":
		return value.Shown{Look: value.Default, Text: "default " + c.Default}
	}
	return value.Shown{Look: value.Null, Text: "NULL"}
}

// faults lists what cannot be saved, below the grid.
func (s *Server) faults(e *page.Editing, sh *sheet) {
	for i := range sh.draft.Rows {
		row := &sh.draft.Rows[i]
		name := "row " + strings.Join(row.Key, ", ")
		if row.Kind == draft.Insert {
			name = "new row"
		}
		if row.Conflict {
			e.Faults = append(e.Faults, page.CellFault{ID: "fault-" + row.ID, Name: name, Text: "Somebody else has changed this row since it was read.",
				Href: s.base.Part(sh.table.Schema, sh.table.Name, "conflict")})
		}
		if row.Refused != "" {
			e.Faults = append(e.Faults, page.CellFault{ID: "fault-" + row.ID, Name: name, Text: row.Refused, Href: s.draftHref(sh, row, nil)})
		}
		if row.Kind == draft.Delete {
			continue
		}
		for _, c := range sh.table.Columns {
			v := row.Values[c.Name]
			if text := v.Fault + v.Refused; text != "" {
				at := name
				if !strings.HasPrefix(text, c.Name) { // most sentences begin with their column
					at += " · " + c.Name
				}
				e.Faults = append(e.Faults, page.CellFault{ID: "fault-" + cellID(row.ID, c), Name: at, Text: text, Href: s.draftHref(sh, row, c)})
			}
		}
	}
}

// draftHref leads to a drafted row, or to the editor of one of its columns.
func (s *Server) draftHref(sh *sheet, row *draft.Row, c *catalog.Column) string {
	switch {
	case row.Kind == draft.Insert:
		v := sh.view.Closed()
		v.Open = "insert:" + row.ID
		return s.base.Table(sh.table.Schema, sh.table.Name, v)
	case c != nil:
		return s.rowHref(sh, row.ID, "edit:"+c.Name)
	}
	return s.rowHref(sh, row.ID, "")
}

// deletion is the question whether a row is to be deleted.
func (s *Server) deletion(ctx context.Context, sh *sheet) *page.Deletion {
	id := change.ID(sh.row.Key)
	action := s.rowAction(sh, id, "delete", "")
	d := &page.Deletion{Action: action.Action, Hidden: append(action.Hidden, page.Field{Name: "version", Value: sh.row.Version}), CloseHref: s.rowHref(sh, id, "")}
	for _, effect := range change.Effects(ctx, s.db, sh.table, sh.row.Key) {
		d.Effects = append(d.Effects, effect.Text())
		d.Forbidden = d.Forbidden || effect.Forbids()
	}
	return d
}

func fieldName(c *catalog.Column) string { return strconv.Itoa(c.Num) }
