package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// ear is a running Listener.
type ear struct {
	*postgres.Listener
	t    *testing.T
	stop func() // waits until Run has returned
}

func listen(t *testing.T, url string) *ear {
	t.Helper()
	d := options(t, url).Dialer
	d.Application = "af-auth listener"
	ctx, cancel := context.WithCancel(t.Context())
	e := &ear{Listener: postgres.NewListener(postgres.ListenerOptions{Dialer: d}), t: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx)
	}()
	e.stop = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("Run goes on 10 s after its context's end")
		}
	}
	t.Cleanup(e.stop)
	return e
}

// watch watches a person until the test ends.
func (e *ear) watch(user afauth.ID) <-chan struct{} {
	woken, stop := e.Watch(user)
	e.t.Cleanup(stop)
	return woken
}

// woken waits for it.
func (e *ear) woken(why string, c <-chan struct{}) {
	e.t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		e.t.Fatalf("%s: not woken", why)
	}
}

// asleep fails if the watcher was woken before a later change of another one.
func (e *ear) asleep(why string, c <-chan struct{}) {
	e.t.Helper()
	select {
	case <-c:
		e.t.Errorf("%s: woken", why)
	default:
	}
}

func TestListenerWakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signIn(octocat(afauth.NewToken())).User.ID
	e := listen(t, w.url)
	mine, other := e.watch(id), e.watch(afauth.ID{7})
	second := e.watch(id)
	for _, c := range []<-chan struct{}{mine, other, second} {
		e.woken("a new connection wakes everybody", c)
	}
	var token afauth.Token
	for _, change := range []struct {
		name string
		make func()
	}{
		{"allow", func() { w.allow(583231) }},
		{"a session ended", func() {
			token = afauth.NewToken()
			w.signIn(octocat(token))
			must(w.db.EndSession(t.Context(), postgres.Actor{}, token.Hash(), ownHost))
		}},
		{"revoke", func() { must(w.db.Revoke(t.Context(), postgres.Actor{}, id, idle)) }},
		{"bare SQL", func() { w.run("UPDATE users SET is_whitelisted = true") }},
		{"an end", func() { w.run("UPDATE users SET whitelist_until = now() + interval '1 hour'") }},
		{"deletion", func() { w.run("DELETE FROM users") }},
	} {
		change.make()
		e.woken(change.name, mine)
		e.woken(change.name, second)
		e.asleep(change.name+" of somebody else", other)
	}
	w.run("TRUNCATE users CASCADE")
	e.woken("truncate", other)
}

// What cannot be read means that anything may have changed.
func TestListenerUnknownPayload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := listen(t, w.url)
	c := e.watch(afauth.ID{1})
	e.woken("a new connection wakes everybody", c)
	for _, payload := range []string{
		"", "x", "{", "null", "[]", "1", "{}", `{"all":true}`, `{"all":true,"users":["` + afauth.ID{2}.String() + `"]}`,
		`{"users":[]}`, `{"users":null}`, `{"users":["nobody"]}`, `{"version":2,"people":[1]}`, `{"users":"all"}`,
	} {
		if _, err := w.Exec(t.Context(), "SELECT pg_notify('af_auth_access', $1)", payload); err != nil {
			t.Fatal(err)
		}
		e.woken(fmt.Sprintf("payload %q", payload), c)
	}
	w.run(`NOTIFY af_auth_access, '{"users":["00000000-0000-4000-8000-000000000001"]}'`)
	w.run(`NOTIFY another_channel, 'x'`)
	marker := e.watch(afauth.ID{3})
	w.run(`NOTIFY af_auth_access, '{"users":["` + afauth.ID{3}.String() + `"]}'`)
	e.woken("the marker", marker)
	e.asleep("a payload about somebody else, and one on another channel", c)
}

// Nothing is replayed after a reconnect, so everybody is woken.
func TestListenerReconnects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := listen(t, w.url)
	c := e.watch(afauth.ID{1})
	e.woken("a new connection wakes everybody", c)
	for range 3 {
		if n := w.count(`SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'af-auth listener') t`); n != 1 {
			t.Fatalf("%d connections listen", n)
		}
		e.woken("reconnected", c)
	}
	w.run(`NOTIFY af_auth_access, '{"all":true}'`)
	e.woken("a notification afterwards", c)
}

// A server that is away for longer than the retry sequence is waited for.
func TestListenerOutlivesTheSequence(t *testing.T) {
	t.Parallel()
	p := newProxy(t, pgtest.New(t))
	p.refuse()
	var log journal
	d := options(t, p.url("")).Dialer
	d.Logger = log.logger()
	l := postgres.NewListener(postgres.ListenerOptions{Dialer: d})
	e := &ear{Listener: l, t: t}
	c := e.watch(afauth.ID{1})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	eventually(t, "several sequences fail", func() bool { return len(log.entries(t)) > 5 })
	p.accept()
	e.woken("connected at last", c)
	cancel()
	<-done
}

// Watchers that stop leave nothing behind, and Run leaves no connection.
func TestListenerStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := listen(t, w.url)
	first := e.watch(afauth.ID{9})
	e.woken("a new connection wakes everybody", first)
	var stops []func()
	for n := range 100 {
		c, stop := e.Watch(afauth.ID{byte(n % 10)})
		stops = append(stops, stop, stop) // twice is once
		if n%2 == 0 {
			w.run(`NOTIFY af_auth_access, '{"all":true}'`)
			e.woken("each", c)
		}
	}
	if n := e.Watched(); n != 10 {
		t.Errorf("%d people are watched, want 10", n)
	}
	for _, stop := range stops {
		stop()
	}
	if n := e.Watched(); n != 1 {
		t.Errorf("%d people are watched after all have stopped, want the first one", n)
	}
	e.stop()
	w.waitFor("the connection is closed", `SELECT count(*) = 0 FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'af-auth listener'`)
}
