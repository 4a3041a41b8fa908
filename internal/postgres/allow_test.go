package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// appsText writes a permission's applications as these tests do.
func appsText(apps []string) string {
	if apps == nil {
		return "all"
	}
	return "{" + strings.Join(apps, " ") + "}"
}

func granted(p postgres.Person) string {
	s := string(p.Access()) + " " + appsText(p.Apps)
	if p.Until != nil {
		s += " until"
	}
	return s
}

// What a grant makes of what was there.
func TestGrants(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		soon := w.db.Now().Add(time.Hour)
		for i, tt := range []struct {
			before  string // SQL of the row's columns; empty: no row
			grant   postgres.Grant
			want    string
			already bool
		}{
			{"", postgres.Grant{}, "allowed all", false},
			{"", postgres.Grant{Apps: []string{"b", "a", "b"}}, "allowed {a b}", false},
			{"", postgres.Grant{Apps: []string{"a"}, Add: true, Until: &soon}, "allowed {a} until", false},
			{"", postgres.Grant{Apps: []string{}}, "allowed {}", false},
			{"true, NULL, '{b,a}'", postgres.Grant{Apps: []string{"a", "b"}}, "allowed {b a}", true},
			{"true, NULL, '{a}'", postgres.Grant{Apps: []string{"b"}}, "allowed {b}", false},
			{"true, NULL, '{a}'", postgres.Grant{Apps: []string{"b"}, Add: true}, "allowed {a b}", false},
			{"true, NULL, '{a,b}'", postgres.Grant{Apps: []string{"b"}, Add: true}, "allowed {a b}", true},
			{"true, now() + interval '1 day', '{a}'", postgres.Grant{Apps: []string{"b"}, Add: true, KeepEnd: true}, "allowed {a b} until", false},
			{"true, now() + interval '1 day', '{a}'", postgres.Grant{Apps: []string{"b"}, Add: true}, "allowed {a b}", false},
			{"true, now() + interval '1 day', '{a}'", postgres.Grant{Apps: []string{"b"}, KeepEnd: true}, "allowed {b} until", false},
			{"true, NULL, '{a}'", postgres.Grant{Apps: []string{"b"}, KeepEnd: true, Until: &soon}, "allowed {b} until", false},
			{"true, now() + interval '1 day', '{a}'", postgres.Grant{Apps: []string{"b"}}, "allowed {b}", false},
			{"true, NULL, NULL", postgres.Grant{Apps: []string{"b"}, Add: true}, "allowed all", true},
			{"true, NULL, NULL", postgres.Grant{Apps: []string{"b"}, Add: true, Until: &soon}, "allowed all until", false},
			{"true, NULL, NULL", postgres.Grant{Apps: []string{"b"}}, "allowed {b}", false},
			{"true, NULL, '{a}'", postgres.Grant{}, "allowed all", false},
			{"true, NULL, '{a}'", postgres.Grant{Add: true}, "allowed all", false},
			{"true, NULL, '{}'", postgres.Grant{}, "allowed all", false},
			{"true, NULL, NULL", postgres.Grant{Apps: []string{}}, "allowed {}", false},
			{"true, now() - interval '1 day', '{a}'", postgres.Grant{Apps: []string{"b"}, Add: true, KeepEnd: true}, "allowed {b}", false},
			{"false, NULL, '{a}'", postgres.Grant{Apps: []string{"b"}, Add: true}, "allowed {b}", false},
		} {
			id := int64(i + 1)
			if tt.before != "" {
				if _, err := w.Exec(t.Context(), "INSERT INTO users (github_user_id, is_whitelisted, whitelist_until, apps) SELECT $1, "+tt.before, id); err != nil {
					t.Fatal(err)
				}
			}
			events := w.count("SELECT count(*) FROM events")
			c, err := w.db.Allow(t.Context(), postgres.Actor{Name: "cli:ada"}, id, "", tt.grant)
			if err != nil || granted(c.After) != tt.want || c.Already != tt.already {
				t.Errorf("%d %s + %+v: %s, already %v, %v", i, tt.before, tt.grant, granted(c.After), c.Already, err)
			}
			if wrote := w.count("SELECT count(*) FROM events") > events; wrote == tt.already {
				t.Errorf("%d %s + %+v: an event %v", i, tt.before, tt.grant, wrote)
			}
		}
	})
}

// Taking one application away ends the sessions there, and no other.
func TestRevokeApps(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		actor := postgres.Actor{Name: "cli:ada", Reason: "moved on"}
		id := w.allow(583231).After.ID
		own := w.signIn(octocat(afauth.NewToken()))
		w.enter(*own.SessionID)
		for i, step := range []struct {
			hosts   []string
			all     []string
			want    string
			already bool
			ended   int
		}{
			{[]string{"elsewhere.example.com"}, []string{appHost, "wiki.example.com"}, "allowed {app.example.com wiki.example.com}", false, 0},
			{[]string{"elsewhere.example.com"}, nil, "allowed {app.example.com wiki.example.com}", true, 0},
			{[]string{appHost}, nil, "allowed {wiki.example.com}", false, 1},
			{[]string{appHost}, nil, "allowed {wiki.example.com}", true, 0},
			{[]string{"wiki.example.com"}, nil, "allowed {}", false, 0},
			{[]string{"wiki.example.com"}, []string{"wiki.example.com"}, "allowed {}", true, 0},
		} {
			c, err := w.db.RevokeApps(t.Context(), actor, id, step.hosts, step.all, idle)
			if err != nil || granted(c.After) != step.want || c.Already != step.already || c.SessionsEnded != step.ended || c.Before == nil {
				t.Errorf("%d: %s, %+v, %v", i, granted(c.After), c, err)
			}
		}
		if n := w.count("SELECT count(*) FROM sessions WHERE parent_id IS NULL"); n != 1 {
			t.Errorf("%d sessions on our own host", n)
		}
		got := w.lines("SELECT concat_ws('|', actor, reason, details ->> 'apps') FROM events WHERE kind = 'access.changed' ORDER BY id")
		want := []string{`cli:ada|moved on|["app.example.com", "wiki.example.com"]`, `cli:ada|moved on|["wiki.example.com"]`, "cli:ada|moved on|[]"}
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		// Several go at once, and the record has one line of it.
		w.run("UPDATE users SET apps = '{a.example.com,b.example.com,c.example.com}'")
		events := w.count("SELECT count(*) FROM events")
		c, err := w.db.RevokeApps(t.Context(), actor, id, []string{"a.example.com", "c.example.com", "d.example.com"}, nil, idle)
		if err != nil || granted(c.After) != "allowed {b.example.com}" || w.count("SELECT count(*) FROM events") != events+1 {
			t.Errorf("several: %s, %v", granted(c.After), err)
		}
		w.run("UPDATE users SET is_whitelisted = false, apps = NULL")
		if c, err := w.db.RevokeApps(t.Context(), actor, id, []string{appHost}, []string{appHost}, idle); err != nil || !c.Already {
			t.Errorf("somebody refused: %+v, %v", c, err)
		}
		if _, err := w.db.RevokeApps(t.Context(), actor, afauth.ID{1}, []string{appHost}, nil, idle); !errors.Is(err, afauth.ErrNotFound) {
			t.Errorf("somebody unknown: %v", err)
		}
	})
}
