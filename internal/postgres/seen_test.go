package postgres_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// visit is a use of session n, last seen so long ago.
func visit(n int, ago time.Duration) postgres.Visit {
	var id afauth.ID
	binary.BigEndian.PutUint32(id[:], uint32(n))
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	return postgres.Visit{Session: afauth.Session{ID: id, SeenAt: now.Add(-ago)}, Now: now}
}

// Use is written in the database: of the session and of its parent, at once
// when the server stops.
func TestSeenIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(583231)
	own := w.signIn(octocat(afauth.NewToken()))
	token := w.enter(*own.SessionID)
	w.run("UPDATE sessions SET seen_at = now() - interval '1 hour'")
	v, err := w.db.FindSession(t.Context(), token.Hash(), appHost, idle)
	if err != nil {
		t.Fatal(err)
	}
	seen := postgres.NewSeen(w.db)
	var flushed []int
	seen.Flushed = func(n int, err error) {
		flushed = append(flushed, n)
		if err != nil {
			t.Error(err)
		}
	}
	for range 100 {
		seen.Note(v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	seen.Run(ctx)
	if n := w.count("SELECT count(*) FROM sessions WHERE seen_at > now() - interval '1 minute'"); n != 2 || !slices.Equal(flushed, []int{1}) {
		t.Errorf("%d sessions written in batches of %d", n, flushed)
	}
}

// A session is written at most once a minute, every ten seconds what has come
// together, and nothing where nothing was used.
func TestSeenInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var writes []string
		seen := postgres.SeenWith(func(_ context.Context, ids []afauth.ID) error {
			writes = append(writes, fmt.Sprint(time.Since(begun), " ", len(ids)))
			return nil
		}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			seen.Run(ctx)
		}()
		for n := range 5 {
			seen.Note(visit(n, time.Minute))
			seen.Note(visit(n, time.Hour))
			seen.Note(visit(100+n, 59*time.Second)) // the database knows
		}
		<-time.After(25 * time.Second)
		seen.Note(visit(1, time.Hour))
		cancel()
		<-done
		if want := []string{"10s 5", "25s 1"}; !slices.Equal(writes, want) {
			t.Errorf("written %q, want %q", writes, want)
		}
	})
}

// A batch that cannot be written is lost, and said so; the next one is written.
func TestSeenFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log journal
		var written, told []int
		seen := postgres.SeenWith(func(ctx context.Context, ids []afauth.ID) error {
			written = append(written, len(ids))
			if len(written) == 1 {
				<-ctx.Done() // a server that does not answer is waited for 5 s
				return errors.New("no answer")
			}
			return nil
		}, log.logger())
		seen.Flushed = func(n int, err error) {
			if err != nil {
				n = -n
			}
			told = append(told, n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			seen.Run(ctx)
		}()
		seen.Note(visit(1, time.Hour))
		seen.Note(visit(2, time.Hour))
		<-time.After(18 * time.Second)
		seen.Note(visit(3, time.Hour))
		<-time.After(10 * time.Second)
		cancel()
		<-done
		if !slices.Equal(written, []int{2, 1}) || !slices.Equal(told, []int{-2, 1}) {
			t.Errorf("written %d, told %d", written, told)
		}
		if !strings.Contains(log.text(), "use of sessions not written") || !strings.Contains(log.text(), `"sessions":2`) {
			t.Errorf("log: %s", log.text())
		}
	})
}

// Memory between two writes is bounded.
func TestSeenIsBounded(t *testing.T) {
	t.Parallel()
	seen := postgres.SeenWith(nil, nil)
	for n := range 100_100 {
		seen.Note(visit(n, time.Hour))
	}
	if n := seen.Remembered(); n != 100_000 {
		t.Errorf("%d sessions are remembered", n)
	}
}
