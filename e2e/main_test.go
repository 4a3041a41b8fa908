// Package e2e drives the finished program from outside, as people and scripts
// do: it builds cmd/af-auth, runs it, and talks to it over HTTP, through a
// browser and by its commands. Of the module it imports only what stands around
// af-auth — the GitHub simulator, PostgreSQL for tests, the demo application — so
// a test here proves what a user gets and not what a package promises.
//
// It needs Go, PostgreSQL's server programs and, for the tests named TestBrowser…,
// Chromium; for TestCaddy and TestNginx, those, and Caddy for TestBrowserTwoHosts
// and TestBrowserDecidedMeanwhile; sqlmap for TestStudioSqlmap. What is missing fails a test with what to
// install; nothing is skipped.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the path of the binary that TestMain built. It is set once, before
// the first test.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "af-auth-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "af-auth")
	build := exec.Command("go", "build", "-o", program, "./cmd/af-auth")
	build.Dir = ".." // tests run in their package's folder
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "go build ./cmd/af-auth: %v\n", err)
		return 1
	}
	return m.Run()
}
