package gate_test

import (
	"errors"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// remembered asks until the answer comes from memory.
func (w *world) remembered(token afauth.Token, host string) {
	w.t.Helper()
	eventually(w.t, "memory answers", func() bool {
		before := w.gate.Stats().FromMemory
		if _, err := w.gate.Check(w.t.Context(), token, host); err != nil {
			w.t.Fatal(err)
		}
		return w.gate.Stats().FromMemory > before
	})
}

// heard waits until the gate has heard of all that was committed before.
func (w *world) heard() {
	w.t.Helper()
	c, err := w.db.Confirm(w.t.Context())
	if err != nil || len(c.Servers) != 1 || len(c.Silent) > 0 {
		w.t.Fatalf("%+v, %v", c, err)
	}
}

// Every way of lowering access takes the person out of memory, whoever goes it.
func TestLoweringDropsFromMemory(t *testing.T) {
	t.Parallel()
	api := func(do func(w *world, token afauth.Token, user afauth.ID) error) func(*world, afauth.Token, afauth.ID) {
		return func(w *world, token afauth.Token, user afauth.ID) {
			if err := do(w, token, user); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	sql := func(sql string) func(*world, afauth.Token, afauth.ID) {
		return func(w *world, _ afauth.Token, _ afauth.ID) { w.run(sql) }
	}
	actor := postgres.Actor{Name: "cli:test"}
	for _, tt := range []struct {
		name  string
		lower func(*world, afauth.Token, afauth.ID)
		want  error // ErrNotSignedIn where it is nil
	}{
		{name: "revoke", lower: api(func(w *world, _ afauth.Token, id afauth.ID) error {
			_, err := w.db.Revoke(t.Context(), actor, id, idle)
			return err
		})},
		{name: "sign-out", lower: api(func(w *world, token afauth.Token, _ afauth.ID) error {
			_, err := w.db.EndSession(t.Context(), actor, token.Hash(), host)
			return err
		})},
		{name: "sign-out everywhere", lower: api(func(w *world, _ afauth.Token, id afauth.ID) error {
			_, err := w.db.EndUserSessions(t.Context(), actor, id)
			return err
		})},
		{name: "one application only", want: afauth.ErrNotForApp, lower: api(func(w *world, _ afauth.Token, _ afauth.ID) error {
			_, err := w.db.Allow(t.Context(), actor, 583231, "", postgres.Grant{Apps: []string{"other.example.com"}})
			return err
		})},
		{name: "bare update", lower: sql("UPDATE users SET is_whitelisted = false")},
		{name: "expiry brought forward", lower: sql("UPDATE users SET whitelist_until = now()")},
		{name: "apps by hand", want: afauth.ErrNotForApp, lower: sql("UPDATE users SET apps = '{}'")},
		{name: "another GitHub id", lower: sql("UPDATE users SET github_user_id = 1")},
		{name: "delete", lower: sql("DELETE FROM users")},
		{name: "truncate of people", lower: sql("TRUNCATE users CASCADE")},
		{name: "delete of sessions", lower: sql("DELETE FROM sessions")},
		{name: "truncate of sessions", lower: sql("TRUNCATE sessions CASCADE")},
		{name: "session cut short", lower: sql("UPDATE sessions SET expires_at = now()")},
		{name: "session of another token", lower: sql("UPDATE sessions SET token_hash = sha256('x')")},
		{name: "session on another host", lower: sql("UPDATE sessions SET host = 'other.example.com'")},
		{name: "more people than a message holds", lower: sql("INSERT INTO users (github_user_id, is_whitelisted) SELECT n, true FROM generate_series(1, 150) n; UPDATE users SET is_whitelisted = false")},
		{name: "off and on again", lower: sql("UPDATE users SET is_whitelisted = false; UPDATE users SET is_whitelisted = true")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			w := through(t, url, url)
			token, user := w.allowed(nil)
			w.hear(url, true)
			w.remembered(token, host)
			tt.lower(w, token, user)
			w.heard()
			from, err := w.from(token)
			want := tt.want
			if want == nil {
				want = afauth.ErrNotSignedIn
			}
			if !errors.Is(err, want) || from != "database" {
				t.Errorf("from %s: %v, want %v", from, err, want)
			}
		})
	}
}

// A session on an application goes with the sign-in that it came from, by the
// database's own cascade.
func TestCascadeDropsFromMemory(t *testing.T) {
	t.Parallel()
	const app = "app.example.com"
	for _, sql := range []string{
		"DELETE FROM sessions WHERE parent_id IS NULL", "DELETE FROM users",
		"UPDATE users SET apps = '{}'", "UPDATE users SET is_whitelisted = false",
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			w := through(t, url, url)
			w.allowed(nil)
			child := afauth.NewToken()
			hash := child.Hash()
			if _, err := w.sql.Exec(t.Context(), `INSERT INTO sessions (token_hash, user_id, host, parent_id, expires_at)
				SELECT $1, user_id, $2, id, expires_at FROM sessions`, hash[:], app); err != nil {
				t.Fatal(err)
			}
			w.hear(url, true)
			w.remembered(child, app)
			w.run(sql)
			w.heard()
			before := w.gate.Stats().FromMemory
			if _, err := w.gate.Check(t.Context(), child, app); !errors.Is(err, afauth.ErrNotSignedIn) || w.gate.Stats().FromMemory != before {
				t.Errorf("%v, from memory: %v", err, w.gate.Stats().FromMemory != before)
			}
		})
	}
}

// An answer of the database that is from before a change, and comes after the
// change was heard, is given to whoever asked and not kept. The query is paused
// behind its snapshot, by a lock in a view that stands in the table's place.
func TestLateAnswerIsNotKept(t *testing.T) {
	t.Parallel()
	for _, changed := range []bool{true, false} {
		url := pgtest.New(t)
		w := through(t, url, url)
		token, _ := w.allowed(nil)
		w.run(`ALTER TABLE sessions RENAME TO kept_sessions;
			CREATE VIEW sessions AS SELECT * FROM kept_sessions WHERE pg_advisory_xact_lock_shared(7)::text = ''`)
		w.hear(url, true)
		w.remembered(token, host)
		w.run("SELECT pg_advisory_lock(7); NOTIFY af_auth_access, '{\"all\":true}'")
		w.heard()
		answered := make(chan error, 1)
		go func() {
			_, err := w.check(token)
			answered <- err
		}()
		eventually(t, "the query waits", func() bool {
			return w.yes(`SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		})
		if changed {
			w.run("DELETE FROM kept_sessions")
		}
		w.heard()
		w.run("SELECT pg_advisory_unlock(7)")
		if err := <-answered; err != nil {
			t.Errorf("changed %v: the question from before: %v", changed, err)
		}
		from, err := w.from(token)
		switch {
		case changed && (!errors.Is(err, afauth.ErrNotSignedIn) || from != "database" || w.gate.Stats().Sessions != 0):
			t.Errorf("a late answer is kept: from %s, %v", from, err)
		case !changed && (err != nil || from != "memory"):
			t.Errorf("without a change: from %s, %v", from, err)
		}
	}
}
