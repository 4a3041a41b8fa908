package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// listed is what `go list -json` tells about one package.
type listed struct {
	ImportPath string
	Imports    []string
	Module     *struct{ Main bool }
}

// packages returns the packages of the module with their imports, those of
// tests left out: a test may use whatever it needs.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Module", "./...")
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var found []listed
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatalf("reading what go list wrote: %v", err)
		}
		if p.Module != nil && p.Module.Main {
			found = append(found, p)
		}
	}
}

// root returns the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

func TestImportsGoDown(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if _, ok := roomOf(p.ImportPath); !ok {
			t.Error(noPlace(p.ImportPath))
			continue
		}
		for _, to := range p.Imports {
			if why := forbidden(p.ImportPath, to); why != "" {
				t.Errorf("%s imports %s\n\t%s", p.ImportPath, to, why)
			}
		}
	}
}

// The table lists what stands, no less and no more.
func TestRoomsExist(t *testing.T) {
	t.Parallel()
	standing := make(map[string]bool)
	for _, p := range packages(t) {
		if r, ok := roomOf(p.ImportPath); ok {
			standing[r.path] = true
		}
	}
	for _, r := range rooms() {
		name := strings.TrimSuffix(module+"/"+r.path, "/")
		switch {
		case !standing[r.path] && !r.planned:
			t.Errorf("%s is in the table, but there is no such package: mark it as planned in rooms(), or take it out", name)
		case standing[r.path] && r.planned:
			t.Errorf("%s stands: take away its mark as planned in rooms()", name)
		}
	}
}

// The page that people read names every room that the machine checks.
func TestArchitecturePageNamesTheRooms(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root(t), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms() {
		name := r.path
		if name == "" {
			name = "afauth"
		}
		if !r.planned && !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("docs/architecture.md does not name `%s`", name)
		}
	}
}

// A rule that allows everything would pass every tree: these arrows pin it.
func TestForbidden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		allowed  bool
	}{
		{"cmd/af-auth", "internal/cli", true},
		{"cmd/af-auth", "internal/web", false},
		{"cmd/af-auth", "internal/config", false},
		{"internal/cli", "internal/web", true},
		{"internal/cli", "internal/postgres/migrations", true},
		{"internal/cli", "internal/config", true},
		{"internal/cli", "internal/pgserver", true},
		{"internal/cli", "internal/githubsim", true},
		{"internal/cli", "internal/cli/demo", true},
		{"internal/cli", "internal/pgtest", false},
		{"internal/cli", "cmd/af-auth", false},
		{"internal/web", "internal/web/page", true},
		{"internal/web", "internal/signin", true},
		{"internal/web", "internal/telemetry", true},
		{"internal/web", "", true},
		{"internal/web", "internal/postgres", false},
		{"internal/web", "internal/postgres/query", false},
		{"internal/web", "internal/github", false},
		{"internal/web", "internal/vault", false},
		{"internal/web", "internal/config", false},
		{"internal/web", "internal/studio", false},
		{"internal/web", "internal/migrate", false},
		{"internal/web", "internal/cli", false},
		{"internal/api", "internal/access", true},
		{"internal/studio", "internal/telemetry", true},
		{"internal/studio", "internal/access", false},
		{"internal/studio", "internal/postgres", false},
		{"internal/signin", "internal/postgres", true},
		{"internal/signin", "internal/github", true},
		{"internal/signin", "internal/gate", false},
		{"internal/signin", "internal/githubsim", false},
		{"internal/gate", "internal/web", false},
		{"internal/postgres", "internal/postgres/query", true},
		{"internal/postgres", "internal/pgurl", true},
		{"internal/postgres", "internal/github", false},
		{"internal/postgres", "internal/config", false},
		{"internal/postgres", "internal/gate", false},
		{"internal/github", "internal/postgres", false},
		{"internal/telemetry", "", true},
		{"internal/telemetry", "internal/config", false},
		{"internal/config", "internal/pgurl", true},
		{"internal/pgurl", "internal/telemetry", false},
		{"", "internal/pgurl", false},
		{"internal/migrate", "internal/pgurl", true},
		{"internal/migrate", "internal/pgserver", true},
		{"internal/migrate", "internal/postgres", false},
		{"internal/migrate", "internal/config", false},
		{"internal/githubsim", "", true},
		{"internal/gate", "internal/githubsim", false},
		{"bench", "internal/postgres", true},
		{"bench", "internal/config", false},
		{"internal/pgtest", "internal/migrate", true},
		{"internal/utils", "", false},
		{"internal/web", "internal/utils", false},
		{"internal/webhooks", "", false}, // shares letters with internal/web, not its room
	} {
		from := strings.TrimSuffix(module+"/"+test.from, "/")
		to := strings.TrimSuffix(module+"/"+test.to, "/")
		if why := forbidden(from, to); (why == "") != test.allowed {
			t.Errorf("forbidden(%q, %q) = %q, want allowed = %v", test.from, test.to, why, test.allowed)
		}
	}
	if forbidden(module, "github.com/jackc/pgx/v5") == "" {
		t.Error("the root package may import pgx")
	}
	if why := forbidden(module, "encoding/json"); why != "" {
		t.Errorf("the root package may not import encoding/json: %s", why)
	}
}
