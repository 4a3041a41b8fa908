package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

const (
	// glanceEvery is how often the list's stream looks for newcomers. They send no
	// notification: it would cost each sign-in its commit.
	glanceEvery = 2500 * time.Millisecond
	// mostNew is up to how many newcomers are counted.
	mostNew = 100
)

// news is what an open list is told: how many people have come since it was drawn
// and wait, and whom the newest of them is called by.
type news struct {
	More   int    `json:"more"`
	Newest string `json:"newest,omitempty"`
}

// peopleEvents tells an open list who has come to wait since it was drawn, as
// server-sent events.
func (s *Server) peopleEvents(w http.ResponseWriter, r *http.Request) error {
	since, err := access.ParseKey(r.URL.Query().Get("since"))
	if err != nil || since.Login != "" {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "the address says no place in the list"}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	release, ok := s.streams.open(me(r).ID)
	if !ok {
		return &afauth.Error{Code: afauth.CodeRateLimited, Message: "too many lists are open"}
	}
	defer release()
	// Wakes where the administrator's own access changes: the stream ends with it.
	woken, stop := s.Watch(me(r).ID)
	defer stop()
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	ping, look := time.NewTicker(pingEvery), time.NewTicker(glanceEvery)
	defer ping.Stop()
	defer look.Stop()
	if err := send(w, "retry: 1000\n\n"); err != nil {
		return nil
	}
	last := news{}
	for {
		now, over := s.newcomers(r, since, last)
		if over {
			return nil
		}
		if now != last {
			last = now
			data, err := json.Marshal(now)
			if err != nil {
				return err
			}
			if err := send(w, "event: waiting\ndata: "+string(data)+"\n\n"); err != nil {
				return nil
			}
		}
		select {
		case <-woken:
		case <-look.C:
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

// newcomers is who has come since, and says whether the stream has to end because
// whoever listens is no administrator any more. A database that does not answer
// ends nothing, and changes no number. The newest is looked up where the number
// has changed.
func (s *Server) newcomers(r *http.Request, since access.Key, last news) (now news, over bool) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	_, err := s.administrator(r.WithContext(ctx))
	switch {
	case errors.Is(err, afauth.ErrNotSignedIn), errors.Is(err, afauth.ErrNotWhitelisted), errors.Is(err, afauth.ErrNotAdmin):
		return news{}, true
	case err != nil:
		return last, false
	}
	if now.More, err = s.People.WaitingSince(ctx, since, mostNew); err != nil || now.More == last.More {
		return last, false
	}
	if now.More == 0 {
		return now, false
	}
	newest, err := s.People.List(ctx, access.Filter{Access: afauth.Waiting, Limit: 1})
	if err != nil {
		return last, false
	}
	for _, p := range newest {
		now.Newest = page.Plain(p.Handle())
	}
	return now, false
}
