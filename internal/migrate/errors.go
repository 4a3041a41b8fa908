package migrate

import (
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
	activeTransaction     = "25001"
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
// the file had done was rolled back.
type SQLError struct {
	File       string // its name
	Line       int    // from 1: where the server points, else where the statement begins
	Statement  string // the text of the statement, without its semicolon
	SQLSTATE   string // five characters, from the server
	Message    string // from the server
	Detail     string // from the server; may be empty
	ServerHint string // from the server; may be empty
	Where      string // the line within a function, from the server; may be empty
	Err        error  // the server's error, a *pgconn.PgError
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

// Hint says how to go on: the server's own hint, where it gave one, and what
// became of the file.
func (e *SQLError) Hint() string {
	next := "nothing of this file was kept; mend it, then deploy again"
	switch e.SQLSTATE {
	case lockNotAvailable:
		next = "another session holds a lock on the table; nothing of this file was kept; deploy again when it is done"
	case insufficientPrivilege:
		next = "nothing of this file was kept; deploy with the role that owns the tables"
	case activeTransaction:
		next = "nothing of this file was kept; each file runs in a transaction, where this statement is not allowed"
	}
	if e.ServerHint != "" {
		return strings.TrimSuffix(e.ServerHint, ".") + "; " + next
	}
	return next
}

// newSQLError finds the place of an error in a file. done is how many
// statements the server had finished. Its position, where it gives one, counts
// characters of the whole file; a table that exists already, or a row that
// breaks a constraint, has none, and then the count of finished statements
// names the one that failed.
func newSQLError(f File, done int, pg *pgconn.PgError) *SQLError {
	e := &SQLError{
		File: f.UpName(), Line: 1, SQLSTATE: pg.Code, Message: pg.Message,
		Detail: pg.Detail, ServerHint: pg.Hint, Where: pg.Where, Err: pg,
	}
	statements := scan(f.Up)
	at := -1
	if pg.Position > 0 && len(statements) > 0 {
		// "at end of input" points behind the last line break.
		at = min(byteOffset(f.Up, int(pg.Position)-1), statements[len(statements)-1].end)
		e.Line = 1 + strings.Count(f.Up[:at], "\n")
	}
	for i, s := range statements {
		if at >= 0 && at <= s.end || at < 0 && i == done {
			e.Statement = f.Up[s.start:s.end]
			if at < 0 {
				e.Line = s.line
			}
			break
		}
	}
	return e
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
