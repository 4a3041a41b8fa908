package postgres_test

import (
	"fmt"
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
			{"one person", postgres.EventFilter{UserID: &user, Limit: 100}, 6},
			{"nobody", postgres.EventFilter{UserID: &afauth.ID{}, Limit: 100}, 0},
			{"since, itself included", postgres.EventFilter{Since: &since, Limit: 100}, 4},
			{"before", postgres.EventFilter{Before: 4, Limit: 100}, 3},
			{"together", postgres.EventFilter{UserID: &other, Since: &since, Before: 10, Limit: 100}, 1},
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
