package web

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/web/page"
)

// status is how a fault is said in HTTP.
func status(code afauth.Code) int {
	switch code {
	case codeMethod:
		return http.StatusMethodNotAllowed
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeUntrusted:
		return http.StatusUnauthorized
	default:
		return page.Status(code)
	}
}

// fail is the only place where an error becomes an answer. What is told comes
// from the code; what caused it goes to the log, under the same reference.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := afauth.CodeOf(err)
	st := status(code)
	in := incident(err, telemetry.RequestID(r.Context()))
	switch {
	case code == afauth.CodeUnavailable, code == afauth.CodeSchema:
		s.unavailable(r.Context(), err)
	case st >= 500:
		s.Logger.ErrorContext(r.Context(), "request failed", "error_code", code, "error", err)
	case code == afauth.CodeWrongHost:
		s.Logger.InfoContext(r.Context(), "request refused", "error_code", code, "error", err, "host", bounded(r.Host))
	case code != afauth.CodeNotSignedIn:
		s.Logger.InfoContext(r.Context(), "request refused", "error_code", code, "error", err)
	}
	askToWait(w, st, in.RetryAfter)
	if wantsPage(r) && code != codeMethod && code != codeTooLarge && code != codeUntrusted {
		s.failPage(w, r, err, in)
		return
	}
	writeProblem(w, s.problemFor(in))
}

// askToWait says when to come back, where that is known or can be guessed.
func askToWait(w http.ResponseWriter, st int, wait time.Duration) {
	switch {
	case wait > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	case st == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case st == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "30")
	}
}

// retryAfter is when another try may succeed, where the fault knows.
func retryAfter(err error) time.Duration {
	var e *afauth.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func (s *Server) failPage(w http.ResponseWriter, r *http.Request, err error, in page.Incident) {
	to := s.destination(r)
	var d detour
	if errors.As(err, &d) && d.to.Path != "" {
		to = d.to
	}
	st, chrome := status(in.Code), s.chrome(r)
	if st == http.StatusNotFound {
		// Nobody wants to come back to an address that is not there.
		chrome.Path = "/auth/"
	}
	in.Again = s.Origin.String() + "/auth/sign-in" + s.Places.Query(to)
	if err := s.render(w, r, st, page.FailureFor(chrome, in)); err != nil {
		writeProblem(w, s.problemFor(in))
	}
}

// wantsPage tells a person from a program.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// render writes a whole page, or nothing: a template that fails half-way must
// not leave half a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, st int, v page.View) error {
	var body bytes.Buffer
	if err := s.Pages.Render(&body, v); err != nil {
		s.Logger.ErrorContext(r.Context(), "page not rendered", "error", err)
		return &afauth.Error{Code: afauth.CodeInternal, Message: "the page could not be drawn", Err: err}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", page.CSP(s.formEnds(r, v)...))
	// With no-referrer a browser sends a form from the origin "null", and one that
	// has no Sec-Fetch-Site to say better could not sign out. Our own host may
	// hear our own addresses, and nobody else does.
	w.Header().Set("Referrer-Policy", "same-origin")
	if kind, _ := s.host(r); kind != theOwnHost {
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Content-Security-Policy", page.GuestCSP(s.Origin.String()))
	}
	w.WriteHeader(st)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes())
	}
	return nil
}

// formEnds are the origins outside our host where a form of this page can end up:
// whoever is let in while they wait or write a message is led on to their
// application by the answer, and Chromium holds form-action against each redirect.
func (s *Server) formEnds(r *http.Request, v page.View) []string {
	switch v.(type) {
	case page.Waiting, page.Message:
	default:
		return nil
	}
	to := s.destination(r)
	if to.Host == "" {
		return nil
	}
	return []string{s.Origin.Scheme + "://" + to.Host}
}

// seeOther answers with 303, so that a form is never sent twice (RFC 9700,
// section 4.12).
func seeOther(w http.ResponseWriter, url string) error {
	w.Header().Set("Location", url)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
	// bare says that a yes goes to a proxy, without what browsers are told. A no
	// may be handed to one.
	bare, https bool
}

func (w *recorder) WriteHeader(status int) {
	switch {
	case w.bare && status == http.StatusOK:
		w.Header()["Cache-Control"] = noStore
	case w.bare:
		secure(w.Header(), w.https)
	}
	if w.status == 0 && status >= 200 { // what comes before that is no answer yet
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Hijack hands over the connection, for a protocol that was switched to.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// statusOnly asks the mux what it would have answered.
type statusOnly struct {
	header http.Header
	status int
}

func (w *statusOnly) Header() http.Header         { return w.header }
func (w *statusOnly) WriteHeader(status int)      { w.status = status }
func (w *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

func stack() string { return string(debug.Stack()) }
