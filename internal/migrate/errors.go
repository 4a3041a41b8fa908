package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATE codes, from the appendix "PostgreSQL Error Codes".
const (
	insufficientPrivilege = "42501"
	readOnlyTransaction   = "25006"
	lockNotAvailable      = "55P03"
	deadlockDetected      = "40P01"
	activeTransaction     = "25001"
	unsafeNewEnumValue    = "55P04"
	notNullViolation      = "23502"
	diskFull              = "53100"
)

// sqlState returns the server's code of an error, or "".
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// SQLError is a statement of a file that the server refused. Everything that
// the file had done was rolled back, or, in a file without a transaction around
// it and in a backfill, Hint says what is done.
type SQLError struct {
	File       string // its name
	Line       int    // from 1: where the server points, else where the statement begins
	Number     int    // of the statement in the file, from 1; 0: not known
	Total      int    // statements of the file
	Statement  string // the text of the statement, without its semicolon
	SQLSTATE   string // five characters, from the server
	Message    string // from the server
	Detail     string // from the server; may be empty
	ServerHint string // from the server; may be empty
	Where      string // the line within a function, from the server; may be empty
	Err        error  // the server's error, a *pgconn.PgError

	kept  string // what is done for good
	again string // what to do then
}

// Error is one line: FILE:LINE: message (SQLSTATE code), and the detail.
func (e *SQLError) Error() string {
	s := fmt.Sprintf("%s:%d: %s (SQLSTATE %s)", e.File, e.Line, e.Message, e.SQLSTATE)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the server's error.
func (e *SQLError) Unwrap() error { return e.Err }

// Hint says how to go on: the server's own hint, where it gave one, what became
// of the file, and what to do.
func (e *SQLError) Hint() string {
	next := e.kept + "; "
	switch e.SQLSTATE {
	case lockNotAvailable:
		next += "another session holds a lock; " + e.again + " when it is done"
	case deadlockDetected:
		next += "another session waited for this one, and this one for it; " + e.again
	case insufficientPrivilege:
		next += e.again + " with the role that owns the tables"
	case activeTransaction:
		next += `give the file the header line "-- transaction: none", then ` + e.again
	case unsafeNewEnumValue:
		next += "use the value in a migration after this one, then " + e.again
	case readOnlyTransaction:
		next += onlyReads
	case diskFull:
		next += "make room on the server's disk, then " + e.again
	default:
		next += "mend it, then " + e.again
	}
	if e.ServerHint != "" {
		return strings.TrimSuffix(e.ServerHint, ".") + "; " + next
	}
	return next
}

// newSQLError finds the place of an error in a step that was sent whole. done is
// how many statements the server had finished. Its position, where it gives one,
// counts characters of the whole text; a table that exists already, or a row
// that breaks a constraint, has none, and then the count of finished statements
// names the one that failed.
func newSQLError(s Step, done int, pg *pgconn.PgError) *SQLError {
	e := s.sqlError(pg)
	text := s.text()
	at := -1
	if pg.Position > 0 && len(s.Statements) > 0 {
		// "at end of input" points behind the last line break.
		at = min(byteOffset(text, int(pg.Position)-1), s.Statements[len(s.Statements)-1].end)
		e.Line = 1 + strings.Count(text[:at], "\n")
	}
	for i, st := range s.Statements {
		if at >= 0 && at <= st.end || at < 0 && i == done {
			e.Statement, e.Number = st.SQL, st.Number
			if at < 0 {
				e.Line = st.Line
			}
			break
		}
	}
	return e
}

// statementError is newSQLError for a statement that was sent by itself.
func statementError(s Step, st Statement, pg *pgconn.PgError) *SQLError {
	e := s.sqlError(pg)
	e.Statement, e.Number, e.Line = st.SQL, st.Number, st.Line
	if pg.Position > 0 {
		e.Line += strings.Count(st.SQL[:byteOffset(st.SQL, int(pg.Position)-1)], "\n")
	}
	return e
}

func (s Step) sqlError(pg *pgconn.PgError) *SQLError {
	return &SQLError{
		File: s.FileName(), Line: 1, Total: s.total, SQLSTATE: pg.Code, Message: pg.Message, Detail: pg.Detail,
		ServerHint: pg.Hint, Where: pg.Where, Err: pg, kept: s.kept(), again: s.again(),
	}
}

// kept says what of a step is done for good.
func (s Step) kept() string {
	switch {
	case s.RowsDone > 0:
		return fmt.Sprintf("%d rows are done, and the next attempt goes on behind them", s.RowsDone)
	case s.Done == 1:
		return fmt.Sprintf("statement 1 of %d is done, and the next attempt goes on behind it", s.total)
	case s.adopts:
		return "nothing was changed"
	case s.Done > 1:
		return fmt.Sprintf("statements 1 to %d of %d are done, and the next attempt goes on behind them", s.Done, s.total)
	}
	return "nothing of this file was kept"
}

// byteOffset returns where the nth character of a text begins, at most its end.
func byteOffset(text string, n int) int {
	at := 0
	for ; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// advised gives an error that has no hint of its own the one that always holds.
func advised(err error, again string) error {
	switch code := sqlState(err); {
	case err == nil || hintOf(err) != "":
		return err
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return &hinted{err: err, hint: again + "; the ledger knows what is done"}
	case code == "" || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P"):
		return &hinted{err: err, hint: "look whether the server runs, and at its log; then " + again + ": the ledger knows what is done"}
	}
	return &hinted{err: err, hint: "status shows what is done; when the cause is mended, " + again}
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
