package e2e

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestKilledInSignIn kills a server with -9 between any two steps of a sign-in.
// What is left is whole, and the person tries again at another server.
func TestKilledInSignIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		// reach brings the sign-in to the step, then calls kill.
		reach func(t *testing.T, w *world, x *wire, s *stranger, kill func())
		// sessions are those left behind: "0", or "whole" where the database may
		// have committed.
		sessions string
	}{
		{"before GitHub", func(t *testing.T, _ *world, _ *wire, s *stranger, kill func()) { s.begin(t, ""); kill() }, "0"},
		{"while GitHub is asked for a token", func(t *testing.T, w *world, _ *wire, s *stranger, kill func()) {
			killAt(t, w, s, "/login/oauth/access_token", kill)
		}, "0"},
		{"between token and person", func(t *testing.T, w *world, _ *wire, s *stranger, kill func()) {
			killAt(t, w, s, "/api/v3/user", kill)
		}, "0"},
		{"while the sign-in is being written", func(t *testing.T, w *world, _ *wire, s *stranger, kill func()) {
			release := w.lock(t)
			defer release()
			callback := s.choose(t, s.begin(t, ""), "octocat")
			abandon := s.leave(t, callback)
			eventually(t, "the write waits", 5*time.Second, func() bool {
				return w.value(t, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`) != "0"
			})
			kill()
			abandon()
			eventually(t, "PostgreSQL has noticed", 10*time.Second, func() bool {
				release()
				return w.value(t, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`) == "0"
			})
		}, "whole"},
		{"after the commit, before its answer", func(t *testing.T, w *world, x *wire, s *stranger, kill func()) {
			// The one connection of this server knows the statement already.
			w.stranger(w.doors[0]).signIn(t, "hubot", "")
			callback := s.choose(t, s.begin(t, ""), "octocat")
			held := w.tap.close("/api/v3/user")
			abandon := s.leave(t, callback)
			<-held.arrived
			// From here on PostgreSQL hears and is not heard.
			x.set(deaf)
			close(held.open)
			eventually(t, "it is written", 5*time.Second, func() bool { return w.value(t, `SELECT count(*) FROM sessions`) == "2" })
			kill()
			abandon()
			x.set(whole)
		}, "whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 0, nil)
			x := w.newWire(t)
			w.doors = append(w.doors, w.newDoor(t, map[string]string{"DB_POOL_MIN": "0", "DB_POOL_MAX": "1"}), w.newDoor(t, nil))
			s := w.stranger(w.doors[0])
			c.reach(t, w, x, s, w.doors[0].kill)
			isWhole(t, w, c.sessions)
			s.door = w.doors[1]
			if s.session(ownOrigin) != "" {
				t.Error("the browser holds a session")
			}
			w.allow(t, octocat)
			got := s.signIn(t, "octocat", "?return_to="+url.QueryEscape(ownOrigin+"/auth/about"))
			if got.status != http.StatusSeeOther || got.to() != ownOrigin+"/auth/about" || s.verify(t, ownOrigin) != http.StatusOK {
				t.Errorf("the second try: %d to %q", got.status, got.to())
			}
		})
	}
}

// isWhole fails where a session, a person or an event stands without the
// others.
func isWhole(t *testing.T, w *world, sessions string) {
	t.Helper()
	count := func(from string) string { return w.value(t, `SELECT count(*) FROM `+from) }
	people, open, events := count("users"), count("sessions"), count("events WHERE kind = 'sign_in.succeeded'")
	if people != open || open != events || sessions != "whole" && open != sessions {
		t.Errorf("%s people, %s sessions, %s events", people, open, events)
	}
}

// killAt kills while GitHub has not answered at path.
func killAt(t *testing.T, w *world, s *stranger, path string, kill func()) {
	t.Helper()
	callback := s.choose(t, s.begin(t, ""), "octocat")
	held := w.tap.close(path)
	defer close(held.open)
	abandon := s.leave(t, callback)
	<-held.arrived
	kill()
	abandon()
}

// leave sends a request whose answer nobody waits for; the returned function
// waits until it has ended, one way or the other.
func (s *stranger) leave(t *testing.T, address string) (wait func()) {
	t.Helper()
	ended := make(chan struct{})
	one := &stranger{w: s.w, door: s.door, jar: s.jar, http: s.http}
	go func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		_, _ = one.try(ctx, request{method: http.MethodGet, url: address})
	}()
	return func() { <-ended }
}

// TestClocksApart: servers and database are an hour apart, and only the
// database's time decides: about permissions, sessions, tickets and sign-ins.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	for _, skew := range []string{"1 hour", "-1 hour"} {
		t.Run(skew, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 0, map[string]string{"AF_AUTH_SESSION_IDLE": "30m", "AF_AUTH_SESSION_MAX": "40m"})
			w.moveClock(t, skew)
			w.doors = append(w.doors, w.newDoor(t, nil), w.newDoor(t, nil))
			w.allow(t, octocat)
			s := w.stranger(w.doors[0])
			// Started on one server, finished on the other; the whole way to the application.
			authorize := s.begin(t, "")
			s.door = w.doors[1]
			if got := s.get(t, s.choose(t, authorize, "octocat")); got.status != http.StatusSeeOther || s.session(ownOrigin) == "" {
				t.Fatalf("sign-in: %d to %q", got.status, got.to())
			}
			s.enter(t, appOrigin, "octocat")
			for until, status := range map[string]int{"1 minute": http.StatusOK, "-1 minute": http.StatusForbidden} {
				w.exec(t, `UPDATE sessions SET seen_at = now()`)
				// Without the triggers: time passes, nobody changes anything.
				w.exec(t, `SET session_replication_role = replica; UPDATE users SET whitelist_until = now() + interval '`+until+`'`+forget)
				w.soon(t, s, status)
			}
			w.exec(t, `SET session_replication_role = replica; UPDATE users SET whitelist_until = NULL`)
			w.exec(t, `UPDATE sessions SET seen_at = now() - interval '29 minutes'`+forget)
			w.soon(t, s, http.StatusOK)
			w.exec(t, `UPDATE sessions SET seen_at = now() - interval '31 minutes'`+forget)
			w.soon(t, s, http.StatusUnauthorized)
		})
	}
}

// forget empties the servers' memory, as the minute would that is its bound.
const forget = `; NOTIFY af_auth_access, '{"all":true}'`

// moveClock gives the database another time: its own functions stand before
// PostgreSQL's for whoever connects, and what captured PostgreSQL's is made
// anew.
func (w *world) moveClock(t *testing.T, skew string) {
	t.Helper()
	w.exec(t, `
		CREATE TEMP TABLE definitions AS SELECT pg_get_functiondef('access_of'::regproc) AS text;
		CREATE SCHEMA moved;
		CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql STABLE AS $f$ SELECT pg_catalog.now() + interval '`+skew+`' $f$;
		CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $f$ SELECT pg_catalog.clock_timestamp() + interval '`+skew+`' $f$;
		SET search_path = moved, pg_catalog, public;
		DO $do$
		DECLARE f record;
		BEGIN
			EXECUTE format('ALTER DATABASE %I SET search_path = moved, pg_catalog, public', current_database());
			EXECUTE (SELECT text FROM pg_temp.definitions);
			FOR f IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proconfig IS NOT NULL LOOP
				EXECUTE format('ALTER FUNCTION %s SET search_path = moved, pg_catalog, public, pg_temp', f.name);
			END LOOP;
		END $do$;
		ALTER TABLE sessions ALTER created_at SET DEFAULT now(), ALTER seen_at SET DEFAULT now();
		ALTER TABLE users ALTER created_at SET DEFAULT now(), ALTER updated_at SET DEFAULT now();`)
}
