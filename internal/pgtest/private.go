package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/af-auth/af-auth/internal/pgserver"
)

// memory is a file system in memory, on Linux.
const memory = "/dev/shm"

// enough is the free space, in bytes, from which on memory is used: containers
// often have 64 MB there, a clone of a template takes about 8.
const enough = 1 << 30

// Private is a server for tests. It and its files do not outlive the process
// that started it.
type Private struct {
	server *pgserver.Server
	reaper *exec.Cmd
	pipe   io.Closer // to the reaper, which waits for its end
}

// Start starts a server for tests: empty, fast, without TCP. [Clone] and [Empty]
// do so by themselves; this is for programs that run tests.
func Start(ctx context.Context) (*Private, error) {
	dir, err := os.MkdirTemp(parent(), "af-auth-test-") // 0700
	if err != nil {
		return nil, err
	}
	p := &Private{}
	if err := p.startReaper(dir); err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	p.server, err = pgserver.Start(ctx, pgserver.Options{Dir: dir, Ephemeral: true})
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	if at := p.server.Dir(); at != dir {
		// Another folder would outlive us.
		return nil, errors.Join(fmt.Errorf("the server's account cannot reach %s; set TMPDIR to a folder that it can", dir), p.Stop())
	}
	return p, nil
}

// URL returns the superuser's URL of the database "postgres".
func (p *Private) URL() string { return p.server.URL("postgres") }

// Stop ends the server and removes its files.
func (p *Private) Stop() error {
	var err error
	if p.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = p.server.Stop(ctx)
	}
	return errors.Join(err, p.pipe.Close(), p.reaper.Wait())
}

// reaperScript waits for our end, then for the server's, and removes the files.
// The server itself is ended by pgserver. Its folder may resist for a moment, as
// long as a killed initdb's children still write there.
const reaperScript = `
read -r line
while pid=$(head -n 1 "$1/postgres/postmaster.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
tries=0
until rm -rf -- "$1" 2>/dev/null || [ "$tries" -ge 200 ]; do tries=$((tries + 1)); sleep 0.05; done`

// startReaper starts a small shell that removes the server's files when we are
// gone. Most test binaries end by os.Exit or by a signal, and would leave them.
func (p *Private) startReaper(dir string) error {
	p.reaper = exec.Command("/bin/sh", "-c", reaperScript, "sh", dir) // #nosec G204 -- constant script, our folder
	p.reaper.Env = []string{"PATH=/usr/bin:/bin"}
	// Ctrl-C and the end of our process group must not reach it.
	p.reaper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := p.reaper.StdinPipe()
	if err != nil {
		return err
	}
	p.pipe = pipe
	return p.reaper.Start()
}

// parent returns the folder below which a test server's own is made.
func parent() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && uint64(fs.Bavail)*uint64(fs.Bsize) >= enough { // #nosec G115 -- sizes
		return memory
	}
	return os.TempDir()
}
