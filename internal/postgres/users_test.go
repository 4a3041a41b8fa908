package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// people adds n people, several of them in the same microsecond.
func (w world) people(from, n int) {
	w.t.Helper()
	w.run(fmt.Sprintf(`INSERT INTO users (github_user_id, login, created_at)
		SELECT n, 'user-' || n, now() - (n / 3) * interval '1 second' FROM generate_series(%d, %d) n`, from, from+n-1))
}

// list walks through all pages; between is called after each.
func (w world) list(f postgres.UserFilter, between func()) (logins []string) {
	w.t.Helper()
	for {
		page, err := w.db.Users(w.t.Context(), f)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range page {
			logins = append(logins, p.Login)
		}
		if len(page) < f.Limit {
			return logins
		}
		place := f.Place(page[len(page)-1])
		f.After = &place
		between()
	}
}

// Pages are complete and hold nobody twice, while others sign up and leave.
func TestUsersByPages(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.people(1, 40)
		w.run("INSERT INTO users (github_user_id, login) VALUES (41, 'leaves')")
		added := 1000
		got := w.list(postgres.UserFilter{Limit: 7}, func() {
			w.people(added, 5) // newer than what has been read, and older
			w.run(fmt.Sprintf("UPDATE users SET created_at = now() - interval '1 hour' WHERE github_user_id = %d", added))
			w.run("DELETE FROM users WHERE login = 'leaves'")
			added += 5
		})
		for n := 1; n <= 40; n++ {
			if i := slices.Index(got, fmt.Sprintf("user-%d", n)); i < 0 {
				t.Errorf("user-%d is missing", n)
			}
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != len(got) {
			t.Errorf("somebody is listed twice: %q", got)
		}
	})
}

func TestUsersNewestFirst(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.people(1, 9)
		var times []time.Time
		all, err := w.db.Users(t.Context(), postgres.UserFilter{Limit: 100})
		for _, p := range all {
			times = append(times, p.CreatedAt)
		}
		if err != nil || len(all) != 9 || !slices.IsSortedFunc(times, func(a, b time.Time) int { return b.Compare(a) }) {
			t.Errorf("%v, %v", times, err)
		}
		if none, err := w.db.Users(t.Context(), postgres.UserFilter{}); err != nil || len(none) != 0 {
			t.Errorf("a page of no rows: %v, %v", none, err)
		}
	})
}

// What people type is looked for as it stands.
func TestUsersSearch(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		for i, name := range []string{"100% Ann", "under_score", `back\slash`, `O'Neil "Bob"`, "Ångström", "underXscore", ""} {
			if _, err := w.Exec(t.Context(), "INSERT INTO users (github_user_id, login, name) VALUES ($1, $2, nullif($3, ''))",
				700+i, fmt.Sprintf("Login-%d", i), name); err != nil {
				t.Fatal(err)
			}
		}
		w.run("INSERT INTO users (github_user_id) VALUES (7001)")
		for search, want := range map[string]string{
			"":                           "- Login-0 Login-1 Login-2 Login-3 Login-4 Login-5 Login-6",
			"100%":                       "Login-0",
			"er_sco":                     "Login-1",
			`ck\s`:                       "Login-2",
			`ck\\s`:                      "",
			"O'N":                        "Login-3",
			`"bob"`:                      "Login-3",
			"ÅNG":                        "Login-4",
			"login-":                     "Login-0 Login-1 Login-2 Login-3 Login-4 Login-5 Login-6",
			"gin-2":                      "Login-2",
			"under_score":                "Login-1",
			"705":                        "Login-5",
			"#705":                       "Login-5",
			"7001":                       "-",
			"#70":                        "",
			"' OR 1=1 --":                "",
			"a\x00nn":                    "Login-0",
			"# 7":                        "invalid",
			"%":                          "invalid",
			"__":                         "invalid",
			"---":                        "invalid",
			"70":                         "invalid",
			"Åå":                         "invalid",
			"a-b":                        "",
			"\x00":                       "- Login-0 Login-1 Login-2 Login-3 Login-4 Login-5 Login-6",
			"\xff":                       "invalid",
			strings.Repeat("x", 100_000): "",
		} {
			got, err := w.db.Users(t.Context(), postgres.UserFilter{Search: search, Limit: 100})
			if err != nil {
				if want != "invalid" || afauth.CodeOf(err) != afauth.CodeInvalid {
					t.Errorf("%.20q: %v", search, err)
				}
				continue
			}
			var logins []string
			for _, p := range got {
				login := p.Login
				if login == "" {
					login = "-"
				}
				logins = append(logins, login)
			}
			slices.Sort(logins)
			if s := strings.Join(logins, " "); s != want {
				t.Errorf("%.20q finds %q, want %q", search, s, want)
			}
		}
	})
}

func TestUsersByAccess(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.run(`INSERT INTO users (github_user_id, login, is_whitelisted, whitelist_until, whitelist_decided_at) VALUES
			(1, 'allowed', true, NULL, now()), (2, 'until', true, now() + interval '1 hour', now()),
			(3, 'waiting', false, NULL, NULL), (4, 'refused', false, NULL, now()), (5, 'expired', true, now() - interval '1 hour', now())`)
		for access, want := range map[afauth.Access]string{
			"": "allowed expired refused until waiting", afauth.Allowed: "allowed until", afauth.Waiting: "waiting",
			afauth.Refused: "expired refused", afauth.Expired: "expired", "nonsense": "",
		} {
			got := w.list(postgres.UserFilter{Access: access, Limit: 2}, func() {})
			slices.Sort(got)
			if s := strings.Join(got, " "); s != want {
				t.Errorf("%q: %q, want %q", access, s, want)
			}
		}
		for _, p := range must(w.db.Users(t.Context(), postgres.UserFilter{Limit: 10})) {
			if want := strings.Replace(p.Login, "until", "allowed", 1); string(p.Access()) != want {
				t.Errorf("%s is %s", p.Login, p.Access())
			}
		}
	})
}

// must is for calls of which the values alone are looked at.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestUserByName(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		id := w.signIn(octocat(afauth.NewToken())).User.ID
		other := octocat(afauth.NewToken())
		other.GitHubID, other.Login = 99, "OctoCat"
		w.signIn(other)
		if p, err := w.db.User(t.Context(), id); err != nil || p.GitHubID != 583231 {
			t.Errorf("%+v, %v", p, err)
		}
		if p, err := w.db.UserByGitHubID(t.Context(), 99); err != nil || p.Login != "OctoCat" {
			t.Errorf("%+v, %v", p, err)
		}
		found, err := w.db.UsersByLogin(t.Context(), "OCTOCAT")
		if err != nil || len(found) != 2 || found[0].ID != id {
			t.Errorf("%+v, %v", found, err)
		}
		for _, login := range []string{"", "octo", "octocat%", "\x00", "\xff", strings.Repeat("o", 10_000)} {
			if found, err := w.db.UsersByLogin(t.Context(), login); err != nil || len(found) != 0 {
				t.Errorf("%.20q: %v, %v", login, found, err)
			}
		}
		if _, err := w.db.User(t.Context(), afauth.ID{}); !errors.Is(err, afauth.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if _, err := w.db.UserByGitHubID(t.Context(), -1); !errors.Is(err, afauth.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// A decision returns what was before and after, and leaves a record of who made
// it and why.
func TestAllowAndRevoke(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		actor := postgres.Actor{Name: "cli:ada", Address: "192.0.2.1", Reason: "joined\x00 the team"}
		until := w.db.Now().Add(time.Hour).Truncate(time.Microsecond)
		first, err := w.db.Allow(t.Context(), actor, 583231, "octocat", postgres.Grant{Until: &until})
		if err != nil || first.Before != nil || first.After.Access() != afauth.Allowed || first.After.Login != "octocat" ||
			first.After.Until == nil || !first.After.Until.Equal(until) || first.After.DecidedAt == nil || first.After.LastSignInAt != nil {
			t.Errorf("%+v, %v", first, err)
		}
		again, err := w.db.Allow(t.Context(), actor, 583231, "somebody-else", postgres.Grant{})
		if err != nil || again.Before == nil || again.Before.Until == nil || again.After.Until != nil || again.After.Login != "octocat" || again.After.ID != first.After.ID {
			t.Errorf("%+v, %v", again, err)
		}
		own := w.signIn(octocat(afauth.NewToken()))
		w.enter(*own.SessionID)
		revoked, err := w.db.Revoke(t.Context(), postgres.Actor{Name: "cli:ada", Reason: "left"}, first.After.ID, idle)
		if err != nil || revoked.SessionsEnded != 2 || revoked.Before.Access() != afauth.Allowed || revoked.After.Access() != afauth.Refused {
			t.Errorf("%+v, %v", revoked, err)
		}
		if n := w.count("SELECT count(*) FROM sessions"); n != 0 {
			t.Errorf("%d sessions", n)
		}
		got := w.lines("SELECT concat_ws('|', kind, actor, address, reason) FROM events WHERE kind LIKE 'access.%' ORDER BY id")
		want := []string{"access.allowed|cli:ada|192.0.2.1|joined the team", "access.changed|cli:ada|192.0.2.1|joined the team", "access.revoked|cli:ada|left"}
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		if c, err := w.db.Revoke(t.Context(), actor, afauth.ID{1}, idle); !errors.Is(err, afauth.ErrNotFound) || c.Before != nil {
			t.Errorf("somebody unknown: %+v, %v", c, err)
		}
	})
}

// What is so already is not written again, and the record has no line of it.
func TestAllowedAlready(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		actor := postgres.Actor{Name: "cli:ada"}
		end := w.db.Now().Add(time.Hour)
		over := end.Add(-2 * time.Hour)
		for _, step := range []struct {
			until   *time.Time
			sql     string
			already bool
			events  int
		}{
			{nil, "", false, 1}, {nil, "", true, 1}, {&end, "", false, 2}, {&end, "", true, 2}, {nil, "", false, 3},
			{nil, "UPDATE users SET is_whitelisted = false", false, 5},
			{&end, "UPDATE users SET whitelist_until = '" + over.UTC().Format(time.RFC3339Nano) + "'", false, 7},
		} {
			if step.sql != "" {
				w.run(step.sql)
			}
			before := w.lines("SELECT updated_at::text FROM users")
			c, err := w.db.Allow(t.Context(), actor, 583231, "octocat", postgres.Grant{Until: step.until})
			if err != nil || c.Already != step.already || c.After.Access() != afauth.Allowed || (c.After.Until == nil) != (step.until == nil) {
				t.Errorf("%+v: %+v, %v", step, c, err)
			}
			if step.already && !slices.Equal(before, w.lines("SELECT updated_at::text FROM users")) {
				t.Errorf("%+v: the row was written", step)
			}
			if n := w.count("SELECT count(*) FROM events"); n != step.events {
				t.Errorf("%+v: %d events", step, n)
			}
		}
		if n := w.count("SELECT count(*) FROM events WHERE id = (SELECT min(id) FROM events) AND kind = 'access.allowed' AND details @> '{\"github_user_id\": 583231}'"); n != 1 {
			t.Error("the event of a new row does not say whom it means")
		}
	})
}
