package studio

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/rows"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// gridPage draws the sheet.
func (s *Server) gridPage(r *http.Request, sh *sheet, fault *page.Fault) page.Grid {
	t, v := sh.table, sh.view
	to := func(v address.View) string { return s.base.Table(t.Schema, t.Name, v) }
	g := page.Grid{Chrome: s.chrome(r, sh.db, "tables", t.Label()), Name: t.Label(), Comment: t.Comment, Fault: fault,
		Total: sh.total(s.PageTime), SearchValue: v.Search, NewerText: "Previous", OlderText: "Next"}
	g.Side = s.side(sh.db, t)
	if t.Kind != catalog.Plain {
		g.Kind = t.Kind.String()
	}
	searching := v.First()
	searching.Search = ""
	g.Search = page.NewForm(to(address.View{}), searching.Values())
	opened := v
	opened.Open = "filter"
	g.AddHref = to(opened)
	opened.Open = "columns"
	g.ColumnsHref = to(opened)
	s.chips(&g, sh, to)
	s.openParts(&g, sh, to)
	g.Export = s.exportMenu(sh)
	if v.Sort == "" && len(t.Key) > 0 {
		form := page.NewForm(to(address.View{}), v.First().Values())
		g.Jump, g.JumpLabel = &form, t.Key[0].Name
	}
	if why := t.Keyless(); why != "" {
		g.Notes = append(g.Notes, fmt.Sprintf("%s can be read and not edited: %s.", t.Label(), why))
	}
	if n := len(t.Columns); sh.query != nil && len(v.Columns) == 0 && n > rows.MaxColumns {
		g.Notes = append(g.Notes, fmt.Sprintf("These are the first %d of %d columns: choose others above, or open a row to see all.", rows.MaxColumns, n))
	}
	if sh.query != nil && sh.query.Slow != "" {
		g.Notes = append(g.Notes, sh.query.Slow+" It is stopped after "+value.Span(s.PageTime)+".")
	}
	if sh.page != nil {
		s.lines(&g, sh, to)
	}
	if sh.key != "" && fault == nil {
		g.Panel = s.panel(sh)
	}
	s.editing(r, &g, sh)
	g.Say = t.Label() + ", " + g.Range + sorted(v)
	return g
}

func sorted(v address.View) string {
	switch {
	case v.Sort == "":
		return ""
	case v.Desc:
		return ", sorted by " + v.Sort + ", descending"
	}
	return ", sorted by " + v.Sort
}

// chips draws the filters and the sort.
func (s *Server) chips(g *page.Grid, sh *sheet, to func(address.View) string) {
	v := sh.view
	for i, f := range v.Filters {
		editing := v
		editing.Open = "filter-" + strconv.Itoa(i)
		g.Chips = append(g.Chips, page.Chip{ID: "chip-" + strconv.Itoa(i), Column: f.Column, Op: opName(f.Op, sh.table.Column(f.Column)),
			Value: strings.Join(f.Values, ", "), EditHref: to(editing), RemoveHref: to(v.Without(i))})
	}
	if v.Sort != "" {
		g.SortBy = &page.SortChip{Column: v.Sort, Desc: v.Desc, Href: to(v.Sorted(v.Sort, !v.Desc)), RemoveHref: to(v.Sorted("", false))}
	}
}

// openParts draws what stands open: a filter's form, the choice of a column to
// filter by, the choice of columns.
func (s *Server) openParts(g *page.Grid, sh *sheet, to func(address.View) string) {
	t, v := sh.table, sh.view
	closed := to(v.Closed())
	what, column, chosen := strings.Cut(v.Open, ":")
	switch {
	case what == "filter" && chosen:
		if c := t.Column(column); c != nil && c.Open() {
			g.Add = &page.FilterChoice{Form: s.filterForm(sh, c, address.Filter{Op: rows.Ops(c)[0]}, -1, to)}
		}
	case what == "filter":
		g.Add = &page.FilterChoice{CloseHref: closed}
		for _, c := range t.Columns {
			if !c.Open() {
				g.Add.Closed = append(g.Add.Closed, c.Name)
				continue
			}
			next := v
			next.Open = "filter:" + c.Name
			g.Add.Columns = append(g.Add.Columns, page.Link{Text: c.Name, Href: to(next)})
		}
	case what == "columns":
		all := v.Closed()
		all.Columns = nil
		g.Choose = &page.ColumnChoice{Form: page.NewForm(to(address.View{}), all.Values()), CloseHref: closed, AllHref: to(all)}
		for _, c := range t.Columns {
			g.Choose.Columns = append(g.Choose.Columns, page.Choice{Value: c.Name, Label: c.Name,
				Current: sh.query == nil || slices.Contains(sh.query.Columns, c)})
		}
	default:
		i, err := strconv.Atoi(strings.TrimPrefix(what, "filter-"))
		if err != nil || i < 0 || i >= len(v.Filters) {
			return
		}
		if c := t.Column(v.Filters[i].Column); c != nil && c.Open() {
			g.Chips[i].Form = s.filterForm(sh, c, v.Filters[i], i, to)
		}
	}
}

// filterForm asks for the operator and the value of a filter; i is the one that
// is edited, -1 for a new one.
func (s *Server) filterForm(sh *sheet, c *catalog.Column, f address.Filter, i int, to func(address.View) string) *page.FilterForm {
	values := sh.view.First().Values()
	values.Set("fc", c.Name)
	if i >= 0 {
		values.Set("fi", strconv.Itoa(i))
	}
	form := &page.FilterForm{Form: page.NewForm(to(address.View{}), values), Column: c.Name, Type: c.Shown, CloseHref: to(sh.view.Closed()),
		Value: address.JoinValues(f)}
	for _, op := range rows.Ops(c) {
		form.Ops = append(form.Ops, page.Choice{Value: string(op), Label: opName(op, c), Current: op == f.Op})
	}
	labels := c.Type.Labels
	if c.Type.Kind == catalog.Bool {
		labels = []string{"true", "false"}
	}
	if slices.Contains(rows.Ops(c), address.In) { // which takes several
		form.Labels, labels = labels, nil
	}
	if c.Type.Zoned() {
		form.Note = zoneHint
	}
	for _, label := range labels {
		form.Choices = append(form.Choices, page.Choice{Value: label, Label: label, Current: label == form.Value})
	}
	return form
}

// opName is an operator in words.
func opName(op address.Op, c *catalog.Column) string {
	moment := c != nil && c.Type.Kind == catalog.Time
	switch op {
	case address.Is:
		return "is"
	case address.IsNot:
		return "is not"
	case address.Contains:
		return "contains"
	case address.Starts:
		return "starts with"
	case address.Less:
		if moment {
			return "before"
		}
		return "<"
	case address.More:
		if moment {
			return "after"
		}
		return ">"
	case address.AtMost:
		return "≤"
	case address.AtLeast:
		return "≥"
	case address.Between:
		return "between"
	case address.In:
		return "in"
	case address.Null:
		return "is NULL"
	case address.NotNull:
		return "is not NULL"
	case address.Empty:
		return "is empty"
	}
	return string(op)
}

// panel draws the row at the side.
func (s *Server) panel(sh *sheet) *page.Panel {
	t, v := sh.table, sh.view
	p := &page.Panel{CloseHref: s.base.Table(t.Schema, t.Name, v.Closed()), Title: strings.ReplaceAll(sh.key, "~", "")}
	if key, err := address.ParseKey(sh.key); err == nil {
		p.Title = strings.Join(key, ", ")
	}
	if sh.row == nil {
		p.Gone = true
		return p
	}
	for _, cell := range sh.row.Cells {
		c := cell.Column
		f := page.PanelField{Name: c.Name, Type: c.Shown, Comment: c.Comment, Key: keyMark(t, c), Shown: value.Show(cell)}
		f.Local = value.Local(cell, s.zone())
		if c.Type.Zoned() && cell.Text != nil && strings.HasSuffix(*cell.Text, "+00") {
			f.Text += " UTC" // infinity is in no zone
		}
		if c.Type.Kind == catalog.JSON && cell.Text != nil && !cell.Cut {
			if tree, ok := value.Tree(*cell.Text); ok {
				f.Tree = &tree
			}
		}
		if c.References != nil {
			f.Href, f.HrefText = s.pointed(c.References, sh.row), "open this row of "+c.References.To.Label()
		}
		if cell.Cut {
			whole := v
			whole.Whole = c.Name
			f.WholeHref = s.base.Row(t.Schema, t.Name, sh.key, whole)
			if v.Whole == c.Name {
				f.WholeHref = "" // this is as much as a page carries
				f.Note = "the first megabyte of " + f.Size
			}
		}
		p.Fields = append(p.Fields, f)
	}
	for _, rel := range t.In {
		if link, ok := s.related(rel, sh.row, sh.pointing, rel); ok {
			p.Related = append(p.Related, link)
		}
	}
	return p
}

// related is the link to the rows of a relation that point at a row.
func (s *Server) related(rel *catalog.Relation, row *rows.Row, counted map[*catalog.Relation]int, key *catalog.Relation) (page.Link, bool) {
	view, ok := rows.PointingHere(rel, row)
	if !ok {
		return page.Link{}, false
	}
	n, known := counted[key]
	if !known {
		n = -1
	}
	return page.Link{Text: countOf(n, rel.From.Label()), Href: s.base.Table(rel.From.Schema, rel.From.Name, view)}, true
}

// countOf is "3 sessions", or "1 row of sessions": whether a table's name has a
// singular is not known. Where nobody counted it is the name alone.
func countOf(n int, name string) string {
	switch {
	case n < 0:
		return name
	case n == 1:
		return "1 row of " + name
	case n >= rows.CountLimit:
		return strconv.Itoa(rows.CountLimit-1) + "+ " + name
	}
	return strconv.Itoa(n) + " " + name
}

// pointed is the address of what a row's foreign key points at.
func (s *Server) pointed(rel *catalog.Relation, row *rows.Row) string {
	key, view, ok := rows.PointedAt(rel, row)
	switch {
	case !ok:
		return ""
	case key != nil:
		return s.base.Row(rel.To.Schema, rel.To.Name, address.Key(key), address.View{})
	}
	return s.base.Table(rel.To.Schema, rel.To.Name, view)
}
