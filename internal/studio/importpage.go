package studio

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/csvfile"
	"github.com/af-auth/af-auth/internal/studio/load"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// previewed is how many lines of a file a page shows.
const previewed = 8

// importPage is the page before there is a file.
func (s *Server) importPage(r *http.Request, db *catalog.Database, t *catalog.Table, target *load.Target) page.Import {
	v := page.Import{Chrome: s.chrome(r, db, "tables", "Import into "+t.Label()), Name: t.Label(), Refused: sentence(target.Refused),
		TableHref: s.base.Table(t.Schema, t.Name, address.View{}), Action: s.base.Import(t.Schema, t.Name, ""), Limit: "64 MiB"}
	for _, c := range target.Open {
		v.Open = append(v.Open, c.Name)
	}
	for _, c := range t.Columns {
		if why := target.Closed[c]; why != "" {
			v.Closed = append(v.Closed, page.ClosedColumn{Name: c.Name, Why: why})
		}
	}
	return v
}

// importForm is the page about a file.
func (s *Server) importForm(r *http.Request, db *catalog.Database, t *catalog.Table, target *load.Target, f *upload) page.Import {
	v := s.importPage(r, db, t, target)
	v.File = &page.ImportFile{Name: f.name, Size: value.Size(f.size), Action: s.base.Import(t.Schema, t.Name, f.id)}
	if f.report != nil {
		v.File.Report = reported(f)
		v.Say = v.File.Report.Title
	}
	if f.done {
		v.File.Done = true
		return v
	}
	file := csvfile.NewReader(f.open(), 0)
	first, err := firstLine(file)
	if err != nil {
		v.File.Fault = sentence(explain(err).Message)
		return v
	}
	if f.settings.columns == nil {
		f.settings.columns = match(first, target)
	}
	f.describe(v.File, t, target, first)
	lines(v.File, file, f.settings)
	return v
}

// match finds for each cell of the first line the column of its name: exactly,
// or else without regard to letter case.
func match(first csvfile.Line, target *load.Target) []string {
	found := make([]string, len(first.Cells))
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for i, cell := range first.Cells {
			for _, c := range target.Open {
				if found[i] == "" && same(csvfile.Fuse(cell.Text), c.Name) && !slices.Contains(found, c.Name) {
					found[i] = c.Name
				}
			}
		}
	}
	return found
}

// describe draws the choices.
func (f *upload) describe(v *page.ImportFile, t *catalog.Table, target *load.Target, first csvfile.Line) {
	chosen := f.settings
	for i, cell := range first.Cells {
		name := csvfile.Fuse(cell.Text)
		field := page.ImportField{Index: i, Name: name}
		current := ""
		if i < len(chosen.columns) {
			current = chosen.columns[i]
		}
		field.Targets = append(field.Targets, page.Choice{Label: "leave out", Current: current == ""})
		for _, c := range target.Open {
			field.Targets = append(field.Targets, page.Choice{Value: c.Name, Label: c.Name, Current: c.Name == current})
		}
		if c := t.Column(name); c != nil && target.Closed[c] != "" {
			field.Why = target.Closed[c]
		}
		if c := t.Column(current); c != nil {
			field.Type = c.Shown
		}
		v.Fields = append(v.Fields, field)
	}
	for _, c := range target.Needed {
		if !slices.Contains(chosen.columns, c.Name) {
			v.Missing = append(v.Missing, c.Name)
		}
	}
	for _, n := range []struct {
		null load.Null
		text string
	}{{load.NullEmpty, "an empty cell; \"\" is the empty text"}, {load.NullAnyEmpty, "an empty cell, with quotes too"}, {load.NullWord, "NULL"},
		{load.NullEscape, `\N`}, {load.NullNever, "nothing"}} {
		v.Nulls = append(v.Nulls, page.Choice{Value: string(n.null), Label: n.text, Current: n.null == chosen.null})
	}
	v.Fuse, v.Unskipped = chosen.fuse, target.Unskipped
	v.Clashes = []page.Choice{{Value: "stop", Label: "counts as a bad line", Current: !chosen.skip}}
	if target.Unskipped == "" {
		v.Clashes = append(v.Clashes, page.Choice{Value: "skip", Label: "is passed over", Current: chosen.skip})
	}
}

// lines draws the first lines as they would be read.
func lines(v *page.ImportFile, file *csvfile.Reader, chosen settings) {
	for len(v.Lines) < previewed {
		line, err := file.Next()
		var fault *csvfile.Fault
		if errors.As(err, &fault) {
			v.Lines = append(v.Lines, page.ImportLine{Number: fault.Line, Fault: sentence(fault.Text)})
			continue
		}
		if err != nil {
			return
		}
		drawn := page.ImportLine{Number: line.Number}
		for _, cell := range line.Cells[:min(len(line.Cells), len(v.Fields))] {
			drawn.Cells = append(drawn.Cells, preview(chosen.null.Of(cell, chosen.fuse)))
		}
		if n := len(line.Cells); n != len(v.Fields) && (n != 1 || line.Cells[0] != (csvfile.Cell{})) {
			drawn.Fault = fmt.Sprintf("It has %s, the first line %d.", count(n, "cell", "cells"), len(v.Fields))
		}
		v.Lines = append(v.Lines, drawn)
	}
	v.Rest = true
}

func preview(text *string) value.Shown {
	switch {
	case text == nil:
		return value.Shown{Look: value.Null, Text: "NULL"}
	case *text == "":
		return value.Shown{Look: value.Empty, Text: "empty"}
	}
	shown := value.Shown{Look: value.Plain, Text: *text}
	if runes := []rune(*text); len(runes) > 200 {
		shown.Text, shown.Cut = string(runes[:200]), true
	}
	return shown
}

// reported says what became of the file.
func reported(f *upload) *page.ImportReport {
	r := f.report
	rows := func(n int64) string {
		return catalog.Thousands(n) + map[bool]string{true: " row", false: " rows"}[n == 1]
	}
	v := &page.ImportReport{Rows: rows(r.Rows), Good: len(r.Bad) == 0 && r.Rows+r.Skipped > 0}
	skipped := ""
	if r.Skipped > 0 {
		skipped = " " + catalog.Thousands(r.Skipped) + map[bool]string{true: " line was", false: " lines were"}[r.Skipped == 1] + " passed over: the key is there already."
	}
	bad := count(len(r.Bad), "line cannot", "lines cannot") + " go in"
	if r.More {
		bad = "More than " + strconv.Itoa(load.MaxBad) + " lines cannot go in"
	}
	switch {
	case len(r.Bad) == 0 && !v.Good:
		v.Title, v.Text = "The file holds no rows", "It has a first line and none behind it that holds anything. Nothing was written."
	case f.done:
		v.Title, v.Text = rows(r.Rows)+" imported", "They went in together, in one transaction."+skipped
	case v.Good:
		v.Title, v.Text = "All lines can go in: "+rows(r.Rows), "This was a trial: nothing was written."+skipped
	case f.tried:
		v.Title, v.Text = bad, "This was a trial: nothing was written."
	default:
		v.Title, v.Text = bad, "Nothing was written: lines go in together or not at all."
	}
	for _, b := range r.Bad {
		line := "end"
		if b.Line > 0 {
			line = strconv.Itoa(b.Line)
		}
		v.Bad = append(v.Bad, page.BadLine{Line: line, Column: b.Column, Text: sentence(b.Text, b.Column)})
	}
	return v
}
