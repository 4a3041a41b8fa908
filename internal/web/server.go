package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/signin"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/web/page"
)

// Options is what New needs.
type Options struct {
	// Origin is AF_AUTH_URL: every absolute address comes from it, never from a
	// header.
	Origin *url.URL
	// Apps are the applications' hosts and the names to call them by.
	Apps   map[string]string
	Flow   *signin.Flow
	Places signin.Places
	Gate   *gate.Gate
	People *access.People
	// Admins may decide about people; nil: nobody.
	Admins *access.Admins
	// Watch wakes the caller when a person's access may have changed.
	Watch func(afauth.ID) (woken <-chan struct{}, stop func())
	// Ready lists what must hold for this server to be of use.
	Ready   func(context.Context) []Check
	Pages   *page.Renderer
	Metrics *telemetry.Metrics
	Logger  *slog.Logger
	// Release is the binary's version.
	Release string
	Limits  afauth.SessionLimits
	// Contact is whom to write to; nil: nobody is named.
	Contact *page.Contact
	// ReadsEmail says that the scope for addresses is asked for.
	ReadsEmail bool
	// Place is page.Chrome's: what this server is for.
	Place string
	// Dev shows hints that only make sense beside the simulator.
	Dev bool
	// Program is how people here call af-auth in a shell.
	Program string
	// TrustedProxies may say on whose behalf they speak (X-Forwarded-For), and
	// what was asked of them (X-Forwarded-Uri, X-Original-URI and their kind).
	TrustedProxies []netip.Prefix
	// Public are the paths that the gate opens to anybody.
	Public PublicPaths
	// SignInRate is how many sign-ins one peer may start in a minute.
	SignInRate int
	// MetricsToken opens /metrics on this server; empty: it is not there.
	MetricsToken string
	// Upstream is the application on our own host to which everything goes that
	// is not ours: scheme and host. nil: there is none.
	Upstream *url.URL
}

// Server answers HTTP. It is safe for concurrent use.
type Server struct {
	Options
	mux      *http.ServeMux
	requests *telemetry.Requests
	yeses    map[string]*telemetry.Series // out of memory, by path
	starts   *peerLimiter                 // sign-ins that begin
	returns  *peerLimiter                 // and that come back from GitHub
	messages *peerLimiter                 // words of people who wait
	streams  *places[afauth.ID]           // open pages that wait for news
	cross    *http.CrossOriginProtection
	assets   http.Handler
	outage   *outage
	stop     <-chan struct{}

	gates     map[string]gateRoute // those of them that proxies ask, by path
	upstream  http.Handler         // the route to the application
	transport http.RoundTripper
	insiders  *places[afauth.ID]    // open requests of people to the application
	strangers *places[netip.Prefix] // and of peers, to its public paths
}

// New makes a Server. Its streams end when stop is closed.
func New(stop <-chan struct{}, o Options) *Server {
	s := &Server{
		Options:  o,
		mux:      http.NewServeMux(),
		starts:   newPeerLimiter(o.SignInRate, time.Now),
		returns:  newPeerLimiter(o.SignInRate, time.Now),
		messages: newPeerLimiter(mostMessages, time.Now),
		streams:  newPlaces[afauth.ID](mostStreams, mostStreamsEach),
		cross:    http.NewCrossOriginProtection(),
		assets:   page.Assets(),
		outage:   &outage{now: time.Now},
		stop:     stop,

		gates:     map[string]gateRoute{},
		transport: upstreamTransport(),
		insiders:  newPlaces[afauth.ID](mostOpen, mostOpenEach),
		strangers: newPlaces[netip.Prefix](mostOpen, mostOpenEach),
	}
	var patterns []string
	for _, rt := range s.table() {
		if rt.path == everything {
			patterns = append(patterns, upstreamPattern)
			s.upstream = s.serve(rt)
			continue
		}
		pattern := rt.method + " " + rt.path
		patterns = append(patterns, pattern)
		guarded := s.serve(rt)
		s.mux.Handle(pattern, guarded)
		if rt.gate() {
			s.gates[rt.path] = gateRoute{pattern, guarded}
		}
	}
	s.requests = o.Metrics.Requests(patterns)
	s.yeses = map[string]*telemetry.Series{}
	for _, path := range []string{verifyPath, forwardPath} {
		s.yeses[path] = s.requests.Of("GET "+path, http.MethodGet, http.StatusOK)
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	if s.yesOutOfMemory(w, r, begun) {
		return
	}
	reference := telemetry.NewRequestID()
	r = r.WithContext(telemetry.WithRequestID(r.Context(), reference))
	out := &recorder{ResponseWriter: w, https: s.Origin.Scheme == "https"}
	out.Header()["X-Request-Id"] = []string{reference}
	var pattern string
	defer func() {
		if fault := recover(); fault != nil {
			if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				s.observe(r, pattern, out.status, time.Since(begun))
				panic(fault)
			}
			s.Logger.ErrorContext(r.Context(), "a handler panicked", "fault", fault, "stack", stack())
			if out.status == 0 {
				s.fail(out, r, &afauth.Error{Code: afauth.CodeInternal, Message: "a fault of ours"})
			}
		}
		s.observe(r, pattern, out.status, time.Since(begun))
	}()
	// What proxies ask for each request of each application: no look through the
	// other routes, and a yes carries only what a proxy reads.
	if g, ok := s.gates[r.URL.Path]; ok && canonical(r.URL) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		pattern, out.bare = g.pattern, true
		g.handler.ServeHTTP(out, r)
		return
	}
	secure(out.Header(), out.https)
	upstream := s.forUpstream(r)
	if !canonical(r.URL) && !(upstream && plainForUpstream(r.URL)) {
		s.fail(out, r, errUnplain)
		return
	}
	if upstream {
		pattern = upstreamPattern
		s.upstream.ServeHTTP(out, r)
		return
	}
	var handler http.Handler
	handler, pattern = s.mux.Handler(r)
	if pattern == "" {
		s.noRoute(out, r, handler)
		return
	}
	s.mux.ServeHTTP(out, r)
}

// noRoute answers what matches no route: 405 where the path exists for another
// method, 404 otherwise. An unknown host learns neither.
func (s *Server) noRoute(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	if kind, _ := s.host(r); kind == unknownHost {
		s.fail(w, r, errUnknownHost)
		return
	}
	probe := &statusOnly{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		s.fail(w, r, errMethod)
		return
	}
	if answersSignIn(r.URL.Query()) {
		s.fail(w, r, stray{s.Origin.String() + callbackPath})
		return
	}
	s.fail(w, r, &afauth.Error{Code: afauth.CodeNotFound, Message: "there is no such page"})
}

// gateRoute is a route that proxies ask.
type gateRoute struct {
	pattern string
	handler http.Handler
}

// secure sets what every answer to a browser carries, where nothing else has been
// said. Pages add their own policy.
func secure(h http.Header, https bool) {
	set := func(name, value string) {
		if _, said := h[name]; !said {
			h[name] = []string{value}
		}
	}
	set("X-Content-Type-Options", "nosniff")
	set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	// The address of /.af-auth/enter holds a ticket, and that of GitHub's answer a
	// code. Pages of our own host, which have forms, say another: see render.
	set("Referrer-Policy", "no-referrer")
	set("Cross-Origin-Opener-Policy", "same-origin")
	set("Cross-Origin-Resource-Policy", "same-origin")
	set("Cache-Control", "no-store")
	if https {
		set("Strict-Transport-Security", "max-age=31536000")
	}
}

// observe writes the log line and the numbers. The query is left out: it may
// hold a code or a ticket.
func (s *Server) observe(r *http.Request, pattern string, status int, took time.Duration) {
	level := slog.LevelInfo
	switch pattern {
	case "GET /auth/verify", "GET /auth/forward", "GET /live", "GET /ready", "GET /health", "GET /metrics":
		level = slog.LevelDebug
	}
	if pattern == "" {
		pattern = "other"
	}
	s.requests.Observe(pattern, r.Method, status, took)
	if !s.Logger.Enabled(r.Context(), level) {
		return
	}
	s.Logger.Log(r.Context(), level, "request", "method", s.requests.Method(r.Method), "route", pattern, "status", status,
		"took", took, "peer", s.peer(r).String())
}
