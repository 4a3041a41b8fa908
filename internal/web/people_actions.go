package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

// allowPerson allows somebody who is known, or changes how they are allowed.
func (s *Server) allowPerson(w http.ResponseWriter, r *http.Request) error {
	p, err := s.subject(r)
	if err == nil {
		err = readForm(w, r)
	}
	if err != nil {
		return err
	}
	form, grant, ok := s.readAllow(r, p)
	switch {
	case overtaken(r, p):
		return s.overtakenAllow(w, r, p)
	case !ok:
		return s.renderPerson(w, r, http.StatusUnprocessableEntity, p, form, "")
	case access.Narrows(p, grant):
		if ok, err := s.confirmNarrowing(w, r, p, grant); !ok {
			return err
		}
	}
	// Somebody may decide between the look above and the change.
	grant.Check = func(now access.Person) error {
		if p = now; overtaken(r, p) {
			return errOvertaken
		}
		return nil
	}
	change, err := s.People.Allow(r.Context(), s.actor(r, form.Reason), p.ID.String(), grant)
	switch {
	case errors.Is(err, errOvertaken):
		return s.overtakenAllow(w, r, p)
	case err != nil && afauth.CodeOf(err) == afauth.CodeInvalid:
		form.PeriodError = sentence(err)
		return s.renderPerson(w, r, http.StatusUnprocessableEntity, p, form, "")
	case err != nil:
		return err
	}
	s.leaveToast(w, s.allowed(r, change), p.ID, 0)
	return seeOther(w, back(r, p))
}

// errOvertaken stops a change of somebody about whom another has decided. It is
// never an answer: the person's page asks again.
var errOvertaken = &afauth.Error{Code: "overtaken", Message: "somebody else has decided meanwhile"}

// overtakenAllow asks again, on the page that shows how the person stands now.
func (s *Server) overtakenAllow(w http.ResponseWriter, r *http.Request, p access.Person) error {
	if fromList(r) {
		s.leaveToast(w, doneNothing, p.ID, 0)
		return seeOther(w, back(r, p))
	}
	return s.askAgain(w, r, p, page.Overtaken)
}

// askAgain shows how a person stands now, and the form with what was chosen: sent
// once more, it counts.
func (s *Server) askAgain(w http.ResponseWriter, r *http.Request, p access.Person, stopped string) error {
	form, _, _ := s.readAllow(r, p)
	form.Was = page.Standing(p.User)
	return s.renderPerson(w, r, http.StatusConflict, p, form, stopped)
}

// allowed is what was done. Where something was taken away, it waits until the
// servers have heard of it.
func (s *Server) allowed(r *http.Request, c access.Change) string {
	switch {
	case c.Already:
		return doneAlready
	case c.Lowers() && !s.heard(r):
		return doneLowered
	default:
		return doneAllowed
	}
}

// overtaken reports whether somebody has decided about the person since the
// form was drawn.
func overtaken(r *http.Request, p access.Person) bool {
	return r.PostForm.Get("was") != page.Standing(p.User)
}

// fromList reports whether the form stood in the list of people.
func fromList(r *http.Request) bool { return r.PostForm.Get("back") == "list" }

func back(r *http.Request, p access.Person) string {
	if fromList(r) {
		return listing{}.url()
	}
	return personURL(p.ID)
}

// askAllow is where somebody is allowed who may never have been here. About whom
// somebody has decided already, the person's own page asks again.
func (s *Server) askAllow(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, page.AllowSomebody{Console: s.frame(w, r, "/auth/people/allow"), Allow: s.blankAllow(access.Person{})})
}

// githubWithin is how long GitHub and the database may take together.
const githubWithin = 20 * time.Second

func (s *Server) allowSomebody(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), githubWithin)
	defer cancel()
	form, grant, ok := s.readAllow(r, access.Person{})
	if form.Ref == "" {
		form.RefError, ok = "Say whom: a login, or a GitHub id with its #.", false
	}
	var change access.Change
	if ok {
		var known access.Person
		grant.Check = func(now access.Person) error {
			if known = now; now.Access() != afauth.Waiting {
				return errOvertaken
			}
			return nil
		}
		var err error
		change, err = s.People.Allow(ctx, s.actor(r, form.Reason), form.Ref, grant)
		if errors.Is(err, errOvertaken) {
			return s.askAgain(w, r, known, page.Known)
		}
		if err != nil {
			if form.RefError = refError(err); form.RefError == "" {
				return err
			}
			ok = false
		}
	}
	if !ok {
		return s.render(w, r, http.StatusUnprocessableEntity, page.AllowSomebody{Console: s.frame(w, r, "/auth/people/allow"), Allow: form})
	}
	s.leaveToast(w, s.allowed(r, change), change.After.ID, 0)
	return seeOther(w, personURL(change.After.ID))
}

// refError says what is wrong with a name that was typed; empty: nothing is.
func refError(err error) string {
	const noGitHub = "GitHub does not say whose login this is. Try again, or type the id with its #: that needs no answer."
	switch afauth.CodeOf(err) {
	case afauth.CodeInvalid:
		return sentence(err)
	case afauth.CodeNotFound:
		return "Neither we nor GitHub know anybody of this name. A login is not a person's name, and an id needs its #."
	case afauth.CodeAmbiguous:
		return sentence(&afauth.Error{Code: afauth.CodeAmbiguous, Message: messageOf(err), Hint: "type the id that you mean, with its #"})
	case afauth.CodeGitHubDown, afauth.CodeGitHubLimited, afauth.CodeGitHubBadSetup:
		return noGitHub
	default:
		return ""
	}
}

// refusePerson says no to somebody who waits. Whoever is allowed is revoked, and
// that is asked about first.
func (s *Server) refusePerson(w http.ResponseWriter, r *http.Request) error {
	p, err := s.subject(r)
	if err == nil {
		err = readForm(w, r)
	}
	if err != nil {
		return err
	}
	switch {
	case overtaken(r, p):
		s.leaveToast(w, doneNothing, p.ID, 0)
	case p.Access() != afauth.Waiting:
		return seeOther(w, personURL(p.ID)+"/revoke")
	default:
		if _, err := s.People.Revoke(r.Context(), s.actor(r, ""), p.ID.String()); err != nil {
			return err
		}
		s.leaveToast(w, doneRefused, p.ID, 0)
	}
	return seeOther(w, back(r, p))
}

// endSession ends one session. It is asked about nowhere: whoever is meant can
// sign in again.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	p, err := s.subject(r)
	if err != nil {
		return err
	}
	session, err := afauth.ParseID(r.PathValue("session"))
	if err != nil {
		return &afauth.Error{Code: afauth.CodeNotFound, Message: "the address names no session", Err: err}
	}
	found, err := s.People.EndSession(r.Context(), s.actor(r, ""), p.ID, session)
	if err != nil {
		return err
	}
	what := doneSession
	switch {
	case !found:
		what = doneNoSuch
	case !s.heard(r):
		what = doneOneUnheard
	}
	s.leaveToast(w, what, p.ID, 0)
	return seeOther(w, personURL(p.ID))
}
