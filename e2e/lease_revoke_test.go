//go:build linux

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestRevokeSaysWhoHeard: the command waits for the servers that run, names
// those that do not answer, and waits for none that is gone. What was stopped in
// its tracks lets nobody in on what it remembers when it goes on.
func TestRevokeSaysWhoHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, map[string]string{"AF_AUTH_LOG_LEVEL": "info"})
	people := make([]person, 5)
	w.withConn(t, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range people {
			people[i] = newPerson(int64(2000 + i))
			if err := people[i].come(ctx, conn); err != nil {
				return err
			}
		}
		return nil
	})
	client := &http.Client{Timeout: 10 * time.Second}
	ask := func(door int, p person) int { return w.ask(t.Context(), client, door, p.cookie).status }
	remember := func(door int, p person) {
		t.Helper()
		eventually(t, "memory answers", 20*time.Second, func() bool {
			before := w.state(t, door).memory
			if got := ask(door, p); got != http.StatusOK {
				t.Fatalf("server %d answers %d", door, got)
			}
			return w.state(t, door).memory > before
		})
	}
	remember(0, people[0])
	remember(1, people[0])
	out, took := w.revoke(t, people[0])
	says(t, "both run", out, `Confirmed by 2 servers after [0-9.]+(µs|ms|s)\.`)
	if strings.Contains(out, "not confirmed") {
		t.Errorf("both run: %s", out)
	}
	refuses(t, "both run", ask(0, people[0]), ask(1, people[0]))
	t.Logf("both run: %s in all: %s", took.Round(time.Millisecond), regexp.MustCompile(`after [^.]*[^ ]*s\.`).FindString(out))

	remember(0, people[1])
	remember(1, people[1])
	stopped := w.doors[1].cmd.Process
	if err := stopped.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stopped.Signal(syscall.SIGCONT) }) // or it could not end
	out, took = w.revoke(t, people[1])
	says(t, "one is stopped", out, `Confirmed by 1 server after`, `warning: not confirmed within 1\.[0-9]+s by `+regexp.QuoteMeta(w.doors[1].address)+`\n`, `hint: `)
	if took < lease {
		t.Errorf("one is stopped: it waited only %s", took)
	}
	refuses(t, "the one that runs", ask(0, people[1]))
	if err := stopped.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	refuses(t, "the one that was stopped", ask(1, people[1]))
	remember(1, people[2])

	// A server that was killed leaves its row, which goes stale.
	w.doors[1].kill()
	w.exec(t, `UPDATE instances SET heartbeat_at = now() - interval '15.1 seconds' WHERE address = $1`, w.doors[1].address)
	out, _ = w.revoke(t, people[2])
	says(t, "one is gone", out, `Confirmed by 1 server after`)
	if strings.Contains(out, "not confirmed") || strings.Contains(out, w.doors[1].address) {
		t.Errorf("one is gone: %s", out)
	}
	w.doors[0].stop(t)
	out, _ = w.revoke(t, people[3])
	says(t, "none runs", out, `No server is running\.`)
	w.exec(t, `INSERT INTO instances (release, address, heartbeat_at) VALUES ('1.0.0', E'evil\x1b[2J', now())`)
	out, _ = w.revoke(t, people[4])
	if strings.Contains(out, "\x1b") || !strings.Contains(out, "not confirmed within") {
		t.Errorf("a row of nobody's: %q", out)
	}
}

// revoke runs the command, which must succeed, and measures it.
func (w *world) revoke(t *testing.T, p person) (output string, took time.Duration) {
	t.Helper()
	begun := time.Now()
	out, err := w.command(t, "revoke", fmt.Sprintf("#%d", p.githubID))
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return out, time.Since(begun)
}

// says fails unless the text holds each of the patterns.
func says(t *testing.T, what, text string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(text) {
			t.Errorf("%s: it does not say %s:\n%s", what, p, text)
		}
	}
}

// refuses fails if anybody is let in.
func refuses(t *testing.T, what string, statuses ...int) {
	t.Helper()
	for _, s := range statuses {
		if s != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", what, s)
		}
	}
}
