package pgserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// state is what a running server tells other processes of its folder, as JSON
// in server.json. The password has a file of its own.
type state struct {
	PID    int    `json:"pid"`    // of the postmaster
	Socket string `json:"socket"` // folder of the Unix socket
	Port   int    `json:"port"`   // of the socket's name and of TCP
	TCP    bool   `json:"tcp"`    // whether it listens on 127.0.0.1
}

// socketPrefix begins the name of a socket's folder in /tmp.
const socketPrefix = "af-auth-"

// Lookup returns the address of the server that another process runs for the
// folder dir, or [ErrNotRunning].
func Lookup(dir string) (Address, error) { return lookup(dir, closedRoot) }

func lookup(dir, closedRoot string) (Address, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Address{}, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return Address{}, errors.Join(ErrNotRunning, ignoreNotExist(err))
	}
	for _, place := range []string{dir, closedHome(closedRoot, dir)} {
		h := &home{dir: place, log: slog.New(slog.DiscardHandler)}
		s, err := h.readState()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Address{}, err
		}
		password, err := h.read(h.passwordFile())
		if err != nil {
			return Address{}, err
		}
		a := Address{socket: s.Socket, port: s.Port, tcp: s.TCP, password: strings.TrimSpace(string(password))}
		if a.answers() {
			return a, nil
		}
	}
	return Address{}, ErrNotRunning
}

// answers tells a running server from what a killed one left behind.
func (a Address) answers() bool {
	conn, err := net.DialTimeout("unix", filepath.Join(a.socket, ".s.PGSQL."+strconv.Itoa(a.port)), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (h *home) stateFile() string { return filepath.Join(h.dir, "server.json") }

func (h *home) readState() (state, error) {
	var s state
	content, err := h.read(h.stateFile())
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("%s: %w", h.stateFile(), err)
	}
	return s, nil
}

func (h *home) writeState(s state) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return h.write(h.stateFile(), append(content, '\n'))
}

// forgetRun removes what only a running server needs: its state and the folder
// of its socket. That a file resists does no harm, it is replaced next time.
func (h *home) forgetRun(socket string) {
	ours := socket == filepath.Join(h.dir, "run") ||
		filepath.Dir(socket) == "/tmp" && strings.HasPrefix(filepath.Base(socket), socketPrefix)
	if ours {
		if err := os.RemoveAll(socket); err != nil {
			h.log.Warn("the folder of the former socket could not be removed", "error", err)
		}
	}
	if err := ignoreNotExist(os.Remove(h.stateFile())); err != nil {
		h.log.Warn("the former state could not be removed", "error", err)
	}
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
