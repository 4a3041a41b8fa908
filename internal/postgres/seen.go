package postgres

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/af-auth/af-auth"
)

const (
	// SeenEvery is how exact a session's last use is.
	SeenEvery = time.Minute
	// seenFlush is how often uses are written.
	seenFlush = 10 * time.Second
	// seenMost bounds the memory between two writes; what does not fit is
	// noted at its next use.
	seenMost = 100_000
)

// Seen collects which sessions were used and writes them in batches, so that
// the gate itself never writes.
type Seen struct {
	write  func(context.Context, []afauth.ID) error
	logger *slog.Logger
	// Flushed, if set, is told of each batch.
	Flushed func(sessions int, err error)

	mu  sync.Mutex
	ids map[afauth.ID]bool
}

// NewSeen makes a Seen that writes to the database.
func NewSeen(db *DB) *Seen {
	return &Seen{write: db.TouchSessions, logger: db.logger, ids: map[afauth.ID]bool{}}
}

// Note marks a session as used now, unless the database already knows of a use
// within the last minute.
func (s *Seen) Note(v Visit) {
	if v.Now.Sub(v.Session.SeenAt) < SeenEvery {
		return
	}
	s.Add(v.Session.ID)
}

// Add marks a session as used now.
func (s *Seen) Add(session afauth.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) < seenMost {
		s.ids[session] = true
	}
}

// Run writes every ten seconds, and once more when ctx ends.
func (s *Seen) Run(ctx context.Context) {
	tick := time.NewTicker(seenFlush)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.flush(ctx)
		case <-ctx.Done():
			s.flush(context.WithoutCancel(ctx))
			return
		}
	}
}

func (s *Seen) flush(ctx context.Context) {
	s.mu.Lock()
	batch := make([]afauth.ID, 0, len(s.ids))
	for id := range s.ids {
		batch = append(batch, id)
	}
	clear(s.ids)
	s.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	writing, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := s.write(writing, batch)
	if s.Flushed != nil {
		s.Flushed(len(batch), err)
	}
	if err != nil {
		s.logger.WarnContext(ctx, "use of sessions not written", "sessions", len(batch), "error", err)
	}
}
