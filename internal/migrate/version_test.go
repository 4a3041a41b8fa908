package migrate_test

import (
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
)

func TestFitOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		own, found string
		want       migrate.Fit
	}{
		{"1.2.0", "", migrate.NoneYet},
		{"1.2.0", "1.2.0", migrate.Served},
		{"1.2.0", "1.2.1", migrate.Served},
		{"1.2.0", "1.10.0", migrate.Served},
		{"1.2.3", "1.2.2", migrate.TooOld},
		{"1.2.0", "1.1.9", migrate.TooOld},
		{"2.0.0", "1.99.0", migrate.TooOld},
		{"1.2.0", "2.0.0", migrate.TooNew},
		{"1.2.0", "10.0.0", migrate.TooNew},
		// What is no version serves nobody.
		{"1.2.0", "latest", migrate.TooOld},
		{"1.2.0", "1.2", migrate.TooOld},
		{"1.2.0", "01.2.0", migrate.TooOld},
	} {
		if got := migrate.FitOf(tt.own, tt.found); got != tt.want {
			t.Errorf("a release of %s, a database at %q: %s, want %s", tt.own, tt.found, got, tt.want)
		}
	}
	if got := migrate.ServedRange("1.2.0"); got != "1.2.0 and newer 1.x" {
		t.Errorf("%q", got)
	}
}
