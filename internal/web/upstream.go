package web

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/signin"
)

const (
	// everything is the route of the application behind this server; what is
	// ours never reaches it.
	everything = "/{path...}"
	// upstreamPattern is how the log and the metrics call it.
	upstreamPattern = "upstream"
)

// ownPath reports whether a path is one of af-auth's, and never the
// application's. It goes by what the path says once it is decoded, so that no
// spelling of ours gets through to the application.
func (s *Server) ownPath(p string) bool {
	switch p {
	case "/auth", "/.af-auth", "/live", "/ready", "/health":
		return true
	case "/metrics":
		return s.MetricsToken != ""
	}
	return strings.HasPrefix(p, "/auth/") || strings.HasPrefix(p, "/.af-auth/")
}

// forUpstream reports whether a request is the application's business.
func (s *Server) forUpstream(r *http.Request) bool {
	return s.Upstream != nil && !s.ownPath(r.URL.Path)
}

// upstreamTransport speaks to the application. There is no limit on how long an
// answer may take: some applications hold a request until there is news.
func upstreamTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     60 * time.Second,
		// What the browser accepts is between it and the application.
		DisableCompression: true,
		// 1 MiB of headers is no answer any more.
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
	}
}

// toUpstream asks the gate and hands the request on to the application.
func (s *Server) toUpstream(w http.ResponseWriter, r *http.Request) error {
	if switches(r.Header) && r.ContentLength != 0 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "a WebSocket that begins with a body"}
	}
	if s.Public.Open(s.Origin.Host, r.URL) {
		s.Metrics.GateDecision("public")
		return s.carry(w, r, gate.Decision{}, "")
	}
	token, ok := s.token(r, s.Origin.Host)
	if !ok {
		return s.turnBack(w, r, gate.Decision{}, afauth.ErrNotSignedIn)
	}
	d, err := s.check(r, token, s.Origin.Host)
	if err != nil {
		return s.turnBack(w, r, d, err)
	}
	s.Metrics.GateDecision("allowed")
	return s.carry(w, r, d, token)
}

// carry hands the request on, and watches it for the person with this token; of
// a public path, for nobody.
func (s *Server) carry(w http.ResponseWriter, r *http.Request, d gate.Decision, token afauth.Token) error {
	leave, err := s.occupy(r, d.User.ID)
	if err != nil {
		return err
	}
	defer leave()
	// The application answers for its own headers; ours come back with our words.
	ours := w.Header().Clone()
	only(w.Header(), "X-Request-Id")
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	out := newPassage(ctx, w, r.Body)
	inner := r.WithContext(ctx)
	if token != "" {
		held := time.AfterFunc(settled, func() { s.hold(inner, token, d, out, end) })
		defer held.Stop()
	}
	defer out.rest()

	var failed error
	proxy := httputil.ReverseProxy{
		Transport:      s.transport,
		FlushInterval:  -1, // a line of a stream is not held back
		Rewrite:        func(pr *httputil.ProxyRequest) { s.rewrite(pr, d.User) },
		ModifyResponse: out.modify,
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		ErrorLog:       slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	if r.ContentLength != 0 {
		inner.Body = out.body()
	}
	proxy.ServeHTTP(out, inner)
	if failed == nil || out.begun.Load() {
		return nil
	}
	clear(w.Header())
	maps.Copy(w.Header(), ours)
	return s.notPassed(w, r, d, failed, context.Cause(ctx))
}

// notPassed answers where the application has not.
func (s *Server) notPassed(w http.ResponseWriter, r *http.Request, d gate.Decision, failed, ended error) error {
	var e *afauth.Error
	switch {
	case errors.As(ended, &e): // by hold: the person may not go on
		return s.refuse(w, r, d, ended)
	case ended != nil:
		s.Logger.DebugContext(r.Context(), "nobody waits for the answer any more", "error", failed)
		return nil
	}
	return detour{&afauth.Error{Code: afauth.CodeUpstreamDown, Message: "the application cannot be reached", Err: failed}, here(r)}
}

// turnBack answers who may not pass: a page's visitor is led to where it goes
// on, and everything else gets a status that a script can read.
func (s *Server) turnBack(w http.ResponseWriter, r *http.Request, d gate.Decision, err error) error {
	to := here(r)
	switch {
	case !navigates(r):
		return s.refuse(w, r, d, err)
	case !isNo(err):
		s.Metrics.GateDecision("unavailable")
		return detour{err, to}
	}
	s.Metrics.GateDecision(decision(err))
	next := "/auth/continue" // says why, and what to do
	if errors.Is(err, afauth.ErrNotSignedIn) {
		next = "/auth/sign-in"
	}
	return seeOther(w, next+s.Places.Query(to))
}

// here is the page that was asked for.
func here(r *http.Request) signin.Destination {
	return signin.Destination{Path: signin.LocalPath(r.URL.RequestURI())}
}

// navigates reports whether the answer will be shown to a person as a page, and
// not to a program on one, which would take a sign-in page for its data.
// Sec-Fetch-Mode says so where the browser sends it, and scripts cannot set it;
// older browsers are known by what they accept.
func navigates(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if mode := r.Header.Values("Sec-Fetch-Mode"); len(mode) > 0 {
		return mode[0] == "navigate"
	}
	return wantsPage(r)
}

// only keeps one header.
func only(h http.Header, name string) {
	kept := h[name]
	clear(h)
	if kept != nil {
		h[name] = kept
	}
}
