package studio

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/page"
)

// Measures of a drawing, in px. A letter of 12 px mono is 0.6 em wide.
const (
	letter     = 7.2
	boxHead    = 24
	boxLine    = 16
	boxGap     = 24
	layerGap   = 72
	boxFields  = 8
	smallBoxes = 8
)

// diagram draws the tables that point at one another.
func (s *Server) diagram(w http.ResponseWriter, r *http.Request) error {
	db, err := s.catalog(r.Context())
	if err != nil {
		return err
	}
	v := page.Diagram{Chrome: s.chrome(r, db, "diagram", "Diagram"), Drawing: s.drawing(db, false)}
	rules := map[string]string{"a": "refused", "r": "refused", "c": "these rows go with it", "n": "becomes NULL", "d": "becomes the default"}
	for _, t := range db.Tables {
		for _, rel := range t.Out {
			v.Relations = append(v.Relations, page.RelationLine{From: s.tableLink(rel.From), To: s.tableLink(rel.To),
				Columns: columnNames(rel.FromColumns) + " → " + columnNames(rel.ToColumns), Rule: rules[rel.OnDelete]})
		}
		if len(t.Out)+len(t.In) == 0 && !partitionOf(t) {
			v.Alone = append(v.Alone, s.tableLink(t))
		}
	}
	s.send(w, r, http.StatusOK, v)
	return nil
}

func (s *Server) tableLink(t *catalog.Table) page.Link {
	return page.Link{Text: t.Label(), Href: s.base.Table(t.Schema, t.Name, address.View{})}
}

func columnNames(columns []*catalog.Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// placed is a table with its place in the drawing.
type placed struct {
	table  *catalog.Table
	layer  int
	fields []*catalog.Column
	box    *page.Box
}

// drawing lays tables out in layers: what is pointed at stands to the right of
// all that point at it. A small drawing holds the tables with most relations.
func (s *Server) drawing(db *catalog.Database, small bool) page.Drawing {
	nodes := related(db, small)
	if len(nodes) == 0 {
		return page.Drawing{}
	}
	layers := layered(nodes)
	var d page.Drawing
	height, width, tall := make([]int, len(layers)), 0, 0
	for i, layer := range layers {
		wide := 0
		for _, n := range layer {
			s.box(n, small)
			wide = max(wide, n.box.Width)
			height[i] += n.box.Height + boxGap
		}
		for _, n := range layer {
			n.box.X, n.box.Width = width+8, wide
		}
		width += wide + layerGap
		tall = max(tall, height[i])
	}
	for i, layer := range layers {
		y := 8 + (tall-height[i])/2/4*4
		for _, n := range layer {
			n.box.Y = y
			for j := range n.box.Fields {
				n.box.Fields[j].Y = y + boxHead + 14 + j*boxLine
			}
			y += n.box.Height + boxGap
		}
	}
	d.Width, d.Height = width-layerGap+16+24, tall-boxGap+16
	wires(&d, nodes)
	for _, layer := range layers {
		for _, n := range layer {
			d.Boxes = append(d.Boxes, *n.box)
		}
	}
	return d
}

// related returns the tables with relations.
func related(db *catalog.Database, small bool) map[*catalog.Table]*placed {
	var tables []*catalog.Table
	for _, t := range db.Tables {
		if len(t.Out)+len(t.In) > 0 {
			tables = append(tables, t)
		}
	}
	if small && len(tables) > smallBoxes {
		slices.SortStableFunc(tables, func(a, b *catalog.Table) int { return cmp.Compare(len(b.In)+len(b.Out), len(a.In)+len(a.Out)) })
		tables = tables[:smallBoxes]
	}
	nodes := make(map[*catalog.Table]*placed)
	for _, t := range tables {
		nodes[t] = &placed{table: t}
	}
	return nodes
}

// layered puts each table behind those that point at it. In a circle of
// relations the first table met stands first.
func layered(nodes map[*catalog.Table]*placed) [][]*placed {
	visiting := make(map[*catalog.Table]bool)
	done := make(map[*catalog.Table]bool)
	var depth func(t *catalog.Table) int
	depth = func(t *catalog.Table) int {
		n := nodes[t]
		if done[t] || visiting[t] {
			return n.layer
		}
		visiting[t] = true
		for _, rel := range t.In {
			if nodes[rel.From] != nil && rel.From != t && !visiting[rel.From] {
				n.layer = max(n.layer, depth(rel.From)+1)
			}
		}
		visiting[t], done[t] = false, true
		return n.layer
	}
	ordered := make([]*catalog.Table, 0, len(nodes))
	for t := range nodes {
		ordered = append(ordered, t)
	}
	slices.SortFunc(ordered, func(a, b *catalog.Table) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	var layers [][]*placed
	for _, t := range ordered {
		at := depth(t)
		for len(layers) <= at {
			layers = append(layers, nil)
		}
		layers[at] = append(layers[at], nodes[t])
	}
	return slices.DeleteFunc(layers, func(l []*placed) bool { return len(l) == 0 })
}

// box sizes a table's box: its key, what points elsewhere, then other columns.
func (s *Server) box(n *placed, small bool) {
	t, limit := n.table, boxFields
	if small {
		limit = 3
	}
	pick := func(want func(*catalog.Column) bool) {
		for _, c := range t.Columns {
			if len(n.fields) < limit && want(c) && !slices.Contains(n.fields, c) {
				n.fields = append(n.fields, c)
			}
		}
	}
	pick(func(c *catalog.Column) bool { return c.InKey })
	for _, rel := range t.Out {
		pick(func(c *catalog.Column) bool { return slices.Contains(rel.FromColumns, c) })
	}
	pick(func(*catalog.Column) bool { return true })
	longest := len([]rune(t.Label()))
	n.box = &page.Box{Name: t.Label(), Href: s.base.Table(t.Schema, t.Name, address.View{}), Height: boxHead + len(n.fields)*boxLine + 8}
	for _, c := range n.fields {
		longest = max(longest, len([]rune(c.Name)))
		n.box.Fields = append(n.box.Fields, page.BoxField{Name: c.Name, Key: c.InKey})
	}
	n.box.Width = max(128, (int(float64(longest)*letter)+20)/4*4)
}

// wires draws the relations, with a dot at the table that is pointed at.
func wires(d *page.Drawing, nodes map[*catalog.Table]*placed) {
	var all []*catalog.Relation
	for t := range nodes {
		for _, rel := range t.Out {
			if nodes[rel.To] != nil {
				all = append(all, rel)
			}
		}
	}
	slices.SortFunc(all, func(a, b *catalog.Relation) int {
		return cmp.Or(cmp.Compare(a.From.Label(), b.From.Label()), cmp.Compare(a.Name, b.Name))
	})
	for _, rel := range all {
		from, to := nodes[rel.From], nodes[rel.To]
		y1, y2 := from.at(rel.FromColumns[0]), to.at(rel.ToColumns[0])
		x1, x2 := from.box.X+from.box.Width, to.box.X
		turn := x2 - layerGap/2
		if x2 <= x1 { // to itself, or backwards in a circle: around the right side
			x2 = to.box.X + to.box.Width
			turn = max(x1, x2) + 16
		}
		d.Lines = append(d.Lines, fmt.Sprintf("M%d %dH%dV%dH%d", x1, y1, turn, y2, x2))
		d.Dots = append(d.Dots, page.Point{X: x2, Y: y2})
	}
}

// at is the height at which a column's line leaves the box.
func (n *placed) at(c *catalog.Column) int {
	if i := slices.Index(n.fields, c); i >= 0 {
		return n.box.Y + boxHead + 10 + i*boxLine
	}
	return n.box.Y + boxHead/2
}
