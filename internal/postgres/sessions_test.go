package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Which sessions count, by the database's clock.
func TestLiveSessions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, sql string
		live      bool
	}{
		{"fresh", "", true},
		{"almost unused for too long", "UPDATE sessions SET seen_at = now() - interval '23 hours 59 minutes'", true},
		{"unused for too long", "UPDATE sessions SET seen_at = now() - interval '24 hours'", false},
		{"almost at its end", "UPDATE sessions SET expires_at = now() + interval '1 minute'", true},
		{"at its end", "UPDATE sessions SET expires_at = now()", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, w world) {
				w.allow(583231)
				token := afauth.NewToken()
				out := w.signIn(octocat(token))
				w.run(tt.sql)
				_, err := w.db.FindSession(t.Context(), token.Hash(), ownHost, idle)
				if (err == nil) != tt.live || err != nil && !errors.Is(err, afauth.ErrNotSignedIn) {
					t.Errorf("found: %v", err)
				}
				list, err := w.db.Sessions(t.Context(), out.User.ID, idle)
				if (len(list) == 1) != tt.live || err != nil {
					t.Errorf("listed: %+v, %v", list, err)
				}
				c, err := w.db.Revoke(t.Context(), postgres.Actor{}, out.User.ID, idle)
				if (c.SessionsEnded == 1) != tt.live || err != nil {
					t.Errorf("counted: %d, %v", c.SessionsEnded, err)
				}
			})
		})
	}
}

func TestFindSessionNot(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		token := afauth.NewToken()
		w.signIn(octocat(token))
		for _, tt := range []struct {
			hash afauth.TokenHash
			host string
		}{
			{afauth.NewToken().Hash(), ownHost}, {afauth.TokenHash{}, ownHost}, {token.Hash(), appHost},
			{token.Hash(), ""}, {token.Hash(), "AUTH.example.com"}, {token.Hash(), ownHost + ":443"}, {token.Hash(), "' OR true --"},
		} {
			if v, err := w.db.FindSession(t.Context(), tt.hash, tt.host, idle); !errors.Is(err, afauth.ErrNotSignedIn) {
				t.Errorf("host %q: %+v, %v", tt.host, v, err)
			}
		}
	})
}

// A host from outside may be anything. What PostgreSQL cannot read is an error,
// never a session.
func TestFindSessionUnreadableHost(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		token := afauth.NewToken()
		w.signIn(octocat(token))
		for _, host := range []string{"\x00", ownHost + "\x00", "\xff"} {
			if v, err := w.db.FindSession(t.Context(), token.Hash(), host, idle); err == nil {
				t.Errorf("%q: %+v", host, v)
			}
		}
	})
}

func TestSessionsList(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		own := w.signIn(octocat(afauth.NewToken()))
		w.enter(*own.SessionID)
		list, err := w.db.Sessions(t.Context(), own.User.ID, idle)
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		app, first := list[0], list[1]
		if first.ID != *own.SessionID || first.Host != ownHost || first.UserAgent != "Mozilla/5.0" || first.ParentID != nil ||
			app.Host != appHost || app.ParentID == nil || *app.ParentID != first.ID || app.UserID != own.User.ID {
			t.Errorf("%+v", list)
		}
		page, err := w.db.SessionPage(t.Context(), postgres.SessionFilter{UserID: own.User.ID, Idle: idle, Limit: 1})
		if err != nil || len(page) != 1 || page[0].ID != app.ID {
			t.Errorf("the first page: %+v, %v", page, err)
		}
		after := postgres.Key{At: app.CreatedAt, ID: app.ID}
		page, err = w.db.SessionPage(t.Context(), postgres.SessionFilter{UserID: own.User.ID, Idle: idle, After: &after, Limit: 5})
		if err != nil || len(page) != 1 || page[0].ID != first.ID {
			t.Errorf("the second page: %+v, %v", page, err)
		}
		if n, err := w.db.CountSessions(t.Context(), own.User.ID, idle); err != nil || n != 2 {
			t.Errorf("counted: %d, %v", n, err)
		}
		if none, err := w.db.Sessions(t.Context(), afauth.ID{1}, idle); err != nil || none == nil || len(none) != 0 {
			t.Errorf("of somebody unknown: %v, %v", none, err)
		}
	})
}

// Sign-out: the session, and what came from it; only on its own host.
func TestEndSession(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		token := afauth.NewToken()
		own := w.signIn(octocat(token))
		w.enter(*own.SessionID)
		w.signIn(octocat(afauth.NewToken()))
		actor := postgres.Actor{Name: "user:" + own.User.ID.String(), Address: "192.0.2.9", Reason: "signed out"}
		if ended, err := w.db.EndSession(t.Context(), actor, token.Hash(), appHost); ended || err != nil {
			t.Errorf("on another host: %t, %v", ended, err)
		}
		if ended, err := w.db.EndSession(t.Context(), actor, token.Hash(), ownHost); !ended || err != nil {
			t.Errorf("%t, %v", ended, err)
		}
		if ended, err := w.db.EndSession(t.Context(), actor, token.Hash(), ownHost); ended || err != nil {
			t.Errorf("again: %t, %v", ended, err)
		}
		got := w.lines("SELECT concat_ws('|', actor, address, reason, details ->> 'host') FROM events WHERE kind = 'session.ended' ORDER BY 1")
		want := []string{actor.Name + "|192.0.2.9|signed out|" + appHost, actor.Name + "|192.0.2.9|signed out|" + ownHost}
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		if n, err := w.db.EndUserSessions(t.Context(), actor, own.User.ID); n != 1 || err != nil {
			t.Errorf("all others: %d, %v", n, err)
		}
		if n, err := w.db.EndUserSessions(t.Context(), actor, afauth.ID{1}); n != 0 || err != nil {
			t.Errorf("of somebody unknown: %d, %v", n, err)
		}
	})
}

// Use is noted for the session and for the one that it came from, and not too
// often.
func TestTouchSessions(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		own := w.signIn(octocat(afauth.NewToken()))
		child := w.enter(*own.SessionID)
		w.signIn(octocat(afauth.NewToken()))
		visit, err := w.db.FindSession(t.Context(), child.Hash(), appHost, idle)
		if err != nil {
			t.Fatal(err)
		}
		fresh := func() []string {
			return w.lines("SELECT host || ' ' || (parent_id IS NULL) FROM sessions WHERE seen_at > now() - interval '10 seconds' ORDER BY 1")
		}
		w.run("UPDATE sessions SET seen_at = now() - interval '1 hour'")
		if err := w.db.TouchSessions(t.Context(), []afauth.ID{visit.Session.ID, {1}}); err != nil {
			t.Fatal(err)
		}
		if got, want := fresh(), []string{appHost + " false", ownHost + " true"}; !slices.Equal(got, want) {
			t.Errorf("touched %q, want %q", got, want)
		}
		w.run("UPDATE sessions SET seen_at = now() - interval '20 seconds'")
		if err := w.db.TouchSessions(t.Context(), []afauth.ID{visit.Session.ID}); err != nil || len(fresh()) != 0 {
			t.Errorf("touched within 30 s: %q, %v", fresh(), err)
		}
		for _, none := range [][]afauth.ID{nil, {}} {
			if err := w.db.TouchSessions(t.Context(), none); err != nil {
				t.Error(err)
			}
		}
	})
}

// What somebody holds is left alone: nothing waits for it.
func TestTouchDoesNotWait(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		held := *w.signIn(octocat(afauth.NewToken())).SessionID
		free := *w.signIn(octocat(afauth.NewToken())).SessionID
		w.run("UPDATE sessions SET seen_at = now() - interval '1 hour'")
		w.run(fmt.Sprintf("BEGIN; DELETE FROM sessions WHERE id = '%s'", held))
		if err := w.db.TouchSessions(t.Context(), []afauth.ID{held, free}); err != nil {
			t.Error(err)
		}
		w.run("ROLLBACK")
		if got := w.lines("SELECT id::text FROM sessions WHERE seen_at > now() - interval '1 minute'"); !slices.Equal(got, []string{free.String()}) {
			t.Errorf("touched %q, want %s", got, free)
		}
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		live := w.signIn(octocat(afauth.NewToken()))
		over := w.signIn(octocat(afauth.NewToken()))
		w.enter(*over.SessionID)
		w.ticket(*live.SessionID, time.Minute)
		w.ticket(*live.SessionID, 0)
		w.ticket(*over.SessionID, time.Minute)
		if _, err := w.Exec(t.Context(), "UPDATE sessions SET expires_at = now() WHERE id = $1 OR parent_id = $1", *over.SessionID); err != nil {
			t.Fatal(err)
		}
		w.run("DELETE FROM events")
		for range 2 {
			if err := w.db.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if s, k, e := w.count("SELECT count(*) FROM sessions"), w.count("SELECT count(*) FROM tickets"), w.count("SELECT count(*) FROM events"); s != 1 || k != 1 || e != 0 {
			t.Errorf("%d sessions, %d tickets, %d events left", s, k, e)
		}
	})
}
