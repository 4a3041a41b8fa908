package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/draft"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// Fault is what PostgreSQL holds against a change, in plain words. None of its
// own: they quote values, and do not know which of them are masked.
type Fault struct {
	// ID is the row, "" where it is not known which; Column the culprit, ""
	// where it is the row as a whole.
	ID, Column, Text string
}

// constraint is what a constraint is about.
type constraint struct {
	kind       string // pg_constraint.contype, or "u" for a unique index
	columns    []*catalog.Column
	definition string
}

// Explain finds the row and the column that an error is about. db is asked what
// the constraint says, after the transaction has been rolled back.
func (p *Plan) Explain(ctx context.Context, db *database.DB, l database.Limits, d *catalog.Database, err error) Fault {
	var kept *Kept
	if errors.As(err, &kept) {
		return Fault{ID: kept.Step.Row.ID, Text: "A trigger or a rule of the database left this row as it was."}
	}
	f := Fault{}
	var step *Step
	var refused *Refused
	if errors.As(err, &refused) {
		step, f.ID = &refused.Step, refused.Step.Row.ID
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		f.Text = "It could not be saved."
		if step != nil {
			f.Text = "The key names more than one row."
		}
		return f
	}
	w := words{plan: p, db: db, limits: l, all: d, step: step, pg: pg}
	var stopped *database.Stopped
	if errors.As(err, &stopped) {
		w.after = stopped.After
	}
	if pg.ConstraintName != "" {
		w.rule = w.constraint(ctx)
	}
	if step == nil {
		w.step = w.guess()
		if w.step != nil {
			f.ID = w.step.Row.ID
		}
	}
	f.Column, f.Text = w.say(ctx)
	return f
}

// words puts one error into words.
type words struct {
	plan   *Plan
	db     *database.DB
	limits database.Limits
	all    *catalog.Database
	step   *Step
	pg     *pgconn.PgError
	rule   constraint
	after  time.Duration // how long the statement had, if that was the fault
}

const constraintSQL = `SELECT o.contype::pg_catalog.text, pg_catalog.array_to_string(o.conkey, ' '), pg_catalog.pg_get_constraintdef(o.oid, true)
FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND o.conname = $3`

// constraint looks up the constraint that the error names.
func (w *words) constraint(ctx context.Context) constraint {
	table := w.all.Table(w.pg.SchemaName, w.pg.TableName)
	if table == nil {
		return constraint{}
	}
	var found [][]*string
	err := w.db.Read(ctx, w.limits, func(tx *database.Tx) (err error) {
		found, err = tx.Query(ctx, constraintSQL, &w.pg.SchemaName, &w.pg.TableName, &w.pg.ConstraintName)
		return err
	})
	if err != nil {
		return constraint{}
	}
	if len(found) == 0 { // a unique index that is no constraint
		for _, i := range table.Indexes {
			if i.Name == w.pg.ConstraintName {
				return constraint{kind: "u", columns: slices.DeleteFunc(slices.Clone(i.Columns), func(c *catalog.Column) bool { return c == nil })}
			}
		}
		return constraint{}
	}
	c := constraint{kind: *found[0][0], definition: *found[0][2]}
	for _, column := range table.Columns {
		if found[0][1] != nil && slices.Contains(strings.Fields(*found[0][1]), fmt.Sprint(column.Num)) {
			c.columns = append(c.columns, column)
		}
	}
	return c
}

// guess finds the row that a constraint which is looked at only at COMMIT is
// about: the only one that could be.
func (w *words) guess() *Step {
	var found *Step
	here := w.here()
	for i := range w.plan.Steps {
		s := &w.plan.Steps[i]
		fits := here && s.Row.Kind != draft.Delete && w.culprit(s) != "" || here && s.Row.Kind == draft.Insert || !here && s.Row.Kind != draft.Insert
		if fits && found != nil {
			return nil
		}
		if fits {
			found = s
		}
	}
	return found
}

// here reports whether the error is about the table that is changed.
func (w *words) here() bool {
	return w.pg.SchemaName == w.plan.Table.Schema && w.pg.TableName == w.plan.Table.Name ||
		w.all.Table(w.pg.SchemaName, w.pg.TableName) != nil && w.all.Table(w.pg.SchemaName, w.pg.TableName).Parent == w.plan.Table
}

// culprit is the column of the constraint that the row changes, "" where none.
func (w *words) culprit(s *Step) string {
	if s == nil {
		return ""
	}
	for _, c := range w.rule.columns {
		if _, ok := s.Row.Values[c.Name]; ok {
			return c.Name
		}
	}
	return ""
}

// say is the column and the sentence.
func (w *words) say(ctx context.Context) (column, text string) {
	column = w.culprit(w.step)
	switch w.pg.Code {
	case "23505":
		return column, w.taken(ctx)
	case "23503", "23001":
		return column, w.unlinked(ctx)
	case "23514":
		return w.broken(column)
	case "23502":
		if w.pg.ColumnName == "" {
			return w.domain("must have a value: its type does not take NULL.")
		}
		if w.here() {
			column = w.pg.ColumnName
		}
		return column, w.pg.ColumnName + " must have a value: the column is NOT NULL."
	case "23P01":
		return column, columnNames(w.rule.columns) + " overlaps with another row: " + w.pg.ConstraintName + " does not allow that."
	case "22001":
		return w.typed(ctx, "is longer than its column holds")
	case "428C9":
		return "", "The row gives a value to a column that PostgreSQL computes itself."
	case "42501":
		return "", "This role may not do that to " + w.plan.Table.Label() + ", or a row level security policy forbids it."
	case "55P03":
		return "", "Somebody else holds this row in a transaction that is still open. Save again when that has ended."
	case "40001", "40P01":
		return "", "Somebody else was changing the same rows at this moment. Save again."
	case "57014":
		if w.after > 0 {
			return "", "It took longer than " + value.Span(w.after) + " and was stopped."
		}
		return "", "Somebody has cancelled it in PostgreSQL."
	case "0A000":
		return "", "PostgreSQL cannot do that here: a rule of the table stands in the way, or what it is made of (SQLSTATE 0A000)."
	case "25006":
		return "", "This server takes no changes: it is a copy, or set to read only."
	case "P0001":
		return "", "A trigger of the database refused it (SQLSTATE P0001). The server's log says why."
	}
	if w.pg.Code[:2] == "22" {
		return w.typed(ctx, "cannot be read as its column's type")
	}
	return "", "PostgreSQL refused it (SQLSTATE " + w.pg.Code + "). The server's log says more."
}

func columnNames(columns []*catalog.Column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.Name
	}
	return strings.Join(all, ", ")
}

func short(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

// ID names a row in addresses.
func ID(key []string) string { return address.Key(key) }
