package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
)

// stoppedError is an error as a stopped migration returns it.
type stoppedError struct{ error }

func (stoppedError) Hint() string    { return "8 rows are done; deploy again" }
func (e stoppedError) Unwrap() error { return e.error }

// Ctrl-C says which file it met and how to go on; what knows neither is stopped.
func TestReportOfAStop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{stoppedError{fmt.Errorf("1_a.up.sql: stopped: %w", context.Canceled)}, "af-auth: 1_a.up.sql: stopped: context canceled\nhint: 8 rows are done; deploy again\n"},
		{context.Canceled, "af-auth: stopped\n"},
	} {
		var out bytes.Buffer
		if code := (&Env{Stderr: &out}).report(tt.err); code != 1 || out.String() != tt.want {
			t.Errorf("code %d, %q, want %q", code, out.String(), tt.want)
		}
	}
	stop := migrate.Attempt{Version: "20260101000001", Name: "a", Action: migrate.Apply, Outcome: migrate.Failed, Message: "stopped by the one who ran it"}
	s := standing{State: migrate.State{Failed: []migrate.Attempt{stop}}}
	if got := printed(s); strings.Contains(got, "killed") || strings.Contains(got, "mend") || !strings.Contains(got, "a migration was stopped\nnext: af-auth db migrate deploy") {
		t.Errorf("%s", got)
	}
}
