package migrate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// Whoever stops a migration, in the middle of a statement or between two, finds
// that in the history, and how to go on: nobody was killed, nothing is to mend.
func TestStoppedIsWrittenDown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, asleep string
		files        []migrate.File
		rows         int64
		hint         string
	}{
		{"in a transaction", "PgSleep", load(t, "CREATE TABLE a (); SELECT pg_sleep(600)"), 0, "deploy again"},
		{"outside of one", "PgSleep", outside(t, "CREATE TABLE a (); SELECT pg_sleep(600)", ""), 0, "statement 1 of 2 is done"},
		{"in a backfill", "PgSleep", filling(t, numbered, "a by id 4", "UPDATE a SET n = CASE WHEN id > 24 AND pg_sleep(600) IS NULL THEN 0 ELSE 1 END WHERE id BETWEEN $1 AND $2"), 8, "8 rows are done"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			admin, conn := connect(t, url), connect(t, url)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := migrate.Deploy(ctx, conn, tt.files, migrate.Options{Pause: -1})
				ended <- err
			}()
			until(t, "the file sleeps", func() bool {
				return ask[int](t, admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = $1", tt.asleep) == 1
			})
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) || !strings.Contains(hint(err), tt.hint) {
				t.Errorf("got %v (hint: %s)", err, hint(err))
			}
			st, err := migrate.Read(t.Context(), admin, tt.files)
			if err != nil || len(st.Failed) != 1 || len(st.Unfinished)+len(st.Running) != 0 {
				t.Fatalf("state %+v, %v", st, err)
			}
			if a := st.Failed[0]; !a.Stopped() || a.Message != "stopped by the one who ran it" || a.NextCommand != "deploy" || a.RowsDone != tt.rows ||
				!strings.Contains(a.Hint, tt.hint) || time.Since(a.FinishedAt).Abs() > time.Minute {
				t.Errorf("attempt %+v", a)
			}
		})
	}
}
