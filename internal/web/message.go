package web

import (
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/web/page"
)

// mostMessages is how often a minute people behind one address may change what
// they have written.
const mostMessages = 10

// askMessage is where somebody who waits writes to whoever decides. It is a page
// of its own, because the waiting page looks again by itself.
func (s *Server) askMessage(w http.ResponseWriter, r *http.Request) error {
	d, waits, err := s.whoWaits(w, r)
	if err != nil || !waits {
		return err
	}
	beside, err := s.People.Describe(r.Context(), []afauth.ID{d.User.ID})
	if err != nil {
		return err
	}
	return s.renderMessage(w, r, http.StatusOK, d, beside[d.User.ID].Message, "")
}

// keepMessage keeps it, or shows it again with what is wrong.
func (s *Server) keepMessage(w http.ResponseWriter, r *http.Request) error {
	d, waits, err := s.whoWaits(w, r)
	if err != nil || !waits {
		return err
	}
	if err := readForm(w, r); err != nil {
		return err
	}
	text := access.Message(r.PostForm.Get("message"))
	if n := utf8.RuneCountInString(text); n > access.MostMessage {
		return s.renderMessage(w, r, http.StatusUnprocessableEntity, d, text,
			fmt.Sprintf("These are %d characters, and %d are taken. Nothing was kept.", n, access.MostMessage))
	}
	if !s.messages.allow(s.peer(r)) {
		askToWait(w, http.StatusTooManyRequests, 0)
		return s.renderMessage(w, r, http.StatusTooManyRequests, d, text, "That is too often. Nothing was kept; wait a minute and send it again.")
	}
	if err := s.People.Write(r.Context(), d.User.ID, text); err != nil && !errors.Is(err, afauth.ErrNotWhitelisted) {
		return err
	}
	// Where somebody has decided meanwhile, the waiting page leads on.
	return seeOther(w, "/auth/waiting"+s.Places.Query(s.destination(r)))
}

// whoWaits is the visitor, where nobody has decided about them; all others are
// led to where they belong.
func (s *Server) whoWaits(w http.ResponseWriter, r *http.Request) (d gate.Decision, waits bool, err error) {
	to := s.destination(r)
	d, err = s.visitor(r)
	switch {
	case err == nil:
		return d, false, s.forward(w, r, d, to)
	case errors.Is(err, afauth.ErrNotSignedIn):
		return d, false, s.toSignIn(w, r, to)
	case !errors.Is(err, afauth.ErrNotWhitelisted):
		return d, false, err
	case d.Access != afauth.Waiting:
		return d, false, s.turnAway(w, r, d.User, d.Access, to)
	}
	return d, true, nil
}

func (s *Server) renderMessage(w http.ResponseWriter, r *http.Request, st int, d gate.Decision, text, fault string) error {
	query := s.Places.Query(s.destination(r))
	chrome := s.chrome(r)
	chrome.Path = r.URL.Path + query
	return s.render(w, r, st, page.Message{
		Chrome: chrome, Person: page.PersonOf(d.User), Text: text, Error: fault, Most: access.MostMessage,
		Action: "/auth/waiting/message" + query, BackURL: "/auth/waiting" + query,
	})
}
