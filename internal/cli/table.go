package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

const (
	gap        = 2  // between columns
	indent     = 4  // of what stands under its row
	narrowTail = 24 // the last column is not wrapped into less than this
	tailLines  = 3  // and not into more lines than these
)

// column is one of a table.
type column struct {
	title string
	// least is how narrow it may be cut where a terminal has no more room; 0: it
	// is never cut.
	least int
}

// table is a list as people read it, in columns that line up. Where the width
// of the terminal is known it stays within: first the last column is wrapped, or
// put under its row, then others are cut, and at last each row becomes a list of
// its own. Elsewhere nothing is wrapped or cut.
type table struct {
	out     io.Writer
	columns []column
	tail    bool // the last column is prose
	limit   int  // columns of the terminal; 0: unknown
	rows    [][]string
	widths  []int // never less than in the page before
	begun   bool
}

func (e *Env) newTable(tail bool, columns ...column) *table {
	return &table{out: e.Stdout, columns: columns, tail: tail, limit: e.Columns, widths: make([]int, len(columns))}
}

// table prints lines of cells that end in tabs, the first of them the titles.
func (e *Env) table(write func(io.Writer)) {
	var lines bytes.Buffer
	write(&lines)
	var t *table
	for line := range strings.Lines(lines.String()) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if t == nil {
			t = e.newTable(false, make([]column, len(cells))...)
		}
		t.add(cells...)
	}
	if t != nil {
		t.begun = true // the titles are the first row
		t.limit = 0
		t.flush()
	}
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// flush prints the rows since the last time, the titles before the first.
func (t *table) flush() {
	for i, c := range t.columns {
		t.widths[i] = max(t.widths[i], width(c.title))
		for _, row := range t.rows {
			t.widths[i] = max(t.widths[i], width(row[i]))
		}
	}
	draw := t.plan()
	if !t.begun {
		t.begun = true
		titles := make([]string, len(t.columns))
		for i, c := range t.columns {
			titles[i] = c.title
		}
		if strings.Join(titles, "") != "" && draw != nil {
			draw(titles)
		}
	}
	for _, row := range t.rows {
		if draw == nil {
			t.list(row)
			continue
		}
		draw(row)
	}
	t.rows = t.rows[:0]
}

// plan returns how a row is printed; nil where none of the ways fits.
func (t *table) plan() func(cells []string) {
	last := len(t.columns) - 1
	if t.limit == 0 || total(t.widths) <= t.limit {
		return func(cells []string) { t.line(cells, t.widths) }
	}
	if !t.tail {
		widths, fits := t.squeeze(t.widths)
		if !fits {
			return nil
		}
		return func(cells []string) { t.line(cells, widths) }
	}
	if room := t.limit - total(t.widths[:last]) - gap; room >= max(narrowTail, min(t.longestWord(), t.limit-indent)) {
		return func(cells []string) { t.wrapped(cells, room) }
	}
	widths, fits := t.squeeze(t.widths[:last])
	if !fits {
		return nil
	}
	return func(cells []string) {
		t.line(cells[:last], widths)
		for _, line := range wrap(cells[last], t.limit-indent, tailLines) {
			if line != "-" {
				t.write(strings.Repeat(" ", indent) + line)
			}
		}
	}
}

// longestWord is how wide the last column has to be for no word to be broken.
func (t *table) longestWord() int {
	longest := 0
	for _, row := range t.rows {
		for word := range strings.FieldsSeq(row[len(row)-1]) {
			longest = max(longest, width(word))
		}
	}
	return longest
}

// squeeze cuts columns to what there is room for: the last that may be cut
// first, because the first ones say whom a row is about.
func (t *table) squeeze(natural []int) (widths []int, fits bool) {
	widths = append(widths, natural...)
	for i := len(widths) - 1; i >= 0; i-- {
		if least, over := t.columns[i].least, total(widths)-t.limit; least > 0 && over > 0 {
			widths[i] = min(widths[i], max(least, widths[i]-over))
		}
	}
	return widths, total(widths) <= t.limit
}

func total(widths []int) int {
	sum := gap * max(0, len(widths)-1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

func (t *table) line(cells []string, widths []int) {
	var b strings.Builder
	for i, cell := range cells {
		cell = clipped(cell, widths[i])
		b.WriteString(cell)
		if i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-width(cell)+gap))
		}
	}
	t.write(b.String())
}

// wrapped prints a row whose last cell goes on below itself.
func (t *table) wrapped(cells []string, room int) {
	last := len(cells) - 1
	rest := append([]string(nil), cells...)
	for _, line := range wrap(cells[last], room, tailLines) {
		rest[last] = line
		t.line(rest, append(append([]int(nil), t.widths[:last]...), room))
		rest = make([]string, len(cells))
	}
}

// list prints a row as lines of title and value.
func (t *table) list(cells []string) {
	titles := 0
	for _, c := range t.columns {
		titles = max(titles, width(c.title))
	}
	for i, cell := range cells {
		for n, line := range wrap(cell, max(narrowTail, t.limit-titles-gap), tailLines) {
			title := t.columns[i].title
			if n > 0 {
				title = ""
			}
			t.write(title + strings.Repeat(" ", titles-width(title)+gap) + line)
		}
	}
	t.write("")
}

func (t *table) write(line string) { _, _ = fmt.Fprintln(t.out, line) }
