package schemadoc

import (
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Page is what a page is made of.
type Page struct {
	Title string
	Intro string // Markdown, as it is; may be empty
	// Catalog is the schema.
	Catalog catalog.Catalog
	// Bookkeeping are tables of Catalog that are kept out of the diagram and
	// described last, as SQL has their names: those of package migrate, say.
	Bookkeeping []string
	// Files are the migrations, oldest first.
	Files []migrate.File
}

// Markdown writes the page. Equal pages give equal text.
func (p Page) Markdown() string {
	w := &writer{c: p.Catalog}
	w.line("# ", text(p.Title))
	if p.Intro != "" {
		w.line(p.Intro)
	}
	var main, apart []catalog.Object
	for _, o := range p.Catalog.Objects {
		switch {
		case !o.Kind.Relation() || o.Kind == catalog.Sequence:
		case slices.Contains(p.Bookkeeping, o.Name):
			apart = append(apart, o)
		default:
			main = append(main, o)
		}
	}
	w.diagram(main)
	w.relations("Tables", main)
	w.others()
	w.routines()
	w.relations("Bookkeeping", apart)
	w.history(p.Files)
	return strings.TrimSuffix(w.out.String(), "\n")
}

// Undescribed names the relations, columns, routines and types that have no
// comment, such as "column users.login". Sequences that belong to a column say
// nothing that the column does not.
func Undescribed(c catalog.Catalog) []string {
	var names []string
	for _, o := range c.Objects {
		switch o.Kind {
		case catalog.Table, catalog.ForeignTable, catalog.View, catalog.Materialized, catalog.Column,
			catalog.Function, catalog.Procedure, catalog.Aggregate,
			catalog.Enum, catalog.Domain, catalog.Composite, catalog.Range:
		default:
			continue
		}
		if strings.TrimSpace(o.Value(catalog.Comment)) == "" {
			names = append(names, string(o.Kind)+" "+o.Path())
		}
	}
	return names
}

// writer gathers the page. What it writes is a block of its own each time.
type writer struct {
	c   catalog.Catalog
	out strings.Builder
}

func (w *writer) line(parts ...string) {
	for _, p := range parts {
		w.out.WriteString(p)
	}
	w.out.WriteString("\n\n")
}

// table writes a table, unless it has no rows. A last column without anything
// in it is left out.
func (w *writer) table(head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	last := len(head) - 1
	if !slices.ContainsFunc(rows, func(r []string) bool { return r[last] != "" }) {
		head = head[:last]
		for i := range rows {
			rows[i] = rows[i][:last]
		}
	}
	w.row(head)
	w.out.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		w.row(r)
	}
	w.out.WriteString("\n")
}

func (w *writer) row(cells []string) {
	for _, c := range cells {
		w.out.WriteString("| " + c + " ")
	}
	w.out.WriteString("|\n")
}

// of returns the objects of the given kinds that are part of a relation.
func (w *writer) of(relation string, kinds ...catalog.Kind) []catalog.Object {
	var found []catalog.Object
	for _, o := range w.c.Objects {
		if o.Of == relation && slices.Contains(kinds, o.Kind) {
			found = append(found, o)
		}
	}
	return found
}
