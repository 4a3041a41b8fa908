package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/postgres"
)

// A change by hand is an event of its own, by whoever made it; what the triggers
// write of it names the same person. Values that tell of a person stay out.
func TestRecordChange(t *testing.T) {
	t.Parallel()
	p, _ := watched(t)
	ctx := t.Context()
	p.run(`INSERT INTO users (github_user_id, login, is_whitelisted) VALUES (9001, 'octocat', true)`)
	actor := postgres.Actor{Name: "studio:ada"}
	text := func(s string) *string { return &s }
	err := pgx.BeginFunc(ctx, p.Conn, func(tx pgx.Tx) error {
		if err := postgres.ClaimChange(ctx, tx, actor); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET is_whitelisted = false, login = 'hubot' WHERE github_user_id = 9001`); err != nil {
			return err
		}
		return postgres.RecordChange(ctx, tx, actor, postgres.RowChange{Table: "public.users", What: "update", Key: []string{"some-id"},
			Before: map[string]*string{"is_whitelisted": text("t"), "login": text("octocat"), "name": nil}, After: map[string]*string{"is_whitelisted": text("f"), "login": text("hubot"), "name": text(strings.Repeat("x", 5000))},
			Cleared: []string{"github_access_token"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"access.revoked studio:ada", "table.changed studio:ada"}
	if got := p.lines(`SELECT kind || ' ' || actor FROM events WHERE actor LIKE 'studio%' ORDER BY kind`); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	want = []string{`{"key": "some-id", "what": "update", "after": {"name": "not kept", "login": "not kept", "is_whitelisted": "f"}, "table": "public.users", "before": {"name": null, "login": "not kept", "is_whitelisted": "t"}, "cleared": ["github_access_token"]}`}
	if got := p.lines(`SELECT details::text FROM events WHERE kind = 'table.changed'`); !slices.Equal(got, want) {
		t.Errorf("details %q", got)
	}
}
