package config_test

import (
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
