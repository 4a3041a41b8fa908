package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
)

const (
	// glanceEvery is how often the list's stream looks for newcomers. They send no
	// notification: it would cost each sign-in its commit.
	glanceEvery = 2500 * time.Millisecond
	// mostNew is up to how many newcomers are counted.
	mostNew = 100
)

// peopleEvents tells an open list how many people have come to wait since it was
// drawn, as server-sent events.
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
	last := 0
	for {
		more, over := s.newcomers(r, since, last)
		if over {
			return nil
		}
		if more != last {
			last = more
			if err := send(w, fmt.Sprintf("event: waiting\ndata: {\"more\":%d}\n\n", more)); err != nil {
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

// newcomers counts who has come since, and says whether the stream has to end
// because whoever listens is no administrator any more. A database that does not
// answer ends nothing, and changes no number.
func (s *Server) newcomers(r *http.Request, since access.Key, last int) (more int, over bool) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	_, err := s.administrator(r.WithContext(ctx))
	switch {
	case errors.Is(err, afauth.ErrNotSignedIn), errors.Is(err, afauth.ErrNotWhitelisted), errors.Is(err, afauth.ErrNotAdmin):
		return 0, true
	case err != nil:
		return last, false
	}
	if more, err = s.People.WaitingSince(ctx, since, mostNew); err != nil {
		return last, false
	}
	return more, false
}
