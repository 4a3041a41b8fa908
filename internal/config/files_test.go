package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := write(t, dir, "secret", "  shh\n")
	c := load(t, "GITHUB_CLIENT_SECRET_FILE="+secret)
	if c.GitHubClientSecret.Reveal() != "shh" || c.Need("GITHUB_CLIENT_SECRET") != nil {
		t.Error("the secret was not read from its file")
	}
	_, err := config.Load(config.Options{Environ: []string{"GITHUB_CLIENT_SECRET_FILE=" + secret, "GITHUB_CLIENT_SECRET=shh"}})
	if all := faults(t, err); len(all) != 1 || !strings.Contains(all.Error(), "both set") {
		t.Errorf("got %v", err)
	}
	c, err = config.Load(config.Options{Environ: []string{"GITHUB_CLIENT_SECRET_FILE=/none"}, Overrides: map[string]string{"GITHUB_CLIENT_SECRET": "dev"}})
	if err != nil || c.GitHubClientSecret.Reveal() != "dev" {
		t.Errorf("the command line does not win over a file: %v", err)
	}
	_, err = config.Load(config.Options{Environ: []string{"AF_AUTH_LISTEN_FILE=" + secret}})
	if err == nil || !strings.Contains(err.Error(), "AF_AUTH_LISTEN") {
		t.Errorf("a file for what is no secret: %v", err)
	}
	_, err = config.Load(config.Options{File: filepath.Join(dir, "none")})
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a missing --config: %v", err)
	}
	if _, err = config.Load(config.Options{Dir: dir}); err != nil {
		t.Errorf("a missing .env: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err = config.Load(config.Options{Dir: dir}); err == nil {
		t.Error("a folder passes for .env")
	}
}

func TestDotEnvForOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, ".env", "DB_POOL_MAX=3\n")
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o400: 0, 0o640: 1, 0o604: 1} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Options{Dir: dir})
		if err != nil || len(c.Warnings()) != want {
			t.Errorf("mode %o: warnings %q, %v", mode, c.Warnings(), err)
		}
	}
}
