package afauth

import (
	"errors"
	"time"
)

// Code is a stable word for a fault, fit for a page, a log line and a metric.
type Code string

const (
	CodeNotSignedIn      Code = "not_signed_in"
	CodeNotWhitelisted   Code = "not_whitelisted"
	CodeNotForApp        Code = "not_for_this_app"
	CodeNotAdmin         Code = "not_administrator"
	CodeNotFound         Code = "not_found"
	CodeAmbiguous        Code = "ambiguous"
	CodeInvalid          Code = "invalid"
	CodeWrongHost        Code = "wrong_host"
	CodeStateMissing     Code = "state_missing"
	CodeStateExpired     Code = "state_expired"
	CodeStateMismatch    Code = "state_mismatch"
	CodeIssuerMismatch   Code = "issuer_mismatch"
	CodeGitHubDenied     Code = "github_denied"
	CodeGitHubDown       Code = "github_unavailable"
	CodeGitHubLimited    Code = "github_rate_limited"
	CodeGitHubBadCode    Code = "github_code_rejected"
	CodeGitHubBadSetup   Code = "github_misconfigured"
	CodeGitHubUnverified Code = "github_unverified_email"
	CodeTicketInvalid    Code = "ticket_invalid"
	CodeRateLimited      Code = "rate_limited"
	CodeCrossOrigin      Code = "cross_origin"
	CodeUpstreamDown     Code = "upstream_unavailable"
	CodeTooManyOpen      Code = "too_many_open"
	CodeUnavailable      Code = "unavailable"
	CodeSchema           Code = "schema_mismatch"
	CodeInternal         Code = "internal"
)

// Error is a fault that may be told to a person. Message says what happened,
// Hint what to do next; neither holds anything internal. Err is the cause, for
// the log only.
type Error struct {
	Code    Code
	Message string
	Hint    string
	// RetryAfter is when another try may succeed; zero: not known.
	RetryAfter time.Duration
	Err        error
}

// Error returns code, message and cause: the form for logs.
func (e *Error) Error() string {
	s := e.Message
	if s == "" {
		s = string(e.Code)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports equality by code, so that errors.Is(err, ErrNotWhitelisted) holds
// for every error with that code, whatever its message.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns the code of the first Error in the chain, or CodeInternal:
// what nobody classified is never explained to a stranger.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Values for errors.Is.
var (
	ErrNotSignedIn    = &Error{Code: CodeNotSignedIn, Message: "nobody is signed in"}
	ErrNotWhitelisted = &Error{Code: CodeNotWhitelisted, Message: "this person is not on the whitelist"}
	ErrNotForApp      = &Error{Code: CodeNotForApp, Message: "this person's permission is not for this application"}
	ErrNotAdmin       = &Error{Code: CodeNotAdmin, Message: "this person is no administrator"}
	ErrNotFound       = &Error{Code: CodeNotFound, Message: "not found"}
	ErrAmbiguous      = &Error{Code: CodeAmbiguous, Message: "more than one person matches"}
	ErrTicketInvalid  = &Error{Code: CodeTicketInvalid, Message: "this ticket is used, expired, or meant for another browser"}
	ErrUnavailable    = &Error{Code: CodeUnavailable, Message: "the database does not answer"}
)
