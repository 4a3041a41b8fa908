package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

const unitFile = "deploy/systemd/af-auth.service"

// documentedFiles returns the files that README.md tells people to write, by
// path, which stands behind the language of a block.
func documentedFiles(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for _, b := range readPage(t, "README.md").blocks {
		if _, path, ok := strings.Cut(b.language, " "); ok {
			files[path] = b.lines
		}
	}
	return files
}

// unitLines returns what the unit gives a directive, once a line.
func unitLines(t *testing.T, directive string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(unitFile)))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), directive+"="); ok {
			found = append(found, value)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s=", unitFile, directive)
	}
	return found
}

// The unit and the files of README.md make one set of settings: nothing is set
// twice, and nothing is missing. EnvironmentFile= beats Environment=, so what
// stands in both is a path that the service's user cannot read.
func TestUnitFitsTheDocumentedSettings(t *testing.T) {
	t.Parallel()
	files := documentedFiles(t)
	var environ []string
	for _, path := range unitLines(t, "EnvironmentFile") {
		if len(files[path]) == 0 {
			t.Fatalf("README.md does not say what to write into %s", path)
		}
		environ = append(environ, files[path]...)
	}
	credentials := t.TempDir()
	for _, line := range unitLines(t, "LoadCredential") {
		name, path, _ := strings.Cut(line, ":")
		if len(files[path]) != 1 {
			t.Fatalf("README.md does not say what to write into %s", path)
		}
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(files[path][0]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range unitLines(t, "Environment") {
		environ = append(environ, strings.ReplaceAll(line, "%d", credentials))
	}

	set := map[string]bool{}
	for _, line := range environ {
		name, _, _ := strings.Cut(line, "=")
		if name = strings.TrimSuffix(name, "_FILE"); set[name] {
			t.Errorf("%s is set both in %s and in README.md's settings", name, unitFile)
		}
		set[name] = true
	}
	c, err := config.Load(config.Options{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Need("DATABASE_URL", "AF_AUTH_URL", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"); err != nil {
		t.Error(err)
	}
	if !c.Production || len(c.Warnings()) > 0 {
		t.Errorf("production: %v, warnings: %q", c.Production, c.Warnings())
	}
}

// What README.md exports by hand are the same files.
func TestExportedSecretsAreTheUnitsFiles(t *testing.T) {
	t.Parallel()
	credentials := unitLines(t, "LoadCredential")
	export := regexp.MustCompile(`^export \w+_FILE=(\S+)$`)
	seen := 0
	for _, b := range readPage(t, "README.md").blocks {
		for _, line := range b.lines {
			if m := export.FindStringSubmatch(line); m != nil {
				seen++
				if !slices.ContainsFunc(credentials, func(c string) bool { return strings.HasSuffix(c, ":"+m[1]) }) {
					t.Errorf("%s: the unit reads no such file", line)
				}
			}
		}
	}
	if seen != len(credentials) {
		t.Errorf("README.md exports %d secrets, and the unit reads %d", seen, len(credentials))
	}
}

// What the unit offers behind a "#" is a setting too, and each credential is
// handed over by the name that its setting is read from.
func TestUnitsFurtherCredentials(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(unitFile)))
	if err != nil {
		t.Fatal(err)
	}
	offered := map[string]bool{} // by setting
	for _, m := range regexp.MustCompile(`(?m)^#LoadCredential=([a-z-]+):/etc/af-auth/credentials/([a-z-]+)\n#Environment=(\w+)_FILE=%d/([a-z-]+)$`).FindAllStringSubmatch(string(text), -1) {
		offered[m[3]] = true
		if m[1] != m[2] || m[1] != m[4] {
			t.Errorf("%s: the credential is called %s, %s and %s", m[3], m[1], m[2], m[4])
		}
	}
	for _, name := range []string{"DIRECT_URL", "AF_AUTH_METRICS_TOKEN", "AF_AUTH_WEBHOOK_URL", "AF_AUTH_WEBHOOK_SECRET"} {
		if !offered[name] {
			t.Errorf("%s does not say how to give %s", unitFile, name)
		}
	}
	for name := range offered {
		secret := slices.ContainsFunc(config.Vars(), func(v config.Var) bool { return v.Name == name && v.Secret })
		if !secret {
			t.Errorf("%s: %s is no secret of the settings", unitFile, name)
		}
	}
}
