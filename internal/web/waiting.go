package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

// waiting is the page of somebody who has signed in and about whom nobody has
// decided.
func (s *Server) waiting(w http.ResponseWriter, r *http.Request) error {
	to := s.destination(r)
	d, err := s.visitor(r)
	switch {
	case err == nil:
		return s.forward(w, r, d, to)
	case errors.Is(err, afauth.ErrNotSignedIn):
		return s.toSignIn(w, r, to)
	case !errors.Is(err, afauth.ErrNotWhitelisted):
		return err
	case d.Access != afauth.Waiting:
		return s.turnAway(w, r, d.User, d.Access, to)
	}
	if err := s.leaveNotice(w, d.User.ID); err != nil {
		return err
	}
	beside, err := s.People.Describe(r.Context(), []afauth.ID{d.User.ID})
	if err != nil {
		return err
	}
	name, host := s.app(to)
	query := s.Places.Query(to)
	return s.render(w, r, http.StatusOK, page.Waiting{
		Chrome: s.chrome(r), Person: page.PersonOf(d.User), App: name, AppHost: host,
		GoesTo:     goesTo(host, to),
		SignedInAt: d.Session.CreatedAt,
		CheckURL:   "/auth/continue" + query,
		AnotherURL: "/auth/sign-in" + with(query, "again", "1"),
		MessageURL: "/auth/waiting/message" + query, Message: beside[d.User.ID].Message,
		EventsURL: "/auth/waiting/events",
		Now:       d.Now,
	})
}

// refused is the page of somebody whom the answer no concerns.
func (s *Server) refused(w http.ResponseWriter, r *http.Request) error {
	to := s.destination(r)
	name, host := s.app(to)
	v := page.Refused{
		Chrome: s.chrome(r), App: name, AppHost: host, Access: afauth.Refused,
		AnotherURL: "/auth/sign-in" + with(s.Places.Query(to), "again", "1"),
	}
	p, known, err := s.whoIsTurnedAway(r)
	if err != nil {
		return err
	}
	if known {
		who, a := page.PersonOf(p.User), p.Access()
		switch {
		case a == afauth.Allowed && !s.opens(p.User, to):
			v.Person, v.Access, v.Open = &who, a, s.openTo(p.User)
		case a == afauth.Allowed, a == afauth.Waiting:
			// Decided anew since: the ordinary way finds the right page.
			return seeOther(w, "/auth/sign-in"+s.Places.Query(to))
		default:
			v.Person, v.Access, v.DecidedAt, v.Until = &who, a, p.DecidedAt, p.Until
		}
	}
	return s.render(w, r, http.StatusForbidden, v)
}

// whoIsTurnedAway knows the person by session, or by the notice where the
// session has ended.
func (s *Server) whoIsTurnedAway(r *http.Request) (access.Person, bool, error) {
	d, err := s.visitor(r)
	if err == nil || errors.Is(err, afauth.ErrNotWhitelisted) {
		return access.Person{User: d.User, Now: d.Now}, true, nil
	}
	if !errors.Is(err, afauth.ErrNotSignedIn) {
		return access.Person{}, false, err
	}
	return s.noticed(r)
}

// toldNo reports whether the browser's last person has no session because the
// answer is no, today still.
func (s *Server) toldNo(r *http.Request) (bool, error) {
	p, known, err := s.noticed(r)
	return known && p.Access() != afauth.Waiting && !p.Access().MayEnter(), err
}

// noticed is the browser's last person, by the notice.
func (s *Server) noticed(r *http.Request) (p access.Person, known bool, err error) {
	sealed, ok := s.cookie(r, s.Origin.Host, noticeCookie, "")
	if !ok {
		return access.Person{}, false, nil
	}
	id, ok := s.Flow.OpenNotice(sealed)
	if !ok {
		return access.Person{}, false, nil
	}
	p, err = s.People.Get(r.Context(), id)
	if errors.Is(err, afauth.ErrNotFound) {
		return access.Person{}, false, nil // removed since
	}
	return p, err == nil, err
}

const (
	pingEvery = 15 * time.Second
	// lookEvery is the promise where no notification arrives.
	lookEvery = 10 * time.Second
	// sendWithin is how long a browser may take to accept a line.
	sendWithin = 5 * time.Second
)

// waitingEvents tells a waiting page of the decision, as server-sent events.
// Being woken means to look; only the database says what was decided.
func (s *Server) waitingEvents(w http.ResponseWriter, r *http.Request) error {
	d, err := s.visitor(r)
	if err != nil && !errors.Is(err, afauth.ErrNotWhitelisted) {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		// net/http drops what a HEAD is answered: nobody would hear the end.
		w.WriteHeader(http.StatusOK)
		return nil
	}
	release, ok := s.streams.open(d.User.ID)
	if !ok {
		return &afauth.Error{Code: afauth.CodeRateLimited, Message: "too many waiting pages are open"}
	}
	defer release()
	woken, stop := s.Watch(d.User.ID)
	defer stop()
	// nginx would hold lines back otherwise.
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	ping, look := time.NewTicker(pingEvery), time.NewTicker(lookEvery)
	defer ping.Stop()
	defer look.Stop()
	// A browser whose stream was cut comes back after a second.
	if err := send(w, "retry: 1000\n\n"); err != nil {
		return nil
	}
	last := afauth.Access("")
	for {
		// Looking once after Watch misses no change made before it.
		now, over := s.standing(r, d.User.ID)
		if now != "" && now != last {
			last = now
			if err := send(w, fmt.Sprintf("event: access\ndata: {\"access\":%q}\n\n", now)); err != nil {
				return nil
			}
		}
		if over {
			return nil
		}
		select {
		case <-woken:
		case <-look.C:
			last = "" // told even without news: the page shows when it last heard
		case <-ping.C:
			if err := send(w, ": still here\n\n"); err != nil {
				return nil
			}
		case <-r.Context().Done():
			return nil
		case <-s.stop:
			return nil
		}
	}
}

// standing is what the database says now, and whether the stream has said all.
// A database that does not answer ends nothing: the next look may succeed.
func (s *Server) standing(r *http.Request, user afauth.ID) (a afauth.Access, over bool) {
	d, err := s.visitor(r)
	switch {
	case err == nil, errors.Is(err, afauth.ErrNotWhitelisted):
		return d.Access, d.Access != afauth.Waiting
	case errors.Is(err, afauth.ErrNotSignedIn):
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		p, err := s.People.Get(ctx, user)
		if err != nil {
			return "", true
		}
		return p.Access(), true
	default:
		return "", false
	}
}

func send(w http.ResponseWriter, line string) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(sendWithin)); err != nil {
		return err
	}
	if _, err := w.Write([]byte(line)); err != nil {
		return err
	}
	return control.Flush()
}
