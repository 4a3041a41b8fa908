package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

// canaries sets every secret to a text that must not be seen again.
func canaries() []string {
	return []string{
		"DATABASE_URL=postgresql://u:canary-one@h/d?sslpassword=canary-two",
		"DIRECT_URL=postgresql://u@h/d?password=canary-three",
		"AF_AUTH_OWNER_URL=postgresql://u:canary-four@h/d",
		"GITHUB_CLIENT_SECRET=canary-five",
		"AF_AUTH_METRICS_TOKEN=canary-six-sixteen",
	}
}

func noCanary(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) || strings.Contains(text, fmt.Sprintf("%d", []byte("canary"))[1:20]) {
		t.Errorf("%s shows a secret: %s", what, text)
	}
}

func TestPrintingHidesSecrets(t *testing.T) {
	t.Parallel()
	c := load(t, canaries()...)
	if c.GitHubClientSecret.Reveal() != "canary-five" || c.DatabaseURL.Password() != "canary-one" {
		t.Fatal("the secrets did not arrive")
	}
	private := struct {
		c *config.Config
		v config.Config
		s config.Secret
	}{c, *c, c.GitHubClientSecret}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, v := range []any{c, *c, private, &private, []any{c.MetricsToken}, c.GitHubClientSecret, &c.GitHubClientSecret, c.Entries()} {
			noCanary(t, verb, fmt.Sprintf(verb, v))
		}
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("config", "pointer", c, "value", *c, "secret", c.MetricsToken, "url", c.DatabaseURL, "entries", c.Entries())
	}
	noCanary(t, "slog", log.String())
	for _, v := range []any{c, c.Entries(), map[string]any{"x": c.GitHubClientSecret}, private} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		noCanary(t, "json", string(text))
	}
	for _, name := range []string{"DATABASE_URL", "GITHUB_CLIENT_SECRET"} {
		if e := entry(t, c, name); !strings.Contains(e.Value, "***") {
			t.Errorf("%s is listed as %q, which hides that it is set", name, e.Value)
		}
	}
}

// The same secrets, each in a form that is refused.
func TestFaultsHideSecrets(t *testing.T) {
	t.Parallel()
	bad := []string{
		"DATABASE_URL=postgresql://u:canary/x@h/d", "DIRECT_URL=host=h password=canary", "AF_AUTH_OWNER_URL=postgresql://u:canary@h/d?x=y",
		"GITHUB_CLIENT_SECRET=can canary", "AF_AUTH_METRICS_TOKEN=canary", "GITHUB_CLIENT_ID=canary!", "AF_AUTH_URL=https://u:canary@h",
		"GITHUB_URL=https://u:canary@h", "AF_AUTH_CONTACT=https://u:canary@h",
	}
	c, err := config.Load(config.Options{Environ: bad})
	if all := faults(t, err); len(all) != len(bad) {
		t.Errorf("%d faults for %d bad values", len(all), len(bad))
	}
	noCanary(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err))
	noCanary(t, "the listing", fmt.Sprint(c.Entries()))
	_, err = config.Load(config.Options{Environ: []string{"GITHUB_CLIENT_SECRET_FILE=canary-by-mistake"}})
	noCanary(t, "the error about a file", err.Error())
}

func TestSecretZero(t *testing.T) {
	t.Parallel()
	var s config.Secret
	if s.IsSet() || s.Reveal() != "" || s.String() != "" || config.NewSecret("").IsSet() {
		t.Error("the zero secret is not empty")
	}
	if s = config.NewSecret("x"); !s.IsSet() || s.Reveal() != "x" || fmt.Sprint(s) != "***" {
		t.Errorf("got %v", s)
	}
}
