package afauth_test

import (
	"testing"

	afauth "github.com/af-auth/af-auth"
)

func TestOlderRelease(t *testing.T) {
	t.Parallel()
	tests := []struct {
		release, than string
		want          bool
	}{
		{"1.2.0", "1.3.0", true},
		{"v1.2.0", "1.3.0", true},
		{"1.9.0", "1.10.0", true},
		{"1.3.0", "1.3.0", false},
		{"1.4.0", "1.3.0", false},
		{"2.0.0", "v1.3.0", false},
		// A build between two releases may be either.
		{"1.3.0-4-gabcdef", "1.3.0", true},
		{"1.4.0-4-gabcdef", "1.3.0", false},
		// What cannot be read is not trusted to be new.
		{"dev", "1.3.0", true},
		{"1.3.0", "dev", true},
		{"dev", "dev", false},
		{"", "1.3.0", true},
		{"1.3", "1.2.0", true},
		{"1.-3.0", "1.2.0", true},
	}
	for _, tt := range tests {
		if got := afauth.OlderRelease(tt.release, tt.than); got != tt.want {
			t.Errorf("OlderRelease(%q, %q) = %v", tt.release, tt.than, got)
		}
	}
}
