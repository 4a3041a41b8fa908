package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/migrate"
)

// Of many batches a second one is told, and of a backfill always the last.
func TestProgressOfABackfill(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(1_700_000_000, 0)
	e := &Env{Stdout: &out, Stderr: &out, Now: func() time.Time { return now }}
	file := migrate.File{Version: "20260101000001", Name: "fill"}
	for i := range 25 {
		e.migrationProgress(migrate.Event{Kind: migrate.Batched, File: file, Number: 1, Total: 1, Rows: int64(i + 1)})
		now = now.Add(100 * time.Millisecond)
	}
	e.migrationProgress(migrate.Event{Kind: migrate.Applied, File: file, Number: 1, Total: 1})
	const place = "1/1  20260101000001_fill  "
	if got, want := out.String(), place+"1 rows\n"+place+"11 rows\n"+place+"21 rows\n"+place+"25 rows\n"+place+"0s\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
