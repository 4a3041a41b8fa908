package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// awaitFormer waits until no process of an earlier server works on the data.
// We hold the lock, so the process that ran that server is gone: it was killed,
// and the server is shutting down, or lost its postmaster, or hangs. It gets
// time to end by itself and is then ended, more firmly at each step. A server
// that we did not start is never touched.
//
// Afterwards postmaster.pid is stale for certain and is removed: its process id
// may belong to somebody else by now, and PostgreSQL would refuse to start.
func (h *home) awaitFormer(ctx context.Context, patience time.Duration) error {
	steps := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	next := time.NewTimer(patience)
	defer next.Stop()
	for first := true; ; first = false {
		pids, err := serversOf(h.data())
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return h.removeStalePID()
		}
		if first {
			h.log.Info("waiting for the former PostgreSQL server to end", "processes", pids)
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("the former PostgreSQL server (processes %v) has not ended: %w", pids, ctx.Err())
		case <-next.C:
			if len(steps) == 0 {
				return fmt.Errorf("the former PostgreSQL server (processes %v) cannot be ended", pids)
			}
			if err := h.endFormer(pids, steps[0]); err != nil {
				return err
			}
			steps = steps[1:]
			next.Reset(patience)
		}
	}
}

// endFormer sends a signal to the postmaster, or to all processes when that is
// gone or has to be killed.
func (h *home) endFormer(pids []int, sig syscall.Signal) error {
	postmaster, _ := readPostmasterPID(h.pidFile())
	if slices.Contains(pids, postmaster) {
		if former, err := h.readState(); err != nil || former.PID != postmaster {
			return fmt.Errorf("process %d, a PostgreSQL server that af-auth did not start, uses the data in %s: stop it first (kill -INT %d)",
				postmaster, h.data(), postmaster)
		}
		if sig != syscall.SIGKILL {
			pids = []int{postmaster}
		}
	}
	h.log.Warn("ending the former PostgreSQL server", "processes", pids, "signal", sig.String())
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("ending the former PostgreSQL server (process %d): %w", pid, err)
		}
	}
	return nil
}

func (h *home) removeStalePID() error {
	err := os.Remove(h.pidFile())
	if err == nil {
		h.log.Info("the former PostgreSQL server was killed; its data is recovered now")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// readPostmasterPID reads the lock file that a running server keeps in its data
// folder. Line 1 is the postmaster's process id, line 8 its state: "ready" or
// "standby", filled up with blanks. It returns 0 when there is no such file, or
// when it is only half written.
func readPostmasterPID(path string) (pid int, ready bool) {
	content, err := os.ReadFile(path) // #nosec G304 -- in our data folder
	if err != nil {
		return 0, false
	}
	return parsePostmasterPID(string(content))
}

func parsePostmasterPID(content string) (pid int, ready bool) {
	lines := strings.Split(content, "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 { // a single-user server writes its id negated
		return 0, false
	}
	return pid, len(lines) >= 8 && strings.HasPrefix(lines[7], "ready")
}
