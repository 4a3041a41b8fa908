package web

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/af-auth/af-auth"
)

// calm is how long no request may have failed for an outage to be over. Shorter,
// and a database that answers every other request would fill the log.
const calm = 5 * time.Second

// outage keeps a database that is away from writing a line for each request:
// the log hears that it has begun, and with what, and once it is over, how many
// requests it cost.
type outage struct {
	now  func() time.Time
	open atomic.Bool // spares the lock on good days

	mu          sync.Mutex
	since, last time.Time
	requests    int
	hints       map[string]bool // what the log has heard of this outage
}

// failed notes a request that could not be answered, and reports whether that
// is news. The hint tells one kind of fault from another.
func (o *outage) failed(hint string) (news bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = o.now()
	if o.requests == 0 {
		o.since, o.hints = o.last, map[string]bool{}
		o.open.Store(true)
	}
	o.requests++
	news = !o.hints[hint]
	o.hints[hint] = true
	return news
}

// served notes a request that was answered. over reports that with it an outage
// is over, and what it was.
func (o *outage) served() (requests int, lasted time.Duration, over bool) {
	if !o.open.Load() {
		return 0, 0, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.requests == 0 || o.now().Sub(o.last) < calm {
		return 0, 0, false
	}
	requests, lasted = o.requests, o.last.Sub(o.since)
	o.requests = 0
	o.open.Store(false)
	return requests, lasted, true
}

// unavailable logs a request that could not be answered for want of the
// database: as an error where that is news, else for whoever looks closer.
func (s *Server) unavailable(ctx context.Context, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		// Whoever asked has hung up, and the question with them. That is no
		// fault of the database.
		s.Logger.DebugContext(ctx, "nobody waits for the answer any more", "error", err)
		return
	}
	level, hint, code := slog.LevelDebug, "", afauth.CodeUnavailable
	var e *afauth.Error
	if errors.As(err, &e) {
		hint, code = e.Hint, e.Code
	}
	if s.outage.failed(hint) {
		level = slog.LevelError
	}
	said := []any{"error_code", code, "error", err}
	if hint != "" {
		said = append(said, "hint", hint)
	}
	s.Logger.Log(ctx, level, "the database cannot be asked", said...)
}

// available logs the end of an outage with the first request that is served
// after it.
func (s *Server) available(ctx context.Context) {
	if requests, lasted, over := s.outage.served(); over {
		s.Logger.InfoContext(ctx, "the database can be asked again", "requests_failed", requests, "lasted", lasted)
	}
}
