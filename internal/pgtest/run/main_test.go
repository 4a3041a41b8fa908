package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// helperVariable makes the test binary the command itself.
const helperVariable = "PGTEST_RUN_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command is the program under test, with an address for the server or without.
func command(address string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), helperVariable+"=1", pgtest.Variable+"="+address)
	return cmd
}

// code returns the exit code that a finished command had.
func code(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

func TestExitCodeIsTheCommands(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args []string
		want int
	}{
		{"success", []string{"true"}, 0},
		{"failure", []string{"sh", "-c", "exit 7"}, 7},
		{"signal", []string{"sh", "-c", "kill -TERM $$"}, 128 + int(syscall.SIGTERM)},
		{"no such command", []string{"/nonexistent/command"}, 127},
		{"no command", nil, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := code(t, command("postgres://given", test.args...).Run()); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
		})
	}
}

func TestServerLivesAsLongAsTheCommand(t *testing.T) {
	t.Parallel()
	cmd := command("", "sh", "-c", `echo "$`+pgtest.Variable+`"; read -r line; exit 3`)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stdin.Close(); err != nil {
		t.Error(err)
	}
	if got := code(t, cmd.Wait()); got != 3 {
		t.Errorf("exit code %d, want 3", got)
	}
	if _, err := pgx.Connect(t.Context(), strings.TrimSpace(address)); err == nil {
		t.Error("the server is still there")
	}
}

func TestInterruptReachesTheCommandOnce(t *testing.T) {
	t.Parallel()
	cmd := command("postgres://given", "sh", "-c",
		`trap 'echo interrupted; trap "echo again" INT; exit 5' INT; echo ready; while :; do sleep 0.05; done`)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	if _, err := rest.ReadFrom(lines); err != nil {
		t.Fatal(err)
	}
	if got := code(t, cmd.Wait()); got != 5 || rest.String() != "interrupted\n" {
		t.Errorf("exit code %d, output %q", got, rest.String())
	}
}
