package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// What pages tell of people beside their rows, behind PgBouncer too.
func TestDescribe(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.allow(583231)
		in := w.signIn(octocat(afauth.NewToken()))
		other := octocat(afauth.NewToken())
		other.GitHubID, other.Login, other.Address = 2, "hubot", "2001:db8::1"
		waits := w.signIn(other)
		if waits, err := w.db.WriteRequest(t.Context(), waits.User.ID, "on call"); err != nil || !waits {
			t.Fatalf("%v, %v", waits, err)
		}
		actor := postgres.Actor{Name: "user:" + in.User.ID.String(), Address: "192.0.2.9", Reason: "on trial"}
		if _, err := w.db.Allow(t.Context(), actor, 583231, "octocat", postgres.Grant{Apps: []string{appHost}}); err != nil {
			t.Fatal(err)
		}
		nobody := afauth.NewID()
		got, err := w.db.Describe(t.Context(), []afauth.ID{in.User.ID, waits.User.ID, nobody}, idle)
		if err != nil {
			t.Fatal(err)
		}
		one, two := got[in.User.ID], got[waits.User.ID]
		if one.SeenAt.IsZero() || two.SeenAt.IsZero() {
			t.Errorf("never seen: %+v, %+v", one, two)
		}
		one.SeenAt, two.SeenAt = time.Time{}, time.Time{}
		if want := (postgres.Beside{Sessions: 1, Address: "192.0.2.7", DecidedBy: actor.Name, DecidedWhy: "on trial"}); one != want {
			t.Errorf("octocat: %+v, want %+v", one, want)
		}
		if want := (postgres.Beside{Sessions: 1, Address: "2001:db8::1", Message: "on call"}); two != want {
			t.Errorf("hubot: %+v, want %+v", two, want)
		}
		if got[nobody] != (postgres.Beside{}) {
			t.Errorf("nobody: %+v", got[nobody])
		}
	})
}

// Messages are kept while nobody has decided, and in the form that the table takes.
func TestWriteRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signIn(octocat(afauth.NewToken())).User.ID
	kept := func() string { return value(w, "SELECT coalesce((SELECT message FROM requests), 'none')") }
	for _, c := range []struct{ message, kept string }{
		{"first", "first"}, {strings.Repeat("🐙", 280), strings.Repeat("🐙", 280)}, {"a\x00b\xff", "ab\uFFFD"}, {"", "none"}, {"again", "again"},
	} {
		if waits, err := w.db.WriteRequest(t.Context(), id, c.message); err != nil || !waits || kept() != c.kept {
			t.Errorf("%.20q: %v, %v, kept %.20q", c.message, waits, err, kept())
		}
	}
	if _, err := w.db.WriteRequest(t.Context(), id, strings.Repeat("x", 281)); err == nil {
		t.Error("281 characters are kept")
	}
	w.run("UPDATE users SET is_whitelisted = true")
	if waits, err := w.db.WriteRequest(t.Context(), id, "late"); err != nil || waits || kept() != "again" {
		t.Errorf("after the decision: %v, %v, kept %q", waits, err, kept())
	}
	if waits, err := w.db.WriteRequest(t.Context(), afauth.NewID(), "x"); err != nil || waits {
		t.Errorf("nobody: %v, %v", waits, err)
	}
}

func TestWaitingSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(`INSERT INTO users (github_user_id, is_whitelisted, created_at) SELECT n, n % 2 = 0, '2026-11-23Z'::timestamptz + n * interval '1 second' FROM generate_series(1, 20) n`)
	since := postgres.Key{At: time.Date(2026, time.November, 23, 0, 0, 10, 0, time.UTC)}
	for most, want := range map[int]int{100: 5, 3: 3} {
		if n, err := w.db.WaitingSince(t.Context(), since, most); err != nil || n != want {
			t.Errorf("up to %d: %d, %v", most, n, err)
		}
	}
}

// One session of one person ends, with those that came from it, and is on record.
func TestEndSessionOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(583231)
	one, two := w.signIn(octocat(afauth.NewToken())), w.signIn(octocat(afauth.NewToken()))
	actor := postgres.Actor{Name: "user:x", Address: "192.0.2.9", Reason: "lost laptop"}
	for _, c := range []struct {
		user, session afauth.ID
		found         bool
	}{{afauth.NewID(), *one.SessionID, false}, {one.User.ID, afauth.NewID(), false}, {one.User.ID, *one.SessionID, true}, {one.User.ID, *one.SessionID, false}} {
		if found, err := w.db.EndSessionOf(t.Context(), actor, c.user, c.session); err != nil || found != c.found {
			t.Errorf("%v of %v: %v, %v", c.session, c.user, found, err)
		}
	}
	if got := value(w, "SELECT string_agg(id::text, ',') FROM sessions"); got != two.SessionID.String() {
		t.Errorf("left are %s", got)
	}
	if got := value(w, "SELECT string_agg(concat_ws(' ', actor, address, reason), ',') FROM events WHERE kind = 'session.ended'"); got != "user:x 192.0.2.9 lost laptop" {
		t.Errorf("the record: %s", got)
	}
}

// value is the one value that a query gives, as text.
func value(w world, sql string) string { return strings.Join(w.lines(sql), "\n") }
