package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// State is how a database stands beside a folder of migrations.
type State struct {
	Namespace string   // the PostgreSQL schema that was looked at, such as "public"
	Applied   []Record // what the ledger holds, oldest version first
	Pending   []File   // what the ledger lacks, oldest version first

	// The last attempt at a version, where it did not come to its end. A file in
	// a transaction left nothing behind then. Of a file without one, and of a
	// backfill, the attempt says what is done for good.
	Failed     []Attempt
	Unfinished []Attempt // its migrator was killed, or lost its connection
	Running    []Attempt // its migrator is at work now

	// FailedBack are ways back that failed and left nothing behind: the file is
	// applied as before, and there is nothing to mend but the way back. They are
	// forgotten when the next attempt at any file came to its end.
	FailedBack []Attempt

	// What Deploy refuses.
	Edited     []File    // applied, but with other contents than now
	Clashing   []File    // another file with the same version is applied
	Missing    []Record  // applied, but there is no such file
	OutOfOrder []File    // pending, but older than the newest applied
	Diverged   []File    // half applied, and then changed in the half that is done
	HalfBack   []Attempt // half rolled back

	// SchemaVersion is the semantic version after the newest applied file;
	// "" for a database that has had none.
	SchemaVersion string

	last map[string]Attempt // the last attempt at each version, where not done
}

// InSync reports whether there is nothing to do and nothing to complain of.
func (s State) InSync() bool { return len(s.Pending) == 0 && s.Refusal() == nil }

// newest returns the newest applied file's record, or the zero Record.
func (s State) newest() Record {
	if len(s.Applied) == 0 {
		return Record{}
	}
	return s.Applied[len(s.Applied)-1]
}

// Read compares a database with the files, as Load returned them. It changes
// nothing and takes no lock; a database without a ledger counts as empty. It
// costs two round trips, and one or two more where an attempt has not ended.
//
// A role that may not read the two tables, or a search_path without a schema,
// is an error with a hint.
func Read(ctx context.Context, conn *pgx.Conn, files []File) (State, error) {
	_, st, err := read(ctx, conn, files)
	return st, advised(err, "ask again")
}

func read(ctx context.Context, conn *pgx.Conn, files []File) (session, State, error) {
	s, err := locate(ctx, conn)
	if err != nil {
		return session{}, State{}, err
	}
	st, err := s.compare(ctx, files)
	return s, st, err
}

// compare reads the tables and holds them against the files.
func (s session) compare(ctx context.Context, files []File) (State, error) {
	applied, attempts, err := s.rows(ctx)
	if err != nil {
		return State{}, s.unreadable(err)
	}
	return compare(s.namespace, applied, attempts, files), nil
}

// locate finds the schema to work in, and which of our tables it has.
func locate(ctx context.Context, conn *pgx.Conn) (session, error) {
	s := session{conn: conn}
	var role, path string
	// Functions that look into the server's caches, and no tables: planning a
	// join of catalogues would cost a fresh session more than all the rest.
	err := conn.QueryRow(ctx, `SELECT coalesce(to_regnamespace(quote_ident(current_schema())), 0)::oid, coalesce(current_schema(), ''), current_user,
    current_setting('search_path'), pg_is_in_recovery(), CASE WHEN to_regclass(quote_ident(current_schema()) || '.' || $1) IS NULL THEN 0
        WHEN to_regclass(quote_ident(current_schema()) || '.' || $2) IS NULL THEN 1 ELSE 2 END, pg_backend_pid()`,
		pgx.QueryExecModeExec, LedgerTable, HistoryTable).Scan(&s.oid, &s.namespace, &role, &path, &s.replica, &s.tables, &s.pid)
	if err != nil {
		return session{}, fmt.Errorf("look for the table %s: %w", LedgerTable, err)
	}
	if s.namespace == "" {
		return session{}, &hinted{
			err: fmt.Errorf("no schema of the search_path %s exists, or the role %q may use none of them", path, role),
			hint: "create it as the owner of the database (CREATE SCHEMA …), or grant USAGE on it, " +
				"or name another in the URL",
		}
	}
	return s, nil
}

// compare is the rule by which a ledger and a folder fit together.
func compare(namespace string, applied []Record, attempts map[string]Attempt, files []File) State {
	st := State{Namespace: namespace, Applied: applied, last: attempts}
	byVersion := make(map[string]Record, len(applied))
	for _, r := range applied {
		byVersion[r.Version] = r
	}
	known := make(map[string]bool, len(files))
	for _, f := range files {
		known[f.Version] = true
		if a, ok := attempts[f.Version]; ok {
			s := newStep(f, a.Action == RollBack)
			a.loose = s.Outside || s.batched()
			attempts[f.Version] = a
		}
		r, ok := byVersion[f.Version]
		switch {
		case ok && r.Checksum != f.Checksum && r.Name != f.Name:
			st.Clashing = append(st.Clashing, f)
		case ok && r.Checksum != f.Checksum:
			st.Edited = append(st.Edited, f)
		case ok:
		default:
			st.pending(f)
		}
	}
	for _, r := range applied {
		if r.Schema != "" {
			st.SchemaVersion = r.Schema
		}
		if !known[r.Version] {
			st.Missing = append(st.Missing, r)
		}
	}
	for _, version := range slices.Sorted(maps.Keys(attempts)) {
		_, ok := byVersion[version]
		st.attempt(attempts[version], ok)
	}
	return st
}

// attempt files the last attempt at a version that did not come to its end.
func (s *State) attempt(a Attempt, applied bool) {
	if a.Action == Apply && applied || a.Action == RollBack && !applied {
		return // somebody did it another way
	}
	switch {
	case a.Action == RollBack && applied && !a.Running && !a.half() && (!a.doubtful() || !a.loose):
		if !a.past {
			s.FailedBack = append(s.FailedBack, a)
		}
	case a.Running:
		s.Running = append(s.Running, a)
	case a.Outcome == Failed:
		s.Failed = append(s.Failed, a)
	default:
		s.Unfinished = append(s.Unfinished, a)
	}
	if a.Action == RollBack && a.half() && !a.Running {
		s.HalfBack = append(s.HalfBack, a)
	}
}

// Between returns the attempts that have done a part of a file for good, or may
// have: the schema stands between what it was before the file and what it will be
// after it, and neither fingerprint tells what others changed.
func (s State) Between() []Attempt {
	var out []Attempt
	for _, list := range [][]Attempt{s.Failed, s.Unfinished, s.Running} {
		for _, a := range list {
			if a.half() || a.loose && a.doubtful() {
				out = append(out, a)
			}
		}
	}
	return out
}

// lost reports whether an attempt has no end. Under the lock nobody is at work,
// so its migrator is gone.
func (s State) lost() bool {
	for _, a := range s.last {
		if a.Outcome == Started {
			return true
		}
	}
	return false
}

// pending adds a file that the ledger lacks.
func (s *State) pending(f File) {
	s.Pending = append(s.Pending, f)
	if f.Version < s.newest().Version {
		s.OutOfOrder = append(s.OutOfOrder, f)
	}
	if _, ok := newStep(f, false).resumed(s.last[f.Version]); !ok {
		s.Diverged = append(s.Diverged, f)
	}
}

// explain adds what was being done, and for a missing right also the hint.
func (s session) explain(err error, doing, hint string) error {
	wrapped := fmt.Errorf("%s in schema %q: %w", doing, s.namespace, err)
	switch sqlState(err) {
	case insufficientPrivilege:
		return &hinted{err: wrapped, hint: hint}
	case readOnlyTransaction:
		return &hinted{err: wrapped, hint: onlyReads}
	}
	return wrapped
}

const onlyReads = "this server or role only reads: connect to the primary, with a role that may write"

// unreadable explains why the tables could not be read.
func (s session) unreadable(err error) error {
	return s.explain(err, "read the table "+LedgerTable,
		fmt.Sprintf("as its owner: GRANT SELECT ON %s, %s TO this role", s.ledger(), s.history()))
}

// errReplica says that a server cannot be migrated.
func errReplica() error {
	return &hinted{
		err:  errors.New("this server is a read-only replica, which cannot be migrated"),
		hint: "nothing was changed; connect to the primary (target_session_attrs=read-write in the URL finds it)",
	}
}
