package postgres_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// rounds is how often a race is run: short in a usual test, long in a soak. make
// soak runs the tests named Soak alone, so only these have rounds.
func rounds(t *testing.T) int {
	t.Helper()
	if !strings.Contains(t.Name(), "Soak") {
		t.Error("make soak does not run this test, and so never its full count\nhint: put Soak into its name")
	}
	if os.Getenv("SOAK") != "" {
		return 2000
	}
	return 25
}

// lowerings take somebody's access away.
func lowerings() map[string]func(w world, user afauth.ID) error {
	bare := func(sql string) func(world, afauth.ID) error {
		return func(w world, _ afauth.ID) error { return w.try(sql) }
	}
	return map[string]func(w world, user afauth.ID) error{
		"the command": func(w world, user afauth.ID) error {
			_, err := w.db.Revoke(w.t.Context(), postgres.Actor{Name: "cli:test"}, user, idle)
			return err
		},
		"bare SQL":  bare("UPDATE users SET is_whitelisted = false"),
		"an end":    bare("UPDATE users SET whitelist_until = now()"),
		"a removal": bare("DELETE FROM users"),
	}
}

// entry is somebody with a session, a session on an application's host that
// came from it, and a ticket; and with as much that has expired.
type entry struct {
	user             afauth.ID
	own, app         afauth.Token
	ownID            afauth.ID
	ticket           passage
	sessionsOfBefore []afauth.ID
}

func (w world) entry() entry {
	w.t.Helper()
	w.allow(583231)
	former := w.signIn(octocat(afauth.NewToken()))
	w.enter(*former.SessionID)
	w.ticket(*former.SessionID, 0)
	w.run("UPDATE sessions SET expires_at = now()")
	e := entry{own: afauth.NewToken()}
	out := w.signIn(octocat(e.own))
	e.user, e.ownID = out.User.ID, *out.SessionID
	e.app = w.enter(e.ownID)
	e.ticket = w.ticket(e.ownID, time.Minute)
	sessions, err := w.db.Sessions(w.t.Context(), e.user, idle)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range sessions {
		e.sessionsOfBefore = append(e.sessionsOfBefore, s.ID)
	}
	return e
}

// entries are what may happen at the same moment. Each returns the error that
// it may not have.
func entries() map[string]func(w world, e entry) error {
	return map[string]func(w world, e entry) error{
		"a sign-in": func(w world, _ entry) error {
			_, err := w.db.SignIn(w.t.Context(), octocat(afauth.NewToken()))
			return err
		},
		"a sign-in over the former session": func(w world, e entry) error {
			in, former := octocat(afauth.NewToken()), e.own.Hash()
			in.Previous = &former
			_, err := w.db.SignIn(w.t.Context(), in)
			return err
		},
		"a ticket": func(w world, e entry) error {
			r, former := e.ticket.redemption(), e.app.Hash()
			r.Previous = &former
			if _, err := w.db.RedeemTicket(w.t.Context(), r); !errors.Is(err, afauth.ErrTicketInvalid) {
				return err
			}
			return nil
		},
		"a new ticket": func(w world, e entry) error {
			p, err := w.issue(e.ownID, time.Minute)
			if err == nil {
				_, err = w.db.RedeemTicket(w.t.Context(), p.redemption())
			}
			if !errors.Is(err, afauth.ErrTicketInvalid) && !errors.Is(err, afauth.ErrNotWhitelisted) {
				return err
			}
			return nil
		},
		"the use of sessions": func(w world, e entry) error {
			return w.db.TouchSessions(w.t.Context(), e.sessionsOfBefore)
		},
		"a sweep": func(w world, _ entry) error { return w.db.Sweep(w.t.Context()) },
		"a sign-out": func(w world, e entry) error {
			_, err := w.db.EndSession(w.t.Context(), postgres.Actor{}, e.own.Hash(), ownHost)
			return err
		},
	}
}

// atOnce runs two things at the same moment, and each of them a little earlier
// now and then.
func atOnce(one, other func() error) (error, error) {
	var both sync.WaitGroup
	var first, second error
	start := make(chan struct{})
	run := func(f func() error, err *error) {
		lag := time.Duration(rand.N(3)) * time.Duration(rand.N(1000)) * time.Microsecond
		both.Go(func() {
			<-start
			<-time.After(lag)
			*err = f()
		})
	}
	run(one, &first)
	run(other, &second)
	close(start)
	both.Wait()
	return first, second
}

// Whatever is going on at the moment when access is taken away: nobody is left
// with a session who may not come in, neither side fails, and in particular
// PostgreSQL never has to break a deadlock between them, because the one that
// it chooses could be the revocation.
func TestRevocationRacesSoak(t *testing.T) {
	t.Parallel()
	for what, lower := range lowerings() {
		for meanwhile, act := range entries() {
			t.Run(what+" and "+meanwhile, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				for range rounds(t) {
					e := w.entry()
					w.run("UPDATE sessions SET seen_at = seen_at - interval '5 minutes'")
					lowered, entered := atOnce(func() error { return lower(w, e.user) }, func() error { return act(w, e) })
					if lowered != nil || entered != nil {
						t.Fatalf("%s: %v\n%s: %v", what, lowered, meanwhile, entered)
					}
					// A sign-in that began before the end of a permission may leave
					// a session: like any that outlives an expiry, it opens nothing,
					// and ends when the permission is renewed.
					if n := w.count("SELECT count(*) FROM sessions JOIN users u ON u.id = user_id WHERE NOT u.is_whitelisted AND u.whitelist_decided_at IS NOT NULL"); n != 0 {
						t.Fatalf("%d sessions of somebody who was refused", n)
					}
					for _, token := range []afauth.Token{e.own, e.app, e.ticket.session} {
						for _, host := range []string{ownHost, appHost} {
							if v, err := w.db.FindSession(t.Context(), token.Hash(), host, idle); err == nil {
								t.Fatalf("a session lives: %+v", v.Session)
							}
						}
					}
				}
				if n := w.count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n != 0 {
					t.Errorf("%d deadlocks", n)
				}
			})
		}
	}
}

// All sessions of a person are ended, while one more is being made from them.
func TestSignOutRacesSoak(t *testing.T) {
	t.Parallel()
	for meanwhile, act := range entries() {
		t.Run(meanwhile, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range rounds(t) {
				e := w.entry()
				ended, entered := atOnce(func() error {
					_, err := w.db.EndUserSessions(t.Context(), postgres.Actor{}, e.user)
					return err
				}, func() error { return act(w, e) })
				if ended != nil || entered != nil {
					t.Fatalf("sign-out: %v\n%s: %v", ended, meanwhile, entered)
				}
				if n := w.count("SELECT count(*) FROM sessions WHERE parent_id IS NOT NULL OR id = $1", e.ownID); n != 0 {
					t.Fatalf("%d sessions live", n)
				}
				w.run("DELETE FROM sessions")
			}
		})
	}
}
