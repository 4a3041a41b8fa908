package load

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// ofLine reports whether an error of PostgreSQL is about a line, and not about
// the connection, a right or the table: a value (22), a constraint (23), a
// trigger or function that raises (P0), a view's check (44), a size (54).
func ofLine(code string) bool {
	switch code[:2] {
	case "22", "23", "44", "54", "P0":
		return true
	}
	return false
}

// explain says what is wrong with a line that is refused by itself.
func (r *run) explain(ctx context.Context, pg *pgconn.PgError, line row) (column, text string, err error) {
	switch pg.Code[:2] {
	case "22":
		return r.value(ctx, pg, line)
	case "23":
		if pg.Code == "23502" {
			return pg.ColumnName, r.missing(pg.ColumnName), nil
		}
		return r.at(pg), r.constraint(pg), nil
	case "P0":
		return "", "a trigger or function of this database refuses it (SQLSTATE " + pg.Code + ")", nil
	}
	return "", "PostgreSQL refuses it (SQLSTATE " + pg.Code + ")", nil
}

func (r *run) missing(name string) string {
	for _, c := range r.columns {
		if c.Name == name {
			return "NULL, where the column needs a value"
		}
	}
	return "the column needs a value, has no default, and no column of the file goes there"
}

// constraint says which rule of the table a line breaks.
func (r *run) constraint(pg *pgconn.PgError) string {
	t := r.plan.Table
	switch pg.Code {
	case "23505":
		if c := indexed(t, pg.ConstraintName); len(c) > 0 {
			return "a row with this " + quoteAll(c) + " is there already, in the table or on a line before"
		}
	case "23503":
		for _, rel := range t.Out {
			if rel.Name == pg.ConstraintName {
				return quoteAll(rel.FromColumns) + " points to no row of " + rel.To.Label()
			}
		}
		return "it points to a row that is not there (" + pg.ConstraintName + ")"
	case "23514":
		if pg.ConstraintName == "" {
			return "no partition of the table takes it"
		}
		return "it breaks the check " + pg.ConstraintName
	}
	return "it breaks the rule " + pg.ConstraintName
}

func indexed(t *catalog.Table, name string) []*catalog.Column {
	for _, i := range t.Indexes {
		if i.Name != name {
			continue
		}
		for _, c := range i.Columns {
			if c == nil {
				return nil
			}
		}
		return i.Columns
	}
	return nil
}

// at is the column that a constraint is about, where it is one.
func (r *run) at(pg *pgconn.PgError) string {
	if c := indexed(r.plan.Table, pg.ConstraintName); len(c) == 1 {
		return c[0].Name
	}
	for _, rel := range r.plan.Table.Out {
		if rel.Name == pg.ConstraintName && len(rel.FromColumns) == 1 {
			return rel.FromColumns[0].Name
		}
	}
	return ""
}

// value finds the value that cannot be stored, by asking about each alone. The
// declared type is text that PostgreSQL itself wrote, and quoted.
func (r *run) value(ctx context.Context, pg *pgconn.PgError, line row) (column, text string, err error) {
	for i, c := range r.columns {
		v := line.values[i]
		if v == nil {
			continue
		}
		if n := length(c); n > 0 && utf8.RuneCountInString(strings.TrimRight(*v, " ")) > n {
			return c.Name, fmt.Sprintf("%q is longer than %s takes", clip(*v), c.Shown), nil
		}
		err := r.within(ctx, func() error {
			_, err := r.tx.Query(ctx, "SELECT CAST(CAST($1 AS pg_catalog.text) AS "+c.Shown+")", v)
			return err
		})
		var refused *pgconn.PgError
		if errors.As(err, &refused) && ofLine(refused.Code) {
			return c.Name, fmt.Sprintf("%q is no %s", clip(*v), c.Shown), nil
		}
		if err != nil && !errors.As(err, &refused) {
			return "", "", err
		}
	}
	return "", "a value cannot be stored (SQLSTATE " + pg.Code + ")", nil
}

// length is how many characters a column takes, 0 where it says nothing.
func length(c *catalog.Column) int {
	for _, name := range []string{"character varying(", "character("} {
		if rest, ok := strings.CutPrefix(c.Shown, name); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(rest, ")"))
			if err == nil {
				return n
			}
		}
	}
	return 0
}

func clip(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most]) + "…"
	}
	return s
}
