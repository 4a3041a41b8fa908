package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
)

// guard says who may reach a route at all. The zero value lets nobody in, so a
// route whose guard was forgotten is closed.
type guard int

const (
	_ guard = iota
	// anyHost: for machines that know the server by another name.
	anyHost
	// ownHost: af-auth's own host only.
	ownHost
	// ownHostStart and ownHostReturn: as ownHost, and at a rate for each peer. A
	// sign-in passes both, on the way to GitHub and back, and each has buckets of
	// its own: with one for the two, whoever never comes back starts twice as many.
	ownHostStart
	ownHostReturn
	// ownHostPost: as ownHost, and refused where another site sent the form.
	ownHostPost
	// ownHostAdmin: as ownHost, and for administrators only, who are allowed too.
	ownHostAdmin
	// ownHostAdminPost: as ownHostAdmin, and refused where another site sent the
	// form.
	ownHostAdminPost
	// appHost: an application's host only.
	appHost
	// trustedProxy: under any name, but only from a proxy in TrustedProxies.
	trustedProxy
)

func (g guard) String() string {
	return [...]string{"closed", "any host", "own host", "own host, rate limited", "own host, rate limited", "own host, same origin",
		"own host, administrator", "own host, administrator, same origin", "application host", "trusted proxy"}[g]
}

// handler answers a request or returns why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one line of the table. It is always written without field names, so
// that a line without a guard does not compile.
type route struct {
	method string
	path   string
	guard  guard
	handle handler
}

func (s *Server) table() []route {
	routes := []route{
		{"GET", "/{$}", ownHost, redirectTo("/auth/")},
		{"GET", "/auth/{$}", ownHost, s.home},
		{"GET", "/auth", ownHost, redirectTo("/auth/")},
		{"GET", "/auth/sign-in", ownHost, s.signIn},
		{"GET", "/auth/github", ownHostStart, s.toGitHub},
		{"GET", callbackPath, ownHostReturn, s.fromGitHub},
		{"GET", "/auth/continue", ownHost, s.goOn},
		{"GET", "/auth/waiting", ownHost, s.waiting},
		{"GET", "/auth/waiting/events", ownHost, s.waitingEvents},
		{"GET", "/auth/waiting/message", ownHost, s.askMessage},
		{"POST", "/auth/waiting/message", ownHostPost, s.keepMessage},
		{"GET", "/auth/refused", ownHost, s.refused},
		{"GET", "/auth/sign-out", ownHost, s.askSignOut},
		{"POST", "/auth/sign-out", ownHostPost, s.signOut},
		{"GET", "/auth/signed-out", ownHost, s.signedOut},
		{"GET", "/auth/about", ownHost, s.about},
		{"POST", "/auth/theme", ownHostPost, s.theme},
		{"GET", "/auth/assets/{name}", anyHost, s.asset},
		{"GET", "/auth/verify", anyHost, s.verify},
		{"GET", "/auth/forward", trustedProxy, s.forwardAuth},
		{"GET", "/.af-auth/start", appHost, s.start},
		{"GET", "/.af-auth/enter", appHost, s.enter},
		{"GET", "/live", anyHost, s.live},
		{"GET", "/ready", anyHost, s.ready},
		{"GET", "/health", anyHost, s.health},
	}
	routes = append(routes, s.console()...)
	if s.MetricsToken != "" {
		routes = append(routes, route{"GET", "/metrics", anyHost, s.metrics})
	}
	if s.Upstream != nil {
		// Not by the mux: see forUpstream. With it, the line for "/" is not reached.
		routes = append(routes, route{"any", everything, ownHost, s.toUpstream})
	}
	return routes
}

// console is where administrators decide about people.
func (s *Server) console() []route {
	return []route{
		{"GET", "/auth/people", ownHostAdmin, s.people},
		{"GET", "/auth/people/events", ownHostAdmin, s.peopleEvents},
		{"GET", "/auth/people/allow", ownHostAdmin, s.askAllow},
		{"POST", "/auth/people/allow", ownHostAdminPost, s.allowSomebody},
		{"GET", "/auth/people/{id}", ownHostAdmin, s.person},
		{"POST", "/auth/people/{id}/allow", ownHostAdminPost, s.allowPerson},
		{"POST", "/auth/people/{id}/refuse", ownHostAdminPost, s.refusePerson},
		{"GET", "/auth/people/{id}/revoke", ownHostAdmin, s.askRevoke},
		{"POST", "/auth/people/{id}/revoke", ownHostAdminPost, s.revokePerson},
		{"GET", "/auth/people/{id}/sign-out", ownHostAdmin, s.askEndSessions},
		{"POST", "/auth/people/{id}/sign-out", ownHostAdminPost, s.endSessions},
		{"POST", "/auth/people/{id}/sessions/{session}/end", ownHostAdminPost, s.endSession},
	}
}

// RouteInfo describes a route for `af-auth routes`.
type RouteInfo struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Guard  string `json:"guard"`
}

// Routes lists the whole table, including what is there only when configured.
func Routes() []RouteInfo {
	s := &Server{Options: Options{MetricsToken: "listed", Upstream: &url.URL{}}}
	var out []RouteInfo
	for _, rt := range s.table() {
		out = append(out, RouteInfo{rt.method, rt.path, rt.guard.String()})
	}
	return out
}

// answerWithin is how long the database may keep a request waiting. Behind it
// the answer is that it cannot be known now, which is a no.
const answerWithin = 2500 * time.Millisecond

// gate says of a route that proxies ask it.
func (rt route) gate() bool { return rt.path == "/auth/verify" || rt.path == "/auth/forward" }

// patient says of a route that it bounds its questions to the database itself:
// because it waits for more than that, for GitHub, for somebody to decide, or for
// an application; or because it mostly asks none.
func (rt route) patient() bool {
	switch rt.path {
	case "/auth/verify", "/auth/forward", callbackPath, "/auth/waiting/events", "/auth/people/events", everything:
		return true
	default:
		// To allow a login is to ask GitHub whose it is.
		return rt.path == "/auth/people/allow" && rt.method == http.MethodPost
	}
}

// serve puts the guard before the handler, and the renderer of errors behind.
func (s *Server) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !rt.patient() {
			ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
			defer cancel()
			r = r.WithContext(ctx)
		}
		err := s.admit(rt.guard, r)
		if err == nil && rt.guard == ownHostAdminPost {
			// To its end, before it is looked who sends it: a form whose end is held
			// back must not be decided by who its sender was before.
			err = readForm(w, r)
		}
		if err == nil && rt.guard.admins() {
			r, err = s.asAdmin(r)
		}
		switch {
		case err == nil:
			err = rt.handle(w, r)
		case rt.guard == ownHostAdmin && wantsPage(r):
			err = s.notAdmin(w, r, err)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

func (s *Server) admit(g guard, r *http.Request) error {
	switch g {
	case anyHost:
		return nil
	case trustedProxy:
		if !s.fromProxy(r) {
			return &afauth.Error{Code: codeUntrusted, Message: r.RemoteAddr + " is not in AF_AUTH_TRUSTED_PROXIES"}
		}
		return nil
	}
	kind, _ := s.host(r)
	switch g {
	case appHost:
		if kind != anAppHost {
			return errUnknownHost
		}
		return nil
	case ownHost, ownHostStart, ownHostReturn, ownHostPost, ownHostAdmin, ownHostAdminPost:
		if kind != theOwnHost {
			return errUnknownHost
		}
	default:
		return &afauth.Error{Code: afauth.CodeNotFound, Message: "this route has no guard"}
	}
	if limiter := s.limiter(g); limiter != nil {
		if err := opened(r); err != nil {
			return err
		}
		if s.counted(g, r) && !limiter.allow(s.peer(r)) {
			s.Metrics.SignInRateLimited()
			return &afauth.Error{Code: afauth.CodeRateLimited, Message: "too many sign-ins from one address"}
		}
	}
	if g == ownHostPost || g == ownHostAdminPost {
		err := s.cross.Check(r)
		// The standard library compares hosts; we know our scheme as well.
		if o := r.Header.Get("Origin"); err == nil && o != "" && o != "null" && o != s.Origin.String() {
			err = errors.New("Origin is " + strconv.Quote(o))
		}
		// What is neither said by Sec-Fetch-Site nor by Origin does not come from a
		// browser of the last years, and decides about nobody.
		if err == nil && g == ownHostAdminPost && r.Header.Get("Sec-Fetch-Site") == "" && (r.Header.Get("Origin") == "" || r.Header.Get("Origin") == "null") {
			err = errors.New("neither Origin nor Sec-Fetch-Site says where the form stood")
		}
		if err != nil {
			return &afauth.Error{Code: afauth.CodeCrossOrigin, Message: "the form was sent by another site", Err: err}
		}
	}
	return nil
}

// opened returns an error where the browser says that a page of another site asks
// for something as its part: a picture, a frame, a script. With twenty pictures
// such a page would use up the sign-ins of all who share its visitor's address.
// A service worker of our own host asks as a part, too, for what a person opens.
// What a browser asks for ahead, nobody has opened yet, whichever page hints at it.
func opened(r *http.Request) error {
	if purpose := r.Header.Get("Sec-Purpose"); strings.HasPrefix(purpose, "prefetch") {
		return &afauth.Error{Code: afauth.CodeCrossOrigin, Message: "asked for ahead, and no sign-in",
			Err: errors.New("Sec-Purpose is " + strconv.Quote(purpose))}
	}
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	if r.Header.Get("Sec-Fetch-Site") == "same-origin" || mode == "" || mode == "navigate" && (dest == "" || dest == "document") {
		return nil
	}
	return &afauth.Error{Code: afauth.CodeCrossOrigin, Message: "a part of another site's page, and no sign-in",
		Err: errors.New("Sec-Fetch-Mode is " + strconv.Quote(mode) + ", Sec-Fetch-Dest " + strconv.Quote(dest))}
}

// counted reports whether a request takes from its guard's buckets. What another
// site can have a browser ask for takes nothing, and does nothing: a start gets
// the sign-in page, where a person presses the button, and a return without its
// cookie is none.
func (s *Server) counted(g guard, r *http.Request) bool {
	if g == ownHostStart {
		return !fromElsewhere(r)
	}
	_, begun := s.cookie(r, s.Origin.Host, stateCookie, stateSuffix(r.URL.Query().Get("state")))
	return begun
}

// fromElsewhere reports whether the browser says that a page of another site led
// here.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

// limiter holds the buckets that a guard takes from; nil: it takes from none.
func (s *Server) limiter(g guard) *peerLimiter {
	switch g {
	case ownHostStart:
		return s.starts
	case ownHostReturn:
		return s.returns
	default:
		return nil
	}
}

func redirectTo(path string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, path, http.StatusFound)
		return nil
	}
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	// An error page on an application's host takes its style from here.
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	s.assets.ServeHTTP(w, r)
	return nil
}
