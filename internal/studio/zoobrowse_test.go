package studio_test

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/rows"
)

// unreadable are relations that PostgreSQL itself does not read, with the words
// for it.
var unreadable = map[string]string{
	"mat_unfilled":   "a materialized view that was never filled",
	"foreign_broken": "cannot be read as it is",
	"view_raises":    "function behind it raises an error",
	"view_divides":   "hat it computes has no result",
}

var (
	gridHead  = regexp.MustCompile(`<th scope="col" class="[^>]*>(<a id="sort-)?`)
	panelItem = regexp.MustCompile(`(?s)<div><dt>.*?</div>`)
)

// drawn is a row of a grid, as text.
type drawn struct {
	text, href string
	cells      []string
}

const (
	drawnNull  = "\u2205null"
	drawnEmpty = "\u2205empty"
)

func drawnRows(body string) []drawn {
	var all []drawn
	_, rest, more := strings.Cut(body, `<tr id="row-`)
	for more {
		row := rest
		row, rest, _ = strings.Cut(row, "</tr>")
		head, cells, _ := strings.Cut(row, ">") // attributes hold it as &gt;
		d := drawn{}
		if _, href, ok := strings.Cut(head, `data-row="`); ok {
			href, _, _ = strings.Cut(href, `"`)
			d.href = html.UnescapeString(href)
		}
		for _, cell := range strings.Split(cells, `<td class="`)[1:] {
			d.cells = append(d.cells, drawnCell(cell))
		}
		d.text = strings.Join(d.cells, "\x1e")
		all = append(all, d)
		_, rest, more = strings.Cut(rest, `<tr id="row-`)
	}
	return all
}

// drawnCell is the value in a part of a page, "" where there is none.
func drawnCell(part string) string {
	_, value, _ := strings.Cut(part, `<span class="v `)
	look, value, _ := strings.Cut(value, `"`)
	_, value, _ = strings.Cut(value, ">")
	value, _, _ = strings.Cut(value, "</span>")
	switch look {
	case "null":
		return drawnNull
	case "empty":
		return drawnEmpty
	}
	return html.UnescapeString(value)
}

// draw is how a page should draw a value that the database has.
func draw(typ string, text *string) string {
	switch {
	case text == nil:
		return drawnNull
	case *text == "", typ == "bytea" && *text == `\x`:
		return drawnEmpty
	case typ == "bytea" && len(*text) > 130:
		return (*text)[:130] + "…"
	case typ == "timestamptz":
		return strings.TrimSuffix(*text, "+00")
	case utf8.RuneCountInString(*text) > 4096:
		return string([]rune(*text)[:4096]) + "…"
	}
	return *text
}

func (r relation) draw(row []*string) string {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = draw(r.raw[i], v)
	}
	return strings.Join(cells, "\x1e")
}

// paged reads a view forwards to its end and back to its beginning; stopped says
// that a page has said why there is no next one.
func (z *zoo) paged(r relation, v address.View) (there, back []drawn, stopped bool) {
	z.t.Helper()
	body := z.page(z.base.Table(r.schema, r.name, v))
	there = drawnRows(body)
	for next := link(olderLink, body); next != ""; next = link(olderLink, body) {
		body = z.page(next)
		there = append(there, drawnRows(body)...)
	}
	stopped = strings.Contains(body, "too long to page by")
	back = drawnRows(body)
	for previous := link(newerLink, body); previous != ""; previous = link(newerLink, body) {
		body = z.page(previous)
		back = append(drawnRows(body), back...)
	}
	return there, back, stopped
}

// browse looks at a relation, which may be that of a type, in every way.
func (z *zoo) browse(r relation, b builtin) {
	t := z.t
	path := z.base.Table(r.schema, r.name, address.View{})
	if why, ok := unreadable[r.name]; ok {
		for _, p := range []string{path, z.base.Export(r.schema, r.name, "csv", address.View{})} {
			if status, body := z.get(p); status != http.StatusUnprocessableEntity || !strings.Contains(words(body), why) {
				t.Errorf("GET %s: %d, and the page does not say %q:\n%s", p, status, why, words(body))
			}
		}
		return
	}
	first := z.page(path)
	heads := gridHead.FindAllStringSubmatch(first, -1)
	plain := r.kind == "v" || r.kind == "f" // nothing tells rows apart
	want := z.pages(r, address.View{}, plain)
	if len(want) > 0 && len(heads) != len(r.columns) && len(r.columns) < 200 {
		t.Fatalf("%d heads, want %d", len(heads), len(r.columns))
	}
	for i, head := range heads {
		if sortable := head[1] != ""; b.name != "" && r.columns[i] == "v" && sortable != b.sortable {
			t.Errorf("type %s: sorted by is %v, want %v", b.name, sortable, b.sortable)
		}
		if head[1] == "" {
			continue
		}
		if len(r.key) == 0 || r.key[0] != r.columns[i] { // by its key it was read already
			z.pages(r, address.View{Sort: r.columns[i]}, false)
		}
		if i == 0 {
			z.pages(r, address.View{Sort: r.columns[i], Desc: true}, false)
		}
		if len(r.columns) > 20 && i > 1 {
			break // more of the same
		}
	}
	if len(want) == 0 {
		return
	}
	for i := range min(3, max(1, len(b.samples))) {
		z.filtered(r, want[(len(want)-1-i)%len(want)])
	}
	z.opened(r, want[0])
	z.exported(r)
}

// pages compares the pages of a view with what the database has. Without a key
// the database may give rows that are equal in any order.
func (z *zoo) pages(r relation, v address.View, firstOnly bool) []drawn {
	z.t.Helper()
	order := ""
	if v.Sort != "" || len(r.key) > 0 {
		order = "ORDER BY "
		direction := map[bool]string{true: " DESC", false: ""}[v.Desc]
		for _, c := range append([]string{v.Sort}, r.key...) {
			if c != "" {
				order += pgx.Identifier{c}.Sanitize() + direction + ", "
			}
		}
		order = strings.TrimSuffix(order, ", ")
	}
	var want []string
	for _, row := range z.rows(r, order, shownText) {
		want = append(want, r.draw(row))
	}
	if firstOnly && len(want) > rows.PageSize {
		body := z.page(z.base.Table(r.schema, r.name, v))
		if n := len(drawnRows(body)); n != rows.PageSize || !strings.Contains(words(body), "rows: a") {
			z.t.Errorf("%d rows on a page without an order, and no word of why there are no more", n)
		}
		if len(r.columns) == 0 {
			return nil
		}
		v.Sort = r.columns[0]
	}
	there, back, stopped := z.paged(r, v)
	got := texts(there)
	if !slices.Equal(got, texts(back)) {
		z.t.Errorf("%+v: %d rows there, %d back, and not the same", v, len(there), len(back))
	}
	if len(r.key) == 0 || r.children || firstOnly {
		slices.Sort(got)
		slices.Sort(want)
	}
	if len(r.columns) > 200 && v.Columns == nil && len(want) == len(got) {
		for i := range want { // a wide table shows its first columns
			want[i] = want[i][:min(len(want[i]), len(got[i]))]
		}
	}
	if stopped {
		want = want[:len(got)] // a place in the order is a thousand digits long, and the page says so
	}
	if !slices.Equal(got, want) {
		z.t.Errorf("%+v: %d rows, want %d; %s", v, len(got), len(want), difference(got, want))
	}
	return there
}

func texts(rows []drawn) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.text
	}
	return all
}

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return "row " + clipped(got[i]) + " instead of " + clipped(want[i])
		}
	}
	return "one is shorter"
}

func clipped(s string) string { return strings.ToValidUTF8(s[:min(len(s), 300)], "") }

// filtered finds a row by all the values that it shows.
func (z *zoo) filtered(r relation, row drawn) {
	z.t.Helper()
	v := address.View{}
	for i, c := range r.columns[:len(row.cells)] {
		f := address.Filter{Column: c, Op: address.Is, Values: []string{row.cells[i]}}
		switch {
		case strings.HasSuffix(row.cells[i], "…"):
			continue
		case row.cells[i] == drawnNull:
			f.Op, f.Values = address.Null, nil
		case row.cells[i] == drawnEmpty && r.raw[i] == "bytea":
			f.Op, f.Values = address.Empty, nil
		case row.cells[i] == drawnEmpty:
			f.Values = []string{""}
		}
		v.Filters = append(v.Filters, f)
	}
	status, body := z.get(z.base.Table(r.schema, r.name, v))
	if status != http.StatusOK || !slices.Contains(texts(drawnRows(body)), row.text) {
		z.t.Errorf("not found by its values: %s\n%d %s", clipped(row.text), status, clipped(words(body)))
		for _, f := range v.Filters {
			if status, body := z.get(z.base.Table(r.schema, r.name, address.View{Filters: []address.Filter{f}})); status != http.StatusOK || len(drawnRows(body)) == 0 {
				z.t.Errorf("by %s: %d", f, status)
			}
		}
	}
}

// opened compares the row at the side with the row of the grid.
func (z *zoo) opened(r relation, row drawn) {
	z.t.Helper()
	if (row.href != "") != (len(r.key) > 0) {
		z.t.Errorf("the row's address is %q, its key %v", row.href, r.key)
	}
	if row.href == "" || r.children {
		return
	}
	body := z.page(row.href)
	items := panelItem.FindAllString(body, -1)
	if len(items) != len(r.columns) {
		z.t.Fatalf("the row has %d values, want %d", len(items), len(r.columns))
	}
	for i, want := range row.cells {
		if strings.Contains(items[i], `class="tree"`) {
			continue
		}
		if got := drawnCell(items[i]); got != want && got != want+" UTC" {
			z.t.Errorf("%s is %q at the side, and %q in the grid", r.columns[i], clipped(got), clipped(want))
		}
		if !strings.Contains(items[i], `class="edit"`) && !strings.Contains(items[i], `class="hint"`) {
			z.t.Errorf("%s can neither be edited nor is said why", r.columns[i])
		}
	}
}
