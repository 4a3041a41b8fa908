//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// postgresIn returns the processes that work on the data folder: the postmaster
// names it in its command line, and all of them have it as working directory.
func postgresIn(t *testing.T, data string) []int {
	t.Helper()
	return processes(t, func(dir string) bool {
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		at, _ := os.Readlink(filepath.Join(dir, "cwd"))
		return strings.Contains(string(line), "postgres\x00-D\x00"+data+"/") || at == filepath.Join(data, "postgres")
	})
}

// childrenOf returns the children of a process.
func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	return processes(t, func(dir string) bool {
		content, _ := os.ReadFile(filepath.Join(dir, "stat"))
		// proc(5): pid (name) state ppid …; the name may hold anything.
		fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
		return len(fields) > 1 && fields[1] == strconv.Itoa(parent)
	})
}

// processes returns those whose folder in /proc is wanted. One that ends
// meanwhile is none.
func processes(t *testing.T, wanted func(dir string) bool) (pids []int) {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && wanted(dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// strike kills a process that may have ended just now.
func strike(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		t.Fatalf("kill -9 %d: %v", pid, err)
	}
}
