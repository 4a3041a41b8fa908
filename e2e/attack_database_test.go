package e2e

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// busyWithin is how soon a crowd before a full pool is told so: the two seconds
// that one waits for a connection, and the way there and back.
const busyWithin = 2*time.Second + 300*time.Millisecond

// askers are all doors that ask the database, for somebody signed in.
func askers(s *stranger, callback string) []request {
	get := func(url string) request { return request{method: http.MethodGet, url: url} }
	return []request{
		get(ownOrigin + "/auth/verify"), get(appOrigin + "/auth/verify"), get(ownOrigin + "/auth/"), get(ownOrigin + "/auth/sign-in"),
		get(ownOrigin + "/auth/continue"), get(ownOrigin + "/auth/continue?return_to=https://app.example.test/&nonce=" + strings.Repeat("ab", 32)),
		get(ownOrigin + "/auth/waiting"), get(ownOrigin + "/auth/waiting/events"), get(ownOrigin + "/auth/refused"), get(ownOrigin + "/auth/sign-out"),
		{method: http.MethodPost, url: ownOrigin + "/auth/sign-out"}, get(appOrigin + "/.af-auth/enter?ticket=" + strings.Repeat("A", 43)), get(callback),
	}
}

// refusesInTime sends all at once and fails unless each is a no in time.
func refusesInTime(t *testing.T, s *stranger, requests []request, within time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range requests {
		// A jar is not made for many hands.
		one := &stranger{w: s.w, door: s.door, jar: map[string]map[string]string{}, http: s.http}
		for host, jar := range s.jar {
			one.jar[host] = map[string]string{}
			for name, value := range jar {
				one.jar[host][name] = value
			}
		}
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got, err := one.try(ctx, r)
			switch {
			case err != nil:
				t.Errorf("%s %.80s: %v", r.method, r.url, err)
			case got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "":
				t.Errorf("%s %.80s: %d, want 503 with Retry-After", r.method, r.url, got.status)
			case got.took > within:
				t.Errorf("%s %.80s: a no after %v", r.method, r.url, got.took)
			case one.session(ownOrigin) != s.session(ownOrigin):
				t.Errorf("%s %.80s: the session cookie is changed", r.method, r.url)
			}
		})
	}
	all.Wait()
}

// anyStatus stands for an answer whose status does not matter.
const anyStatus = 0

// healthAnswers fails unless health comes to say how it is, and answers soon
// each time. It may remember for a second what it found.
func healthAnswers(t *testing.T, s *stranger, ready int) {
	t.Helper()
	for path, status := range map[string]int{"/live": http.StatusOK, "/ready": ready, "/health": ready} {
		eventually(t, path, 5*time.Second, func() bool {
			got := s.send(t, request{method: http.MethodGet, url: ownOrigin + path, header: http.Header{"Accept": {"*/*"}}})
			if got.took > decideWithin || !strings.Contains(got.body, `"status"`) {
				t.Fatalf("%s: %d after %v: %s", path, got.status, got.took, got.body)
			}
			return got.status == status || status == anyStatus
		})
	}
}

// signedIn is somebody allowed, with sessions on both hosts, and a sign-in
// that has come back from GitHub and is not finished.
func (w *world) signedIn(t *testing.T) (s *stranger, callback string) {
	t.Helper()
	w.allow(t, octocat)
	s = w.stranger(w.doors[0])
	s.enter(t, appOrigin, "octocat")
	return s, s.choose(t, s.begin(t, ""), "octocat")
}

// TestDatabaseOutOfReach: PostgreSQL that is silent, that takes questions and
// gives no answers, or that is gone, is a no within three seconds on each door;
// once it is back, all is well within ten.
func TestDatabaseOutOfReach(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]wireState{"silent": silent, "deaf": deaf, "torn": torn} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 0, nil)
			x := w.newWire(t)
			w.doors = append(w.doors, w.newDoor(t, nil))
			s, callback := w.signedIn(t)
			x.set(state)
			refusesInTime(t, s, askers(s, callback), decideWithin)
			healthAnswers(t, s, http.StatusServiceUnavailable)
			x.set(whole)
			eventually(t, "the gate opens again", 10*time.Second, func() bool { return s.verify(t, appOrigin) == http.StatusOK })
			eventually(t, "ready again", 10*time.Second, func() bool { return s.get(t, ownOrigin+"/ready").status == http.StatusOK })
			if got := s.signIn(t, "octocat", ""); got.status != http.StatusSeeOther {
				t.Errorf("signing in again: %d", got.status)
			}
		})
	}
}

// TestDatabaseIsSlow: a query that hangs is a no within three seconds.
func TestDatabaseIsSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, map[string]string{"DB_POOL_MAX": "30"})
	s, callback := w.signedIn(t)
	release := w.lock(t)
	refusesInTime(t, s, askers(s, callback), decideWithin)
	release()
	eventually(t, "the gate opens again", 10*time.Second, func() bool { return s.verify(t, appOrigin) == http.StatusOK })
	if n := w.value(t, `SELECT count(*) FROM sessions s WHERE NOT EXISTS (SELECT FROM events e WHERE e.user_id = s.user_id AND kind = 'sign_in.succeeded')`); n != "0" {
		t.Errorf("%s sessions without a sign-in", n)
	}
}

// lock keeps everybody away from the sessions until it is released.
func (w *world) lock(t *testing.T) (release func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, w.database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	release = func() { once.Do(func() { _ = conn.Close(ctx) }) }
	t.Cleanup(release)
	return release
}

// TestSoakPoolIsExhausted: a crowd before a full pool is told so within two
// seconds, and health goes on answering.
func TestSoakPoolIsExhausted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, map[string]string{"DB_POOL_MIN": "0", "DB_POOL_MAX": "2"})
	s, _ := w.signedIn(t)
	release := w.lock(t)
	crowd := make([]request, rounds(t, 60, 1000))
	for i := range crowd {
		crowd[i] = request{method: http.MethodGet, url: appOrigin + "/auth/verify"}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		refusesInTime(t, s, crowd, busyWithin)
	}()
	eventually(t, "the pool is full", 5*time.Second, func() bool { return w.metric(t, w.doors[0], "af_auth_database_pool_connections_busy") == 2 })
	// A pool is full for moments only: health says how it is now, and it says it soon.
	healthAnswers(t, s, anyStatus)
	<-done
	release()
	eventually(t, "the gate opens again", 10*time.Second, func() bool { return s.verify(t, appOrigin) == http.StatusOK })
}

// TestSoakConnectionsAreTaken: connections that the database ends are no fault of
// the next request for long.
func TestSoakConnectionsAreTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	s, _ := w.signedIn(t)
	for range rounds(t, 5, 100) {
		w.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if got := s.verify(t, appOrigin); got != http.StatusOK && got != http.StatusServiceUnavailable {
			t.Errorf("right after: %d", got)
		}
		eventually(t, "the gate opens again", 2*time.Second, func() bool { return s.verify(t, appOrigin) == http.StatusOK })
	}
}

// TestReadySaysWhy: what is missing is named with what mends it, and without an
// address or a secret.
func TestReadySaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	x := w.newWire(t)
	w.doors = append(w.doors, w.newDoor(t, nil))
	s := w.stranger(w.doors[0])
	says := func(what string, status int, words ...string) {
		t.Helper()
		var got reply
		// It remembers for a second what it found.
		eventually(t, what, 5*time.Second, func() bool {
			got = s.send(t, request{method: http.MethodGet, url: ownOrigin + "/ready", header: http.Header{"Accept": {"application/json"}}})
			said := got.status == status
			for _, word := range words {
				said = said && strings.Contains(got.body, word)
			}
			return said
		})
		for _, secret := range []string{"127.0.0.1", "postgres", ".s.PGSQL", "password"} {
			if strings.Contains(got.body, secret) {
				t.Errorf("%s: %s says %s", what, got.body, secret)
			}
		}
	}
	says("all is well", http.StatusOK, `{"name":"database","ok":true`, `{"name":"schema","ok":true`)
	w.exec(t, `ALTER SCHEMA public RENAME TO away; CREATE SCHEMA public`)
	says("no schema", http.StatusServiceUnavailable, `{"name":"database","ok":true`, `{"name":"schema","ok":false`, `"hint":"af-auth db migrate deploy"`)
	x.set(torn)
	says("no database", http.StatusServiceUnavailable, `{"name":"database","ok":false`, `"hint":"see the log of this server"`, `{"name":"schema","ok":false`)
	x.set(whole)
	w.exec(t, `DROP SCHEMA public; ALTER SCHEMA away RENAME TO public`)
	says("well again", http.StatusOK, `"status":"ready"`)
}
