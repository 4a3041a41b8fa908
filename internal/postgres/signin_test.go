package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// lastEvent returns kind and details of the newest event.
func (w world) lastEvent() string {
	w.t.Helper()
	return w.lines(`SELECT concat_ws(' ', kind, actor, address, details ->> 'host', details ->> 'access') FROM events ORDER BY id DESC LIMIT 1`)[0]
}

// A first sign-in: the person waits, and has a session to wait with.
func TestFirstSignIn(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		token := afauth.NewToken()
		out := w.signIn(octocat(token))
		if out.Access != afauth.Waiting || out.SessionID == nil || out.ExpiresAt == nil || !out.ExpiresAt.Equal(out.Now.Add(7*24*time.Hour)) {
			t.Errorf("%+v", out)
		}
		u := out.User
		if u.ID.IsZero() || u.GitHubID != 583231 || u.Login != "octocat" || u.Name != "The Octocat" || u.Email != "octocat@github.com" ||
			u.AvatarURL != "https://avatars.example.com/u/583231" || u.IsWhitelisted || u.Until != nil || u.DecidedAt != nil ||
			u.LastSignInAt == nil || !u.LastSignInAt.Equal(out.Now) || !u.CreatedAt.Equal(out.Now) || !u.UpdatedAt.Equal(out.Now) {
			t.Errorf("user %+v", u)
		}
		visit, err := w.db.FindSession(t.Context(), token.Hash(), ownHost, idle)
		if err != nil {
			t.Fatal(err)
		}
		s := visit.Session
		if s.ID != *out.SessionID || s.UserID != u.ID || s.Host != ownHost || s.ParentID != nil || !s.ExpiresAt.Equal(*out.ExpiresAt) ||
			!s.CreatedAt.Equal(out.Now) || !s.SeenAt.Equal(out.Now) || visit.Now.Before(out.Now) {
			t.Errorf("session %+v", s)
		}
		if visit.User.ID != u.ID || visit.User.Email != u.Email || visit.User.LastSignInAt == nil {
			t.Errorf("the visit's user is %+v", visit.User)
		}
		if got, want := w.lastEvent(), "sign_in.succeeded user:"+u.ID.String()+" 192.0.2.7 auth.example.com waiting"; got != want {
			t.Errorf("event %q, want %q", got, want)
		}
		if n := w.count("SELECT count(*) FROM events"); n != 1 {
			t.Errorf("%d events", n)
		}
		if n := w.count("SELECT count(*) FROM users WHERE github_access_token IS NULL AND github_refresh_token IS NULL AND github_token_expires_at IS NULL"); n != 1 {
			t.Error("a token is kept")
		}
	})
}

// What each answer of the whitelist means for a sign-in.
func TestSignInByAccess(t *testing.T) {
	t.Parallel()
	for access, set := range map[afauth.Access]string{
		afauth.Waiting: "name = 'x'",
		afauth.Allowed: "is_whitelisted = true, whitelist_until = now() + interval '1 hour'",
		afauth.Refused: "whitelist_decided_at = now()",
		afauth.Expired: "is_whitelisted = true, whitelist_until = now()",
	} {
		t.Run(string(access), func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, w world) {
				w.signIn(octocat(afauth.NewToken()))
				w.run("UPDATE users SET " + set + "; DELETE FROM sessions; DELETE FROM events")
				token := afauth.NewToken()
				out := w.signIn(octocat(token))
				if out.Access != access || afauth.Decide(out.User.Whitelist, out.Now) != access {
					t.Errorf("access %s, user %+v", out.Access, out.User)
				}
				_, err := w.db.FindSession(t.Context(), token.Hash(), ownHost, idle)
				kind := "sign_in.succeeded"
				if access == afauth.Waiting || access == afauth.Allowed {
					if out.SessionID == nil || err != nil {
						t.Errorf("session %v, %v", out.SessionID, err)
					}
				} else {
					kind = "sign_in.refused"
					if out.SessionID != nil || out.ExpiresAt != nil || !errors.Is(err, afauth.ErrNotSignedIn) || w.count("SELECT count(*) FROM sessions") != 0 {
						t.Errorf("session %v, %v", out.SessionID, err)
					}
				}
				if want := fmt.Sprintf("%s user:%s 192.0.2.7 auth.example.com %s", kind, out.User.ID, access); w.lastEvent() != want {
					t.Errorf("event %q, want %q", w.lastEvent(), want)
				}
			})
		})
	}
}

// GitHub's id is the person; everything else is as of the last sign-in.
func TestSignInAgainUpdates(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		first := w.signIn(octocat(afauth.NewToken()))
		in := octocat(afauth.NewToken())
		in.Login, in.Name, in.Email, in.AvatarURL = "monalisa", "", "mona@example.com", ""
		again := w.signIn(in)
		if again.User.ID != first.User.ID || !again.User.CreatedAt.Equal(first.User.CreatedAt) || !again.User.UpdatedAt.After(first.User.UpdatedAt) {
			t.Errorf("%+v became %+v", first.User, again.User)
		}
		p, err := w.db.User(t.Context(), first.User.ID)
		if err != nil || p.Login != "monalisa" || p.Name != "" || p.Email != "mona@example.com" || p.AvatarURL != "" {
			t.Errorf("stored %+v, %v", p, err)
		}
		other := octocat(afauth.NewToken())
		other.GitHubID = 99
		stranger := w.signIn(other)
		if stranger.User.ID == first.User.ID || w.count("SELECT count(*) FROM users") != 2 {
			t.Error("another id with the same login became the same person")
		}
	})
}

// Text from outside: what is stored and what is returned is the same, fits into
// PostgreSQL, and ends somewhere.
func TestSignInText(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		for i, tt := range []struct{ in, want string }{
			{"a\x00b", "ab"}, {"\x00", ""}, {"bad \xff\xfe byte", "bad \uFFFD byte"}, {"\xed\xa0\x80", "\uFFFD"},
			{strings.Repeat("ä", 400), strings.Repeat("ä", 250)}, {"x" + strings.Repeat("𝕏", 300), "x" + strings.Repeat("𝕏", 124)},
			{`'; DROP TABLE users; --`, `'; DROP TABLE users; --`}, {`\x41 $1 \\ %s {}`, `\x41 $1 \\ %s {}`}, {"\u202e\n\t", "\u202e\n\t"},
		} {
			in := octocat(afauth.NewToken())
			in.GitHubID = int64(i + 1)
			in.Name, in.Email, in.AvatarURL, in.UserAgent, in.Address = tt.in, tt.in, tt.in, tt.in, tt.in
			out := w.signIn(in)
			p, err := w.db.User(t.Context(), out.User.ID)
			if err != nil || p.Name != tt.want || p.Email != tt.want || p.AvatarURL != tt.want {
				t.Errorf("%q: stored %q, %q, %q (%v), want %q", tt.in, p.Name, p.Email, p.AvatarURL, err, tt.want)
			}
			if u := out.User; u.Name != tt.want || u.Email != tt.want || u.AvatarURL != tt.want {
				t.Errorf("%q: returned %q, %q, %q, want %q", tt.in, u.Name, u.Email, u.AvatarURL, tt.want)
			}
		}
	})
}

// The session that a browser had before ends with the sign-in, and what came
// from it; whoever else is signed in stays.
func TestPreviousSessionEnds(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		old, other := afauth.NewToken(), afauth.NewToken()
		first := w.signIn(octocat(old))
		w.signIn(octocat(other))
		child := w.enter(*first.SessionID)
		in := octocat(afauth.NewToken())
		hash := old.Hash()
		in.Previous = &hash
		w.signIn(in)
		for name, tt := range map[string]struct {
			token afauth.Token
			host  string
			live  bool
		}{
			"the former": {old, ownHost, false}, "its child": {child, appHost, false},
			"another browser": {other, ownHost, true},
		} {
			if _, err := w.db.FindSession(t.Context(), tt.token.Hash(), tt.host, idle); (err == nil) != tt.live {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := w.count("SELECT count(*) FROM events WHERE kind = 'session.ended'"); n != 2 {
			t.Errorf("%d sessions ended by the record, want 2", n)
		}
	})
}

// One round trip, whatever the connection.
func TestSignInIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	for mode, first := range map[string]int64{"": 2, "pgbouncer=true": 1} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, pgtest.New(t))
			db := openDB(t, p.url(mode), func(o *postgres.Options) { o.PoolMax = 1 })
			var trips []int64
			for range 3 {
				before := p.trips.Load()
				if _, err := db.SignIn(t.Context(), octocat(afauth.NewToken())); err != nil {
					t.Fatal(err)
				}
				trips = append(trips, p.trips.Load()-before)
			}
			// A named statement is prepared once on each connection.
			if want := []int64{first, 1, 1}; !slices.Equal(trips, want) {
				t.Errorf("round trips %d, want %d", trips, want)
			}
		})
	}
}

// Fifty browsers of one person at once, none of them known: one person, and
// fifty sessions.
func TestFirstSignInsAtOnce(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		const browsers = 50
		ids, failures := make([]afauth.ID, browsers), make([]error, browsers)
		var all sync.WaitGroup
		for i := range browsers {
			all.Go(func() {
				out, err := w.db.SignIn(t.Context(), octocat(afauth.NewToken()))
				ids[i], failures[i] = out.User.ID, err
			})
		}
		all.Wait()
		if err := errors.Join(failures...); err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(ids, func(a, b afauth.ID) int { return strings.Compare(a.String(), b.String()) })
		if len(slices.Compact(ids)) != 1 || w.count("SELECT count(*) FROM users") != 1 {
			t.Error("one GitHub id became several people")
		}
		if n := w.count("SELECT count(*) FROM sessions"); n != browsers {
			t.Errorf("%d sessions", n)
		}
		if n := w.count("SELECT count(*) FROM events WHERE kind = 'sign_in.succeeded'"); n != browsers {
			t.Errorf("%d events", n)
		}
	})
}

// A sign-in whose answer was lost, sent again by nobody, leaves what it wrote;
// one whose token is already there writes nothing.
func TestSignInIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		token := afauth.NewToken()
		w.signIn(octocat(token))
		twice := octocat(token)
		twice.GitHubID, twice.Login = 99, "hubot"
		if _, err := w.db.SignIn(t.Context(), twice); err == nil || afauth.CodeOf(err) != afauth.CodeInternal {
			t.Errorf("the same token for two sessions: %v", err)
		}
		if w.count("SELECT count(*) FROM users") != 1 || w.count("SELECT count(*) FROM events") != 1 {
			t.Error("half a sign-in was written")
		}
	})
}
