package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
)

// printed is what status shows of a state.
func printed(s standing) string {
	var out bytes.Buffer
	(&Env{Stdout: &out, Stderr: &out}).printStatus(&project{own: true}, s)
	return out.String()
}

// A way back that failed changed nothing: status tells of it, advises the
// command that goes on with it, and ends as it would without.
func TestStatusOfAFailedWayBack(t *testing.T) {
	t.Parallel()
	rec := migrate.Record{Version: "20260101000001", Name: "a", Schema: "1.0.0"}
	back := migrate.Attempt{Version: rec.Version, Name: rec.Name, Action: migrate.RollBack, Outcome: migrate.Failed, Message: "no such table"}
	s := standing{State: migrate.State{Applied: []migrate.Record{rec}, FailedBack: []migrate.Attempt{back}, SchemaVersion: "1.0.0"}}
	if err := s.exit(); err != nil {
		t.Errorf("%v", err)
	}
	got := printed(s)
	for _, want := range []string{"applied; its way back failed", "no such table", "mend it, then: af-auth db migrate rollback"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	if !strings.Contains(s.verdict(&project{own: true}), "in sync") || strings.Contains(got, "migrate deploy") || len(s.json().FailedBack) != 1 || !s.json().InSync {
		t.Errorf("%s\n%+v", got, s.json())
	}
}

// In the middle of a file there is no schema to compare with: status says so.
func TestStatusBetweenTwoFiles(t *testing.T) {
	t.Parallel()
	half := migrate.Attempt{Version: "20260101000001", Name: "a", Action: migrate.Apply, Outcome: migrate.Failed, Statements: 2, StatementsDone: 1}
	if got := printed(standing{State: migrate.State{Failed: []migrate.Attempt{half}}}); !strings.Contains(got, "20260101000001_a.up.sql is not at its end: the schema stands between two files") {
		t.Errorf("%s", got)
	}
}
