package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/signin"
)

// admins reports whether a guard is for administrators.
func (g guard) admins() bool { return g == ownHostAdmin || g == ownHostAdminPost }

// administrator is who asks, where that is somebody who may decide about
// others. Gate.Who asks the database each time: what the gate remembers may be a
// moment old, and this is where that would matter most.
func (s *Server) administrator(r *http.Request) (gate.Decision, error) {
	token, ok := s.token(r, s.Origin.Host)
	if !ok {
		return gate.Decision{}, afauth.ErrNotSignedIn
	}
	d, err := s.who(r, token)
	if err == nil && !s.Admins.Is(d.User.GitHubID) {
		return d, afauth.ErrNotAdmin
	}
	return d, err
}

// adminKey is where a request carries the administrator who sent it.
type adminKey struct{}

func (s *Server) asAdmin(r *http.Request) (*http.Request, error) {
	d, err := s.administrator(r)
	if err != nil {
		return r, err
	}
	return r.WithContext(context.WithValue(r.Context(), adminKey{}, d)), nil
}

// admitted is what the guard found of the administrator whom it let in.
func admitted(r *http.Request) gate.Decision {
	d, _ := r.Context().Value(adminKey{}).(gate.Decision)
	return d
}

// me is the administrator whom the guard let in.
func me(r *http.Request) afauth.User { return admitted(r).User }

// actor is who decides, from where and why, for the record.
func (s *Server) actor(r *http.Request, reason string) access.Actor {
	d := admitted(r)
	return access.Actor{Name: "user:" + d.User.ID.String(), Address: s.peer(r).String(), Reason: reason, Session: d.Session.ID}
}

// notAdmin leads on whoever opens a page of administrators and is none: to sign
// in and back, or to the page that says why not.
func (s *Server) notAdmin(w http.ResponseWriter, r *http.Request, err error) error {
	here := signin.Destination{Path: r.URL.Path}
	switch {
	case errors.Is(err, afauth.ErrNotSignedIn):
		return s.toSignIn(w, r, here)
	case errors.Is(err, afauth.ErrNotWhitelisted):
		d, who := s.visitor(r)
		if !errors.Is(who, afauth.ErrNotWhitelisted) {
			return err // decided anew in between: the page says so
		}
		return s.turnAway(w, r, d.User, d.Access, here)
	default:
		return err
	}
}
