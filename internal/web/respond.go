package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
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
	default:
		return page.Status(code)
	}
}

// problem is the JSON form of a fault (RFC 9457).
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code"`
	Access    string `json:"access,omitempty"`
	Reference string `json:"reference"`
}

// fail is the only place where an error becomes an answer. What is told comes
// from the code; what caused it goes to the log, under the same reference.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := afauth.CodeOf(err)
	st := status(code)
	reference := telemetry.RequestID(r.Context())
	switch {
	case code == afauth.CodeUnavailable:
		s.unavailable(r.Context(), err)
	case st >= 500:
		s.Logger.ErrorContext(r.Context(), "request failed", "error_code", code, "error", err)
	case code != afauth.CodeNotSignedIn:
		s.Logger.InfoContext(r.Context(), "request refused", "error_code", code, "error", err)
	}
	switch st {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "30")
	}
	if wantsPage(r) && code != codeMethod && code != codeTooLarge {
		s.failPage(w, r, err, st)
		return
	}
	writeProblem(w, problem{Status: st, Code: string(code), Reference: reference})
}

func (s *Server) failPage(w http.ResponseWriter, r *http.Request, err error, st int) {
	code, to := afauth.CodeOf(err), s.destination(r)
	var d detour
	if errors.As(err, &d) && d.to.Path != "" {
		to = d.to
	}
	chrome := s.chrome(r)
	if st == http.StatusNotFound {
		// Nobody wants to come back to an address that is not there.
		chrome.Path = "/auth/"
	}
	v := page.FailureFor(chrome, page.Incident{
		Code:      code,
		Again:     s.Origin.String() + "/auth/sign-in" + s.Places.Query(to),
		Reference: telemetry.RequestID(r.Context()),
		When:      time.Now(),
	})
	if err := s.render(w, r, st, v); err != nil {
		writeProblem(w, problem{Status: st, Code: string(code), Reference: telemetry.RequestID(r.Context())})
	}
}

func writeProblem(w http.ResponseWriter, p problem) {
	p.Type = "about:blank"
	p.Title = http.StatusText(p.Status)
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
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
	w.Header().Set("Content-Security-Policy", page.CSP())
	if kind, _ := s.host(r); kind != theOwnHost {
		w.Header().Set("Content-Security-Policy", page.GuestCSP(s.Origin.String()))
	}
	w.WriteHeader(st)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes())
	}
	return nil
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
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
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
