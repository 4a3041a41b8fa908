package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// holderOf names the program that listens on a port of this machine, " by NAME
// (process N)", where Linux's /proc tells: of other people's programs it does
// not.
func holderOf(port int) string {
	sockets := listening(port)
	if len(sockets) == 0 {
		return ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || !sockets[to] {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		name, err := os.ReadFile(filepath.Join(process, "comm")) // #nosec G304 -- below /proc
		if err != nil {
			continue
		}
		return fmt.Sprintf(" by %s (process %s)", printable(strings.TrimSpace(string(name))), filepath.Base(process))
	}
	return ""
}

// listening returns the sockets that listen on a port, as /proc links them.
func listening(port int) map[string]bool {
	found := make(map[string]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table) // #nosec G304 -- one of two
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			const listen = "0A"
			if len(f) > 9 && f[3] == listen && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				found["socket:["+f[9]+"]"] = true
			}
		}
	}
	return found
}
