package e2e

import (
	"context"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// scene is two servers that remember two people, one of whom will be revoked.
type scene struct {
	w            *world
	pool, listen *wire
	stays, goes  person
	askers       *pollers
}

// fault is something that goes wrong between the servers and what they hear.
type fault struct {
	begin, end func(t *testing.T, s *scene)
	// answers is what somebody allowed is told while it lasts: 200 where the
	// database can be asked, 503 where it cannot.
	answers int
	// late says that a person can be revoked only when the fault is over.
	late bool
}

// stage sets the scene on a database, with a wire before the pool and one before
// the listener.
func stage(t *testing.T, database string) *scene {
	t.Helper()
	pool, listen := newWireTo(t, database), newWireTo(t, database)
	s := stageOn(t, database, map[string]string{"DATABASE_URL": pool.url(t, database), "DIRECT_URL": listen.url(t, database)})
	s.pool, s.listen = pool, listen
	return s
}

// stageOn sets the scene with settings of one's own.
func stageOn(t *testing.T, database string, settings map[string]string) *scene {
	t.Helper()
	settings["AF_AUTH_LOG_LEVEL"] = "info"
	s := &scene{w: newWorldOn(t, database, 0, settings), stays: newPerson(1001), goes: newPerson(1002)}
	s.w.withConn(t, func(ctx context.Context, conn *pgx.Conn) error {
		if err := s.stays.come(ctx, conn); err != nil {
			return err
		}
		return s.goes.come(ctx, conn)
	})
	for range 2 {
		s.w.doors = append(s.w.doors, s.w.newDoor(t, nil))
	}
	s.askers = s.w.asking(t, s.stays, s.goes)
	s.w.remembering(t, "before")
	for door := range s.w.doors {
		eventually(t, "both are remembered", 10*time.Second, func() bool { return s.w.state(t, door).sessions == 2 })
	}
	return s
}

// revoke is somebody in psql, behind whatever is wrong. It returns a moment
// after the commit.
func (s *scene) revoke(t *testing.T) time.Time {
	t.Helper()
	s.w.exec(t, `UPDATE users SET is_whitelisted = false WHERE github_user_id = $1`, s.goes.githubID)
	return time.Now()
}

// suffer lets the fault begin and end, and fails unless nobody is let in on
// memory alone once a lease is over, and memory comes back by itself.
func (s *scene) suffer(t *testing.T, f fault) {
	t.Helper()
	f.begin(t, s)
	begun := time.Now()
	var revoked time.Time
	if !f.late {
		revoked = s.revoke(t)
	}
	for door := range s.w.doors {
		s.loses(t, door, begun)
	}
	lost := time.Now()
	s.forgets(t)
	ending := time.Now()
	f.end(t, s)
	if f.late {
		revoked = s.revoke(t)
	}
	back := s.w.remembering(t, "after")
	t.Logf("answers from memory %s after the end", back.Round(time.Millisecond))
	s.askers.stop()
	s.judge(t, f, revoked, lost, ending)
}

// loses waits until a server's lease is over. The last heartbeat that it can
// have heard was asked for before the fault began, so that whoever asks a lease
// later must find it gone.
func (s *scene) loses(t *testing.T, door int, begun time.Time) {
	t.Helper()
	eventually(t, "the lease is over", 10*time.Second, func() bool {
		now := s.w.state(t, door)
		if now.leased && now.asked.After(begun.Add(lease)) {
			t.Fatalf("server %d holds a lease %s after the fault began", door, now.asked.Sub(begun))
		}
		if !now.leased {
			t.Logf("server %d lost the lease within %s", door, time.Since(begun).Round(time.Millisecond))
		}
		return !now.leased
	})
}

// forgets fails if a server without a lease answers anything from memory.
func (s *scene) forgets(t *testing.T) {
	t.Helper()
	var before []state
	for door := range s.w.doors {
		before = append(before, s.w.state(t, door))
	}
	lost := time.Now()
	for door := range s.w.doors {
		eventually(t, "some answers", 10*time.Second, func() bool { return s.askers.answeredSince(door, lost) >= 2 })
	}
	for door, was := range before {
		if now := s.w.state(t, door); now.memory != was.memory || now.database == was.database || now.leased {
			t.Errorf("server %d without a lease: %+v, before %+v", door, now, was)
		}
	}
}

// judge looks at each answer that was given.
func (s *scene) judge(t *testing.T, f fault, revoked, lost, ending time.Time) {
	t.Helper()
	during := 0
	for _, r := range s.askers.read() {
		if !slices.Contains([]int{http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable}, r.status) {
			t.Errorf("server %d answers %d", r.door, r.status)
		}
		if r.cookie == s.goes.cookie && r.status == http.StatusOK && r.start.After(revoked.Add(lease)) {
			t.Errorf("server %d lets somebody in who asked %s after the revocation", r.door, r.start.Sub(revoked))
		}
		if r.cookie == s.stays.cookie && r.start.After(lost) && r.end.Before(ending) {
			during++
			if r.status != f.answers {
				t.Errorf("server %d answers %d to somebody allowed, want %d", r.door, r.status, f.answers)
			}
		}
	}
	if during == 0 {
		t.Error("nobody asked meanwhile")
	}
}

// set is a fault of one wire, or of both.
func set(state wireState, answers int, wires ...func(*scene) *wire) fault {
	to := func(state wireState) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) {
			for _, x := range wires {
				x(s).set(state)
			}
		}
	}
	return fault{begin: to(state), end: to(whole), answers: answers}
}

func listening(s *scene) *wire { return s.listen }
func pooling(s *scene) *wire   { return s.pool }

// TestLeaseBehindACut: servers that cannot hear a revocation, for whatever
// reason, let nobody in on memory alone once a lease is over.
func TestLeaseBehindACut(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{
		"listener cut":                         set(torn, http.StatusOK, listening),
		"listener half-open":                   set(silent, http.StatusOK, listening),
		"listener half-open, questions arrive": set(deaf, http.StatusOK, listening),
		"listener slow":                        set(slow, http.StatusOK, listening),
		"everything cut":                       set(torn, http.StatusServiceUnavailable, listening, pooling),
		"everything half-open":                 set(silent, http.StatusServiceUnavailable, listening, pooling),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stage(t, database(t)).suffer(t, f)
		})
	}
}

// TestSoakLeasePoolHalfOpen: where only the pool is half-open, changes are heard, and
// memory is good: somebody allowed comes in, and whoever is revoked never does.
// After three heartbeats that were not written nobody would wait for the server
// any more, and by then it has stopped to trust its memory.
func TestSoakLeasePoolHalfOpen(t *testing.T) {
	t.Parallel()
	s := stage(t, database(t))
	s.pool.set(silent)
	revoked := s.revoke(t)
	marked := s.w.mark(t, len(s.w.doors))
	confirmed := time.Now()
	t.Logf("confirmed %s after the revocation", confirmed.Sub(revoked).Round(time.Microsecond))
	if marked > 0 {
		t.Errorf("%d servers do not confirm", marked)
	}
	s.w.remembering(t, "without a pool")
	if os.Getenv("SOAK") != "" {
		for door := range s.w.doors {
			eventually(t, "the lease ends with the row", 20*time.Second, func() bool { return !s.w.state(t, door).leased })
		}
		t.Logf("the lease ended %s after the pool", time.Since(revoked).Round(time.Millisecond))
	}
	s.pool.set(whole)
	s.w.remembering(t, "after")
	s.askers.stop()
	for _, r := range s.askers.read() {
		if r.cookie == s.goes.cookie && r.status == http.StatusOK && r.start.After(confirmed) {
			t.Errorf("server %d lets somebody in %s after the confirmation", r.door, r.start.Sub(confirmed))
		}
	}
}
