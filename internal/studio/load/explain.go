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
		if pg.Code == "23514" {
			column, err := r.checked(ctx, pg)
			return column, r.constraint(pg), err
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
				if len(rel.FromColumns) > 1 {
					return "together, " + quoteAll(rel.FromColumns) + " point to no row of " + rel.To.Label()
				}
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

// checkedSQL runs under the search path of the database: it names what it uses.
const checkedSQL = `SELECT a.attname FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) o.conrelid JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) o.conrelid AND a.attnum OPERATOR(pg_catalog.=) ANY (o.conkey)
WHERE n.nspname OPERATOR(pg_catalog.=) $1 AND c.relname OPERATOR(pg_catalog.=) $2 AND o.conname OPERATOR(pg_catalog.=) $3`

// checked is the column that a check names, where it names exactly one. A check
// of another table, into which a trigger writes, is about no column of this one.
func (r *run) checked(ctx context.Context, pg *pgconn.PgError) (string, error) {
	t := r.plan.Table
	if t.Kind != catalog.Partitioned && (pg.SchemaName != t.Schema || pg.TableName != t.Name) {
		return "", nil
	}
	found, err := r.tx.Query(ctx, checkedSQL, &pg.SchemaName, &pg.TableName, &pg.ConstraintName)
	if err != nil || len(found) != 1 || t.Column(*found[0][0]) == nil {
		return "", err
	}
	return *found[0][0], nil
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
