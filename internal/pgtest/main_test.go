package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperVariable makes the test binary another test binary: it clones a
// template under the key that the variable holds, writes the clone's URL, and
// waits until its input ends, or until it is killed.
const helperVariable = "PGTEST_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) == "" {
		os.Exit(Main(m))
	}
	os.Exit(help())
}

func help() int {
	s, err := own.begin()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	t := &recorder{}
	if err := s.ensure(context.Background(), counting(os.Getenv(helperVariable))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.create(context.Background(), t, counting(os.Getenv(helperVariable)).database()))
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// counting is a template that can be made only once on a server.
func counting(key string) Template {
	return Template{Key: key, Prepare: func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		// Fails when it is made a second time: roles belong to the whole server.
		_, err = conn.Exec(ctx, "create role "+quote("made_"+key)+"; create table filled as select 'yes' as answer; select pg_sleep(0.2)")
		return err
	}}
}

// recorder is a test that may fail without failing the one around it.
type recorder struct {
	testing.TB
	text     string
	cleanups []func()
}

func (r *recorder) Helper()                   {}
func (r *recorder) Cleanup(f func())          { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Fatalf(f string, a ...any) { r.text = fmt.Sprintf(f, a...); panic(r) }

type helper struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	output *bufio.Reader
}

func startHelper(t *testing.T, key, server string) *helper {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+key, Variable+"="+server)
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
	h := &helper{cmd: cmd, stdin: stdin, output: bufio.NewReader(stdout)}
	t.Cleanup(h.kill)
	return h
}

func (h *helper) url(t *testing.T) string {
	t.Helper()
	line, err := h.output.ReadString('\n')
	if err != nil {
		t.Fatalf("the helper gave no answer: %v", err)
	}
	return strings.TrimSpace(line)
}

func (h *helper) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

// query returns the single text that a query answers with.
func query(t testing.TB, url, sql string, args ...any) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// exists says whether the server has the database that the URL names.
func exists(t testing.TB, url string) bool {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return query(t, Server(t), "select count(*)::text from pg_database where datname = $1", config.Database) == "1"
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
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
