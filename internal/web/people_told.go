package web

import (
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

// frame is what every page for administrators has around its content. What was
// just done is told once.
func (s *Server) frame(w http.ResponseWriter, r *http.Request, here string) page.Console {
	c := page.Console{Chrome: s.chrome(r), Me: page.PersonOf(me(r)), Done: s.takeToast(w, r)}
	c.Path = here
	return c
}

// telling is what is told of a page of people beside their rows.
type telling struct {
	beside map[afauth.ID]access.Beside
	names  map[afauth.ID]afauth.User
}

// tell asks for what pages tell about people, and for the names of those who
// decided about them.
func (s *Server) tell(r *http.Request, people []access.Person) (telling, error) {
	if len(people) == 0 {
		return telling{}, nil
	}
	ids := make([]afauth.ID, 0, len(people))
	for _, p := range people {
		ids = append(ids, p.ID)
	}
	beside, err := s.People.Describe(r.Context(), ids)
	if err != nil {
		return telling{}, err
	}
	var actors []afauth.ID
	for _, b := range beside {
		if id, ok := (afauth.Event{Actor: b.DecidedBy}).ActorID(); ok {
			actors = append(actors, id)
		}
	}
	names, err := s.People.Names(r.Context(), actors)
	return telling{beside, names}, err
}

// decidedBy names who decided last; empty where nobody has.
func (t telling) decidedBy(p access.Person) string {
	if p.DecidedAt == nil {
		return ""
	}
	return by(t.beside[p.ID].DecidedBy, t.names)
}

// by names an actor of the record for people.
func by(actor string, names map[afauth.ID]afauth.User) string {
	if id, ok := (afauth.Event{Actor: actor}).ActorID(); ok {
		if u, known := names[id]; known {
			return page.PersonOf(u).Handle()
		}
		return "somebody who is gone"
	}
	if name, ok := strings.CutPrefix(actor, "cli:"); ok {
		return "command line: " + name
	}
	if actor == "" {
		return "plain SQL"
	}
	return actor
}

// sentence is what a fault says to whoever typed, as one or two sentences. Only
// faults about what was typed are told so.
func sentence(err error) string {
	var e *afauth.Error
	if !errors.As(err, &e) {
		return "That was not taken."
	}
	text := upper(e.Message) + "."
	if e.Hint != "" {
		text += " " + upper(e.Hint) + "."
	}
	return text
}

func upper(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// messageOf is what a fault says happened.
func messageOf(err error) string {
	var e *afauth.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "that was not taken"
}
