package config_test

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

// TestUnset: a command that brings its own database must not be led elsewhere
// by what stands in the environment beside it.
func TestUnset(t *testing.T) {
	t.Parallel()
	elsewhere := "postgresql://u:p@elsewhere/other"
	c, err := config.Load(config.Options{
		Environ: []string{
			"DATABASE_URL=" + elsewhere, "DIRECT_URL=" + elsewhere, "AF_AUTH_OWNER_URL=" + elsewhere,
			"AF_AUTH_METRICS_LISTEN=0.0.0.0:9000", "DB_POOL_MAX=",
		},
		Overrides: map[string]string{
			"DATABASE_URL": "postgresql://u:p@own/af_auth", "DIRECT_URL": "", "AF_AUTH_OWNER_URL": "", "AF_AUTH_METRICS_LISTEN": "",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.DatabaseURL.Host() != "own" || !c.DirectURL.IsZero() || !c.OwnerURL.IsZero() || c.MetricsListen != "" {
		t.Errorf("led elsewhere: %v, %v, %v, %q", c.DatabaseURL, c.DirectURL, c.OwnerURL, c.MetricsListen)
	}
	if c.PoolMax != 10 {
		t.Errorf("an empty variable of the environment is not 'unset': %d", c.PoolMax)
	}
}

// Whoever overrides says where from, and what they hide can be told.
func TestOverrideSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, ".env", "DATABASE_URL=postgresql://dotenv/d\nDIRECT_URL=postgresql://dotenv/d\n")
	c, err := config.Load(config.Options{
		Dir:       dir,
		Overrides: map[string]string{"DATABASE_URL": "postgresql://own/d", "DIRECT_URL": "", "AF_AUTH_OWNER_URL": "", "DB_POOL_MAX": "3"},
		Sources:   map[string]string{"DATABASE_URL": "the private one", "DIRECT_URL": "the private one", "AF_AUTH_OWNER_URL": "the private one"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ value, source, hidden string }{
		"DATABASE_URL":      {"postgresql://own/d", "the private one", ".env"},
		"DIRECT_URL":        {"", "the private one", ".env"},
		"AF_AUTH_OWNER_URL": {"", "not set", ""},
		"DB_POOL_MAX":       {"3", "command line", ""},
	} {
		if e := entry(t, c, name); e.Value != want.value || e.Source != want.source || c.Hidden(name) != want.hidden {
			t.Errorf("%s: %+v, hidden %q, want %+v", name, e, c.Hidden(name), want)
		}
	}
	// A fault names the source too.
	_, err = config.Load(config.Options{
		Overrides: map[string]string{"DATABASE_URL": "mysql://x"}, Sources: map[string]string{"DATABASE_URL": "the private one"},
	})
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL (the private one)") {
		t.Errorf("%v", err)
	}
}
