package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The kinds of refusal. Each text says what to do next; test for them with
// errors.Is.
var (
	// ErrBadCode: the code of the callback, or its PKCE verifier, was not accepted.
	ErrBadCode = errors.New("the sign-in code is wrong, used or older than 10 minutes; start the sign-in again")
	// ErrBadRefreshToken: the refresh token is spent, expired or revoked.
	ErrBadRefreshToken = errors.New("the refresh token is spent, expired or revoked; the person has to connect GitHub again")
	// ErrBadCredentials: GitHub does not know this client id with this secret.
	ErrBadCredentials = errors.New("the client id or the client secret is wrong; check GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET and GITHUB_URL")
	// ErrRedirectMismatch: the callback is not the registered one.
	ErrRedirectMismatch = errors.New("the callback URL is not registered; add AF_AUTH_URL followed by /auth/github/callback to the app at GitHub")
	// ErrUnverifiedEmail: GitHub gives no token to a person without a verified primary address.
	ErrUnverifiedEmail = errors.New("the person has no verified primary e-mail address at GitHub; verify it there and sign in again")
	// ErrNotFound: there is no such account.
	ErrNotFound = errors.New("there is no such account; check the login or the id")
	// ErrForbidden: the token is valid and may not do this: an organisation
	// restricts the app, or the app lacks a permission.
	ErrForbidden = errors.New("the app may not do this; an owner of the organisation has to approve it, or the app lacks a permission")
	// ErrRateLimited: too many calls; [Error.RetryAfter] says when to come back.
	ErrRateLimited = errors.New("too many calls; try again later")
	// ErrUnavailable: no answer, a 5xx, or one that is not GitHub's. Whether
	// the call took effect is not known.
	ErrUnavailable = errors.New("no usable answer; try again, and see githubstatus.com")
	// ErrTokenInvalid: the access token has ended.
	ErrTokenInvalid = errors.New("the access token has expired or was revoked; the person has to sign in again")
)

// Error is what every failed call returns.
type Error struct {
	// Op is what was being done, for instance "exchange code".
	Op string
	// Status is the HTTP status, 0 where no answer came.
	Status int
	// Code is OAuth's error code in GitHub's words, for instance
	// "bad_verification_code"; "" outside the token endpoint.
	Code string
	// Description is GitHub's sentence, or the fault of the transport, at
	// most 200 characters, without secrets and control characters.
	Description string
	// RetryAfter is how long GitHub asks to wait; 0 where it did not say.
	RetryAfter time.Duration

	kind  error // one of the sentinels, or nil
	cause error // context.Canceled or context.DeadlineExceeded, or nil
}

// Error says what was being done, what it means and what GitHub said.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("github: " + e.Op)
	if e.kind != nil {
		b.WriteString(": " + e.kind.Error())
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Description != "" {
		b.WriteString(": " + e.Description)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %s", e.RetryAfter)
	}
	return b.String()
}

// Unwrap gives errors.Is the kind, and context.Canceled or
// context.DeadlineExceeded where one of them was the reason.
func (e *Error) Unwrap() []error {
	var all []error
	if e.kind != nil {
		all = append(all, e.kind)
	}
	if e.cause != nil {
		all = append(all, e.cause)
	}
	return all
}

// broken is the error of a call without a whole answer. The caller's own
// cancellation is not GitHub's fault, so it is no ErrUnavailable.
func (k call) broken(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &Error{Op: k.op, Description: "the caller gave up", cause: context.Canceled}
	}
	e := &Error{Op: k.op, kind: ErrUnavailable}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Description, e.cause = "no answer in time", context.DeadlineExceeded
		return e
	}
	// A url.Error repeats the whole address; what it wraps is enough.
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	e.Description = k.clean(err.Error())
	return e
}

// malformed is the error of an answer that GitHub would not give.
func (k call) malformed(a answer, what string) error {
	return &Error{Op: k.op, Status: a.status, Description: k.clean(what), RetryAfter: retryAfter(a.header), kind: ErrUnavailable}
}

// passing sorts out the refusals that say nothing about the request itself:
// limits, faults and redirects. It returns nil for all others.
func (k call) passing(a answer) error {
	e := &Error{Op: k.op, Status: a.status, RetryAfter: retryAfter(a.header)}
	limited := a.header.Get("Retry-After") != "" || a.header.Get("X-RateLimit-Remaining") == "0" || saysLimit(a.body)
	switch {
	case a.status == http.StatusTooManyRequests, a.status == http.StatusForbidden && limited:
		e.kind = ErrRateLimited
	case a.status >= 500 || a.status == http.StatusRequestTimeout:
		e.kind = ErrUnavailable
	case a.status >= 300 && a.status < 400:
		e.kind, e.Description = ErrUnavailable, "a redirect, which is not followed; check GITHUB_URL"
	default:
		return nil
	}
	return e
}

// saysLimit recognises a secondary limit that comes without headers.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
func saysLimit(body []byte) bool {
	var said struct {
		Message string `json:"message"`
	}
	return json.Unmarshal(body, &said) == nil && strings.Contains(strings.ToLower(said.Message), "rate limit")
}

// Wait reports whether a call failed because GitHub asks us to wait, and for how
// long: where it did not say, the minute that its documentation asks for.
func Wait(err error) (time.Duration, bool) {
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrRateLimited) {
		return 0, false
	}
	if e.RetryAfter == 0 {
		return time.Minute, true
	}
	return e.RetryAfter, true
}

// refused turns an answer of the REST API other than 200 or 204 into an error.
//
// A 401, 403 or 404 counts as GitHub's word only with GitHub's error body: a
// proxy's own page must not end anybody's token.
func (k call) refused(a answer) error {
	if err := k.passing(a); err != nil {
		return err
	}
	var body struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(a.body, &body) != nil || body.Message == "" || a.status < 400 {
		return k.malformed(a, "the answer is not in GitHub's form; something between here and GitHub may have given it")
	}
	e := &Error{Op: k.op, Status: a.status, Description: k.clean(body.Message)}
	switch a.status {
	case http.StatusUnauthorized:
		e.kind = k.unauthorized
	case http.StatusForbidden:
		e.kind = ErrForbidden
	case http.StatusNotFound:
		e.kind = k.notFound
	}
	return e
}

// tokenForm matches every kind of GitHub token, today's and the longer ones to come.
var tokenForm = regexp.MustCompile(`gh[a-z]_[A-Za-z0-9._-]{36,}`)

// clean makes text from outside safe for an error: the call's secrets and all
// that looks like a token are taken out, control characters become spaces, and
// at most 200 characters stay.
func (k call) clean(s string) string {
	for _, secret := range k.secrets {
		if secret == "" {
			continue
		}
		s = strings.ReplaceAll(s, secret, redacted)
		s = strings.ReplaceAll(s, url.QueryEscape(secret), redacted)
	}
	s = tokenForm.ReplaceAllString(s, redacted)
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(s); len(runes) > 200 {
		s = string(runes[:200])
	}
	return s
}

// retryAfter reads Retry-After (seconds or a date, RFC 9110 10.2.3), else
// X-RateLimit-Reset. Times are compared with the answer's own Date, so that it
// does not matter if our clock and GitHub's differ. The longest is 24 hours.
func retryAfter(h http.Header) time.Duration {
	date, dateErr := http.ParseTime(h.Get("Date"))
	var wait time.Duration
	if s := h.Get("Retry-After"); s != "" {
		if n, err := strconv.ParseInt(s, 10, 32); err == nil {
			wait = time.Duration(n) * time.Second
		} else if at, err := http.ParseTime(s); err == nil && dateErr == nil {
			wait = at.Sub(date)
		}
	} else if h.Get("X-RateLimit-Remaining") == "0" && dateErr == nil {
		if n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			wait = time.Unix(n, 0).Sub(date)
		}
	}
	return max(0, min(wait, 24*time.Hour))
}
