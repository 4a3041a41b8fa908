package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// What pgbench asks about is who we ask about: a script that finds nobody would
// be faster, and measure nothing.
func TestScripts(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t)
	for name, script := range map[string]string{"verify": verifyScript(), "sign-in": signInScript()} {
		rows, err := w.conns[0].Query(t.Context(), strings.ReplaceAll(script, "(:n)", "(7)"))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for rows.Next() {
			found++
		}
		if err := rows.Err(); err != nil || found != 1 {
			t.Errorf("%s: %d rows, %v", name, found, err)
		}
	}
	w.signedIn(t, 1)
}

// All ways to sign in leave the same behind, of people who are called as before.
func TestSignIns(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t)
	for n := range w.sessions() {
		if d, err := w.gate.Check(t.Context(), token(n+1), host); err != nil || d.User.GitHubID != int64(n%w.people+1) {
			t.Errorf("session %d: person %d, %v", n+1, d.User.GitHubID, err)
		}
	}
	for _, way := range []func(context.Context, int) error{w.signIn, w.signInBare, w.signInPlain, w.check, w.checkPlain} {
		if err := way(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	w.signedIn(t, 3)
}

func newTestWorld(t *testing.T) *world {
	t.Helper()
	c := crowd{pgtest.New(t), 20, 2}
	if err := c.with(t.Context(), c.fillRows); err != nil {
		t.Fatal(err)
	}
	w, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// signedIn fails unless so many have signed in, and everybody is called as before.
func (w *world) signedIn(t *testing.T, times int) {
	t.Helper()
	rows, err := w.conns[0].Query(t.Context(), "SELECT github_user_id, login, name, email FROM users")
	if err != nil {
		t.Fatal(err)
	}
	var n, people, sessions, events int
	var login, name, email string
	_, err = pgx.ForEachRow(rows, []any{&n, &login, &name, &email}, func() error {
		people++
		if l, m, e := profile(n); l != login || m != name || e != email {
			t.Errorf("person %d is %s, %s, %s; want %s, %s, %s", n, login, name, email, l, m, e)
		}
		return nil
	})
	if err != nil || people != w.people {
		t.Errorf("%d people, %v", people, err)
	}
	err = w.conns[0].QueryRow(t.Context(), "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM events WHERE kind = 'sign_in.succeeded')").Scan(&sessions, &events)
	if err != nil || sessions != w.sessions()+times || events != times {
		t.Errorf("%d sessions and %d events, %v", sessions, events, err)
	}
}
