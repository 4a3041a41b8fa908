package postgres

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
)

// SeenWith makes a Seen that writes elsewhere.
func SeenWith(write func(context.Context, []afauth.ID) error, logger *slog.Logger) *Seen {
	return &Seen{write: write, logger: logger, ids: map[afauth.ID]bool{}}
}

// Remembered returns how many sessions wait to be written.
func (s *Seen) Remembered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ids)
}

// Watched returns how many people are watched.
func (l *Listener) Watched() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.watchers)
}

// SetClock compares the clocks: the database said its time in answer to a
// question that was asked at before.
func (db *DB) SetClock(before, database time.Time) { db.clock.set(before, database) }

// ColumnsForTest returns what Missing looks for, as table.column.
func ColumnsForTest(t *testing.T) []string {
	t.Helper()
	found, err := columns(Schema())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range found {
		out = append(out, c.table+"."+c.name)
	}
	return out
}

// KnowIDs is what a new connection of the pool learns.
var KnowIDs = knowIDs
