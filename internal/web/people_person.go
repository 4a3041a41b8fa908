package web

import (
	"net/http"
	"strconv"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

const (
	// sessionsEach is how many sessions a person's page shows, the newest.
	sessionsEach = 20
	// eventsEach is how many lines of the record it shows at a time.
	eventsEach = 20
)

// subject is the person whom the address names.
func (s *Server) subject(r *http.Request) (access.Person, error) {
	id, err := afauth.ParseID(r.PathValue("id"))
	if err != nil {
		return access.Person{}, &afauth.Error{Code: afauth.CodeNotFound, Message: "the address names nobody", Err: err}
	}
	return s.People.Get(r.Context(), id)
}

// person shows one person: facts, decisions, sessions and the record.
func (s *Server) person(w http.ResponseWriter, r *http.Request) error {
	p, err := s.subject(r)
	if err != nil {
		return err
	}
	return s.renderPerson(w, r, http.StatusOK, p, s.blankAllow(p), "")
}

func (s *Server) renderPerson(w http.ResponseWriter, r *http.Request, st int, p access.Person, form page.AllowForm, stopped string) error {
	told, err := s.tell(r, []access.Person{p})
	if err != nil {
		return err
	}
	beside := told.beside[p.ID]
	v := page.PersonPage{
		Console: s.frame(w, r, personURL(p.ID)), Person: page.PersonOf(p.User), ID: p.ID.String(), URL: personURL(p.ID),
		Access: p.Access(), Until: page.MomentOf(p.Until, p.Now), Decided: page.MomentOf(p.DecidedAt, p.Now),
		By: told.decidedBy(p), Apps: s.appNames(p), Came: page.Moment{At: p.CreatedAt, Now: p.Now},
		SignedIn: page.MomentOf(p.LastSignInAt, p.Now), From: beside.Address, Message: beside.Message,
		Allow: form, Stopped: stopped, Myself: p.ID == me(r).ID,
	}
	if p.DecidedAt != nil {
		v.Why = beside.DecidedWhy
	}
	if err := s.addSessions(r, &v, p); err != nil {
		return err
	}
	if err := s.addRecord(r, &v, p); err != nil {
		return err
	}
	return s.render(w, r, st, v)
}

func (s *Server) addSessions(r *http.Request, v *page.PersonPage, p access.Person) error {
	sessions, err := s.People.SessionPage(r.Context(), p.ID, nil, sessionsEach+1)
	if err != nil {
		return err
	}
	if v.MoreSessions = len(sessions) > sessionsEach; v.MoreSessions {
		sessions = sessions[:sessionsEach]
	}
	for _, one := range sessions {
		v.Sessions = append(v.Sessions, page.PersonSession{
			Host: one.Host, Agent: page.Browser(one.UserAgent),
			Since: page.Moment{At: one.CreatedAt, Now: p.Now}, Seen: page.Moment{At: one.SeenAt, Now: p.Now},
			EndURL: v.URL + "/sessions/" + one.ID.String() + "/end", Current: one.ID == admitted(r).Session.ID,
		})
	}
	return nil
}

// addRecord adds a page of what happened to the person.
func (s *Server) addRecord(r *http.Request, v *page.PersonPage, p access.Person) error {
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil || before <= 0 {
		before = 0
	}
	events, err := s.People.Record(r.Context(), p.ID, before, eventsEach+1)
	if err != nil {
		return err
	}
	if before > 0 {
		v.NewestURL = v.URL
		v.Path = v.URL + "?before=" + strconv.FormatInt(before, 10)
	}
	if len(events) > eventsEach {
		events = events[:eventsEach]
		v.OlderURL = v.URL + "?before=" + strconv.FormatInt(events[eventsEach-1].ID, 10)
	}
	var actors []afauth.ID
	for _, e := range events {
		if id, ok := e.ActorID(); ok {
			actors = append(actors, id)
		}
	}
	names, err := s.People.Names(r.Context(), actors)
	if err != nil {
		return err
	}
	for _, e := range events {
		row := page.EventRow{At: e.At, By: by(e.Actor, names), From: e.From, Why: e.Reason}
		row.What, row.Details = page.EventWords(e)
		if e.Actor == "" {
			row.By = "plain SQL, as " + e.Role
		}
		v.Events = append(v.Events, row)
	}
	return nil
}
