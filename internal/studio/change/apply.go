package change

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/draft"
)

// Done is one change of one row that has been made, in a transaction that is
// still open.
type Done struct {
	Kind draft.Kind
	Key  []string
	// Before and After are the columns that changed, as text; nil is NULL.
	// Masked ones are not among them, only named in Cleared.
	Before, After map[string]*string
	Cleared       []string
}

var errMany = errors.New("the key names more than one row")

// Conflict says that somebody else has changed rows since they were read.
type Conflict struct{ IDs []string }

// Error implements error.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%d rows have changed since they were read", len(c.IDs))
}

// Refused says that PostgreSQL would not change one row.
type Refused struct {
	Step Step
	Err  error
}

// Error implements error.
func (r *Refused) Error() string { return "change a row: " + r.Err.Error() }

// Unwrap returns what PostgreSQL said.
func (r *Refused) Unwrap() error { return r.Err }

// Kept says that a trigger or rule left a row as it was, without an error.
type Kept struct{ Step Step }

// Error implements error.
func (k *Kept) Error() string { return "a row was left as it was" }

// Apply makes all changes, and tells each. It returns a *Conflict, with nothing
// changed, when a row is not the one that was read.
func (p *Plan) Apply(ctx context.Context, tx *database.Tx, tell func(Done) error) error {
	before := make([]map[string]*string, len(p.Steps))
	conflict := &Conflict{}
	for i, s := range p.Steps {
		if s.Row.Kind == draft.Insert {
			continue
		}
		now, there, err := p.read(ctx, tx, s)
		if err != nil {
			return err
		}
		if !there {
			conflict.IDs = append(conflict.IDs, s.Row.ID)
		}
		before[i] = now
	}
	if len(conflict.IDs) > 0 {
		return conflict
	}
	for i, s := range p.Steps {
		done := Done{Kind: s.Row.Kind, Key: s.Row.Key, Before: before[i], Cleared: s.cleared}
		var err error
		if done.After, err = p.run(ctx, tx, s); err != nil {
			return err
		}
		if s.Row.Kind == draft.Insert {
			done.Key = keyOf(p.Table, done.After)
		}
		if err := tell(done); err != nil {
			return err
		}
	}
	return nil
}

// read reads the row of a step, if it is still the one that was read before.
func (p *Plan) read(ctx context.Context, tx *database.Tx, s Step) (map[string]*string, bool, error) {
	b := &statement{}
	b.text("SELECT 1")
	if len(s.told) > 0 {
		b.text(", " + texts(s.told))
	}
	b.text(" FROM " + p.Table.Identifier())
	b.where(p.Table, s.Row)
	found, err := tx.Query(ctx, b.run.String(), b.args...)
	if err != nil || len(found) != 1 {
		return nil, false, err
	}
	return named(s.told, found[0][1:]), true, nil
}

// run runs one step.
func (p *Plan) run(ctx context.Context, tx *database.Tx, s Step) (map[string]*string, error) {
	var after map[string]*string
	n, err := tx.Stream(ctx, s.sql, s.args, func(row [][]byte) error {
		values := make([]*string, len(row))
		for i, raw := range row {
			if raw != nil {
				text := string(raw)
				values[i] = &text
			}
		}
		after = named(s.told, values)
		return nil
	})
	switch {
	case err != nil:
		return nil, &Refused{Step: s, Err: err}
	case n == 1:
		return after, nil
	case n > 1:
		return nil, &Refused{Step: s, Err: errMany}
	case s.Row.Kind == draft.Insert:
		return nil, &Kept{Step: s}
	}
	// Somebody was quicker, or a trigger has kept the row as it was.
	if _, there, err := p.read(ctx, tx, s); err != nil || there {
		return nil, &Kept{Step: s}
	}
	return nil, &Conflict{IDs: []string{s.Row.ID}}
}

func named(columns []*catalog.Column, values []*string) map[string]*string {
	all := make(map[string]*string, len(columns))
	for i, c := range columns {
		if i < len(values) {
			all[c.Name] = values[i]
		}
	}
	return all
}

func keyOf(t *catalog.Table, values map[string]*string) []string {
	var key []string
	for _, c := range t.Key {
		if v := values[c.Name]; v != nil {
			key = append(key, *v)
		}
	}
	return key
}

// Known reports whether an error is one of this package: something about a row,
// and no broken connection.
func Known(err error) bool {
	var kept *Kept
	var refused *Refused
	return errors.As(err, &kept) || errors.As(err, &refused) && !broken(refused.Err)
}

func broken(err error) bool {
	var pg *pgconn.PgError
	return !errors.As(err, &pg) && !errors.Is(err, errMany)
}
