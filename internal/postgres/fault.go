package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
)

// SQLSTATE codes, from the appendix "PostgreSQL Error Codes".
const (
	stateInvalidPassword    = "28P01"
	stateInvalidAuth        = "28000"
	stateNoDatabase         = "3D000"
	stateNoSchema           = "3F000"
	stateNoPrivilege        = "42501"
	stateTooManyConnections = "53300"
	stateStartingUp         = "57P03"
	stateAdminShutdown      = "57P01"
	stateCrashShutdown      = "57P02"
	stateUndefinedTable     = "42P01"
	stateUndefinedColumn    = "42703"
	stateUndefinedFunction  = "42883"
	stateForeignKey         = "23503"
)

// Passing reports whether a failed connection is worth another try: the server
// is down, starting, full, slow, or not the one that takes writes. A wrong
// password, a missing database and an unknown host name do not pass by
// waiting, and fail at once.
func Passing(err error) bool {
	passing := false
	for _, leaf := range leaves(err) {
		switch verdict(leaf) {
		case permanent:
			return false
		case passes:
			passing = true
		}
	}
	return passing
}

type judgement int

const (
	unknown judgement = iota
	passes
	permanent
)

// verdict judges one cause. With several hosts or addresses, pgx reports one
// cause for each that it tried.
func verdict(err error) judgement {
	if pg, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // leaves have nothing left to unwrap
		switch {
		case strings.HasPrefix(pg.Code, "08"),
			pg.Code == stateStartingUp, pg.Code == stateTooManyConnections,
			pg.Code == stateAdminShutdown, pg.Code == stateCrashShutdown:
			return passes
		default:
			return permanent
		}
	}
	var schema *wrongSchemaError
	if errors.As(err, &schema) {
		return permanent
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		// A host of a list may be gone for a while; a name that does not exist
		// is a mistake in the address.
		if dns.IsTemporary || dns.IsTimeout {
			return passes
		}
		return permanent
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ETIMEDOUT),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		// A socket file that is not there yet is a server that is not up yet.
		errors.Is(err, os.ErrNotExist), wrongKind(err):
		return passes
	default:
		return unknown
	}
}

// wrongKind reports that target_session_attrs turned a server away, as happens
// to all of them while a standby is being promoted.
func wrongKind(err error) bool {
	return errors.Is(err, pgconn.ErrReadOnlyConnection) || errors.Is(err, pgconn.ErrReadWriteConnection) ||
		errors.Is(err, pgconn.ErrPrimaryConnection) || errors.Is(err, pgconn.ErrStandbyConnection)
}

// leaves returns the last causes in a tree of wrapped and joined errors.
// A DNS error stays whole: what it wraps says less than it does.
func leaves(err error) []error {
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself
	case nil:
		return nil
	case *net.DNSError, *pgconn.PgError:
		return []error{err}
	case interface{ Unwrap() []error }:
		var out []error
		for _, inner := range e.Unwrap() {
			out = append(out, leaves(inner)...)
		}
		return out
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return leaves(inner)
		}
	}
	return []error{err}
}

// explain turns a failed connection into an error that a person can act on.
// Address is host:port or a socket, never a URL: URLs hold passwords.
func explain(err error, t target) error {
	message, hint := unanswered(err, t)
	var pg *pgconn.PgError
	if errors.As(decisive(err), &pg) {
		message, hint = answered(pg, t)
	}
	return &afauth.Error{Code: afauth.CodeUnavailable, Message: message, Hint: hint, Err: err}
}

// answered says what PostgreSQL's own refusal means.
func answered(pg *pgconn.PgError, t target) (message, hint string) {
	switch pg.Code {
	case stateInvalidPassword:
		return fmt.Sprintf("PostgreSQL at %s does not accept user %q with this password", t.address, t.user),
			"check user and password in DATABASE_URL; special characters in a URL are percent-encoded"
	case stateInvalidAuth:
		return fmt.Sprintf("PostgreSQL at %s does not let user %q in: %s", t.address, t.user, pg.Message),
			"check the user in DATABASE_URL, and the lines of pg_hba.conf"
	case stateNoDatabase:
		return fmt.Sprintf("PostgreSQL at %s has no database %q", t.address, t.database),
			fmt.Sprintf("create it: createdb -h HOST -U USER %s", t.database)
	case stateNoSchema:
		return fmt.Sprintf("database %q has no schema %q", t.database, t.schema),
			fmt.Sprintf("create it: psql -c 'CREATE SCHEMA %s'; or take schema= out of DATABASE_URL", t.schema)
	case stateNoPrivilege:
		return fmt.Sprintf("PostgreSQL at %s does not let user %q into database %q", t.address, t.user, t.database),
			fmt.Sprintf("as its owner: GRANT CONNECT ON DATABASE %s TO %s", pgx.Identifier{t.database}.Sanitize(), pgx.Identifier{t.user}.Sanitize())
	case stateTooManyConnections:
		return fmt.Sprintf("PostgreSQL at %s has no connection left", t.address),
			"raise max_connections, or lower DB_POOL_MAX of its clients"
	case stateStartingUp:
		return fmt.Sprintf("PostgreSQL at %s is starting up, recovering or shutting down", t.address),
			"wait until pg_isready says that it accepts connections"
	default:
		return fmt.Sprintf("PostgreSQL at %s refused the connection: %s (SQLSTATE %s)", t.address, pg.Message, pg.Code), pg.Hint
	}
}

// unanswered says why it did not come to an answer of PostgreSQL's.
func unanswered(err error, t target) (message, hint string) {
	var dns *net.DNSError
	var schema *wrongSchemaError
	switch cause := decisive(err); {
	case errors.As(cause, &schema):
		return schema.message(), schema.hint()
	case errors.As(cause, &dns) && !dns.IsTemporary && !dns.IsTimeout:
		return fmt.Sprintf("no host is named %q", dns.Name), "check the host in DATABASE_URL"
	case errors.As(cause, &dns):
		return fmt.Sprintf("the name server does not answer for %q", dns.Name), "check the network and the resolver of this machine"
	case wrongKind(err):
		return fmt.Sprintf("none of the servers at %s is of the kind that target_session_attrs asks for", t.address),
			"a standby may be in promotion; otherwise check target_session_attrs"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Sprintf("PostgreSQL at %s did not answer within %s", t.address, t.dialTimeout),
			"check network and firewall; DB_CONNECTION_TIMEOUT_MS sets how long one try may take"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("nothing listens at %s", t.address), "is PostgreSQL running? pg_isready " + t.readyFlags()
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("there is no way through the network to %s", t.address), "check the host in DATABASE_URL, and the routes of this machine"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("the connection to %s was closed before PostgreSQL answered", t.address),
			"is this PostgreSQL's port? its log, or that of the proxy before it, says more"
	case isTLS(err):
		return fmt.Sprintf("no encrypted connection to %s could be made", t.address), "check sslmode and sslrootcert in DATABASE_URL"
	default:
		return fmt.Sprintf("no connection to PostgreSQL at %s", t.address), "is this PostgreSQL's port? pg_isready " + t.readyFlags()
	}
}

// decisive returns the cause that the verdict hangs on: with several hosts, the
// first that waiting cannot mend, else all of them.
func decisive(err error) error {
	for _, leaf := range leaves(err) {
		if verdict(leaf) == permanent {
			return leaf
		}
	}
	return err
}

// isTLS reports that the encryption failed. pgx says so in words alone: of the
// address behind which it happened, and before the cause.
func isTLS(err error) bool {
	s := err.Error()
	return strings.Contains(s, ": tls error: ") || strings.Contains(s, "x509: ")
}

// fault names what a query's error means to the layers above. An error that it
// does not know passes as it is.
func fault(err error, doing string) error {
	if err == nil {
		return nil
	}
	var known *afauth.Error
	if errors.As(err, &known) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case stateUndefinedTable, stateUndefinedColumn, stateUndefinedFunction:
			return &afauth.Error{Code: afauth.CodeSchema, Message: doing + ": the database's schema is not this release's",
				Hint: "see af-auth db migrate status, then run af-auth db migrate deploy", Err: err}
		case stateNoPrivilege:
			return &afauth.Error{Code: afauth.CodeUnavailable, Message: doing + ": the database role may not do this",
				Hint: GrantHint(err), Err: err}
		}
		if strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57") || pg.Code == "25006" {
			return &afauth.Error{Code: afauth.CodeUnavailable, Message: doing + ": the database cannot serve this now", Err: err}
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	// Everything else is the connection: refused, cut, or too slow.
	return &afauth.Error{Code: afauth.CodeUnavailable, Message: doing + ": the database does not answer", Err: err}
}
