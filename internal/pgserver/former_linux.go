package pgserver

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// serversOf returns the ids of the PostgreSQL server processes, postmaster and
// children, that work on the data: every one of them has the data folder as its
// working directory, even after its postmaster was killed.
func serversOf(data string) ([]int, error) {
	folder, err := os.Stat(data)
	if err != nil {
		return nil, ignoreNotExist(err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// A process may end between these lines, or be somebody else's: not ours.
		name, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "comm"))
		if err != nil || string(bytes.TrimSpace(name)) != "postgres" {
			continue
		}
		cwd, err := os.Stat(filepath.Join("/proc", entry.Name(), "cwd"))
		if err == nil && os.SameFile(cwd, folder) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
