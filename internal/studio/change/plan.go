// Package change turns a draft into SQL and runs it: all of it or none, on rows
// that are still what they were when they were read.
//
// Identifiers come from the catalogue and are quoted by pgx. Values are
// parameters, cast to their column's type; the text that people see before they
// save has them filled in, and only that text.
package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/draft"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// Step is one statement: it changes one row.
type Step struct {
	Row draft.Row
	// Text is the statement as people read it. It is never run.
	Text string

	sql  string
	args []*string
	// told are the columns that the audit function hears of.
	told []*catalog.Column
	// cleared are masked columns that change: their values are told to nobody.
	cleared []string
}

// Plan is what saving a draft does.
type Plan struct {
	Table *catalog.Table
	Steps []Step
}

// New plans how the rows are saved: rows that go first, since they may free a
// value that another row takes; new rows last.
func New(t *catalog.Table, rows []draft.Row) (*Plan, error) {
	p := &Plan{Table: t}
	for _, kind := range []draft.Kind{draft.Delete, draft.Update, draft.Insert} {
		for _, r := range rows {
			if r.Kind != kind {
				continue
			}
			s, err := p.step(r)
			if err != nil {
				return nil, err
			}
			p.Steps = append(p.Steps, s)
		}
	}
	return p, nil
}

// Why says why rows of a table cannot be changed, "" where they can.
func Why(t *catalog.Table) string {
	switch {
	case t.Kind != catalog.Plain && t.Kind != catalog.Partitioned:
		return "it is a " + t.Kind.String()
	case len(t.Key) == 0:
		return t.Keyless()
	case !t.Whole:
		return "this role may not read all of it"
	}
	return ""
}

func (p *Plan) step(r draft.Row) (Step, error) {
	if why := Why(p.Table); why != "" {
		return Step{}, &afauth.Error{Code: afauth.CodeInvalid, Message: p.Table.Label() + " cannot be changed: " + why}
	}
	if r.Kind != draft.Insert && (len(r.Key) != len(p.Table.Key) || r.Version == "") {
		return Step{}, &afauth.Error{Code: afauth.CodeInvalid, Message: "the key of " + p.Table.Label() + " is no longer what it was",
			Hint: "discard the changes, and load the table again"}
	}
	s, b := Step{Row: r}, &statement{}
	columns, err := p.columns(r)
	if err != nil {
		return s, err
	}
	switch r.Kind {
	case draft.Delete:
		b.text("DELETE FROM " + p.Table.Identifier())
		b.where(p.Table, r)
		s.told = p.Table.Columns
	case draft.Update:
		b.text("UPDATE " + p.Table.Identifier() + " SET ")
		for i, c := range columns {
			if i > 0 {
				b.text(", ")
			}
			b.text(c.Identifier() + " = ")
			b.value(c, r.Values[c.Name])
		}
		b.where(p.Table, r)
		s.told = columns
	default:
		b.insert(p.Table, columns, r)
		s.told = p.Table.Columns
	}
	for _, c := range columns {
		if c.Masked && r.Kind == draft.Update {
			s.cleared = append(s.cleared, c.Name)
		}
	}
	s.told = slices.DeleteFunc(slices.Clone(s.told), func(c *catalog.Column) bool { return !c.Open() })
	if r.Kind != draft.Delete {
		b.returning(s.told)
	}
	s.sql, s.Text, s.args = b.run.String(), b.shown.String()+";", b.args
	return s, nil
}

// columns are those that the row changes, in the table's order. What they become
// is looked at once more: the draft may be older than the table.
func (p *Plan) columns(r draft.Row) ([]*catalog.Column, error) {
	var all []*catalog.Column
	for _, c := range p.Table.Columns {
		v, ok := r.Values[c.Name]
		if !ok {
			continue
		}
		if why := Refuse(c, v.How, r.Kind == draft.Insert); why != "" {
			return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: c.Name + " cannot be changed that way: " + why, Err: catalog.Named(c.Name)}
		}
		all = append(all, c)
	}
	if len(all) != len(r.Values) {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "a column of " + p.Table.Label() + " that was to be changed has gone",
			Hint: "take that change back, and load the table again"}
	}
	return all, nil
}

// Closed is why a column cannot be changed whose right the role lacks.
const Closed = "this role may not change it"

// Forbidden says what the role may not do to rows of a table, "" where it may do
// everything.
func Forbidden(t *catalog.Table) string {
	var missing []string
	for _, right := range []struct {
		granted bool
		what    string
	}{{t.Inserts(), "insert rows"}, {t.Updates(), "change rows"}, {t.Deletes, "delete rows"}} {
		if !right.granted {
			missing = append(missing, right.what)
		}
	}
	switch len(missing) {
	case 0:
		return ""
	case 3:
		return "This role may read " + t.Label() + ", and change nothing in it."
	}
	return "This role may not " + strings.Join(missing, " or ") + " in " + t.Label() + "."
}

// Refuse says why a column cannot get its value in this way, "" where it can.
func Refuse(c *catalog.Column, how draft.How, insert bool) string {
	switch {
	case !insert && !c.Updates, insert && how != draft.Default && !c.Inserts:
		return Closed
	case c.Masked && how == draft.Null && c.NotNull:
		return "it is masked, and NOT NULL: it cannot be cleared"
	case c.Masked && how == draft.Null:
		return ""
	case how == draft.Default && insert && c.Generated == "":
		return ""
	}
	if why := value.Editable(c); why != "" {
		return why
	}
	switch {
	case how == draft.Null && c.NotNull:
		return "the column is NOT NULL"
	case how == draft.Default && c.Default == "" && c.Identity == "" && c.NotNull:
		return "the column has no default"
	}
	return ""
}

// statement is SQL in two forms: to run, and to read.
type statement struct {
	run, shown strings.Builder
	args       []*string
}

func (b *statement) text(s string) {
	b.run.WriteString(s)
	b.shown.WriteString(s)
}

func (b *statement) value(c *catalog.Column, v draft.Value) {
	switch v.How {
	case draft.Null:
		b.text("NULL")
	case draft.Default:
		b.text("DEFAULT")
	default:
		b.arg(v.Text, c.Type)
	}
}

func (b *statement) arg(v string, t *catalog.Type) {
	b.args = append(b.args, &v)
	fmt.Fprintf(&b.run, "CAST($%d AS %s)", len(b.args), t.Identifier())
	b.shown.WriteString(Literal(v))
}

// Literal writes a text the way SQL quotes it.
func Literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		quoted = "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// where names the row by the key and version it was read with.
func (b *statement) where(t *catalog.Table, r draft.Row) {
	b.text("\nWHERE ")
	b.key(t, r.Key)
	b.run.WriteString(" AND CAST(xmin AS pg_catalog.text) OPERATOR(pg_catalog.=) ")
	b.shown.WriteString(" AND xmin::text = ")
	b.arg(r.Version, version())
}

func version() *catalog.Type { return &catalog.Type{Schema: "pg_catalog", Name: "text"} }

func (b *statement) key(t *catalog.Table, key []string) {
	for i, c := range t.Key {
		if i > 0 {
			b.text(" AND ")
		}
		b.text(c.Identifier())
		b.run.WriteString(" OPERATOR(" + pgx.Identifier{c.Type.OpSchema}.Sanitize() + ".=) ")
		b.shown.WriteString(" = ")
		b.arg(key[i], c.Type)
	}
}

func (b *statement) insert(t *catalog.Table, columns []*catalog.Column, r draft.Row) {
	b.text("INSERT INTO " + t.Identifier())
	if len(columns) == 0 {
		b.text(" DEFAULT VALUES")
		return
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Identifier()
	}
	b.text(" (" + strings.Join(names, ", ") + ")\nVALUES (")
	for i, c := range columns {
		if i > 0 {
			b.text(", ")
		}
		b.value(c, r.Values[c.Name])
	}
	b.text(")")
}

func (b *statement) returning(told []*catalog.Column) {
	if len(told) > 0 {
		b.run.WriteString(" RETURNING " + texts(told))
	}
}

func texts(columns []*catalog.Column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = "CAST(" + c.Identifier() + " AS pg_catalog.text)"
	}
	return strings.Join(all, ", ")
}
