package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		user, other := afauth.ID{1}, afauth.ID{2}
		for n := range 9 {
			who := user
			if n%3 == 0 {
				who = other
			}
			w.run(fmt.Sprintf(`INSERT INTO events (at, kind, user_id, actor, address, reason, details) VALUES
				('2026-01-0%d 12:00Z', 'sign_in.succeeded', '%s', 'user:x', '192.0.2.1', 'why', '{"n": %[1]d}')`, n+1, who))
		}
		w.run("INSERT INTO events (kind) VALUES ('table.truncated')")
		since := time.Date(2026, 1, 7, 12, 0, 0, 0, time.UTC)
		for _, tt := range []struct {
			name   string
			filter postgres.EventFilter
			want   int
		}{
			{"all", postgres.EventFilter{Limit: 100}, 10},
			{"a page", postgres.EventFilter{Limit: 4}, 4},
			{"one person", postgres.EventFilter{UserIDs: []afauth.ID{user}, Limit: 100}, 6},
			{"two people", postgres.EventFilter{UserIDs: []afauth.ID{user, other}, Limit: 100}, 9},
			{"nobody at all", postgres.EventFilter{UserIDs: []afauth.ID{}, Limit: 100}, 0},
			{"nobody", postgres.EventFilter{UserIDs: []afauth.ID{{}}, Limit: 100}, 0},
			{"since, itself included", postgres.EventFilter{Since: &since, Limit: 100}, 4},
			{"before", postgres.EventFilter{Before: 4, Limit: 100}, 3},
			{"together", postgres.EventFilter{UserIDs: []afauth.ID{other}, Since: &since, Before: 10, Limit: 100}, 1},
			{"none", postgres.EventFilter{}, 0},
		} {
			got, err := w.db.Events(t.Context(), tt.filter)
			if err != nil || len(got) != tt.want {
				t.Errorf("%s: %d events (%v), want %d", tt.name, len(got), err, tt.want)
			}
			for i := range len(got) - 1 {
				if got[i].ID <= got[i+1].ID {
					t.Errorf("%s: not newest first", tt.name)
				}
			}
		}
		all := must(w.db.Events(t.Context(), postgres.EventFilter{Limit: 2}))
		if e := all[0]; e.Kind != afauth.EventTableTruncated || e.UserID != nil || e.Actor != "" || e.From != "" || e.Reason != "" || e.Role == "" || string(e.Details) != "{}" {
			t.Errorf("%+v", e)
		}
		if e := all[1]; e.UserID == nil || *e.UserID != user || e.Actor != "user:x" || e.From != "192.0.2.1" || e.Reason != "why" ||
			string(e.Details) != `{"n": 9}` || !e.At.Equal(time.Date(2026, 1, 9, 12, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v", e)
		}
	})
}

// The record knows people who were deleted by their GitHub id, and no more.
func TestNamesInEvents(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, w world) {
		here, gone, changed, unknown := afauth.ID{1}, afauth.ID{2}, afauth.ID{3}, afauth.ID{4}
		w.run(fmt.Sprintf(`INSERT INTO users (id, github_user_id, login) VALUES ('%s', 583231, 'octocat'), ('%s', 7, 'gone'), ('%s', 8, NULL)`, here, gone, changed))
		w.run("UPDATE users SET github_user_id = 9 WHERE github_user_id = 8; DELETE FROM users WHERE login = 'gone'")
		w.run(fmt.Sprintf(`INSERT INTO events (kind, user_id, details) VALUES ('user.deleted', '%s', '{"github_user_id": "x"}'), ('user.deleted', '%[1]s', '{"github_user_id": 1e30}'), ('user.deleted', '%[1]s', '{"github_user_id": null}'), ('user.deleted', '%[1]s', '{}'), ('user.deleted', NULL, '{"github_user_id": 7}')`, unknown))

		names, err := w.db.Names(t.Context(), []afauth.ID{here, gone, changed, unknown, {5}})
		if err != nil || len(names) != 3 || names[here].Handle() != "octocat" || names[gone].Handle() != "#7" || names[changed].Handle() != "#9" {
			t.Errorf("%+v, %v", names, err)
		}
		if names, err := w.db.Names(t.Context(), nil); err != nil || len(names) != 0 {
			t.Errorf("of nobody: %+v, %v", names, err)
		}
		for githubID, want := range map[int64][]afauth.ID{7: {gone}, 8: {changed}, 9: {changed}, 583231: {}, 5: {}} {
			if ids, err := w.db.UserIDsInEvents(t.Context(), githubID); err != nil || !slices.Equal(ids, want) {
				t.Errorf("#%d: %s, %v", githubID, ids, err)
			}
		}
	})
}
