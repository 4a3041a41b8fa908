package e2e

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/githubsim"
)

// bound is how soon after its commit a revocation is felt everywhere.
const bound = time.Second

// TestRevocationByAnyHand: whoever lowers access, with whatever statement, is
// obeyed by all servers within a second, and stands in the record.
func TestRevocationByAnyHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, kind string }{
		{"bare update", `UPDATE users SET is_whitelisted = false`, "access.revoked"},
		{"update of one", `UPDATE users SET is_whitelisted = false WHERE github_user_id = 583231`, "access.revoked"},
		{"expiry brought forward", `UPDATE users SET whitelist_until = now()`, "access.changed"},
		{"another person's id", `UPDATE users SET github_user_id = 1`, "access.changed"},
		{"delete", `DELETE FROM users`, "user.deleted"},
		{"delete of sessions", `DELETE FROM sessions`, "session.ended"},
		{"cascade from the parent session", `DELETE FROM sessions WHERE parent_id IS NULL`, "session.ended"},
		{"session moved to another host", `UPDATE sessions SET host = 'x' || host`, "session.ended"},
		{"session cut short", `UPDATE sessions SET expires_at = now()`, "session.ended"},
		{"truncate of sessions", `TRUNCATE sessions CASCADE`, "table.truncated"},
		{"truncate of people", `TRUNCATE users CASCADE`, "table.truncated"},
		{"merge by a CTE", `WITH x AS (UPDATE users SET is_whitelisted = false RETURNING id) SELECT count(*) FROM x`, "access.revoked"},
		{"off and on again", `DO $$ BEGIN UPDATE users SET is_whitelisted = false; UPDATE users SET is_whitelisted = true; END $$`, "access.revoked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 3, nil)
			w.allow(t, octocat)
			s := w.stranger(w.doors[0])
			s.enter(t, appOrigin, "octocat")
			w.everywhere(t, s, http.StatusOK)
			before := w.events(t, c.kind)
			w.exec(t, c.sql)
			w.soon(t, s, http.StatusUnauthorized)
			if after := w.events(t, c.kind); after == before {
				t.Errorf("no event %s: still %s", c.kind, after)
			}
			if role := w.value(t, `SELECT coalesce(actor, '') || '|' || role FROM events WHERE kind = $1 ORDER BY id DESC LIMIT 1`, c.kind); role == "|" || strings.HasPrefix(role, "user:") {
				t.Errorf("the record names %q", role)
			}
		})
	}
}

// everywhere fails unless all servers answer the gate's question so at the
// application, at once.
func (w *world) everywhere(t *testing.T, s *stranger, status int) {
	t.Helper()
	for i, d := range w.doors {
		if got := w.holding(d, appOrigin, s.session(appOrigin)).verify(t, appOrigin); got != status {
			t.Errorf("server %d answers %d, want %d", i, got, status)
		}
	}
}

// soon fails unless all servers come to answer so within the bound: whoever uses
// plain SQL waits for nobody, and servers hear of it a moment later.
func (w *world) soon(t *testing.T, s *stranger, status int) {
	t.Helper()
	begun := time.Now()
	for i, d := range w.doors {
		got := 0
		for got != status {
			if got = w.holding(d, appOrigin, s.session(appOrigin)).verify(t, appOrigin); got != status && time.Since(begun) > bound {
				t.Errorf("server %d answers %d after %v, want %d", i, got, bound, status)
				break
			}
		}
	}
}

// TestRevocationThatCannotBeRecorded: no record, no change.
func TestRevocationThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	s.enter(t, appOrigin, "octocat")
	w.exec(t, `ALTER TABLE events ADD CONSTRAINT full_disk CHECK (kind <> 'access.revoked') NOT VALID`)
	if out, err := w.command(t, "revoke", "octocat"); err == nil {
		t.Errorf("revoke says %s", out)
	}
	w.everywhere(t, s, http.StatusOK)
	w.exec(t, `ALTER TABLE events DROP CONSTRAINT full_disk`)
	if out, err := w.command(t, "revoke", "octocat", "--reason", "gone"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	w.everywhere(t, s, http.StatusUnauthorized)
}

// TestWaitingPagesHear (C22): streams that stand open on all servers are told
// of a decision, whoever makes it, and end with it.
func TestWaitingPagesHear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, data string }{
		{"allowed", `UPDATE users SET is_whitelisted = true`, `{"access":"allowed"}`},
		{"refused", `UPDATE users SET whitelist_decided_at = now()`, `{"access":"refused"}`},
		{"allowed until a moment that is over", `UPDATE users SET is_whitelisted = true, whitelist_until = now() - interval '1 minute'`, `{"access":"expired"}`},
		{"deleted", `DELETE FROM users`, ""},
		{"signed out elsewhere", `DELETE FROM sessions`, ""},
		{"sessions emptied", `TRUNCATE sessions CASCADE`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 3, nil)
			s := w.stranger(w.doors[0])
			s.signIn(t, "octocat", "")
			var open []<-chan event
			for _, d := range w.doors {
				events := w.holding(d, ownOrigin, s.session(ownOrigin)).events(t)
				await(t, events, `{"access":"waiting"}`, 5*time.Second)
				open = append(open, events)
			}
			w.exec(t, c.sql)
			for i, events := range open {
				if c.data != "" {
					await(t, events, c.data, bound)
				}
				if !ends(events, bound) {
					t.Errorf("the stream of server %d goes on", i)
				}
			}
		})
	}
}

// TestWaitingPagesHearWithoutNotify: where the connection that hears is lost,
// and lost again each time, the waiting page goes on all the same.
func TestWaitingPagesHearWithoutNotify(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	s := w.stranger(w.doors[0])
	s.signIn(t, "octocat", "")
	events := s.events(t)
	await(t, events, `{"access":"waiting"}`, 5*time.Second)
	// Nobody can hear: what the triggers send goes to a channel of another name.
	w.exec(t, `CREATE OR REPLACE FUNCTION notify_access(ids uuid[]) RETURNS void LANGUAGE sql AS 'SELECT'`)
	w.exec(t, `UPDATE users SET is_whitelisted = true`)
	await(t, events, `{"access":"allowed"}`, 11*time.Second)

	again := w.stranger(w.doors[0])
	again.signIn(t, "hubot", "")
	events = again.events(t)
	await(t, events, `{"access":"waiting"}`, 5*time.Second)
	w.exec(t, `UPDATE users SET is_whitelisted = true WHERE github_user_id = $1`, hubot)
	w.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'af-auth listen' AND datname = current_database()`)
	// A connection that comes back wakes everybody.
	await(t, events, `{"access":"allowed"}`, 3*time.Second)
}

// TestSlowIsNotOver: a waiting page that waits for long, and a GitHub that is
// slow in each of its answers, outlast the server's limits for quick requests.
func TestSlowIsNotOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	waits := w.stranger(w.doors[0])
	waits.signIn(t, "hubot", "")
	events := waits.events(t)
	await(t, events, `{"access":"waiting"}`, 5*time.Second)
	s := w.stranger(w.doors[0])
	callback := s.choose(t, s.begin(t, ""), "octocat")
	for _, path := range []string{"/login/oauth/access_token", "/api/v3/user"} {
		w.sim.Fault(1, githubsim.Fault{Kind: githubsim.Latency, Latency: 5300 * time.Millisecond, Path: path})
	}
	if got := s.get(t, callback); got.status != http.StatusSeeOther || s.session(ownOrigin) == "" {
		t.Errorf("after %v: %d %.300s", got.took, got.status, got.body)
	}
	w.exec(t, `UPDATE users SET is_whitelisted = true WHERE github_user_id = $1`, hubot)
	await(t, events, `{"access":"allowed"}`, bound)
}

// TestStreamsAreBounded: one person holds eight streams open, not more, and a
// stranger none.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	s := w.stranger(w.doors[0])
	if got := s.get(t, ownOrigin+"/auth/waiting/events"); got.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got.status)
	}
	s.signIn(t, "octocat", "")
	var open []<-chan event
	for range 8 {
		open = append(open, s.events(t))
	}
	for _, events := range open {
		await(t, events, `{"access":"waiting"}`, 5*time.Second)
	}
	if got := s.get(t, ownOrigin+"/auth/waiting/events"); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("the ninth: %d", got.status)
	}
	other := w.stranger(w.doors[0])
	other.signIn(t, "hubot", "")
	await(t, other.events(t), `{"access":"waiting"}`, 5*time.Second)
	w.doors[0].stop(t)
	for i, events := range open {
		if !ends(events, bound) {
			t.Errorf("stream %d outlives the server", i)
		}
	}
}

// events opens the waiting page's stream.
func (s *stranger) events(t *testing.T) <-chan event {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.door.address+"/auth/waiting/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = hostOf(ownOrigin)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Cookie", "__Host-af_auth="+s.session(ownOrigin))
	res, err := (&http.Client{}).Do(r) // without a limit: a stream has no end to wait for
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream: %d %v", res.StatusCode, res.Header)
	}
	found := make(chan event, 16)
	go func() {
		defer close(found)
		name := ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = kind
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				found <- event{name: name, data: data, at: time.Now()}
			}
		}
	}()
	return found
}

// ends reports whether a stream ends in time, whatever it says before.
func ends(events <-chan event, within time.Duration) bool {
	deadline := time.After(within)
	for {
		select {
		case _, open := <-events:
			if !open {
				return true
			}
		case <-deadline:
			return false
		}
	}
}
