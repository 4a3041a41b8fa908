package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// TestServeStopsAtOnce: the second Ctrl-C is from somebody who will not wait for
// a sign-in under way, whose GitHub never answers.
func TestServeStopsAtOnce(t *testing.T) {
	t.Parallel()
	for _, first := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(first.String(), func(t *testing.T) {
			t.Parallel()
			sim := newSlowGitHub(t)
			s := startServe(t, pgtest.New(t), sim.url)
			sim.hold.Store(true)
			cut := make(chan error, 1)
			go func() { cut <- s.callback(t, "octocat") }()
			<-sim.held
			if err := s.cmd.Process.Signal(first); err != nil {
				t.Fatal(err)
			}
			s.await(t, "it says that it stops", func() bool { return s.says("stopping; a second signal ends it at once") })
			begun := time.Now()
			// What comes within half a second of the first is one with it, so Ctrl-C
			// is pressed until it is heard.
			s.await(t, "it hears the second signal", func() bool {
				if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
				return s.says("stopped at once by a second signal")
			})
			var ended *exec.ExitError
			if err := s.wait(t); !errors.As(err, &ended) || ended.ExitCode() != 1 {
				t.Errorf("af-auth serve: %v, want exit code 1", err)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if !s.says("af-auth: stopped at once by a second signal (interrupt); requests under way were cut off") {
				t.Errorf("it says %q", s.said)
			}
			if err := <-cut; err == nil {
				t.Error("the sign-in was answered")
			}
		})
	}
}

// toldItsEnd fails unless the log says why the server stopped, how long that
// might take, and that it has.
func (s *serving) toldItsEnd(t *testing.T) {
	t.Helper()
	if !s.says(`"msg":"stopping; a second signal ends it at once"`, `"why":"asked by a signal (terminated)"`, `"at_most":"16s"`) ||
		!s.says(`"msg":"stopped"`, `"took":"`) {
		t.Errorf("the log: %s", s.said)
	}
}

// callback walks a sign-in up to GitHub's answer, and returns what became of
// that request.
func (s *serving) callback(t *testing.T, login string) error {
	toGitHub, ok := s.do(t, http.MethodGet, origin+"/auth/github", nil)
	if !ok {
		return nil
	}
	back, ok := s.do(t, http.MethodPost, toGitHub.Header.Get("Location"), strings.NewReader("login="+login))
	if !ok {
		return nil
	}
	r, err := http.NewRequest(http.MethodGet, back.Header.Get("Location"), nil)
	if err != nil {
		return nil
	}
	for _, c := range toGitHub.Cookies() {
		r.AddCookie(c)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// TestServeNamesTheMetricsPort: where any free port may be taken, the log says
// which one it is.
func TestServeNamesTheMetricsPort(t *testing.T) {
	t.Parallel()
	s := prepareServe(t, pgtest.New(t), "http://127.0.0.1:1")
	s.cmd.Env = append(s.cmd.Env, "AF_AUTH_METRICS_LISTEN=127.0.0.1:0")
	address, lines, deadline := "", s.start(t), time.After(within)
	for address == "" {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatal("af-auth serve ended")
			}
			if line.Message == "serving metrics" {
				address = line.Listen
			}
		case <-deadline:
			t.Fatalf("no line names the port after %v", within)
		}
	}
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", address, res.Status)
	}
}

// TestServeIsNamedByItsHost: where a server listens everywhere, as in a
// container, revoke names it by its host and not by "[::]".
func TestServeIsNamedByItsHost(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	s := prepareServe(t, database, "http://127.0.0.1:1")
	s.cmd.Env = append(s.cmd.Env, "AF_AUTH_LISTEN=:0")
	s.serves(t)
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var at string
	s.await(t, "it registers", func() bool {
		return conn.QueryRow(t.Context(), "SELECT coalesce(min(address), '') FROM instances").Scan(&at) == nil && at != ""
	})
	if want := net.JoinHostPort(name, port); at != want {
		t.Fatalf("it is named %q, want %q", at, want)
	}
	// Stopped, it hears nothing and lives on in the table for a while.
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }()
	if _, err := conn.Exec(t.Context(), "INSERT INTO users (github_user_id, login, is_whitelisted) VALUES (583231, 'octocat', true)"); err != nil {
		t.Fatal(err)
	}
	revoke := exec.Command("af-auth", "revoke", "octocat")
	revoke.Dir, revoke.Env = s.cmd.Dir, s.cmd.Env
	out, err := revoke.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " by "+at+"\n") {
		t.Errorf("%v: %s", err, out)
	}
}
