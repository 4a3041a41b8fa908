package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/web/page"
)

// folder is ours on every application's host.
const folder = "/.af-auth/"

// forwardAuth answers Caddy's forward_auth and Traefik's forwardAuth: may the
// request that X-Forwarded-Method, -Host and -Uri describe pass? Both hand any
// answer but a 2xx to the browser, with its cookies.
//
//	200  with the five identity headers, empty on a public path
//	302  a person who opens a page, and may not yet: on to our own host
//	303  what lies in /.af-auth/ on an application's host answers here
//	401  nobody is signed in
//	403  somebody is, who may not come in, or not to this application
//	400  the path can be read in more than one way, or a header is amiss
//	421  the host is none of ours
//	503  it cannot be known now, which is a no
//
// 400 and 421, and 404 in /.af-auth/, are pages for a person who opens one.
func (s *Server) forwardAuth(w http.ResponseWriter, r *http.Request) error {
	identity(w.Header(), afauth.User{})
	asked, no := s.forwarded(r)
	if no != nil {
		about := []any{"error_code", no.Code, "error", no.Detail}
		if no.Code == string(afauth.CodeWrongHost) {
			about = append(about, "host", bounded(asked.Host))
		}
		s.Logger.InfoContext(r.Context(), "request refused", about...)
		s.sayNo(w, asked, *no)
		return nil
	}
	if err := s.pass(w, asked); err != nil {
		// Told on the host that the browser sees, not on the one that the proxy calls.
		s.fail(w, asked, err)
	}
	return nil
}

// sayNo says to a person who opens a page why the gate does not lead on from
// here, and to everything else in JSON. asked is nil where it is not known what
// was asked for.
func (s *Server) sayNo(w http.ResponseWriter, asked *http.Request, no problem) {
	if asked != nil {
		no.RequestID = telemetry.RequestID(asked.Context())
		if navigates(asked) {
			s.failPage(w, asked, nil, page.Incident{Code: afauth.Code(no.Code), Reference: no.RequestID, When: time.Now(), Unplain: no.unplain})
			return
		}
	}
	writeProblem(w, no)
}

// pass decides about a request as the browser sent it.
func (s *Server) pass(w http.ResponseWriter, asked *http.Request) error {
	kind, host := s.host(asked)
	switch {
	case s.Public.Open(host, asked.URL):
		s.Metrics.GateDecision("public")
		w.WriteHeader(http.StatusOK)
		return nil
	case strings.HasPrefix(asked.URL.Path, folder):
		return s.inFolder(w, asked, kind)
	}
	token, ok := s.token(asked, host)
	d, err := gate.Decision{}, error(afauth.ErrNotSignedIn)
	if ok {
		d, err = s.check(asked, token, host)
	}
	switch {
	case err == nil:
		s.Metrics.GateDecision("allowed")
		identity(w.Header(), d.User)
		w.WriteHeader(http.StatusOK)
		return nil
	case !s.leads(asked, kind):
		return s.refuse(w, asked, d, err)
	case !isNo(err):
		s.Metrics.GateDecision("unavailable")
		return err
	}
	s.Metrics.GateDecision(decision(err))
	if kind == anAppHost {
		return s.toOwnHost(w, asked, asked.RequestURI)
	}
	to := s.Places.Parse(s.Origin.String()+asked.RequestURI, "")
	next := "/auth/continue"
	if errors.Is(err, afauth.ErrNotSignedIn) {
		next = "/auth/sign-in"
	}
	// Traefik makes a relative address one of its own view of us.
	w.Header().Set("Location", s.Origin.String()+next+s.Places.Query(to))
	w.WriteHeader(http.StatusFound)
	return nil
}

// inFolder answers what is ours on an application's host, so that a proxy needs
// no route for it.
func (s *Server) inFolder(w http.ResponseWriter, asked *http.Request, kind hostKind) error {
	handlers := map[string]handler{folder + "start": s.start, folder + "enter": s.enter}
	handle := handlers[asked.URL.Path]
	switch {
	case handle == nil || kind != anAppHost:
		s.sayNo(w, asked, s.problemFor(page.Incident{Code: afauth.CodeNotFound}))
		return nil
	case asked.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		return errMethod
	}
	return handle(w, asked)
}

// leads reports whether a person can be led on from here. Pages of our own that a proxy asks about by mistake would lead to themselves.
func (s *Server) leads(asked *http.Request, kind hostKind) bool {
	return navigates(asked) && !(kind == theOwnHost && ownPage(asked.URL.Path))
}

// ownPage reports whether a path of our own host is af-auth's and no
// application's.
func ownPage(path string) bool { return path == "/auth" || strings.HasPrefix(path, "/auth/") }

// forwarded returns the request as the browser sent it, with the host in our
// form; or what is wrong with what the proxy says, and then as much of the
// request as an answer needs, or nil.
func (s *Server) forwarded(r *http.Request) (*http.Request, *problem) {
	said := map[string]string{}
	for _, name := range []string{"X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri"} {
		values, wrong := r.Header.Values(name), isControl
		if name == "X-Forwarded-Method" {
			wrong = notToken
		}
		if len(values) != 1 || values[0] == "" || len(values[0]) > longestTarget || strings.ContainsFunc(values[0], wrong) {
			return nil, &problem{Status: http.StatusBadRequest, Code: string(afauth.CodeInvalid), RequestID: telemetry.RequestID(r.Context()),
				Detail: "The proxy does not say once and in plain text what was asked for (" + name + "). Nobody was let in.",
				Hint:   "For the administrator: the proxy must set X-Forwarded-Method, X-Forwarded-Host and X-Forwarded-Uri, each once, as forward_auth of Caddy and forwardAuth of Traefik do."}
		}
		said[name] = values[0]
	}
	asked := r.WithContext(r.Context())
	asked.Method, asked.URL, asked.RequestURI = said["X-Forwarded-Method"], &url.URL{Path: "/"}, "/"
	asked.Host = plainHost(said["X-Forwarded-Host"], s.Origin.Scheme)
	// nginx's word for the same, which here only the browser can have said.
	asked.Header = r.Header.Clone()
	asked.Header.Del("X-Original-Uri")
	u, ok := target(said["X-Forwarded-Uri"])
	if !ok {
		return asked, notPlain(http.StatusBadRequest)
	}
	if kind, _ := s.host(asked); kind == unknownHost {
		return asked, &problem{Status: http.StatusMisdirectedRequest, Code: string(afauth.CodeWrongHost),
			Detail: "The host that was asked for is neither af-auth's own nor an application's. Nobody was let in.",
			Hint:   "For the administrator: add the host to AF_AUTH_HOSTS, as it stands in the address bar."}
	}
	asked.URL, asked.RequestURI = u, said["X-Forwarded-Uri"]
	return asked, nil
}

// notPlain refuses a path that an application might read as another one.
func notPlain(status int) *problem {
	return &problem{Status: status, Code: string(afauth.CodeInvalid), unplain: true,
		Detail: "The address that was asked for is not in its one plain form, so it could be read in more than one way. Nobody was let in.",
		Hint:   "Leave out // and /../ and escapes that no path needs, such as %2F and %2E."}
}

// notToken holds for what no method has in it (RFC 9110, section 5.6.2).
func notToken(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// fromProxy reports whether the connection comes from a trusted proxy, whomever
// it speaks for.
func (s *Server) fromProxy(r *http.Request) bool {
	socket, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && s.trusted(socket.Addr().Unmap())
}

// originalURI is what nginx says was asked for; nil where it says nothing, or
// where somebody else does. ok is false where it cannot be read in one way.
func (s *Server) originalURI(r *http.Request) (u *url.URL, ok bool) {
	values := r.Header.Values("X-Original-Uri")
	if len(values) == 0 || !s.fromProxy(r) {
		return nil, true
	}
	if len(values) > 1 {
		return nil, false
	}
	return target(values[0])
}
