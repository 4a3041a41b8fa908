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

// audience is two servers and some people whom they may remember.
type audience struct {
	*world
	t      *testing.T
	client *http.Client
	people []person
}

func newAudience(t *testing.T) *audience {
	t.Helper()
	a := &audience{world: newWorld(t, 2, map[string]string{"AF_AUTH_LOG_LEVEL": "info"}), t: t, client: &http.Client{Timeout: 10 * time.Second}}
	a.withConn(t, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range 5 {
			a.people = append(a.people, newPerson(int64(2000+i)))
			if err := a.people[i].come(ctx, conn); err != nil {
				return err
			}
		}
		return nil
	})
	return a
}

func (a *audience) ask(door int, p person) int {
	return a.world.ask(a.t.Context(), a.client, door, p.cookie).status
}

// remember lets a server answer from memory.
func (a *audience) remember(door int, p person) {
	a.t.Helper()
	eventually(a.t, "memory answers", 20*time.Second, func() bool {
		before := a.state(a.t, door).memory
		if got := a.ask(door, p); got != http.StatusOK {
			a.t.Fatalf("server %d answers %d", door, got)
		}
		return a.state(a.t, door).memory > before
	})
}

// TestRevokeSaysWhoHeard: the command waits for the servers that run and names
// those that do not answer. What was stopped in its tracks lets nobody in on what
// it remembers when it goes on.
func TestRevokeSaysWhoHeard(t *testing.T) {
	t.Parallel()
	a := newAudience(t)
	first, second := a.people[0], a.people[1]
	a.remember(0, first)
	a.remember(1, first)
	out, took := a.revoke(t, first)
	says(t, "both run", out, `Confirmed by 2 servers after [0-9.]+(µs|ms|s)\.`)
	if strings.Contains(out, "not confirmed") {
		t.Errorf("both run: %s", out)
	}
	refuses(t, "both run", a.ask(0, first), a.ask(1, first))
	t.Logf("both run: %s in all: %s", took.Round(time.Millisecond), regexp.MustCompile(`after [0-9.]+(µs|ms|s)`).FindString(out))

	a.remember(0, second)
	a.remember(1, second)
	stopped := a.doors[1].cmd.Process
	if err := stopped.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stopped.Signal(syscall.SIGCONT) }) // or it could not end
	out, took = a.revoke(t, second)
	says(t, "one is stopped", out, `Confirmed by 1 server after`,
		`warning: not confirmed within 1\.[0-9]+s by `+regexp.QuoteMeta(a.doors[1].address)+`\n`, `hint: `)
	if took < lease {
		t.Errorf("one is stopped: it waited only %s", took)
	}
	refuses(t, "the one that runs", a.ask(0, second))
	if err := stopped.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	refuses(t, "the one that was stopped", a.ask(1, second))
	a.remember(1, a.people[2])
}

// TestRevokeWaitsForNobodyGone: a server that was killed leaves its row, which
// goes stale; and a row that anybody wrote is no way to a terminal.
func TestRevokeWaitsForNobodyGone(t *testing.T) {
	t.Parallel()
	a := newAudience(t)
	a.remember(1, a.people[0])
	a.doors[1].kill()
	a.exec(t, `UPDATE instances SET heartbeat_at = now() - interval '15.1 seconds' WHERE address = $1`, a.doors[1].address)
	out, _ := a.revoke(t, a.people[0])
	says(t, "one is gone", out, `Confirmed by 1 server after`)
	if strings.Contains(out, "not confirmed") || strings.Contains(out, a.doors[1].address) {
		t.Errorf("one is gone: %s", out)
	}
	a.doors[0].stop(t)
	out, _ = a.revoke(t, a.people[1])
	says(t, "none runs", out, `No server is running\.`)
	a.exec(t, `INSERT INTO instances (release, address, heartbeat_at) VALUES ('1.0.0', E'evil\x1b[2J', now())`)
	out, _ = a.revoke(t, a.people[2])
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
