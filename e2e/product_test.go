package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// startWithin covers initdb on a slow disk.
	startWithin = 2 * time.Minute
	// stopWithin covers a drain and PostgreSQL's fast shutdown.
	stopWithin = 30 * time.Second
	// promise is how soon an allow or a revoke is felt.
	promise = time.Second
)

// product is a running `af-auth dev` in a folder of its own.
type product struct {
	AuthURL     string `json:"auth_url"`
	AppURL      string `json:"app_url"`
	GitHubURL   string `json:"github_url"`
	DatabaseURL string `json:"database_url"`
	StudioURL   string `json:"studio_url"`

	dir string
	cmd *exec.Cmd
	log *syncBuffer
}

// start runs `af-auth dev` on free ports, waits for the line that says it is
// ready, and stops it by an interrupt at the end of the test. settings are
// NAME=VALUE.
func start(t *testing.T, settings ...string) *product {
	t.Helper()
	p := &product{dir: openFolder(t), log: &syncBuffer{}}
	p.cmd = exec.Command(program, "dev", "--data", filepath.Join(p.dir, ".af-auth"), "--port", "0", "--json")
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = p.dir, append(cleanEnv(), settings...), p.log
	p.cmd.WaitDelay = stopWithin
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("af-auth dev wrote:\n%s", p.log)
		}
	})
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	select {
	case line, ok := <-lines:
		if !ok {
			t.Fatal("af-auth dev ended before it was ready")
		}
		if err := json.Unmarshal([]byte(line), p); err != nil {
			t.Fatalf("the first line is not JSON: %q", line)
		}
	case <-time.After(startWithin):
		t.Fatalf("af-auth dev is not ready after %v", startWithin)
	}
	go func() {
		for line := range lines {
			t.Errorf("a second line on stdout: %q", line)
		}
	}()
	for name, v := range map[string]string{"auth_url": p.AuthURL, "app_url": p.AppURL, "github_url": p.GitHubURL, "database_url": p.DatabaseURL, "studio_url": p.StudioURL} {
		if v == "" {
			t.Fatalf("the line on stdout has no %s", name)
		}
	}
	p.AuthURL, p.AppURL, p.GitHubURL = trimSlash(p.AuthURL), trimSlash(p.AppURL), trimSlash(p.GitHubURL)
	return p
}

// stop is Ctrl-C: it must end the program, and with success.
func (p *product) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("interrupt af-auth dev: %v", err)
	}
	late := time.AfterFunc(stopWithin, func() {
		t.Errorf("af-auth dev still runs %v after an interrupt", stopWithin)
		_ = p.cmd.Process.Kill()
	})
	defer late.Stop()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("af-auth dev: %v", err)
	}
}

// run runs a command of af-auth in the same folder, as in another terminal, and
// returns what it wrote on stdout. It must succeed.
func (p *product) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = p.dir, cleanEnv(), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("af-auth %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// openFolder returns a new folder that every account may enter: as root, the
// private PostgreSQL runs under another one, and t.TempDir is closed to it.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "af-auth-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // #nosec G302 -- see above; what is inside has modes of its own
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// cleanEnv is our environment without any setting of af-auth's, so that the
// machine's own configuration cannot reach a test.
func cleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return name == "DATABASE_URL" || name == "DIRECT_URL" || strings.HasPrefix(name, "AF_AUTH_") ||
			strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "DB_") || strings.HasPrefix(name, "PG")
	})
}

func trimSlash(s string) string { return strings.TrimSuffix(s, "/") }

// syncBuffer is a bytes.Buffer for a writer and a reader at once.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
