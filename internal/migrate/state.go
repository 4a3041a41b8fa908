package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// State is how a database stands beside a folder of migrations.
type State struct {
	Namespace string   // the PostgreSQL schema that was looked at, such as "public"
	Applied   []Record // what the ledger holds, oldest version first
	Pending   []File   // what the ledger lacks, oldest version first

	Edited     []File   // applied, but with other contents than now
	Missing    []Record // applied, but there is no such file
	OutOfOrder []File   // pending, but older than the newest applied

	// SchemaVersion is the semantic version after the newest applied file;
	// "" for a database that has had none.
	SchemaVersion string
}

// InSync reports whether there is nothing to do and nothing to complain of.
func (s State) InSync() bool { return len(s.Pending) == 0 && s.Refusal() == nil }

// Refusal returns a [*RefusedError] where the files do not continue what the
// database has had, else nil.
func (s State) Refusal() error {
	if len(s.Edited)+len(s.Missing)+len(s.OutOfOrder) == 0 {
		return nil
	}
	return &RefusedError{State: s}
}

// newest returns the version of the newest applied file, or "".
func (s State) newest() string {
	if len(s.Applied) == 0 {
		return ""
	}
	return s.Applied[len(s.Applied)-1].Version
}

// Read compares a database with the files, as Load returned them. It changes
// nothing and takes no lock; a database without a ledger counts as empty. It
// costs two round trips.
//
// A role that may not read the ledger, or a search_path without a schema, is an
// error with a hint.
func Read(ctx context.Context, conn *pgx.Conn, files []File) (State, error) {
	_, st, err := read(ctx, conn, files)
	return st, err
}

func read(ctx context.Context, conn *pgx.Conn, files []File) (session, State, error) {
	s, exists, err := locate(ctx, conn)
	if err != nil {
		return session{}, State{}, err
	}
	var applied []Record
	if exists {
		if applied, err = s.records(ctx); err != nil {
			return session{}, State{}, s.explain(err, "read the table "+LedgerTable,
				fmt.Sprintf("as its owner: GRANT SELECT ON %s TO this role", s.ledger()))
		}
	}
	return s, compare(s.namespace, applied, files), nil
}

// locate finds the schema to work in, and whether it has a ledger.
func locate(ctx context.Context, conn *pgx.Conn) (session, bool, error) {
	s := session{conn: conn}
	var role, path string
	var exists bool
	err := conn.QueryRow(ctx, `SELECT coalesce(n.oid, 0), coalesce(n.nspname, ''), current_user, current_setting('search_path'),
    EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = $1 AND relnamespace = n.oid)
FROM (VALUES (current_schema())) here (name) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = here.name`,
		pgx.QueryExecModeExec, LedgerTable).Scan(&s.oid, &s.namespace, &role, &path, &exists)
	if err != nil {
		return session{}, false, fmt.Errorf("look for the table %s: %w", LedgerTable, err)
	}
	if s.namespace == "" {
		return session{}, false, &hinted{
			err: fmt.Errorf("no schema of the search_path %s exists, or the role %q may use none of them", path, role),
			hint: "create it as the owner of the database (CREATE SCHEMA …), or grant USAGE on it, " +
				"or name another in the URL",
		}
	}
	return s, exists, nil
}

// compare is the rule by which a ledger and a folder fit together.
func compare(namespace string, applied []Record, files []File) State {
	st := State{Namespace: namespace, Applied: applied}
	byVersion := make(map[string]Record, len(applied))
	for _, r := range applied {
		byVersion[r.Version] = r
	}
	newest := st.newest()
	known := make(map[string]bool, len(files))
	for _, f := range files {
		known[f.Version] = true
		r, ok := byVersion[f.Version]
		switch {
		case ok && r.Checksum != f.Checksum:
			st.Edited = append(st.Edited, f)
		case ok:
		default:
			st.Pending = append(st.Pending, f)
			if f.Version < newest {
				st.OutOfOrder = append(st.OutOfOrder, f)
			}
		}
	}
	for _, r := range applied {
		st.SchemaVersion = r.Schema
		if !known[r.Version] {
			st.Missing = append(st.Missing, r)
		}
	}
	return st
}

// RefusedError says that the files are not a continuation of what the database
// has had. Nothing was changed.
type RefusedError struct{ State State }

// Error names each file and what is wrong with it, one a line.
func (e *RefusedError) Error() string {
	var lines []string
	for _, f := range e.State.Edited {
		lines = append(lines, f.UpName()+": was edited after it had been applied")
	}
	for _, r := range e.State.Missing {
		lines = append(lines, r.FileName()+": was applied, but the file is not here: it was deleted, or a newer release brought it")
	}
	for _, f := range e.State.OutOfOrder {
		lines = append(lines, fmt.Sprintf("%s: is new, but older than %s, which has been applied",
			f.UpName(), e.State.Applied[len(e.State.Applied)-1].FileName()))
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return "the files do not continue what this database has had:\n" + strings.Join(lines, "\n")
}

// Hint says how to go on.
func (e *RefusedError) Hint() string {
	var hints []string
	if len(e.State.Edited) > 0 {
		hints = append(hints, "put the edited file back as it was, and write the change as a new migration")
	}
	if len(e.State.Missing) > 0 {
		hints = append(hints, "bring the missing file back, or use the release that has it")
	}
	if len(e.State.OutOfOrder) > 0 {
		hints = append(hints, "give the older file a later time in its name, both up and down")
	}
	return "nothing was changed; " + strings.Join(hints, "; ")
}

// hinted is an error that knows the next step.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// Hint says how to go on.
func (h *hinted) Hint() string { return h.hint }

// explain adds what was being done, and for a missing right also the hint.
func (s session) explain(err error, doing, hint string) error {
	wrapped := fmt.Errorf("%s in schema %q: %w", doing, s.namespace, err)
	if code := sqlState(err); code == insufficientPrivilege || code == readOnlyTransaction {
		if code == readOnlyTransaction {
			hint = "this server or role only reads: connect to the primary, with a role that may write"
		}
		return &hinted{err: wrapped, hint: hint}
	}
	return wrapped
}
