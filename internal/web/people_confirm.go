package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

func (s *Server) askRevoke(w http.ResponseWriter, r *http.Request) error {
	p, err := s.subject(r)
	if err != nil {
		return err
	}
	if p.Access() == afauth.Refused {
		return seeOther(w, personURL(p.ID)) // there is nothing left to end
	}
	return s.renderConfirm(w, r, http.StatusOK, p, page.Confirm{EndsAccess: true, Was: page.Standing(p.User)})
}

func (s *Server) revokePerson(w http.ResponseWriter, r *http.Request) error {
	p, v, ok, err := s.confirmed(w, r, true)
	if err != nil || !ok {
		return err
	}
	change, err := s.People.Revoke(r.Context(), s.actor(r, v.Reason), p.ID.String())
	if err != nil {
		return err
	}
	what := doneRevoked
	switch {
	case !p.Access().MayEnter():
		what = doneRefused
	case !s.heard(r):
		what = doneUnheard
	}
	s.leaveToast(w, what, p.ID, change.SessionsEnded)
	return seeOther(w, personURL(p.ID))
}

// heard waits until each running server has heard of what was just done, so that
// the page which says so is true everywhere. It stands whatever comes of it: a
// server that hears nothing may not decide from memory.
func (s *Server) heard(r *http.Request) bool {
	c, err := s.People.Confirm(r.Context())
	if err != nil {
		s.Logger.WarnContext(r.Context(), "servers could not be asked to confirm", "error", err)
		return false
	}
	for _, silent := range c.Silent {
		s.Logger.WarnContext(r.Context(), "a server has not confirmed a change of access", "instance", silent.Address, "after", c.Took)
	}
	return len(c.Silent) == 0
}

func (s *Server) askEndSessions(w http.ResponseWriter, r *http.Request) error {
	p, err := s.subject(r)
	if err != nil {
		return err
	}
	return s.renderConfirm(w, r, http.StatusOK, p, page.Confirm{Was: page.Standing(p.User)})
}

func (s *Server) endSessions(w http.ResponseWriter, r *http.Request) error {
	p, v, ok, err := s.confirmed(w, r, false)
	if err != nil || !ok {
		return err
	}
	_, n, err := s.People.SignOut(r.Context(), s.actor(r, v.Reason), p.ID.String())
	if err != nil {
		return err
	}
	what := doneSignOut
	if !s.heard(r) {
		what = doneOutUnheard
	}
	s.leaveToast(w, what, p.ID, n)
	return seeOther(w, personURL(p.ID))
}

// confirmed reads a confirmation. Where it is none the question has been asked
// again, with what was typed, and ok is false.
func (s *Server) confirmed(w http.ResponseWriter, r *http.Request, endsAccess bool) (p access.Person, v page.Confirm, ok bool, err error) {
	if p, err = s.subject(r); err != nil {
		return p, v, false, err
	}
	if err = readForm(w, r); err != nil {
		return p, v, false, err
	}
	v = page.Confirm{EndsAccess: endsAccess, Typed: strings.TrimSpace(r.PostForm.Get("typed")), Reason: strings.TrimSpace(r.PostForm.Get("reason")), Was: page.Standing(p.User)}
	st := http.StatusUnprocessableEntity
	if !names(v.Typed, p.User) {
		v.TypedError = "That is not " + p.Handle() + ". Nothing was changed."
	}
	v.ReasonError = reasonError(v.Reason)
	if v.Overtaken = overtaken(r, p); v.Overtaken {
		st, v.Typed, v.TypedError = http.StatusConflict, "", "" // typed for another state of things
	}
	if v.TypedError == "" && v.ReasonError == "" && !v.Overtaken {
		return p, v, true, nil
	}
	return p, v, false, s.renderConfirm(w, r, st, p, v)
}

// names reports whether somebody who was typed is the person: by login, in any
// letter case, or by "#github-id".
func names(typed string, u afauth.User) bool {
	login := strings.TrimPrefix(typed, "@")
	return u.Login != "" && strings.EqualFold(login, u.Login) || typed == "#"+strconv.FormatInt(u.GitHubID, 10)
}

func (s *Server) renderConfirm(w http.ResponseWriter, r *http.Request, st int, p access.Person, v page.Confirm) error {
	n, err := s.People.CountSessions(r.Context(), p.ID)
	if err != nil {
		return err
	}
	action := "/sign-out"
	if v.EndsAccess {
		action = "/revoke"
	}
	v.Console = s.frame(w, r, personURL(p.ID)+action)
	v.Person, v.URL, v.Action, v.Access = page.PersonOf(p.User), personURL(p.ID), personURL(p.ID)+action, p.Access()
	v.Sessions, v.Myself, v.Expected = n, p.ID == me(r).ID, p.Handle()
	return s.render(w, r, st, v)
}
