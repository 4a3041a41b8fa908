package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

func TestKey(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
		time.UnixMicro(0).UTC(),
	} {
		key := postgres.Key{At: at, ID: afauth.ID{1, 2, 3, 15: 255}}
		s := key.String()
		// A cursor is an argument of a command: it must not look like a flag.
		if got, err := postgres.ParseKey(s); err != nil || got != key || len(s) != 32 || s[0] == '-' {
			t.Errorf("%v became %q and then %v, %v", key, s, got, err)
		}
	}
}

func TestKeyByLogin(t *testing.T) {
	t.Parallel()
	for _, login := range []string{"o", "octocat", "octocats", strings.Repeat("ö", 50)} {
		key := postgres.Key{ID: afauth.ID{1, 15: 255}, Login: login}
		if got, err := postgres.ParseKey(key.String()); err != nil || got != key || key.String()[0] == '-' {
			t.Errorf("%v became %q and then %v, %v", key, key.String(), got, err)
		}
	}
}

// A place that was written by hand is one or an error, never a panic.
func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{"", "octocat", "AAX", postgres.Key{}.String(), postgres.Key{}.String() + "=", "\xff", "l.", postgres.Key{Login: "octocat"}.String()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := postgres.ParseKey(s); err == nil && key.String() != s {
			t.Errorf("%q was read as %v", s, key)
		}
	})
}
