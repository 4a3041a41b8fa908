package postgres_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// personID is the id of a person of these tests.
func personID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// The four people of these tests, each with one live session: allowed, waiting,
// refused, and one whose permission has run out.
const fourPeople = `
INSERT INTO users (id, github_user_id, is_whitelisted, whitelist_until, whitelist_decided_at)
SELECT format('00000000-0000-4000-8000-%s', lpad(n::text, 12, '0'))::uuid, n, n IN (1, 4),
    CASE n WHEN 4 THEN now() - interval '1 hour' END, CASE WHEN n <> 2 THEN now() - interval '1 day' END
FROM generate_series(1, 4) n;
INSERT INTO sessions (token_hash, user_id, host, expires_at)
SELECT sha256(id::text::bytea), id, 'auth.example.com', now() + interval '1 day' FROM users;
DELETE FROM events`

// watched is a database with the four people, a connection that changes it,
// and another that hears the notifications.
func watched(t *testing.T) (p, ear probe) {
	t.Helper()
	url := pgtest.New(t)
	p, ear = newProbe(t, url), newProbe(t, url)
	p.run(fourPeople)
	ear.run("LISTEN af_auth_access")
	return p, ear
}

// heard returns the people named in notifications so far, in order and once
// each, or "all". A mark sent last says that there are no more.
func (p probe) heard() string {
	p.t.Helper()
	p.run("NOTIFY af_auth_access, 'mark'")
	var people []string
	for {
		n, err := p.WaitForNotification(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		if n.Payload == "mark" {
			slices.Sort(people)
			return strings.Join(slices.Compact(people), " ")
		}
		var said struct {
			All   bool     `json:"all"`
			Users []string `json:"users"`
		}
		decoder := json.NewDecoder(strings.NewReader(n.Payload))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&said); err != nil || said.All == (len(said.Users) > 0) {
			p.t.Fatalf("payload %s: %v", n.Payload, err)
		}
		if said.All {
			people = append(people, "all")
		}
		for _, u := range said.Users {
			people = append(people, short(u))
		}
	}
}

func short(uuid string) string {
	return strings.TrimLeft(strings.TrimPrefix(uuid, "00000000-0000-4000-8000-"), "0")
}

// record returns the events so far, as "kind person".
func (p probe) record() []string {
	p.t.Helper()
	out := p.lines("SELECT kind || ' ' || coalesce(user_id::text, '') FROM events ORDER BY kind, user_id")
	for i, line := range out {
		kind, who, _ := strings.Cut(line, " ")
		out[i] = strings.TrimSpace(kind + " " + short(who))
	}
	return out
}

// sessions returns whose sessions are left.
func (p probe) sessions() string {
	p.t.Helper()
	out := p.lines("SELECT user_id::text FROM sessions ORDER BY user_id")
	for i := range out {
		out[i] = short(out[i])
	}
	return strings.Join(out, " ")
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql       string
		events          []string
		heard, sessions string
	}{
		{"revoke", "UPDATE users SET is_whitelisted = false WHERE github_user_id = 1",
			[]string{"access.revoked 1", "session.ended 1"}, "1", "2 3 4"},
		{"revoke everybody", "UPDATE users SET is_whitelisted = false",
			[]string{"access.revoked 1", "access.revoked 4", "session.ended 1", "session.ended 4"}, "1 4", "2 3"},
		{"revoke who was not allowed", "UPDATE users SET is_whitelisted = false WHERE github_user_id IN (2, 3)", nil, "", "1 2 3 4"},
		{"allow who waits: the session goes on", "UPDATE users SET is_whitelisted = true WHERE github_user_id = 2",
			[]string{"access.allowed 2"}, "2", "1 2 3 4"},
		{"refuse who waits", "UPDATE users SET whitelist_decided_at = now() WHERE github_user_id = 2",
			[]string{"access.refused 2", "session.ended 2"}, "2", "1 3 4"},
		{"an end is set", "UPDATE users SET whitelist_until = now() + interval '1 day' WHERE github_user_id = 1",
			[]string{"access.changed 1"}, "1", "1 2 3 4"},
		{"an end that has passed", "UPDATE users SET whitelist_until = now() WHERE github_user_id = 1",
			[]string{"access.changed 1", "session.ended 1"}, "1", "2 3 4"},
		{"renewed after it ran out: no session comes back", "UPDATE users SET whitelist_until = NULL WHERE github_user_id = 4",
			[]string{"access.changed 4", "session.ended 4"}, "4", "1 2 3"},
		{"allowed again by the command's statement", "UPDATE users SET is_whitelisted = true, whitelist_until = now() + interval '1 day', whitelist_decided_at = now() WHERE github_user_id = 4",
			[]string{"access.changed 4", "session.ended 4"}, "4", "1 2 3"},
		{"another GitHub account", "UPDATE users SET github_user_id = 11 WHERE github_user_id = 1",
			[]string{"access.changed 1", "session.ended 1"}, "1", "2 3 4"},
		{"what does not concern access", "UPDATE users SET name = 'x', last_sign_in_at = now(), email = 'a@b', updated_at = now()", nil, "", "1 2 3 4"},
		{"no row", "UPDATE users SET is_whitelisted = false WHERE false", nil, "", "1 2 3 4"},
		{"one with the other", "UPDATE users SET is_whitelisted = NOT is_whitelisted WHERE github_user_id IN (1, 3)",
			[]string{"access.allowed 3", "access.revoked 1", "session.ended 1"}, "1 3", "2 3 4"},
		{"delete, and the cascade", "DELETE FROM users WHERE github_user_id = 1",
			[]string{"session.ended 1", "user.deleted 1"}, "1", "2 3 4"},
		{"truncate, and the cascade", "TRUNCATE users CASCADE", []string{"table.truncated", "table.truncated"}, "all", ""},
		{"truncate sessions", "TRUNCATE sessions CASCADE", []string{"table.truncated"}, "all", ""},
		{"a new person", "INSERT INTO users (github_user_id) VALUES (5)", nil, "", "1 2 3 4"},
		{"a new person, allowed", "INSERT INTO users (id, github_user_id, is_whitelisted) VALUES ('" + personID(5) + "', 5, true)",
			[]string{"access.allowed 5"}, "5", "1 2 3 4"},
		{"a new person, refused", "INSERT INTO users (id, github_user_id, whitelist_decided_at) VALUES ('" + personID(5) + "', 5, now())",
			[]string{"access.refused 5"}, "5", "1 2 3 4"},
		{"signed out", "DELETE FROM sessions WHERE user_id = '" + personID(1) + "'", []string{"session.ended 1"}, "1", "2 3 4"},
		{"use of a session", "UPDATE sessions SET seen_at = now(), user_agent = 'x'", nil, "", "1 2 3 4"},
		{"a session ended by its row", "UPDATE sessions SET expires_at = now() WHERE user_id = '" + personID(1) + "'",
			[]string{"session.ended 1"}, "1", "1 2 3 4"},
		{"a session cut short: it goes on, and servers hear of it", "UPDATE sessions SET expires_at = now() + interval '1 minute' WHERE user_id = '" + personID(1) + "'",
			nil, "1", "1 2 3 4"},
		{"a session ended by the clock of the moment", "UPDATE sessions SET expires_at = clock_timestamp() WHERE user_id = '" + personID(1) + "'",
			[]string{"session.ended 1"}, "1", "1 2 3 4"},
		{"a session made longer", "UPDATE sessions SET expires_at = now() + interval '1 year'", nil, "", "1 2 3 4"},
		{"applications taken away: the session on our own host stays", "UPDATE users SET apps = '{}' WHERE github_user_id = 1",
			[]string{"access.changed 1"}, "1", "1 2 3 4"},
		{"a session handed to another", "UPDATE sessions SET user_id = '" + personID(2) + "' WHERE user_id = '" + personID(1) + "'",
			[]string{"session.ended 1"}, "1", "2 2 3 4"},
		{"a revocation that is rolled back", "BEGIN; UPDATE users SET is_whitelisted = false; ROLLBACK", nil, "", "1 2 3 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, ear := watched(t)
			p.run(tt.sql)
			if got := p.record(); !slices.Equal(got, tt.events) {
				t.Errorf("events %q, want %q", got, tt.events)
			}
			if got := p.sessions(); got != tt.sessions {
				t.Errorf("sessions left %q, want %q", got, tt.sessions)
			}
			if got := ear.heard(); got != tt.heard {
				t.Errorf("heard %q, want %q", got, tt.heard)
			}
		})
	}
}

// Sessions that were over anyway are swept out in silence.
func TestSweepIsSilent(t *testing.T) {
	t.Parallel()
	p, ear := watched(t)
	p.run("UPDATE sessions SET expires_at = now() - interval '1 hour'; DELETE FROM events")
	_ = ear.heard()
	p.run("DELETE FROM sessions WHERE expires_at <= now()")
	if got := p.record(); len(got) != 0 || p.sessions() != "" || ear.heard() != "" {
		t.Errorf("events %q", got)
	}
}

// 100 people are named in a notification, which holds 8,000 bytes; 101 are
// "all". Each gets an event either way.
func TestManyPeople(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 101} {
		p, ear := watched(t)
		p.run(fmt.Sprintf(`DELETE FROM users; INSERT INTO users (id, github_user_id, is_whitelisted)
			SELECT format('00000000-0000-4000-8000-%%s', lpad(n::text, 12, '0'))::uuid, n, true FROM generate_series(1, %d) n; DELETE FROM events`, n))
		_ = ear.heard()
		p.run("UPDATE users SET is_whitelisted = false")
		want := "all"
		if n == 100 {
			var all []string
			for i := range n {
				all = append(all, fmt.Sprint(i+1))
			}
			slices.Sort(all)
			want = strings.Join(all, " ")
		}
		if got := ear.heard(); got != want {
			t.Errorf("%d people: heard %q", n, got)
		}
		if got := p.record(); len(got) != n || got[0] != "access.revoked 1" {
			t.Errorf("%d people: %d events", n, len(got))
		}
	}
}

// Sign-in writes its own line, and the triggers have nothing to add: neither
// for a new person, nor for one who comes back.
func TestSignInIsSilent(t *testing.T) {
	t.Parallel()
	p, ear := watched(t)
	for i, githubID := range []int64{1, 5, 5, 3} {
		_, err := query.New(p.Conn).SignIn(t.Context(), query.SignInParams{
			GithubUserID: githubID, Login: "octocat", TokenHash: bytes.Repeat([]byte{byte(i)}, 32),
			Host: "auth.example.com", MaxAge: time.Hour, MostSessions: 50,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := p.lines("SELECT kind FROM events ORDER BY kind")
	if want := []string{"sign_in.refused", "sign_in.succeeded", "sign_in.succeeded", "sign_in.succeeded"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	if got := ear.heard(); got != "" {
		t.Errorf("heard %q", got)
	}
}

// The record says which role really did it, beside what was claimed, and what
// was before and after.
func TestWhatAnEventSays(t *testing.T) {
	t.Parallel()
	p, _ := watched(t)
	p.as("GRANT SELECT, UPDATE ON users TO ROLE; GRANT SELECT ON events TO ROLE")
	p.run(`BEGIN; SELECT set_config('af_auth.actor', 'cli:ada', true), set_config('af_auth.reason', 'left the team', true),
		set_config('af_auth.address', '192.0.2.1', true);
		UPDATE users SET whitelist_until = '2999-01-01Z' WHERE github_user_id = 1; COMMIT;
		UPDATE users SET is_whitelisted = false WHERE github_user_id = 1`)
	got := p.lines(`SELECT concat_ws('|', kind, coalesce(actor, '-'), coalesce(reason, '-'), coalesce(address, '-'),
		role = session_user AND role = current_user, details ->> 'was', details ->> 'is', details ->> 'until', details ->> 'until_was')
		FROM events WHERE kind LIKE 'access.%' ORDER BY id`)
	want := []string{
		"access.changed|cli:ada|left the team|192.0.2.1|t|allowed|allowed|2999-01-01T00:00:00+00:00",
		"access.revoked|-|-|-|t|allowed|refused|2999-01-01T00:00:00+00:00|2999-01-01T00:00:00+00:00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A bare change of the switch is a decision, and is dated.
func TestBareChangesAreDated(t *testing.T) {
	t.Parallel()
	p, _ := watched(t)
	p.run(`BEGIN; UPDATE users SET is_whitelisted = NOT is_whitelisted WHERE github_user_id IN (1, 2);
		UPDATE users SET name = 'x' WHERE github_user_id = 3;
		INSERT INTO users (github_user_id, is_whitelisted) VALUES (5, true)`)
	got := p.lines("SELECT concat_ws(' ', github_user_id, whitelist_decided_at = now(), updated_at = now()) FROM users ORDER BY github_user_id")
	if want := []string{"1 t t", "2 t t", "3 f t", "4 f f", "5 t t"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIDsStay(t *testing.T) {
	t.Parallel()
	p, _ := watched(t)
	err := p.try("UPDATE users SET id = gen_random_uuid() WHERE github_user_id = 2")
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Message != "users.id cannot change" || pg.Hint == "" {
		t.Errorf("got %v", err)
	}
	p.run("UPDATE users SET id = id")
}
