package pgserver

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperVariable makes the test binary a second process of ours: it does what
// the variable says (a helperTask as JSON), answers with one line of JSON, and
// then waits to be killed.
const helperVariable = "PGSERVER_TEST_HELPER"

type helperTask struct {
	Dir   string
	Guard bool // guard a sleeping child instead of running a server
}

type helperAnswer struct {
	PID int
	URL string
}

func TestMain(m *testing.M) {
	if task := os.Getenv(helperVariable); task != "" {
		if err := help(task); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func help(text string) error {
	var task helperTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		return err
	}
	var answer helperAnswer
	if task.Guard {
		c := &child{cmd: exec.Command("sleep", "1000"), done: make(chan struct{})}
		if err := c.cmd.Start(); err != nil {
			return err
		}
		if err := c.guard(syscall.SIGTERM); err != nil {
			return err
		}
		answer.PID = c.cmd.Process.Pid
	} else {
		s, err := Start(context.Background(), Options{Dir: task.Dir, Ephemeral: true})
		if err != nil {
			return err
		}
		answer = helperAnswer{PID: s.PID(), URL: s.URL("postgres")}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		return err
	}
	select {}
}

// helper is the second process, seen from the test.
type helper struct {
	cmd    *exec.Cmd
	output io.Reader
}

// startHelper starts a second process, which is killed at the end of the test
// at the latest.
func startHelper(t *testing.T, task helperTask) *helper {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &helper{cmd: cmd, output: output}
	t.Cleanup(h.kill)
	return h
}

// answer waits for the helper to have done its task.
func (h *helper) answer(t *testing.T) (a helperAnswer) {
	t.Helper()
	line, err := bufio.NewReader(h.output).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the helper gave no answer: %v", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// kill is kill -9. A second call does nothing.
func (h *helper) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

// folder returns a new folder that every account can reach, in memory where
// that is possible.
func folder(t *testing.T) string {
	t.Helper()
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, ".af-auth")
}

// start starts a server that is stopped at the end of the test.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// query returns the single text that a query answers with.
func query(t *testing.T, url, sql string) (answer string) {
	t.Helper()
	conn := connect(t, url)
	if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("after 20 s not yet: %s", what)
		}
	}
}

// gone says whether no process has the id any more. A process that waits for
// its parent's attention is gone.
func gone(pid int) bool {
	return syscall.Kill(pid, 0) == syscall.ESRCH
}
