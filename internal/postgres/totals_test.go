package postgres_test

import (
	"testing"

	"github.com/af-auth/af-auth/internal/postgres"
)

// Numbers are exact while they are small, and say what they are beyond.
func TestTotals(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		for _, step := range []struct {
			sql  string
			want postgres.Totals
		}{
			{"SELECT", postgres.Totals{}},
			{"INSERT INTO users (github_user_id, is_whitelisted) SELECT n, n > 1000 FROM generate_series(1, 10000) n",
				postgres.Totals{All: postgres.Total{N: 10_000}, Waiting: postgres.Total{N: 1000}}},
			// A table that was never analyzed has no estimate.
			{"INSERT INTO users (github_user_id) VALUES (10001)",
				postgres.Totals{All: postgres.Total{N: 10_000, More: true}, Waiting: postgres.Total{N: 1000, More: true}}},
			{"ANALYZE users",
				postgres.Totals{All: postgres.Total{N: 10_001, About: true}, Waiting: postgres.Total{N: 1000, More: true}}},
		} {
			w.run("ALTER TABLE users SET (autovacuum_enabled = false)")
			w.run(step.sql)
			if got, err := w.db.Totals(t.Context()); err != nil || got != step.want {
				t.Errorf("%s: %+v, %v", step.sql, got, err)
			}
		}
	})
}

// Somebody who may open one application, or all, is listed; nobody else.
func TestUsersByApp(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		w.run(`INSERT INTO users (github_user_id, login, is_whitelisted, whitelist_until, apps) VALUES
			(1, 'all', true, NULL, NULL), (2, 'one', true, NULL, '{a,b}'), (3, 'other', true, NULL, '{b}'), (4, 'none', true, NULL, '{}'),
			(5, 'waits', false, NULL, NULL), (6, 'over', true, now() - interval '1 hour', NULL)`)
		for _, f := range []postgres.UserFilter{{App: "a"}, {App: "a", Prefix: "o"}, {App: "a", Search: "one"}, {App: "a", Search: "#3"}} {
			f.Limit = 1
			want := map[postgres.UserFilter]int{{App: "a", Limit: 1}: 2, {App: "a", Prefix: "o", Limit: 1}: 1, {App: "a", Search: "one", Limit: 1}: 1}[f]
			if got := w.list(f, func() {}); len(got) != want {
				t.Errorf("%+v: %q", f, got)
			}
		}
		for _, f := range []postgres.UserFilter{{App: "a", Access: "waiting"}, {Search: "one", Prefix: "o"}, {After: &postgres.Key{Login: "x"}}, {Prefix: "x", After: &postgres.Key{}}} {
			f.Limit = 1
			if got, err := w.db.Users(t.Context(), f); err == nil {
				t.Errorf("%+v: %v", f, got)
			}
		}
	})
}
