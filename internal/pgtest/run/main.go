// Run starts one PostgreSQL server for tests, runs a command with
// PGTEST_URL set to its address, and ends the server:
//
//	go run ./internal/pgtest/run go test ./...
//
// Without it each test binary starts a server of its own. Where the variable is
// set already the command is just run. The exit code is the command's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/af-auth/af-auth/internal/pgtest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: run COMMAND [ARGUMENT]...")
		os.Exit(2)
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		if hinted := (interface{ Hint() string })(nil); errors.As(err, &hinted) {
			fmt.Fprintln(os.Stderr, "hint:", hinted.Hint())
		}
		code = max(code, 1)
	}
	os.Exit(code)
}

// run runs the command beside a server and returns its exit code.
func run(command []string) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Signals that come while the command runs are for the command.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	environment := os.Environ()
	if os.Getenv(pgtest.Variable) == "" {
		server, failed := pgtest.Start(ctx)
		if failed != nil {
			return 1, failed
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		environment = append(environment, pgtest.Variable+"="+server.URL())
	}
	return supervise(command, environment, signals)
}

// supervise runs the command and hands signals on to it. The command leads a
// process group, which gets each signal once: from us, not from the terminal.
func supervise(command, environment []string, signals <-chan os.Signal) (int, error) {
	cmd := exec.Command(command[0], command[1:]...) // #nosec G204 G702 -- running it is the purpose
	cmd.Env = environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			// A group that has just ended needs no signal.
			_ = syscall.Kill(-cmd.Process.Pid, sig.(syscall.Signal))
		case err := <-ended:
			return exitCode(err)
		}
	}
}

// exitCode is the command's, or 128 and the signal's number as shells have it.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
