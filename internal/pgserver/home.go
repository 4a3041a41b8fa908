package pgserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// closedRoot takes the data of trees that the server's account cannot reach.
	closedRoot = "/var/lib/af-auth"
	// maxSocketPath is what fits into sockaddr_un on every system (macOS; Linux
	// has room for 107).
	maxSocketPath = 103
)

// home is the folder of one server; the package comment draws it.
type home struct {
	dir  string   // absolute, without links
	user *account // whom the server runs as; nil: ourselves
	log  *slog.Logger
}

func (h *home) data() string         { return filepath.Join(h.dir, "postgres") }
func (h *home) pidFile() string      { return filepath.Join(h.data(), "postmaster.pid") }
func (h *home) logFile() string      { return filepath.Join(h.dir, "postgres.log") }
func (h *home) passwordFile() string { return filepath.Join(h.dir, "password") }

// openHome makes the folder, settles whom the server runs as, and settles where
// the data lives.
func openHome(ctx context.Context, o Options) (*home, error) {
	if o.Dir == "" {
		return nil, errors.New("pgserver: no folder given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := makeFolder(dir); err != nil {
		return nil, &FolderError{Dir: dir, Err: err}
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	h := &home{dir: dir, log: o.Logger}
	if h.user, err = serverAccount(); err != nil || h.user == nil {
		return h, err
	}
	root := o.closedRoot
	if root == "" {
		root = closedRoot
	}
	return h, h.settle(ctx, closedHome(root, dir))
}

// makeFolder makes dir for us alone. Folders above it that are missing become
// ordinary ones, because the server's account has to pass through them.
func makeFolder(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil { // #nosec G301 -- see above
		return err
	}
	if err := os.Mkdir(dir, 0o700); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	return err
}

// closedHome returns the folder that stands in for a tree's own one.
func closedHome(root, dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(root, hex.EncodeToString(sum[:8]))
}

// settle is for root alone, who may not run the server and hands it to another
// account. That account must reach the data through every folder above it, which
// it cannot below /root, say. Then the data lives in the folder elsewhere.
func (h *home) settle(ctx context.Context, elsewhere string) error {
	if owner, ok := ownerOf(h.data()); ok {
		h.user = owner.orElse(h.user)
		if err := h.reach(ctx, h.dir); err != nil {
			return fmt.Errorf("the account %s, which owns the data in %s, cannot reach it any more: "+
				"let it pass the folders above (chmod o+x): %w", h.user.name, h.data(), err)
		}
		return nil
	}
	there, kept := ownerOf(filepath.Join(elsewhere, "postgres"))
	if !kept {
		if err := h.open(h.dir); err != nil {
			return err
		}
		err := h.reach(ctx, h.dir)
		if err == nil || ctx.Err() != nil {
			return err
		}
	} else {
		h.user = there.orElse(h.user)
	}
	h.log.Warn("the database's files are kept elsewhere, because its account cannot reach the tree",
		"account", h.user.name, "tree", h.dir, "files", elsewhere)
	if err := makeFolder(elsewhere); err != nil {
		return err
	}
	h.dir = elsewhere
	if err := h.open(h.dir); err != nil {
		return err
	}
	if err := h.reach(ctx, h.dir); err != nil {
		return fmt.Errorf("the account %s cannot reach %s either: %w", h.user.name, h.dir, err)
	}
	return nil
}

// open lets the server's group pass through an empty folder, and nobody else.
// It stays root's, so that the server cannot swap our files in it for links. A
// folder with something in it is somebody's, and stays as it is.
func (h *home) open(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	if err := os.Chown(dir, -1, h.user.gid); err != nil {
		return err
	}
	return os.Chmod(dir, 0o710) // #nosec G302 -- group x only, see above
}

// reach asks the kernel itself whether the server's account may enter dir: no
// reading of modes knows about access lists, mounts and namespaces.
func (h *home) reach(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", ":")
	cmd.Dir = dir
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.user.credential()}
	return cmd.Run()
}

// command prepares a program of the server, to run as the server's account.
func (h *home) command(bin Binaries, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(bin.Path(program), args...) // #nosec G204 -- a found server program
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if h.user != nil {
		cmd.SysProcAttr.Credential = h.user.credential()
	}
	return cmd
}

// explainExec adds what the kernel's bare "permission denied" leaves out.
func (h *home) explainExec(err error) error {
	if h.user != nil && errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the account %s may not run the PostgreSQL programs: %w; "+
			"let it pass the folders above them (chmod o+x)", h.user.name, err)
	}
	return err
}

// create opens one of our own files, never through a link: the folder may
// belong to somebody less mighty than we are. A new file is its owner's.
func (h *home) create(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) // #nosec G304 -- in our folder
	if err != nil {
		return nil, err
	}
	if owner, ok := ownerOf(h.dir); ok && os.Geteuid() == 0 {
		err = f.Chown(owner.uid, owner.gid)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// write replaces a file as a whole, and returns when it is on the disk.
func (h *home) write(path string, content []byte) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := h.create(temporary, os.O_WRONLY|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncFolder(h.dir)
}

// read returns a file of ours, which must be small and no link.
func (h *home) read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0) // #nosec G304 -- in our folder
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// own gives a folder or file to the account of the server.
func (h *home) own(dir string) error {
	if h.user == nil {
		return nil
	}
	return os.Lchown(dir, h.user.uid, h.user.gid)
}

// socketFolder makes the folder of the Unix socket: run/ where its path is
// short enough for the kernel and can stand in a URL, where a comma would part
// two hosts; otherwise a private one in /tmp.
func (h *home) socketFolder() (string, error) {
	if former, err := h.readState(); err == nil {
		h.forgetRun(former.Socket)
	}
	dir := filepath.Join(h.dir, "run")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if len(dir)+len("/.s.PGSQL.65535") > maxSocketPath || strings.Contains(dir, ",") {
		short, err := h.shortFolder()
		if err != nil {
			return "", err
		}
		return short, h.own(short)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return dir, h.own(dir)
}

// shortFolder makes a folder in /tmp whose name follows from ours, so that a
// server which was killed comes back at the same address. Where somebody has
// taken that name the folder gets a random one.
func (h *home) shortFolder() (string, error) {
	sum := sha256.Sum256([]byte(h.dir))
	short := filepath.Join("/tmp", socketPrefix+hex.EncodeToString(sum[:6]))
	if err := os.Mkdir(short, 0o700); err == nil {
		return short, nil
	}
	return os.MkdirTemp("/tmp", socketPrefix) // 0700
}

func syncFolder(dir string) error {
	f, err := os.Open(dir) // #nosec G304 -- our folder
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
