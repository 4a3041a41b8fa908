package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/signin"
	"github.com/af-auth/af-auth/internal/web/page"
)

// maxForm bounds what a form of ours can weigh.
const maxForm = 64 << 10

// home shows who is signed in, or invites to.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	d, err := s.visitor(r)
	v := page.Home{Chrome: s.chrome(r), Terms: s.terms(), ContinueURL: "/auth/github"}
	switch {
	case errors.Is(err, afauth.ErrNotSignedIn):
		switch no, err := s.toldNo(r); {
		case err != nil:
			return err
		case no:
			return s.toRefused(w, s.Places.Home())
		}
		return s.render(w, r, http.StatusOK, v)
	case err != nil && !errors.Is(err, afauth.ErrNotWhitelisted):
		return err
	case d.Access == afauth.Waiting:
		return s.turnAway(w, r, d.User, d.Access, s.Places.Home())
	}
	who := page.PersonOf(d.User)
	v.Person, v.Access, v.Until = &who, d.Access, d.User.Until
	if d.Access.MayEnter() && s.Admins.Is(d.User.GitHubID) {
		v.PeopleURL = listing{}.url()
	}
	v.Limited, v.Open = d.User.Apps != nil, s.openTo(d.User)
	sessions, err := s.People.Sessions(r.Context(), d.User.ID)
	if err != nil {
		return err
	}
	for _, one := range sessions {
		row := page.SessionRow{Host: one.Host, Since: one.CreatedAt, Seen: one.SeenAt, Agent: page.Browser(one.UserAgent)}
		if row.Current = one.ID == d.Session.ID; row.Current {
			v.Sessions = slices.Insert(v.Sessions, 0, row)
			continue
		}
		v.Sessions = append(v.Sessions, row)
	}
	return s.render(w, r, http.StatusOK, v)
}

func (s *Server) askSignOut(w http.ResponseWriter, r *http.Request) error {
	d, err := s.visitor(r)
	if errors.Is(err, afauth.ErrNotSignedIn) {
		return seeOther(w, "/auth/signed-out")
	}
	if err != nil && !errors.Is(err, afauth.ErrNotWhitelisted) {
		return err
	}
	sessions, err := s.People.Sessions(r.Context(), d.User.ID)
	if err != nil {
		return err
	}
	// This session and those on applications' hosts that came from it.
	n := 0
	for _, one := range sessions {
		if one.ID == d.Session.ID || one.ParentID != nil && *one.ParentID == d.Session.ID {
			n++
		}
	}
	return s.render(w, r, http.StatusOK, page.SignOut{Chrome: s.chrome(r), Person: page.PersonOf(d.User), SessionCount: n})
}

// signOut ends the session in the database; taking the cookie away is only
// tidiness.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	host := s.Origin.Host
	if token, ok := s.token(r, host); ok {
		d, err := s.visitor(r)
		if err != nil && !errors.Is(err, afauth.ErrNotWhitelisted) && !errors.Is(err, afauth.ErrNotSignedIn) {
			return err
		}
		if err := s.Flow.End(r.Context(), token, host, d.User.ID, s.peer(r).String()); err != nil {
			return err
		}
		// So that "signed out" is true on every server when the page says it.
		s.heard(r)
	}
	s.setCookie(w, host, sessionCookie, "", "", -1)
	s.setCookie(w, host, noticeCookie, "", "", -1)
	return seeOther(w, "/auth/signed-out")
}

func (s *Server) signedOut(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, page.SignedOut{Chrome: s.chrome(r), SignInURL: "/auth/sign-in"})
}

func (s *Server) about(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, page.About{Chrome: s.chrome(r), Terms: s.terms()})
}

// readForm reads a form of ours into r.PostForm.
func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return errTooLarge
		}
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "the form cannot be read", Err: err}
	}
	return nil
}

// theme keeps how somebody likes to read, in a cookie.
func (s *Server) theme(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	theme := r.PostForm.Get("theme")
	switch theme {
	case "light", "dark":
		s.setCookie(w, s.Origin.Host, themeCookie, "", theme, 365*24*time.Hour)
	case "system":
		s.setCookie(w, s.Origin.Host, themeCookie, "", "", -1)
	default:
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "there is no such theme"}
	}
	back := s.Places.Parse(r.PostForm.Get("back"), "")
	if back.Host != "" || !strings.HasPrefix(back.Path, "/auth/") {
		back = s.Places.Home()
	}
	return seeOther(w, s.Places.URL(back))
}

// chrome is what every page carries around its content.
func (s *Server) chrome(r *http.Request) page.Chrome {
	theme, _ := s.cookie(r, s.Origin.Host, themeCookie, "")
	if theme != "light" && theme != "dark" {
		theme = "system"
	}
	here := "/auth/"
	if r.Method == http.MethodGet && r.URL.Path != "/auth/github/callback" {
		here = r.URL.Path + s.ownQuery(r)
	}
	c := page.Chrome{Host: s.Origin.Host, Theme: theme, Path: here, Contact: s.Contact, Place: s.Place, Dev: s.Dev, Program: s.Program}
	if kind, _ := s.host(r); kind != theOwnHost {
		c.Origin = s.Origin.String()
	}
	return c
}

// ownQuery keeps what our pages hand on, as we understand it and not as it came:
// a stranger's address, or a secret of somebody's, does not belong into a page.
func (s *Server) ownQuery(r *http.Request) string {
	query := s.Places.Query(s.destination(r))
	if r.URL.Query().Get("again") != "" {
		query = with(query, "again", "1")
	}
	return query
}

func (s *Server) terms() page.Terms {
	return page.Terms{ReadsEmail: s.ReadsEmail, Limits: s.Limits}
}

// app names where a destination leads, for people.
func (s *Server) app(to signin.Destination) (name, host string) {
	if to.Host == "" {
		return s.Origin.Host, s.Origin.Host
	}
	if name := s.Apps[to.Host]; name != "" {
		return name, to.Host
	}
	return to.Host, to.Host
}

// openTo names the applications that somebody's permission is for, where it is
// not for all. A host that this server does not look after is left out.
func (s *Server) openTo(u afauth.User) (names []string) {
	for _, host := range u.Apps {
		if name := s.Apps[host]; name != "" {
			names = append(names, name)
		} else if host == s.Origin.Host {
			names = append(names, host)
		}
	}
	slices.Sort(names)
	return names
}

func goesTo(host string, to signin.Destination) string {
	if to.Host == "" {
		return host
	}
	path, _, _ := strings.Cut(to.Path, "?")
	return host + strings.TrimSuffix(path, "/")
}

// with adds a parameter to a query string that may be empty.
func with(query, name, value string) string {
	if query == "" {
		return "?" + name + "=" + url.QueryEscape(value)
	}
	return query + "&" + name + "=" + url.QueryEscape(value)
}
