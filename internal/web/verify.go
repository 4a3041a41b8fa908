package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/telemetry"
)

// verify answers a proxy: may the browser whose Cookie header this is pass?
//
//	200  with the five identity headers, empty on a public path
//	401  nobody is signed in on this host
//	403  somebody is, who may not come in, or not to this application; or the
//	     path in X-Original-URI can be read in more than one way
//	503  it cannot be known now, which is a no
//
// nginx knows no other refusals: what is neither 2xx, 401 nor 403 it makes 500.
// X-Original-URI counts from trusted proxies only. The host is the one in Host. A
// proxy that calls by another name asks about af-auth's own host, which an
// application may share.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	identity(w.Header(), afauth.User{})
	kind, host := s.host(r)
	if kind == unknownHost {
		host = s.Origin.Host
	}
	switch asked, ok := s.originalURI(r); {
	case !ok:
		no := notPlain(http.StatusForbidden)
		no.RequestID = telemetry.RequestID(r.Context())
		writeProblem(w, *no)
		return nil
	case asked != nil && kind != unknownHost && s.Public.Open(host, asked):
		s.Metrics.GateDecision("public")
		w.WriteHeader(http.StatusOK)
		return nil
	}
	token, ok := s.token(r, host)
	if !ok {
		return s.refuse(w, r, gate.Decision{}, afauth.ErrNotSignedIn)
	}
	d, err := s.check(r, token, host)
	if err != nil {
		return s.refuse(w, r, d, err)
	}
	s.Metrics.GateDecision("allowed")
	identity(w.Header(), d.User)
	w.WriteHeader(http.StatusOK)
	return nil
}

// check asks the gate about an application, and who about a page of our own;
// both tell the log where an outage is over.
func (s *Server) check(r *http.Request, token afauth.Token, host string) (gate.Decision, error) {
	d, err := s.Gate.Check(r.Context(), token, host)
	s.answered(r.Context(), err)
	return d, err
}

func (s *Server) who(r *http.Request, token afauth.Token) (gate.Decision, error) {
	d, err := s.Gate.Who(r.Context(), token, s.Origin.Host)
	s.answered(r.Context(), err)
	return d, err
}

func (s *Server) answered(ctx context.Context, err error) {
	if err == nil || isNo(err) {
		s.available(ctx)
	}
}

// isNo tells an answer of the gate from a fault.
func isNo(err error) bool {
	return errors.Is(err, afauth.ErrNotSignedIn) || errors.Is(err, afauth.ErrNotWhitelisted) || errors.Is(err, afauth.ErrNotForApp)
}

// decision is the gate's no as metrics count it.
func decision(err error) string {
	switch {
	case errors.Is(err, afauth.ErrNotSignedIn):
		return "not_signed_in"
	case errors.Is(err, afauth.ErrNotWhitelisted):
		return "not_whitelisted"
	default:
		return "not_for_app"
	}
}

// refuse answers programs: the proxy shows people a page of its own.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, d gate.Decision, err error) error {
	p := problem{RequestID: telemetry.RequestID(r.Context())}
	switch {
	case errors.Is(err, afauth.ErrNotSignedIn):
		s.Metrics.GateDecision(decision(err))
		p.Status, p.Code, p.Detail = http.StatusUnauthorized, string(afauth.CodeNotSignedIn), "Nobody is signed in on this host."
		p.Hint = "Lead the browser to " + s.Origin.String() + "/auth/sign-in, or on an application's host to /.af-auth/start."
	case errors.Is(err, afauth.ErrNotWhitelisted):
		s.Metrics.GateDecision(decision(err))
		p.Status, p.Code, p.Access = http.StatusForbidden, string(afauth.CodeNotWhitelisted), string(d.Access)
		p.Detail = "Somebody is signed in who may not come in."
		p.Hint = "Lead the browser to " + s.Origin.String() + "/auth/continue: it says why, and what to do."
	case errors.Is(err, afauth.ErrNotForApp):
		s.Metrics.GateDecision(decision(err))
		p.Status, p.Code, p.Access = http.StatusForbidden, string(afauth.CodeNotForApp), string(d.Access)
		p.Detail = "Somebody is signed in whose permission is for other applications."
		p.Hint = "An administrator decides: af-auth allow " + d.User.Handle() + " --app HOST."
	case errors.Is(r.Context().Err(), context.Canceled):
		// Whoever asked has hung up. That is no fault of the database, and
		// there is nobody to answer.
		return nil
	default:
		s.Metrics.GateDecision("unavailable")
		s.unavailable(r.Context(), err)
		w.Header().Set("Retry-After", "1")
		p.Status, p.Code, p.Detail = http.StatusServiceUnavailable, string(afauth.CodeUnavailable), "It cannot be known now who this is, so the answer is no."
		p.Hint = "Ask again after the seconds that Retry-After names. /ready says what is wrong."
	}
	writeProblem(w, p)
	return nil
}

// identityNames are the five headers, in the form that http.Header keeps.
var identityNames = [...]string{"X-Auth-Request-User", "X-Auth-Request-User-Id", "X-Auth-Request-Github-Id", "X-Auth-Request-Email", "X-Auth-Request-Name"}

// identity sets all five headers, each time: one that is missing could be
// filled in by whoever sent the request.
func identity(h http.Header, u afauth.User) {
	// Names are any Unicode; a header is not (RFC 9110, section 5.5).
	said := []string{headerText(u.Login), "", "", headerText(u.Email), url.PathEscape(u.Name)}
	if !u.ID.IsZero() {
		said[1], said[2] = u.ID.String(), strconv.FormatInt(u.GitHubID, 10)
	}
	for i, name := range identityNames {
		h[name] = said[i : i+1 : i+1]
	}
}

// headerText returns s where it is plain ASCII, and percent-encoded otherwise.
func headerText(s string) string {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return url.PathEscape(s)
		}
	}
	return s
}
