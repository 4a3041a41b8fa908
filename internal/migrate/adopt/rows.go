package adopt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// rows asks the database's rows what an empty shadow cannot say. Nothing is
// changed, and only the lock of a reader is taken.
func (w *work) rows(ctx context.Context) error {
	if len(w.plan.Had) == 0 {
		return nil
	}
	if err := w.rights(ctx); err != nil {
		return err
	}
	w.columns()
	for _, d := range w.plan.Differences {
		want, _ := w.target.Find(d.Kind, d.Of, d.Name)
		switch {
		case d.Kind == catalog.Column && d.Missing:
			w.newColumn(ctx, want)
		case d.Kind == catalog.Column && d.Attribute == catalog.Type:
			w.changedType(ctx, want, d)
		case d.Kind == catalog.Column && d.Attribute == catalog.NotNull && d.Want != "":
			w.count(ctx, want, func(rows string) string { return want.Path() + " is NULL in " + rows + ", and may not be" },
				"fill it by hand, then adopt", want.Of+" WHERE "+want.Name+" IS NULL")
		case d.Kind == catalog.Constraint && d.Missing:
			w.key(ctx, want)
		}
	}
	return nil
}

// rights refuses a role that does not own what is to be changed.
func (w *work) rights(ctx context.Context) error {
	var tables []string
	for _, o := range w.have.Objects {
		if _, ours := w.replay.maker(idOf(o)); ours && o.Kind.Relation() {
			tables = append(tables, o.Name)
		}
	}
	var role string
	var may bool
	var foreign []string
	err := w.conn.QueryRow(ctx, `SELECT quote_ident(current_user), has_schema_privilege($1, 'CREATE'),
    (SELECT coalesce(array_agg(quote_ident(relname)::text ORDER BY relname), '{}') FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident($1))
        AND quote_ident(relname) = ANY ($2::text[]) AND NOT pg_has_role(relowner, 'USAGE'))`,
		pgx.QueryExecModeExec, w.have.Schema, tables).Scan(&role, &may, &foreign)
	if err != nil {
		return fmt.Errorf("look for the rights of this role: %w", err)
	}
	if !may {
		w.plan.refuse("adopt with the role that owns the tables, or as the owner of the schema: GRANT CREATE ON SCHEMA "+
			pgx.Identifier{w.have.Schema}.Sanitize()+" TO "+role, "the role %s may not make tables in the schema %q, and the ledger is one", role, w.have.Schema)
	}
	if len(foreign) > 0 {
		w.plan.refuse("adopt with the role that owns the tables (AF_AUTH_OWNER_URL, or --url)",
			"the role %s does not own %s", role, strings.Join(foreign, ", "))
	}
	return nil
}

// columns refuses columns of others that would keep rows from being written.
func (w *work) columns() {
	for _, o := range w.have.Objects {
		_, wanted := w.replay.maker(idOf(o))
		_, table := w.replay.maker(id{catalog.Table, "", o.Of})
		filled := o.Value(catalog.Default)+o.Value(catalog.Identity)+o.Value(catalog.Generated) != ""
		if o.Kind == catalog.Column && table && !wanted && o.Value(catalog.NotNull) != "" && !filled {
			w.plan.refuse("ALTER TABLE "+o.Of+" ALTER COLUMN "+o.Name+" DROP NOT NULL, or SET DEFAULT …; then adopt",
				"column %s may not be NULL and has no default: whoever does not know it could write no row", o.Path())
		}
	}
}

// newColumn refuses a column that has nothing to fill the rows with.
func (w *work) newColumn(ctx context.Context, o catalog.Object) {
	if o.Value(catalog.NotNull) == "" || o.Value(catalog.Default)+o.Value(catalog.Identity)+o.Value(catalog.Generated) != "" {
		return
	}
	w.count(ctx, o, func(rows string) string {
		return o.Path() + " is not there and may not be NULL, and nothing says what " + rows + " would get"
	}, "add and fill it by hand, then adopt", o.Of)
}

// changedType refuses a change of type that would change a value: each must come back
// as it was.
func (w *work) changedType(ctx context.Context, o catalog.Object, d catalog.Difference) {
	if strings.HasPrefix(d.Have, "timestamp") && strings.Contains(d.Have, "without time zone") && strings.Contains(d.Want, "with time zone") {
		w.plan.Notes = append(w.plan.Notes, "the times in "+o.Path()+" are taken as UTC, as Prisma writes them")
	}
	there := fmt.Sprintf("(%s::%s)", o.Name, d.Want)
	w.count(ctx, o, func(rows string) string {
		return o.Path() + " is " + d.Have + ", wanted " + d.Want + ", and " + rows + " would not keep the value"
	}, fmt.Sprintf("convert it by hand: look at SELECT %s FROM %s, put right what does not fit, then adopt", o.Name, o.Of),
		fmt.Sprintf("%s WHERE %s::%s::text IS DISTINCT FROM %s::text", o.Of, there, d.Have, o.Name))
}

// key refuses a key or a check that rows break. A foreign key is left to the
// server: it looks within the transaction, and then nothing is kept.
func (w *work) key(ctx context.Context, o catalog.Object) {
	if _, ok := diff.StandIn(o, w.have, w.target); ok {
		return
	}
	if _, renamed := diff.Twin(o, w.have, w.target); renamed {
		return
	}
	definition := o.Value(catalog.Definition)
	kind, rest, _ := strings.Cut(definition, " (")
	switch kind {
	case "UNIQUE", "PRIMARY KEY":
		columns, tail, _ := strings.Cut(rest, ")")
		if tail != "" && !strings.HasPrefix(tail, " DEFERRABLE") {
			return
		}
		again := fmt.Sprintf("(SELECT FROM (SELECT count(*) OVER (PARTITION BY %[2]s) n FROM %[1]s WHERE num_nulls(%[2]s) = 0) x WHERE n > 1) again", o.Of, columns)
		w.count(ctx, o, func(rows string) string {
			return o.Name + " of " + o.Of + " cannot be made: values of (" + columns + ") are there more than once, in " + rows
		}, fmt.Sprintf("merge these rows by hand, then adopt: SELECT %s, count(*) FROM %s GROUP BY %s HAVING count(*) > 1", columns, o.Of, columns), again)
	case "CHECK":
		check := strings.TrimSuffix(strings.TrimPrefix(definition, "CHECK "), " NO INHERIT")
		if !strings.HasSuffix(check, ")") {
			return
		}
		w.count(ctx, o, func(rows string) string { return o.Name + " of " + o.Of + " cannot be made: it is broken by " + rows },
			fmt.Sprintf("put them right by hand, then adopt: SELECT * FROM %s WHERE NOT %s", o.Of, check), o.Of+" WHERE NOT "+check)
	}
}

// count refuses where a query finds rows, or where the server refuses to ask it.
// The values themselves are not told: they may be secrets.
func (w *work) count(ctx context.Context, o catalog.Object, what func(rows string) string, hint, from string) {
	var n int64
	err := w.reading(ctx, func() error {
		return w.conn.QueryRow(ctx, "SELECT count(*) FROM "+from, pgx.QueryExecModeExec).Scan(&n)
	})
	var pg *pgconn.PgError
	switch {
	case err == nil && n == 0:
	case err == nil:
		w.plan.refuse(hint, "%s", what(plural(n)))
	case code(err) == insufficientPrivilege:
		w.plan.refuse("adopt with the role that owns the tables", "this role may not look at the rows of %s", o.Of)
	case errors.As(err, &pg):
		message, _, _ := strings.Cut(pg.Message, ": ")
		w.plan.refuse(hint, "%s; the server said: %s (SQLSTATE %s)", what("some rows"), message, pg.Code)
	default:
		w.plan.refuse("look whether the server runs, then adopt again", "could not look at the rows of %s: %v", o.Of, err)
	}
}

func plural(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// reading runs fn in a transaction that only reads, with names and times as in a
// migration.
func (w *work) reading(ctx context.Context, fn func() error) error {
	path := pgx.Identifier{w.have.Schema}.Sanitize() + ", pg_temp"
	_, err := w.conn.PgConn().Exec(ctx, "BEGIN READ ONLY; SET LOCAL search_path TO "+path+"; SET LOCAL TimeZone TO 'UTC'; SET LOCAL statement_timeout TO 0").ReadAll()
	if err == nil {
		err = fn()
	}
	if w.conn.IsClosed() {
		return err
	}
	_, rollback := w.conn.PgConn().Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll()
	return errors.Join(err, rollback)
}
