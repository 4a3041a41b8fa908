//go:build !linux

package pgserver

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// serversOf returns the id of the postmaster that works on the data, known by
// its command line. Its children cannot be told apart here; without their
// postmaster they end by themselves, and PostgreSQL refuses to start until they
// have.
func serversOf(data string) ([]int, error) {
	if _, err := os.Stat(data); err != nil {
		return nil, ignoreNotExist(err)
	}
	out, err := run(context.Background(), "/bin/ps", "-axww", "-o", "pid=,command=")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var pids []int
	for line := range strings.Lines(out) {
		id, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		pid, err := strconv.Atoi(id)
		if err == nil && strings.Contains(command, "/postgres -D "+data+" ") {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
