package pgserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// binaries settles which programs serve the data: the given ones, else those of
// the version that made the data, else the newest.
func (h *home) binaries(ctx context.Context, given Binaries) (Binaries, error) {
	made, err := h.dataMajor()
	if err != nil {
		return Binaries{}, err
	}
	use := given
	if given.Dir == "" {
		found, err := systemPlaces().find(ctx)
		if err != nil {
			return Binaries{}, err
		}
		use = newest(found)
		var same []Binaries
		for _, b := range found {
			if b.Major == made {
				same = append(same, b)
			}
		}
		if len(same) > 0 {
			use = newest(same)
		}
	}
	if made != 0 && made != use.Major {
		return Binaries{}, &VersionError{Data: h.data(), Major: made, Binaries: use}
	}
	return use, nil
}

// dataMajor returns the major version that made the data, 0 when there is none.
func (h *home) dataMajor() (int, error) {
	content, err := os.ReadFile(filepath.Join(h.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || major <= 0 {
		return 0, fmt.Errorf("%s is no data folder that PostgreSQL 10 or later made: PG_VERSION says %.20q",
			h.data(), content)
	}
	return major, nil
}

// ensureData makes the cluster when there is none yet, and returns the
// superuser's password.
func (h *home) ensureData(ctx context.Context, bin Binaries, o Options) (string, error) {
	h.removeUnfinished()
	made, err := h.dataMajor()
	if err != nil {
		return "", err
	}
	content, err := h.read(h.passwordFile())
	password := strings.TrimSpace(string(content))
	missing := errors.Is(err, fs.ErrNotExist) || err == nil && password == ""
	switch {
	case err != nil && !missing:
		return "", err
	case missing && made != 0:
		return "", fmt.Errorf("the password of the data in %s is missing: put %s back, or move %s away to start with an empty database",
			h.data(), h.passwordFile(), h.data())
	case missing:
		// It is on the disk before any data that needs it.
		password = rand.Text()
		if err := h.write(h.passwordFile(), []byte(password+"\n")); err != nil {
			return "", err
		}
	}
	if made == 0 {
		err = h.initdb(ctx, bin, password, o)
	} else {
		err = nil
	}
	return password, err
}

// initdb makes a cluster in a folder of its own and renames that into place
// when it is whole. Killed at any moment it leaves nothing that looks like data.
func (h *home) initdb(ctx context.Context, bin Binaries, password string, o Options) error {
	build, err := os.MkdirTemp(h.dir, unfinishedPrefix) // 0700
	if err != nil {
		return err
	}
	defer h.removeUnfinished()
	// The server's account reads the password here; its own copy goes at the end.
	secret := filepath.Join(build, "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	if err := errors.Join(h.own(secret), h.own(build)); err != nil {
		return err
	}
	data := filepath.Join(build, "data")
	cmd := h.command(bin, "initdb", initdbArguments(data, secret, bin, o.Ephemeral)...)
	cmd.Dir = build
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = killAfter
	// Not SIGTERM: initdb would remove the folder below a server that still
	// works in it, which then aborts and leaves its shared memory behind.
	// Killed, initdb closes that server's input, and the server ends cleanly.
	child, err := startChild(cmd, syscall.SIGKILL)
	if err != nil {
		return h.explainExec(err)
	}
	select {
	case <-child.done:
	case <-ctx.Done():
		child.kill()
		return fmt.Errorf("initdb was not done in time: %w", ctx.Err())
	}
	if child.err != nil {
		return fmt.Errorf("initdb failed (%w):\n%s", child.err, strings.TrimSpace(output.String()))
	}
	if err := os.Rename(data, h.data()); err != nil {
		return err
	}
	return syncFolder(h.dir)
}

func initdbArguments(data, passwordFile string, bin Binaries, ephemeral bool) []string {
	// One encoding and one order of strings wherever it runs. C.UTF-8 knows
	// letters of all scripts and sorts by code point.
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8" // C.UTF-8 is missing there
	}
	args := []string{
		"--pgdata=" + data, "--username=" + superuser, "--pwfile=" + passwordFile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=" + locale, "--lc-messages=C",
		"--no-instructions",
	}
	if !ephemeral {
		return append(args, "--data-checksums")
	}
	if bin.Major >= 18 { // where checksums are the default
		args = append(args, "--no-data-checksums")
	}
	return append(args, "--no-sync", "--wal-segsize=1")
}

const unfinishedPrefix = "init-"

// removeUnfinished removes what a killed initdb left. A child of that initdb may
// still be writing there for a moment; what resists is left for the next start.
func (h *home) removeUnfinished() {
	// The pattern is malformed only when the folder's own name holds brackets,
	// so the entries are compared by hand.
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		h.log.Warn("cannot look for an unfinished initdb", "error", err)
		return
	}
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), unfinishedPrefix) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(h.dir, entry.Name())); err != nil {
			h.log.Warn("an unfinished initdb could not be removed yet", "error", err)
		}
	}
}
