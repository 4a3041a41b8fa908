package studio

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/rows"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// zone is the zone that local time is shown in: this machine's.
func (s *Server) zone() *time.Location { return time.Local }

// lines draws heads and rows.
func (s *Server) lines(g *page.Grid, sh *sheet, to func(address.View) string) {
	v, p := sh.view, sh.page
	sticky := stickyColumn(sh)
	columns := sh.query.Columns
	if sticky != nil && !slices.Contains(columns, sticky) {
		sticky = nil
	}
	for _, c := range columns {
		g.Heads = append(g.Heads, head(sh, c, c == sticky, to))
	}
	var relations []*catalog.Relation
	for _, rel := range sh.table.In {
		if rel.Open() && len(v.Columns) == 0 {
			relations = append(relations, rel)
			g.Relations = append(g.Relations, page.Head{Name: rel.From.Label(), Type: "by " + columnNames(rel.FromColumns), Width: 176})
		}
	}
	for _, h := range slices.Concat(g.Heads, g.Relations) {
		g.Width += h.Width
	}
	for i, row := range p.Rows {
		g.Lines = append(g.Lines, s.line(sh, i, row, sticky, relations))
	}
	fit(g)
	g.Took = fmt.Sprintf("%.1f ms", float64(sh.took.Microseconds())/1000)
	g.Unpaged = p.Unpaged
	switch n := len(p.Rows); {
	case n == 0:
		g.Range = "No rows"
		g.Nothing = s.nothing(sh, to)
	case p.Previous == nil:
		g.Range = fmt.Sprintf("Rows 1–%d", n)
	default:
		g.Range = count(n, "row", "rows")
	}
	if p.Complete {
		g.CountHref = ""
	} else if sh.exact < 0 {
		counting := v.Closed()
		counting.Count = true
		g.CountHref = to(counting)
	}
	if p.Previous != nil {
		newer := v.First()
		newer.Before = p.Previous
		g.Newer = to(newer)
	}
	if p.Next != nil {
		older := v.First()
		older.After = p.Next
		g.Older = to(older)
	}
	if c := sh.query.Order; v.Sort != "" && len(c) > 0 && c[0].Type.Kind == catalog.Time {
		g.NewerText, g.OlderText = "Older", "Newer"
		if v.Desc {
			g.NewerText, g.OlderText = "Newer", "Older"
		}
	}
}

// stickyColumn is the one that stays in view: the key, where it is one column.
func stickyColumn(sh *sheet) *catalog.Column {
	if len(sh.table.Key) == 1 {
		return sh.table.Key[0]
	}
	return nil
}

func keyMark(t *catalog.Table, c *catalog.Column) string {
	switch {
	case c.InKey && t.Primary:
		return "primary key"
	case c.InKey:
		return "key"
	case c.References != nil:
		return "→ " + c.References.To.Label()
	}
	return ""
}

// head draws the head of a column. Its link sorts, then turns the sort, then
// takes it away.
func head(sh *sheet, c *catalog.Column, sticky bool, to func(address.View) string) page.Head {
	h := page.Head{ID: "sort-" + c.Name, Name: c.Name, Type: c.Shown, Comment: c.Comment, Key: keyMark(sh.table, c),
		Masked: c.Masked, Right: c.Type.Kind == catalog.Number && !c.Masked, Sticky: sticky, Width: width(c, sticky)}
	if c.Type.Zoned() {
		h.Type = "timestamptz, UTC"
	}
	// 7.8 px a letter of 13 px, 6.6 one of 11.
	h.Width = max(h.Width, 36+len([]rune(h.Name))*8, 20+len([]rune(h.Type+", "+h.Key))*7)
	h.Width = min((h.Width+3)/4*4, 400)
	if c.Open() && c.Type.Kind != catalog.JSON {
		h.Filter = to(address.View{}) + sh.view.FilterBase(c.Name)
	}
	if !c.Sortable() {
		return h
	}
	v := sh.view
	switch {
	case v.Sort != c.Name:
		h.SortHref = to(v.Sorted(c.Name, false))
	case v.Desc:
		h.Sorted, h.SortHref = "descending", to(v.Sorted("", false))
	default:
		h.Sorted, h.SortHref = "ascending", to(v.Sorted(c.Name, true))
	}
	return h
}

// width is the width of a column by its type, in px.
func width(c *catalog.Column, sticky bool) int {
	switch {
	case c.Masked:
		return 152
	case sticky && c.Type.Kind == catalog.UUID:
		return 136
	}
	switch c.Type.Kind {
	case catalog.Number:
		return 112
	case catalog.Bool:
		return 88
	case catalog.Time:
		return 224
	case catalog.UUID:
		return 136
	case catalog.JSON:
		return 264
	case catalog.Text:
		return 184
	}
	return 168
}

// fit marks the cells that need not be cut off.
func fit(g *page.Grid) {
	for i := range g.Lines {
		for j := range g.Lines[i].Cells {
			c := &g.Lines[i].Cells[j]
			c.Fits = fits(c.Shown, g.Heads[j].Width)
		}
	}
}

// fits reports whether a value is no wider than its column, in px, with letters a
// quarter larger than usual too. A cell that need not be cut off costs a browser
// half of what one does that has to be.
func fits(v value.Shown, width int) bool {
	if v.Cut || v.Note != "" || v.Look != value.Plain && v.Look != value.Number && v.Look != value.Null {
		return false
	}
	for i := range len(v.Text) {
		if c := v.Text[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return len(v.Text)*10+17 <= width // 7.8 px a letter; 8 on both sides, 1 for the line
}

// line draws a row.
func (s *Server) line(sh *sheet, i int, row *rows.Row, sticky *catalog.Column, relations []*catalog.Relation) page.Line {
	t, v := sh.table, sh.view
	l := page.Line{ID: "row-" + strconv.Itoa(i)}
	if len(row.Key) > 0 && len(row.Key) == len(t.Key) {
		key := address.Key(row.Key)
		l.ID, l.Href, l.Current = "row-"+key, s.base.Row(t.Schema, t.Name, key, v.Closed()), key == sh.key
	}
	for _, cell := range row.Cells {
		c := cell.Column
		drawn := page.Cell{Shown: value.Show(cell), Right: c.Type.Kind == catalog.Number && !c.Masked, Sticky: c == sticky}
		switch {
		case c.InKey:
			drawn.Href = l.Href
		case c.References != nil && !cell.Null:
			drawn.Href = s.pointed(c.References, row)
		}
		l.Cells = append(l.Cells, drawn)
	}
	for _, rel := range relations {
		counted := make(map[*catalog.Relation]int)
		if n := sh.counts[rel]; n != nil {
			counted[rel] = n[i]
		}
		link, ok := s.related(rel, row, counted, rel)
		if !ok {
			link = page.Link{Text: "NULL"}
		}
		l.Related = append(l.Related, link)
	}
	return l
}

// nothing says why there are no rows.
func (s *Server) nothing(sh *sheet, to func(address.View) string) *page.Nothing {
	v, t := sh.view, sh.table
	n := &page.Nothing{}
	filters := len(v.Filters)
	if v.Search != "" {
		filters++
	}
	switch {
	case v.After != nil || v.Before != nil || v.From != "":
		n.Title, n.Text = "No rows here", "The rows of this page have gone, or there were none beyond it."
		n.Actions = []page.Link{{Text: "First page", Href: to(v.First())}}
	case filters > 0:
		n.Title = "No rows match " + map[bool]string{true: "this filter", false: "these " + strconv.Itoa(filters) + " filters"}[filters == 1]
		if t.Rows > 0 {
			n.Text = t.Label() + " has " + about(t.Rows) + " rows."
		}
		for i, f := range v.Filters {
			n.Actions = append(n.Actions, page.Link{Text: "Without " + f.Column + " " + opName(f.Op, t.Column(f.Column)), Href: to(v.Without(i))})
		}
		n.Actions = append(n.Actions, page.Link{Text: "All rows", Href: to(address.View{})})
	default:
		n.Title = t.Label() + " has no rows yet"
		n.Text = count(len(t.Columns), "column", "columns") + " are ready for them."
	}
	return n
}
