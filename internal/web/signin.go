package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/signin"
	"github.com/af-auth/af-auth/internal/web/page"
)

// destination is where the person goes on to, as carried through our pages.
func (s *Server) destination(r *http.Request) signin.Destination {
	q := r.URL.Query()
	return s.Places.Parse(q.Get("return_to"), q.Get("nonce"))
}

// visitor is who has a session on our own host.
func (s *Server) visitor(r *http.Request) (gate.Decision, error) {
	token, ok := s.token(r, s.Origin.Host)
	if !ok {
		return gate.Decision{}, afauth.ErrNotSignedIn
	}
	return s.who(r, token)
}

// signIn shows the page with the one button. Who is signed in already goes on,
// and who was told no sees that it still is no, unless another account is wanted.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	to := s.destination(r)
	again := r.URL.Query().Get("again") != ""
	if !again {
		switch d, err := s.visitor(r); {
		case err == nil:
			return s.forward(w, r, d, to)
		case errors.Is(err, afauth.ErrNotWhitelisted):
			return s.turnAway(w, r, d.User, d.Access, to)
		case !errors.Is(err, afauth.ErrNotSignedIn):
			return err
		}
		switch no, err := s.toldNo(r); {
		case err != nil:
			return err
		case no:
			return s.toRefused(w, to)
		}
	}
	query := s.Places.Query(to)
	if again {
		query = with(query, "again", "1")
	}
	name, host := s.app(to)
	return s.render(w, r, http.StatusOK, page.SignIn{
		Chrome: s.chrome(r), Terms: s.terms(), App: name, AppHost: host,
		ContinueURL: "/auth/github" + query,
	})
}

// toGitHub sends the browser to GitHub, with what must be remembered sealed in
// a cookie of its own. Whom another site led here is shown the page first: no
// stranger's page begins sign-ins.
func (s *Server) toGitHub(w http.ResponseWriter, r *http.Request) error {
	if fromElsewhere(r) {
		return seeOther(w, "/auth/sign-in"+s.ownQuery(r))
	}
	started, err := s.Flow.Start(s.destination(r), r.URL.Query().Get("again") != "")
	if err != nil {
		return err
	}
	s.forgetStates(w, r, len(started.Sealed))
	s.setState(w, stateSuffix(started.State), started.Sealed)
	w.Header().Set("Location", started.URL)
	w.WriteHeader(http.StatusFound)
	return nil
}

// stateSuffix tells the sign-ins of several tabs apart.
func stateSuffix(state string) string {
	if t, ok := afauth.ParseToken(state); ok {
		return "_" + t.Reveal()[:8]
	}
	return "_none"
}

// callbackPath is where GitHub leads back to.
const callbackPath = "/auth/github/callback"

// stray is the fault of an answer of GitHub's that came to an address that is
// not there: another callback URL is registered than ours.
type stray struct{ callback string }

func (e stray) Error() string { return e.Unwrap().Error() }

func (e stray) Unwrap() error {
	return &afauth.Error{Code: afauth.CodeNotFound, Message: "GitHub leads to an address that is not there",
		Err: errors.New("the callback URL of the application at GitHub must be " + e.callback)}
}

// answersSignIn reports whether a query looks like GitHub's answer to a sign-in.
func answersSignIn(q url.Values) bool {
	return q.Has("code") && q.Has("state") || q.Get("error") == "redirect_uri_mismatch"
}

// fromGitHub finishes a sign-in.
func (s *Server) fromGitHub(w http.ResponseWriter, r *http.Request) error {
	host := s.Origin.Host
	sealed := s.takeState(w, r, stateSuffix(r.URL.Query().Get("state")))
	out, err := s.Flow.Finish(r.Context(), signin.Answer{
		Query: r.URL.Query(), Sealed: sealed, Previous: s.previous(r, host),
		UserAgent: r.UserAgent(), Address: s.peer(r).String(),
	})
	if err != nil {
		s.Metrics.SignIn("failed")
		s.Metrics.CallbackRejected(string(afauth.CodeOf(err)))
		return detour{err, out.To}
	}
	s.Metrics.SignIn(string(out.Access))
	if out.Token == "" {
		s.setCookie(w, host, sessionCookie, "", "", -1)
		return s.turnAway(w, r, out.User, out.Access, out.To)
	}
	s.setCookie(w, host, sessionCookie, "", out.Token.Reveal(), out.ExpiresAt.Sub(out.Now))
	if !out.Access.MayEnter() {
		return s.turnAway(w, r, out.User, out.Access, out.To)
	}
	// Their access may end before their session would, and a former person's
	// notice must not speak to them.
	if err := s.leaveNotice(w, out.User.ID); err != nil {
		return err
	}
	return s.forward(w, r, gate.Decision{User: out.User, Session: afauth.Session{ID: out.SessionID}, Access: out.Access, Now: out.Now}, out.To)
}

// detour is a fault of a sign-in whose end was known: "try again" leads there.
type detour struct {
	error
	to signin.Destination
}

func (d detour) Unwrap() error { return d.error }

// goOn decides again and leads on: the way from the waiting page, and from an
// application's gate.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request) error {
	to := s.destination(r)
	d, err := s.visitor(r)
	switch {
	case err == nil:
		return s.forward(w, r, d, to)
	case errors.Is(err, afauth.ErrNotWhitelisted):
		return s.turnAway(w, r, d.User, d.Access, to)
	case errors.Is(err, afauth.ErrNotSignedIn):
		return s.toSignIn(w, r, to)
	default:
		return err
	}
}

// toSignIn leads on a browser without a session: to the sign-in, or where the
// person's answer is no, to the page that says so. A refusal ends the session,
// and to be sent to sign in without a word would look like a fault.
func (s *Server) toSignIn(w http.ResponseWriter, r *http.Request, to signin.Destination) error {
	switch no, err := s.toldNo(r); {
	case err != nil:
		return err
	case no:
		return s.toRefused(w, to)
	}
	return seeOther(w, "/auth/sign-in"+s.Places.Query(to))
}

func (s *Server) toRefused(w http.ResponseWriter, to signin.Destination) error {
	return seeOther(w, "/auth/refused"+s.Places.Query(later(to)))
}

// later is a destination for somebody who stays on a page of ours until others
// have decided. By then the browser's nonce can be over, and a ticket for it
// would not open; without one, the application's gate gives another on the way.
func later(to signin.Destination) signin.Destination {
	to.Nonce = ""
	return to
}

// forward leads somebody who may enter to where they were going, or where that
// is an application which is not open to them, to the page that says so.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, d gate.Decision, to signin.Destination) error {
	if !s.opens(d.User, to) {
		return s.turnAway(w, r, d.User, d.Access, to)
	}
	if to.Host == "" {
		return seeOther(w, s.Places.URL(to))
	}
	url, err := s.Flow.Issue(r.Context(), d.Session.ID, to)
	if errors.Is(err, afauth.ErrNotWhitelisted) {
		// Revoked since the check above.
		return s.turnAway(w, r, d.User, afauth.Refused, to)
	}
	if err != nil {
		return err
	}
	return seeOther(w, url)
}

// opens reports whether the person's permission is for where they go. Our own
// pages are open to everybody who may enter; what else stands on our host is an
// application.
func (s *Server) opens(u afauth.User, to signin.Destination) bool {
	if to.Host != "" {
		return u.Opens(to.Host)
	}
	path, _, _ := strings.Cut(to.Path, "?")
	return ownPage(path) || u.Opens(s.Origin.Host)
}

// turnAway leads somebody who may not enter to the page that says why. The
// notice lets that page speak to a person without a session.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, u afauth.User, a afauth.Access, to signin.Destination) error {
	if err := s.leaveNotice(w, u.ID); err != nil {
		return err
	}
	path := "/auth/refused"
	if a == afauth.Waiting {
		path = "/auth/waiting"
	}
	return seeOther(w, path+s.Places.Query(later(to)))
}

func (s *Server) leaveNotice(w http.ResponseWriter, user afauth.ID) error {
	sealed, err := s.Flow.SealNotice(user)
	if err != nil {
		return err
	}
	s.setCookie(w, s.Origin.Host, noticeCookie, "", sealed, s.Flow.NoticeLife())
	return nil
}
