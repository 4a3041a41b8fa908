package change

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/draft"
)

// taken says who has a value that must be unique.
func (w *words) taken(ctx context.Context) string {
	name := columnNames(w.rule.columns)
	if c := w.counted(); c != nil {
		return c.Name + " is counted up by PostgreSQL, and has come to a number that another row has. Type a number that is free, or set its sequence behind the highest one."
	}
	if name == "" {
		return "Another row has the same value; " + w.pg.ConstraintName + " does not allow that."
	}
	plain := fmt.Sprintf("%s is taken by another row.", name)
	if !w.here() || w.step == nil {
		return plain
	}
	b := &statement{}
	var values []string
	for i, c := range w.rule.columns {
		v, ok := w.value(c)
		if !ok || !c.Open() || c.Type.OpSchema == "" {
			return plain
		}
		if i > 0 {
			b.text(" AND ")
		}
		b.text(c.Identifier() + " OPERATOR(" + quote(c.Type.OpSchema) + ".=) ")
		b.arg(v, c.Type)
		values = append(values, v)
	}
	var found [][]*string
	err := w.db.Read(ctx, w.limits, func(tx *database.Tx) (err error) {
		found, err = tx.Query(ctx, "SELECT "+texts(w.plan.Table.Key)+" FROM "+w.plan.Table.Identifier()+" WHERE "+b.run.String()+" LIMIT 1", b.args...)
		return err
	})
	who := "another of these changes"
	if err == nil && len(found) == 1 {
		key := make([]string, len(found[0]))
		for i, v := range found[0] {
			key[i] = *v
		}
		who = "row " + short(strings.Join(key, ", "))
	}
	return fmt.Sprintf("%s %s is taken by %s. Open that row, or type another %s.", name, short(Literal(strings.Join(values, ", "))), who, name)
}

// counted is the column of the rule that a new row leaves to an identity, nil
// where there is none.
func (w *words) counted() *catalog.Column {
	for _, c := range w.rule.columns {
		if w.step == nil || w.step.Row.Kind != draft.Insert || c.Identity == "" && !strings.HasPrefix(c.Default, "nextval(") {
			continue
		}
		if v, ok := w.step.Row.Values[c.Name]; !ok || v.How == draft.Default {
			return c
		}
	}
	return nil
}

// value is what a column of the step's row has or gets.
func (w *words) value(c *catalog.Column) (string, bool) {
	if v, ok := w.step.Row.Values[c.Name]; ok {
		return v.Text, v.How == draft.Text
	}
	if w.step.Row.Base != nil {
		for _, cell := range w.step.Row.Base.Cells {
			if cell.Column.Name == c.Name && cell.Text != nil && !cell.Cut {
				return *cell.Text, true
			}
		}
	}
	return "", false
}

// unlinked says that a foreign key points nowhere, or would.
func (w *words) unlinked(ctx context.Context) string {
	rel := w.relation()
	switch {
	case rel == nil:
		return "The foreign key " + w.pg.ConstraintName + " does not allow it."
	case rel.From == w.plan.Table && (w.step == nil || w.step.Row.Kind != draft.Delete && w.culprit(w.step) != "" || w.step.Row.Kind == draft.Insert):
		value := ""
		if c := rel.FromColumns[0]; w.step != nil && len(rel.FromColumns) == 1 && c.Open() {
			if v, ok := w.value(c); ok {
				value = " " + short(Literal(v))
			}
		}
		return fmt.Sprintf("%s%s points at no row of %s.", columnNames(rel.FromColumns), value, rel.To.Label())
	case w.step == nil:
		return fmt.Sprintf("Rows of %s point at a row that would go or get another key.", rel.From.Label())
	}
	number, them := "Rows of "+rel.From.Label()+" point", "them"
	if n, err := pointing(ctx, w.db, w.limits, []*catalog.Relation{rel}, w.plan.Table, w.step.Row.Key); err == nil && n > 0 {
		number = Count(n, rel.From.Label()) + " point"
		if n == 1 {
			number, them = number+"s", "that one"
		}
	}
	if w.step.Row.Kind == draft.Delete {
		return number + " to this row. Delete " + them + " too, or keep it."
	}
	return number + " to this row by " + columnNames(rel.ToColumns) + ". Change " + them + " too, or keep it."
}

func (w *words) relation() *catalog.Relation {
	for _, t := range w.all.Tables {
		for _, rel := range t.Out {
			if rel.Name == w.pg.ConstraintName && (t.Schema == w.pg.SchemaName && t.Name == w.pg.TableName || rel.To == w.plan.Table || rel.From == w.plan.Table) {
				return rel
			}
		}
	}
	var copies []*catalog.Relation // for a partition a foreign key has a copy, of another name
	for _, rel := range pointingAt(w.plan.Table) {
		if rel.From.Schema == w.pg.SchemaName && rel.From.Name == w.pg.TableName {
			copies = append(copies, rel)
		}
	}
	if len(copies) == 1 {
		return copies[0]
	}
	return nil
}

var stringInRule = regexp.MustCompile(`::[a-z ]+`)

// broken says which rule a check is.
func (w *words) broken(column string) (culprit, text string) {
	if w.rule.kind == "c" && w.here() {
		rule := stringInRule.ReplaceAllString(strings.TrimPrefix(w.rule.definition, "CHECK "), "")
		if len(w.rule.columns) == 1 {
			return column, fmt.Sprintf("%s breaks the rule %s: %s.", columnNames(w.rule.columns), w.pg.ConstraintName, short(rule))
		}
		return column, fmt.Sprintf("The row breaks the rule %s: %s.", w.pg.ConstraintName, short(rule))
	}
	if w.pg.DataTypeName != "" { // a domain
		return w.domain("breaks the rule " + w.pg.ConstraintName + " of its type " + w.pg.DataTypeName + ".")
	}
	if w.pg.ConstraintName == "" {
		return column, "The row does not belong here: it fits no partition, or a view's condition leaves it out."
	}
	return column, "The row breaks the rule " + w.pg.ConstraintName + "."
}

// domain says something of the column whose type is the domain that the error
// names, where it is one alone.
func (w *words) domain(what string) (column, text string) {
	if w.step != nil {
		for _, c := range w.plan.Table.Columns {
			_, given := w.step.Row.Values[c.Name]
			if (given || w.step.Row.Kind == draft.Insert) && strings.HasSuffix(strings.ReplaceAll(c.Shown, `"`, ""), w.pg.DataTypeName) {
				return c.Name, c.Name + " " + what
			}
		}
	}
	return "", "A value of this row " + what
}

// typed finds the value that its type cannot hold, asking about each alone.
func (w *words) typed(ctx context.Context, what string) (column, text string) {
	if w.step == nil {
		return "", "A value " + what + "."
	}
	for _, c := range w.plan.Table.Columns {
		v, ok := w.step.Row.Values[c.Name]
		if !ok || v.How != draft.Text {
			continue
		}
		if _, err := Canonical(ctx, w.db, w.limits, c, v.Text); err != nil {
			return c.Name, c.Name + " " + what + ", " + c.Shown + "."
		}
	}
	if len(w.step.Row.Values) == 1 {
		for name := range w.step.Row.Values {
			return name, name + " " + what + "."
		}
	}
	return "", "A value of this row " + what + "."
}
