package schemadoc

import (
	"cmp"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// relations writes a chapter with a section for each table or view.
func (w *writer) relations(title string, list []catalog.Object) {
	if len(list) == 0 {
		return
	}
	w.line("## ", title)
	for _, r := range list {
		w.line("### ", heading(r.Name))
		if what := w.nature(r); what != "" {
			w.line(what)
		}
		if about := prose(r.Value(catalog.Comment)); about != "" {
			w.line(about)
		}
		w.columns(r)
		w.part("key or check", r, catalog.Constraint)
		w.part("index", r, catalog.Index)
		w.part("trigger", r, catalog.Trigger)
		w.part("rule", r, catalog.Rule)
		w.policies(r)
	}
}

// nature says what a relation is beside an ordinary table.
func (w *writer) nature(r catalog.Object) string {
	var words []string
	if r.Kind != catalog.Table {
		words = append(words, "A "+string(r.Kind)+".")
	}
	if r.Value(catalog.Unlogged) != "" {
		words = append(words, "Not logged: empty after a crash of the server.")
	}
	if v := r.Value(catalog.PartitionBy); v != "" {
		words = append(words, "Partitioned by "+heading(v)+".")
	}
	if v := r.Value(catalog.Inherits); v != "" {
		words = append(words, strings.TrimSpace("Part of "+heading(v)+" "+heading(r.Value(catalog.Partition)))+".")
	}
	if r.Value(catalog.Security) != "" {
		words = append(words, "With row security.")
	}
	return strings.Join(words, " ")
}

func (w *writer) columns(r catalog.Object) {
	list := w.of(r.Name, catalog.Column)
	slices.SortFunc(list, func(a, b catalog.Object) int { return cmp.Compare(a.Position, b.Position) })
	var rows [][]string
	for _, c := range list {
		null := "yes"
		if c.Value(catalog.NotNull) != "" {
			null = "no"
		}
		rows = append(rows, []string{code(c.Name), code(c.Value(catalog.Type)), null, code(filled(c)), lines(c.Value(catalog.Comment))})
	}
	w.table([]string{"column", "type", "NULL", "default", "meaning"}, rows)
}

// filled says where the value of a column comes from that nobody gives.
func filled(c catalog.Object) string {
	if v := c.Value(catalog.Identity); v != "" {
		return "GENERATED " + v + " AS IDENTITY"
	}
	if v := c.Value(catalog.Generated); v != "" {
		return "GENERATED ALWAYS AS (" + v + ")"
	}
	return c.Value(catalog.Default)
}

// part writes a table of things that belong to a relation.
func (w *writer) part(name string, r catalog.Object, kind catalog.Kind) {
	var rows [][]string
	for _, o := range w.of(r.Name, kind) {
		definition := short(o)
		if definition == "" { // the index of a key, which is listed already
			continue
		}
		rows = append(rows, []string{code(o.Name), code(definition), w.meaning(o)})
	}
	w.table([]string{name, "definition", "meaning"}, rows)
}

// short is a definition without what stands around it on the page: the name and
// the table.
func short(o catalog.Object) string {
	definition := o.Value(catalog.Definition)
	for _, head := range []struct{ prefix, keep string }{
		{"CREATE INDEX " + o.Name + " ON " + o.Of + " USING ", ""},
		{"CREATE INDEX " + o.Name + " ON ONLY " + o.Of + " USING ", ""},
		{"CREATE UNIQUE INDEX " + o.Name + " ON " + o.Of + " USING ", "UNIQUE "},
		{"CREATE UNIQUE INDEX " + o.Name + " ON ONLY " + o.Of + " USING ", "UNIQUE "},
		{"CREATE TRIGGER " + o.Name + " ", ""},
		{"CREATE CONSTRAINT TRIGGER " + o.Name + " ", "CONSTRAINT "},
		{"CREATE RULE " + o.Name + " AS ", ""},
	} {
		if rest, ok := strings.CutPrefix(definition, head.prefix); ok {
			return head.keep + rest
		}
	}
	return definition
}

// meaning is the comment of a thing, of a trigger without one that of its
// function, and before it what is unusual about its state.
func (w *writer) meaning(o catalog.Object) string {
	about := lines(o.Value(catalog.Comment))
	if _, call, ok := strings.Cut(o.Value(catalog.Definition), " EXECUTE FUNCTION "); ok && about == "" && o.Kind == catalog.Trigger {
		name := call[:nameEnd(call)]
		f, _ := w.c.Find(catalog.Function, "", name+"()")
		about = lines(f.Value(catalog.Comment))
	}
	switch v := o.Value(catalog.Enabled); v {
	case "":
	case "no":
		about = strings.TrimSpace("Switched off. " + about)
	default:
		about = strings.TrimSpace("Fires: " + text(v) + ". " + about)
	}
	if o.Value(catalog.State) != "" {
		about = strings.TrimSpace("Not valid. " + about)
	}
	return about
}

func (w *writer) policies(r catalog.Object) {
	var rows [][]string
	for _, o := range w.of(r.Name, catalog.Policy) {
		rows = append(rows, []string{
			code(o.Name), code(o.Value(catalog.Mode) + " FOR " + o.Value(catalog.For) + " TO " + o.Value(catalog.To)),
			code(o.Value(catalog.Using)), code(o.Value(catalog.WithCheck)), lines(o.Value(catalog.Comment)),
		})
	}
	w.table([]string{"policy", "for", "using", "with check", "meaning"}, rows)
}

// others writes the types and sequences.
func (w *writer) others() {
	var rows [][]string
	for _, o := range w.c.Objects {
		var what string
		switch o.Kind {
		case catalog.Enum:
			what = o.Value(catalog.Labels)
		case catalog.Domain:
			what = o.Value(catalog.Type)
		case catalog.Composite:
			what = o.Value(catalog.Members)
		case catalog.Range:
			what = o.Value(catalog.Subtype)
		case catalog.Sequence:
			if o.Value(catalog.OwnedBy) != "" {
				continue
			}
			what = "from " + o.Value(catalog.Start) + " by " + o.Value(catalog.Increment)
		default:
			continue
		}
		rows = append(rows, []string{code(o.Name), string(o.Kind), code(what), lines(o.Value(catalog.Comment))})
	}
	if len(rows) > 0 {
		w.line("## Types and sequences")
	}
	w.table([]string{"name", "kind", "what", "meaning"}, rows)
}

// routines writes the functions. What they do in detail stands in the schema.
func (w *writer) routines() {
	var rows [][]string
	for _, o := range w.c.Objects {
		switch o.Kind {
		case catalog.Function, catalog.Procedure, catalog.Aggregate:
		default:
			continue
		}
		name, _, _ := strings.Cut(o.Name, "(")
		if strings.HasPrefix(o.Name, `"`) {
			name = o.Name[:nameEnd(o.Name)]
		}
		signature := name + "(" + o.Value(catalog.Arguments) + ")"
		rows = append(rows, []string{code(signature), code(o.Value(catalog.Returns)), runsAs(o, signature), lines(o.Value(catalog.Comment))})
	}
	if len(rows) > 0 {
		w.line("## Functions")
	}
	w.table([]string{"function", "returns", "runs as", "meaning"}, rows)
}

// runsAs says with whose rights a routine works. Its definition says so between
// its signature, which may hold any text, and its body.
func runsAs(o catalog.Object, signature string) string {
	head := strings.TrimPrefix(o.Value(catalog.Definition), "CREATE OR REPLACE "+strings.ToUpper(string(o.Kind))+" "+signature)
	head = strings.TrimPrefix(head, "\n RETURNS "+o.Value(catalog.Returns))
	for line := range strings.Lines(head) {
		switch {
		case strings.HasPrefix(line, "AS ") || strings.HasPrefix(line, "BEGIN ATOMIC") || strings.HasPrefix(line, "RETURN "):
			return "caller"
		case strings.Contains(line, "SECURITY DEFINER"):
			return "owner"
		}
	}
	return "caller"
}
