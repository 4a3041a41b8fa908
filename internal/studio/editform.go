package studio

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/change"
	"github.com/af-auth/af-auth/internal/studio/draft"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/rows"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// zoneHint stands where a moment is typed.
const zoneHint = "UTC, unless an offset stands behind it."

// editPanel adds to the row at the side what can be done with it.
func (s *Server) editPanel(ctx context.Context, p *page.Panel, sh *sheet) {
	if len(sh.row.Key) != len(sh.table.Key) || sh.row.Version == "" {
		return
	}
	id := change.ID(sh.row.Key)
	drafted := sh.draft.Row(id)
	switch {
	case drafted != nil && drafted.Kind == draft.Delete:
		p.Drop = s.rowAction(sh, id, "restore", "Keep row")
		p.Note = "This row is marked to be deleted, which is not saved."
		return
	case !sh.table.Deletes:
	case sh.view.Open == "delete":
		p.Delete = s.deletion(ctx, sh)
	default:
		p.DeleteHref = s.rowHref(sh, id, "delete")
	}
	for i, cell := range sh.row.Cells {
		c, f := cell.Column, &p.Fields[i]
		if drafted != nil {
			f.Pending = pendingCell(drafted, c)
		}
		if f.EditHref = s.editHref(sh, id, c); f.EditHref == "" {
			f.Fixed = fixed(c)
		}
		if f.EditHref != "" && sh.view.Open == "edit:"+c.Name {
			f.Editor = s.editor(sh, &sh.row.Cells[i], drafted)
		}
	}
}

// fixed says why a column has no editor.
func fixed(c *catalog.Column) string {
	switch {
	case c.Masked && c.NotNull:
		return "masked, and NOT NULL: it can neither be typed nor cleared"
	case c.Masked:
		return change.Closed
	}
	return cmp.Or(value.Editable(c), change.Closed)
}

// editor is the form for one value.
func (s *Server) editor(sh *sheet, cell *rows.Cell, drafted *draft.Row) *page.Editor {
	c, id := cell.Column, change.ID(sh.row.Key)
	action := s.rowAction(sh, id, "set", "")
	e := &page.Editor{Action: action.Action, Hidden: append(action.Hidden, page.Field{Name: "column", Value: c.Name},
		page.Field{Name: "version", Value: sh.row.Version}), Column: c.Name, Type: c.Shown, CloseHref: s.rowHref(sh, id, ""),
		Typed: value.Editable(c) == ""}
	if c.Type.Zoned() {
		e.Note = zoneHint
	}
	if cell.Text != nil {
		e.Value = value.Typed(c, *cell.Text)
	}
	if cell.Cut {
		e.Value, e.Note = "", "The value is too long to be edited here ("+value.Size(cell.Bytes)+"). What is typed takes its place."
	}
	if drafted != nil {
		if v, ok := drafted.Values[c.Name]; ok {
			e.Pending, e.Fault = true, v.Fault+v.Refused
			if v.How == draft.Text {
				e.Value = v.Text
				if v.Fault == "" {
					e.Value = value.Typed(c, v.Text)
				}
			}
		}
	}
	e.Field, e.Choices = fieldFor(c, e.Value)
	e.Rows = min(12, 2+strings.Count(e.Value, "\n")+len(e.Value)/48)
	e.Ways = ways(c, e.Typed)
	return e
}

// ways are the values that are chosen, with the reason where one cannot be.
func ways(c *catalog.Column, typed bool) []page.Way {
	all := []page.Way{{How: "null", Label: "NULL", Why: change.Refuse(c, draft.Null, false)}}
	if c.Masked {
		all[0].Label = "Clear to NULL"
	}
	if typed && c.Type.Kind == catalog.Text {
		all = append(all, page.Way{How: "empty", Label: "empty"})
	}
	if typed {
		why := change.Refuse(c, draft.Default, false)
		if c.Default == "" && c.Identity == "" {
			why = "the column has no default"
		}
		all = append(all, page.Way{How: "default", Label: "Default", Why: why})
	}
	return all
}

// fieldFor is what a value is typed into.
func fieldFor(c *catalog.Column, now string) (field string, choices []page.Choice) {
	labels := c.Type.Labels
	switch c.Type.Kind {
	case catalog.Bool:
		labels = []string{"true", "false"}
	case catalog.Enum:
	case catalog.Text, catalog.JSON, catalog.Bytes, catalog.Array, catalog.Other:
		return "area", nil
	default:
		return "line", nil
	}
	for _, label := range labels {
		choices = append(choices, page.Choice{Value: label, Label: label, Current: label == now})
	}
	return "choice", choices
}

// insertPanel is the form for a new row, or for one that is in the draft.
func (s *Server) insertPanel(sh *sheet, id string) *page.Panel {
	t := sh.table
	p := &page.Panel{Title: "New row of " + t.Label(), CloseHref: s.here(sh)}
	n := &page.NewRow{Action: s.base.Part(t.Schema, t.Name, "new"), Hidden: []page.Field{{Name: "back", Value: s.here(sh)}}, CloseHref: s.here(sh)}
	p.New = n
	given := make(map[string]draft.Value)
	if row := sh.draft.Row(id); row != nil && row.Kind == draft.Insert {
		given, n.Drafted, n.Refused = row.Values, true, row.Refused
		n.Hidden = append(n.Hidden, page.Field{Name: "id", Value: id})
	}
	for _, c := range t.Columns {
		v, ok := given[c.Name]
		n.Fields = append(n.Fields, newField(c, v, ok))
	}
	begin := -1
	for _, fits := range []func(page.NewField) bool{
		func(f page.NewField) bool { return f.Fault != "" },
		func(f page.NewField) bool { return f.Why == "" && len(f.Hows) == 1 }, // nothing comes by itself
		func(f page.NewField) bool { return f.Why == "" },
	} {
		if begin < 0 {
			begin = slices.IndexFunc(n.Fields, fits)
		}
	}
	if begin >= 0 {
		n.Fields[begin].Focus = true
	}
	return p
}

// newField asks for one column of a new row. What comes by itself is chosen
// first; where nothing does, a value is asked for.
func newField(c *catalog.Column, v draft.Value, given bool) page.NewField {
	f := page.NewField{ID: fieldName(c), Name: c.Name, Type: c.Shown, Comment: c.Comment, Why: value.Editable(c), Fault: v.Fault + v.Refused}
	if f.Why == "" && !c.Inserts {
		f.Why = "this role may not fill it"
	}
	if f.Why != "" {
		return f
	}
	how := v.How
	if !given {
		how = draft.Text
		switch {
		case c.Default != "" || c.Identity != "":
			how = draft.Default
		case !c.NotNull:
			how = draft.Null
		}
	}
	if given && v.How == draft.Text {
		f.Value = v.Text
		if v.Fault == "" {
			f.Value = value.Typed(c, v.Text)
		}
	}
	if c.Default != "" || c.Identity != "" {
		f.Hows = append(f.Hows, page.Choice{Value: "default", Label: unset(c).Text, Current: how == draft.Default})
	}
	if !c.NotNull {
		f.Hows = append(f.Hows, page.Choice{Value: "null", Label: "NULL", Current: how == draft.Null})
	}
	label := "this value:"
	if c.Type.Kind == catalog.Text {
		label = "this text, or empty:"
	}
	f.Hows = append(f.Hows, page.Choice{Value: "text", Label: label, Current: how == draft.Text})
	f.Field, f.Choices = fieldFor(c, f.Value)
	return f
}
