package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// right is what the role of a server must be able to do with some tables.
type right struct {
	privileges string // on whole tables, as GRANT takes them
	// insert are the columns that it must be able to write where a line is added,
	// if only those: the database's defaults say the others.
	insert []string
	tables []string
}

// words are the privileges as GRANT takes them.
func (r right) words() string {
	if len(r.insert) == 0 {
		return r.privileges
	}
	return r.privileges + ", INSERT (" + strings.Join(r.insert, ", ") + ")"
}

// rights are those that a server works with. docs/database.md gives them.
func rights() []right {
	return []right{
		{"SELECT, INSERT, UPDATE, DELETE", nil, []string{"users", "sessions", "tickets", "instances", "requests", "confirmations", "webhooks", "deliveries"}},
		{"SELECT", []string{"kind", "user_id", "actor", "address", "reason", "details"}, []string{"events"}},
		{"SELECT", nil, []string{"af_auth_migrations", "af_auth_migrations_history"}},
	}
}

// GrantHint says which GRANT the role lacks, where an error is PostgreSQL's no
// to it; else "". The server names the table in words of its own language and
// in no field, so the words are searched for ours.
func GrantHint(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != stateNoPrivilege {
		return ""
	}
	words := strings.FieldsFunc(pg.Message, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' })
	for _, right := range rights() {
		for _, table := range right.tables {
			if slices.Contains(words, table) {
				return "as the owner of the tables: GRANT " + right.words() + " ON " + table +
					" TO the role of DATABASE_URL; docs/database.md lists all rights"
			}
		}
	}
	return "grant the role its rights; docs/database.md lists them"
}

// MissingGrants returns the statements that give the role of this server the
// rights it lacks on tables that are there.
func (db *DB) MissingGrants(ctx context.Context) ([]string, error) {
	const sql = `SELECT t.name, current_user FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n),
    LATERAL (SELECT to_regclass(quote_ident(t.name))::oid AS oid) AS there
WHERE NOT (SELECT bool_and(has_table_privilege(there.oid, p)) FROM unnest(string_to_array($2, ', ')) AS p)
    OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = there.oid AND a.attname = ANY ($3::text[]) AND NOT a.attisdropped
        AND NOT has_column_privilege(there.oid, a.attnum, 'INSERT'))
ORDER BY t.n`
	var grants []string
	for _, right := range rights() {
		rows, err := patient{pool: db.pool, wait: db.wait}.Query(ctx, sql, right.tables, right.privileges, right.insert)
		if err != nil {
			return nil, fault(err, "looking at the role's rights")
		}
		var tables []string
		var table, role string
		_, err = pgx.ForEachRow(rows, []any{&table, &role}, func() error {
			tables = append(tables, table)
			return nil
		})
		if err != nil {
			return nil, fault(err, "looking at the role's rights")
		}
		if len(tables) > 0 {
			grants = append(grants, "GRANT "+right.words()+" ON "+strings.Join(tables, ", ")+" TO "+pgx.Identifier{role}.Sanitize())
		}
	}
	return grants, nil
}
