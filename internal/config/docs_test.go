package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

var update = flag.Bool("update", false, "write .env.example and docs/config.md anew")

func TestGeneratedFiles(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"../../.env.example":   config.EnvExample(),
		"../../docs/config.md": config.Markdown(),
	} {
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil { // #nosec G306 -- documentation
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is stale: run go test ./internal/config -update", path)
		}
	}
}

// cp .env.example .env, two credentials, and development works.
func TestEnvExampleWorks(t *testing.T) {
	t.Parallel()
	text := config.EnvExample()
	if !strings.Contains(text, "\nDATABASE_URL=postgresql://postgres:postgres@localhost:5432/af_auth\n") {
		t.Error("the example lacks the DATABASE_URL that the documentation names")
	}
	needed := []string{"DATABASE_URL", "AF_AUTH_URL", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"}
	load := func(text string) (*config.Config, error) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return c, c.Need(needed...)
	}
	if _, err := load(text); err == nil || strings.Count(err.Error(), "is not set") != 2 {
		t.Errorf("want the two credentials to be missing, got %v", err)
	}
	text = strings.Replace(text, "GITHUB_CLIENT_ID=", "GITHUB_CLIENT_ID=Iv1.abc", 1)
	text = strings.Replace(text, "GITHUB_CLIENT_SECRET=", "GITHUB_CLIENT_SECRET=shh", 1)
	c, err := load(text)
	if err != nil {
		t.Fatal(err)
	}
	if c.Production || c.Origin != "http://127.0.0.1:8080" || c.Listen != "127.0.0.1:8080" {
		t.Errorf("production %v, origin %s, listen %s", c.Production, c.Origin, c.Listen)
	}
}

// Commented or not, every line of the example is one that Load accepts: all
// together, but for the one that may not stand beside another.
func TestEnvExampleAllUncommented(t *testing.T) {
	t.Parallel()
	var environ []string
	for line := range strings.Lines(config.EnvExample()) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "# "))
		if name, _, ok := strings.Cut(line, "="); ok && !strings.ContainsAny(name, " ") {
			environ = append(environ, strings.Replace(line, "=SECRET", "=0123456789abcdef", 1))
		}
	}
	if len(environ) != len(config.Vars()) {
		t.Errorf("%d lines for %d variables", len(environ), len(config.Vars()))
	}
	for _, left := range []string{"AF_AUTH_ADMINS=", "AF_AUTH_UPSTREAM="} {
		some := slices.DeleteFunc(slices.Clone(environ), func(line string) bool { return strings.HasPrefix(line, left) })
		if _, err := config.Load(config.Options{Environ: some}); err != nil || len(some) != len(environ)-1 {
			t.Errorf("without %s: %v", left, err)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range config.Vars() {
		if seen[v.Name] || v.Name == "" || v.Kind == "" || v.Meaning == "" || v.Group == "" || v.Example == "" {
			t.Errorf("row %q is twice there or lacks something", v.Name)
		}
		seen[v.Name] = true
		if strings.HasSuffix(v.Meaning, ".") {
			t.Errorf("the meaning of %s ends in a full stop", v.Name)
		}
	}
}
