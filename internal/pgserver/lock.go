package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lock is held by the one process that runs a server from a folder. It is a
// flock, so the kernel gives it back when that process ends in any way; the
// file's content ("PID PROGRAM\n") only says who holds it.
type lock struct{ file *os.File }

// takeLock takes the lock at once or returns a *LockedError.
func takeLock(h *home) (*lock, error) {
	f, err := h.create(filepath.Join(h.dir, "lock"), os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = lockedBy(h, f)
		}
		return nil, errors.Join(err, f.Close())
	}
	note := fmt.Sprintf("%d %s\n", os.Getpid(), filepath.Base(os.Args[0]))
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(note), 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &lock{file: f}, nil
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// lockedBy reads who holds the lock. The note may not be written yet.
func lockedBy(h *home, f *os.File) error {
	note := make([]byte, 512)
	n, _ := f.ReadAt(note, 0) // io.EOF at the end of a short note
	pid, program, _ := strings.Cut(strings.TrimSpace(string(note[:n])), " ")
	e := &LockedError{Dir: h.dir, Program: program}
	if id, err := strconv.Atoi(pid); err == nil {
		e.PID = id
	}
	return e
}

// release gives the lock back. The file stays: removing it would let two
// processes lock two files of one name. Closing alone would not do: a process
// that is being forked elsewhere in the program holds the file for a moment too.
func (l *lock) release() error {
	return errors.Join(flock(l.file, syscall.LOCK_UN), l.file.Close())
}
