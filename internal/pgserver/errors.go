package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// ErrNotRunning is returned by [Lookup] when no server runs for the folder.
var ErrNotRunning = errors.New("no private PostgreSQL server is running here")

// NotFoundError says that this machine has no usable PostgreSQL server
// programs.
type NotFoundError struct {
	Searched []string   // where they were looked for
	TooOld   []Binaries // found, but older than MinMajor
	install  string
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no PostgreSQL server programs of version %d or later found; searched %s",
		MinMajor, strings.Join(e.Searched, ", "))
	for _, old := range e.TooOld {
		fmt.Fprintf(&b, "; too old: %s in %s", old.Version, old.Dir)
	}
	return b.String()
}

// Hint returns the one command that installs PostgreSQL on this system.
func (e *NotFoundError) Hint() string { return e.install }

// VersionError says that the data was made by another major version of
// PostgreSQL than the programs at hand.
type VersionError struct {
	Data     string   // the data folder
	Major    int      // that made it
	Binaries Binaries // that were to be used
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the data in %s was made by PostgreSQL %d, but the programs in %s are PostgreSQL %s",
		e.Data, e.Major, e.Binaries.Dir, e.Binaries.Version)
}

// Hint says how to go on.
func (e *VersionError) Hint() string {
	return fmt.Sprintf("install the server programs of PostgreSQL %d beside the others and they are used; "+
		"or move %s away to start with an empty database", e.Major, e.Data)
}

// LockedError says that another process runs the server of this folder.
type LockedError struct {
	Dir     string
	PID     int    // of the process that holds the lock; 0 when it has not said yet
	Program string // its name
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the private PostgreSQL in %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("the private PostgreSQL in %s is in use by process %d (%s)", e.Dir, e.PID, e.Program)
}

// Hint says how to go on.
func (e *LockedError) Hint() string {
	if e.PID == 0 {
		return "stop the other process, or use another folder"
	}
	return fmt.Sprintf("stop it (kill %d), or use another folder", e.PID)
}

// PortError says that the TCP port that the server should have cannot be had.
type PortError struct {
	Port int
	Err  error
}

func (e *PortError) Error() string {
	if errors.Is(e.Err, syscall.EADDRINUSE) {
		return fmt.Sprintf("port %d of 127.0.0.1, for the private PostgreSQL, is taken by another program", e.Port)
	}
	return fmt.Sprintf("port %d of 127.0.0.1, for the private PostgreSQL, cannot be had: %v", e.Port, e.Err)
}

// Unwrap returns the system's error.
func (e *PortError) Unwrap() error { return e.Err }

// Hint says how to go on.
func (e *PortError) Hint() string { return "give it another port, or none: it has a socket as well" }

// FolderError says that the folder of the data is none and cannot be made one.
type FolderError struct {
	Dir string
	Err error
}

func (e *FolderError) Error() string {
	var path *fs.PathError
	if errors.As(e.Err, &path) && errors.Is(path.Err, syscall.ENOTDIR) {
		return fmt.Sprintf("the private PostgreSQL cannot have the folder %s: %s is not a folder", e.Dir, path.Path)
	}
	return fmt.Sprintf("the private PostgreSQL cannot have the folder %s: %v", e.Dir, e.Err)
}

// Unwrap returns the system's error.
func (e *FolderError) Unwrap() error { return e.Err }

// Hint says how to go on.
func (e *FolderError) Hint() string {
	return "name a folder of your own, or one that is not there yet, in a folder that you may write to"
}
