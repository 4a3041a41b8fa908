package web

import (
	"context"
	"net/http"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
)

const (
	// settled is how long a request is quick: one that takes longer is watched.
	settled = time.Second
	// doubt is how long an open connection may outlive the last answer to
	// "may it go on?" while the database cannot say. It is asked every second.
	doubt = 5 * time.Second
)

// hold watches a request that lasts, until its context ends: a WebSocket, a
// stream, an upload, a download. Once its person may not go on, it ends the
// context with the reason. A notification wakes it; it looks at the moment of an
// expiry that it knows of, and every ten seconds besides, so that a notification
// that was lost ends the connection too. To be open counts as use of the session.
//
// A server that stops ends what would not end by itself, and lets the rest
// finish while it drains.
func (s *Server) hold(r *http.Request, token afauth.Token, d gate.Decision, p *passage, end context.CancelCauseFunc) {
	ctx, stopping := r.Context(), s.stop
	woken, stop := s.Watch(d.User.ID)
	defer stop()
	// Looking once after Watch misses no change made before it.
	wait := time.NewTimer(0)
	defer wait.Stop()
	var unsure time.Time // since when
	for {
		select {
		case <-woken:
		case <-wait.C:
		case <-ctx.Done():
			return
		case <-stopping:
			if p.endless.Load() {
				end(errStopping)
				p.cut()
				return
			}
			stopping = nil
			continue
		}
		// Of the database, and not of the gate's memory.
		now, err := s.who(r, token)
		if err == nil && !now.User.Opens(s.Origin.Host) {
			err = afauth.ErrNotForApp
		}
		switch {
		case err == nil && now.User.ID == d.User.ID:
			unsure = time.Time{}
			wait.Reset(nextLook(now))
			continue
		case ctx.Err() != nil:
			return
		case err == nil:
			err = afauth.ErrNotSignedIn // the session is somebody else's now
		case !isNo(err):
			if unsure.IsZero() {
				unsure = time.Now()
			}
			if time.Since(unsure) < doubt {
				wait.Reset(time.Second)
				continue
			}
		}
		s.Logger.InfoContext(ctx, "an open connection was ended", "error_code", afauth.CodeOf(err), "user", d.User.ID)
		end(err)
		p.cut()
		return
	}
}

// nextLook is when to look again after a yes, by the database's clock.
func nextLook(d gate.Decision) time.Duration {
	next := lookEvery
	for _, end := range []*time.Time{d.User.Until, &d.Session.ExpiresAt} {
		if end != nil {
			next = min(next, end.Sub(d.Now))
		}
	}
	return max(next, 0) + 20*time.Millisecond // and not just before it
}

// errStopping ends what would never end by itself.
var errStopping = &afauth.Error{Code: afauth.CodeUnavailable, Message: "this server is stopping"}
