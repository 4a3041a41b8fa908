package telemetry_test

import (
	"regexp"
	"testing"

	"github.com/af-auth/af-auth/internal/telemetry"
)

func TestNewRequestID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)
	seen := make(map[string]bool)
	for range 1000 {
		id := telemetry.NewRequestID()
		if !form.MatchString(id) {
			t.Fatalf("id %q is not four letters, a dash and four letters of Crockford's alphabet", id)
		}
		if seen[id] {
			t.Fatalf("id %q came twice in 1,000", id)
		}
		seen[id] = true
	}
}

func TestRequestIDOfContext(t *testing.T) {
	t.Parallel()
	if got := telemetry.RequestID(t.Context()); got != "" {
		t.Errorf("a context without an id holds %q", got)
	}
	ctx := telemetry.WithRequestID(t.Context(), "7QX2-M4KD")
	if got := telemetry.RequestID(ctx); got != "7QX2-M4KD" {
		t.Errorf("got %q", got)
	}
}
