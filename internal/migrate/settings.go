package migrate

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// pinned returns the settings under which every file runs, in order.
//
// The search_path is the schema and pg_temp, and nothing else: functions made
// with SET search_path FROM CURRENT capture exactly this, whatever the role's
// own setting or an earlier file's. pg_temp is named so that it comes last;
// unnamed it would come first, and a temporary table could stand in for ours.
//
// What a date or a string without a zone or an escape means must not depend on
// the role either.
//
// There is no time limit on a statement: an index on a large table takes as
// long as it takes, and a limit meant for the application must not end it.
func (s session) pinned(lockTimeout time.Duration) [][2]string {
	return [][2]string{
		{"search_path", pgx.Identifier{s.namespace}.Sanitize() + ", pg_temp"},
		{"lock_timeout", strconv.FormatInt(lockTimeout.Milliseconds(), 10)},
		{"statement_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"standard_conforming_strings", "on"},
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
	}
}

// ownSettings hold for the session as long as it migrates: a role or a database
// that only reads by default, or is cut off when it rests, must not stop it.
// transaction_timeout came with PostgreSQL 17.
func ownSettings() [][2]string {
	return [][2]string{
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"default_transaction_isolation", "read committed"},
		{"idle_session_timeout", "0"},
		{"transaction_timeout", "0"},
	}
}

// begin returns what comes before each file. access is READ WRITE or READ ONLY.
func (s session) begin(access string, lockTimeout time.Duration) string {
	var b strings.Builder
	b.WriteString("BEGIN ISOLATION LEVEL READ COMMITTED " + access)
	for _, p := range s.pinned(lockTimeout) {
		b.WriteString(";\nSET LOCAL " + p[0] + " = " + settingValue(p))
	}
	return b.String()
}

// outsideSettings returns the same for statements without a transaction.
func (s session) outsideSettings(lockTimeout time.Duration) string {
	var parts []string
	for _, p := range s.pinned(lockTimeout) {
		parts = append(parts, "SET "+p[0]+" = "+settingValue(p))
	}
	return strings.Join(parts, ";\n")
}

// Settings returns the SQL that gives a session what every file finds, whatever
// the role's own settings are. namespace is the schema's name, as it is.
func Settings(namespace string) string {
	return session{namespace: namespace}.outsideSettings(DefaultLockTimeout)
}

// settingValue quotes a value. A list of names is written as it is: quoted
// whole, it would be one name.
func settingValue(p [2]string) string {
	if p[0] == "search_path" {
		return p[1]
	}
	return "'" + p[1] + "'"
}

// enter sets what holds for the session, and returns what undoes it.
func (s session) enter(ctx context.Context, lockTimeout time.Duration) (leave func(context.Context), err error) {
	var names, values []string
	for _, p := range append(ownSettings(), s.pinned(lockTimeout)...) {
		names, values = append(names, p[0]), append(values, p[1])
	}
	rows, err := s.conn.Query(ctx, `WITH wanted AS MATERIALIZED (
    SELECT name, value, current_setting(name, true) AS was FROM unnest($1::text[], $2::text[]) w (name, value))
SELECT name, was FROM wanted WHERE was IS NOT NULL AND set_config(name, value, false) IS NOT NULL`,
		pgx.QueryExecModeExec, names, values)
	if err != nil {
		return nil, fmt.Errorf("prepare the connection: %w", err)
	}
	names, values = names[:0], values[:0]
	var name, was string
	if _, err := pgx.ForEachRow(rows, []any{&name, &was}, func() error {
		names, values = append(names, name), append(values, was)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("prepare the connection: %w", err)
	}
	return func(ctx context.Context) {
		// The end of the connection undoes it as well.
		_, _ = s.conn.Exec(ctx, `SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) w (name, value)`,
			pgx.QueryExecModeExec, names, values)
	}, nil
}
