package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

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

// confirmNarrowing asks before a change of access takes something away. ok says
// that the answer has come with the form.
func (s *Server) confirmNarrowing(w http.ResponseWriter, r *http.Request, p access.Person, g access.Grant) (ok bool, err error) {
	q := r.PostForm
	v := page.Confirm{
		Narrows: true, Now: s.grantWords(p.Apps, p.Until), Then: s.grantWords(g.Apps, g.Until),
		Typed: strings.TrimSpace(q.Get("typed")), Reason: strings.TrimSpace(q.Get("reason")), Was: q.Get("was"),
	}
	st := http.StatusOK
	if q.Has("typed") {
		if names(v.Typed, p.User) {
			return true, nil
		}
		st, v.TypedError = http.StatusUnprocessableEntity, "That is not "+p.Handle()+". Nothing was changed."
	}
	for _, name := range []string{"for", "date", "apps", "app"} {
		for _, value := range q[name] {
			v.Fields = append(v.Fields, page.Choice{Label: name, Value: value})
		}
	}
	return false, s.renderConfirm(w, r, st, p, v)
}

// grantWords is what a permission is for, and until when.
func (s *Server) grantWords(apps []string, until *time.Time) string {
	what := strings.Join(s.namesOf(apps), ", ")
	switch {
	case apps == nil:
		what = "all applications"
	case len(apps) == 0:
		what = "no application"
	}
	if until == nil {
		return what + ", without an end"
	}
	return what + ", until " + until.UTC().Format("2 Jan 2006, 15:04 MST")
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
	here := personURL(p.ID) + action
	switch {
	case v.Narrows:
		action, here = "/allow", personURL(p.ID) // nobody can come back to a question that was sent
	case v.EndsAccess:
		action = "/revoke"
		here = personURL(p.ID) + action
	}
	v.Console = s.frame(w, r, here)
	v.Person, v.URL, v.Action, v.Access = page.PersonOf(p.User), personURL(p.ID), personURL(p.ID)+action, p.Access()
	v.Sessions, v.Myself, v.Expected = n, p.ID == me(r).ID, p.Handle()
	return s.render(w, r, st, v)
}
