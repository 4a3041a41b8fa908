package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// What one person can store has an end: the newest work, the oldest go, and the
// record says why.
func TestMostSessions(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		other := octocat(afauth.NewToken())
		other.GitHubID, other.Login = 7, "other"
		w.signIn(other)
		own := w.signIn(octocat(afauth.NewToken()))
		w.run(fmt.Sprintf(`INSERT INTO sessions (token_hash, user_id, host, created_at, expires_at)
			SELECT sha256(n::text::bytea), '%s', '%s', now() - n * interval '1 minute', now() + interval '1 day' FROM generate_series(1, 49) n`, own.User.ID, ownHost))
		oldest := w.lines("SELECT id::text FROM sessions ORDER BY created_at LIMIT 1")[0]
		if own.SessionID == nil {
			t.Fatal("no session")
		}
		w.enter(*own.SessionID) // children are not counted
		w.run("DELETE FROM events")

		// A browser that comes again takes its own place.
		first, second := afauth.NewToken(), afauth.NewToken()
		w.run("DELETE FROM sessions WHERE token_hash = sha256('1'); DELETE FROM events")
		w.signIn(octocat(first))
		again, previous := octocat(second), first.Hash()
		again.Previous = &previous
		w.signIn(again)
		if got := w.lines("SELECT concat_ws('|', kind, reason) FROM events WHERE kind = 'session.ended'"); !slices.Equal(got, []string{"session.ended|signed in again"}) {
			t.Errorf("%q", got)
		}

		third := afauth.NewToken()
		w.signIn(octocat(third))
		got := w.lines("SELECT concat_ws('|', actor, reason, details ->> 'session') FROM events WHERE kind = 'session.ended' ORDER BY id DESC LIMIT 1")[0]
		if want := "user:" + own.User.ID.String() + "|more than 50 sessions of one person|" + oldest; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		if n := w.count("SELECT count(*) FROM sessions WHERE parent_id IS NULL AND user_id = $1", own.User.ID); n != 50 {
			t.Errorf("%d sessions", n)
		}
		if _, err := w.db.FindSession(t.Context(), third.Hash(), ownHost, idle); err != nil {
			t.Errorf("the newest: %v", err)
		}
		if n := w.count("SELECT count(*) FROM sessions WHERE user_id <> $1", own.User.ID); n != 1 {
			t.Error("somebody else's session is gone")
		}
	})
}

func TestMostTickets(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		own, elsewhere := w.signIn(octocat(afauth.NewToken())), w.signIn(octocat(afauth.NewToken()))
		kept := w.ticket(*elsewhere.SessionID, time.Minute)
		var all []passage
		for range 13 {
			all = append(all, w.ticket(*own.SessionID, time.Minute))
		}
		if n := w.count("SELECT count(*) FROM tickets"); n != 11 {
			t.Errorf("%d tickets", n)
		}
		for i, p := range all {
			_, err := w.db.RedeemTicket(t.Context(), p.redemption())
			if gone := errors.Is(err, afauth.ErrTicketInvalid); gone != (i < 3) || err != nil && !gone {
				t.Errorf("ticket %d: %v", i, err)
			}
		}
		if _, err := w.db.RedeemTicket(t.Context(), kept.redemption()); err != nil {
			t.Errorf("another browser's: %v", err)
		}
	})
}

// A browser that hides its session when it enters does not fill the table.
func TestMostChildren(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		own := w.signIn(octocat(afauth.NewToken()))
		var last afauth.Token
		for range 12 {
			last = w.enter(*own.SessionID)
		}
		if n := w.count("SELECT count(*) FROM sessions WHERE parent_id IS NOT NULL"); n != 10 {
			t.Errorf("%d sessions", n)
		}
		if _, err := w.db.FindSession(t.Context(), last.Hash(), appHost, idle); err != nil {
			t.Errorf("the newest: %v", err)
		}
		if got := w.count("SELECT count(*) FROM events WHERE kind = 'session.ended' AND actor LIKE 'user:%' AND reason = 'more than 10 sessions of one browser on one host'"); got != 2 {
			t.Errorf("%d events", got)
		}
	})
}

// Tickets, sign-ins and their ends, of one person at once, neither deadlock nor
// fail, and stay within the bounds.
func TestMostAtOnceSoak(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		own := w.signIn(octocat(afauth.NewToken()))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range rounds(t) {
					p, err := w.issue(*own.SessionID, time.Minute)
					if err == nil {
						_, err = w.db.RedeemTicket(t.Context(), p.redemption())
					}
					if err != nil && !errors.Is(err, afauth.ErrTicketInvalid) && !errors.Is(err, afauth.ErrNotWhitelisted) {
						t.Error(err)
					}
					if _, err := w.db.SignIn(t.Context(), octocat(afauth.NewToken())); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Go(func() {
			for range rounds(t) {
				out, err := w.db.SignIn(t.Context(), octocat(afauth.NewToken()))
				if err != nil {
					t.Error(err)
					continue
				}
				_, _ = w.issue(*out.SessionID, time.Minute)
				if _, err := w.db.EndUserSessions(t.Context(), postgres.Actor{Name: "cli:test"}, out.User.ID); err != nil {
					t.Error(err)
				}
			}
		})
		all.Wait()
		w.signIn(octocat(afauth.NewToken()))
		if n := w.count("SELECT count(*) FROM sessions WHERE parent_id IS NULL"); n > 50 {
			t.Errorf("%d sessions", n)
		}
	})
}
