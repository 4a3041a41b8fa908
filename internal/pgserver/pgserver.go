// Package pgserver finds the PostgreSQL programs of this machine and runs a
// private server with them: one that belongs to one folder and to one process
// of ours, and that ends with it.
//
// It owns the folder given to it:
//
//	<dir>/               0700 (as root 0710, group of the server's account)
//	  postgres/          the data, 0700, kept between runs
//	  init-*/            an initdb under way; renamed to postgres/ when whole
//	  run/               the Unix socket, 0700
//	  lock               flock held as long as the server runs; names the holder
//	  password           of the superuser "postgres", 0600
//	  server.json        the running server: process id, socket, port
//	  postgres.log       what the server writes, 0600
//
// It never opens a TCP port that was not asked for, never touches another
// cluster, never runs the server as root, never hands our environment (which
// may hold secrets) to it, and never changes or removes data made by an earlier
// run: what it cannot use, it names in an error. It knows nothing of what the
// databases hold.
//
// A folder goes in; connection URLs come out. Trouble comes back from [Start] as
// an error with a hint, and later through [Server.Done] and [Server.Err]. A
// second process finds the server of the first with [Lookup].
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// startTimeout bounds Start as a whole: initdb, waiting for a former server,
	// crash recovery.
	startTimeout = 2 * time.Minute
	// killAfter is what an immediate shutdown may take before SIGKILL.
	killAfter = 5 * time.Second
	// readyPoll is how often postmaster.pid is read while the server starts.
	readyPoll = 5 * time.Millisecond
)

// Options say which server to run. Only Dir is required.
type Options struct {
	// Dir is the folder that will hold the server's files; see the package
	// comment. It is made when missing. A relative path is taken from the
	// working directory.
	Dir string
	// Binaries are the programs to use. When Dir in it is empty they are looked
	// for: those of the version that made the data, else the newest.
	Binaries Binaries
	// Port, when above 0, is a TCP port to listen on, on 127.0.0.1 only. At 0
	// there is no TCP at all.
	Port int
	// Ephemeral gives up safety from power cuts for speed, for tests: no fsync,
	// no checksums, no autovacuum, 200 connections.
	Ephemeral bool
	// Settings are further server settings, by PostgreSQL's names. They win over
	// this package's defaults, but cannot move the port, the socket or the files.
	Settings map[string]string
	// Logger hears what an operator should know. Nil: silence.
	Logger *slog.Logger

	closedRoot string        // instead of /var/lib/af-auth, in tests
	patience   time.Duration // instead of 5 s between the steps of ending a former server
}

// Server is a running PostgreSQL server. Its methods may be called from any
// goroutine. URL and TCPURL are those of [Address].
type Server struct {
	Address
	home  *home
	child *child
	lock  *lock
	done  chan struct{}

	mu       sync.Mutex
	stopping bool
	err      error
}

// Start starts the server of the folder o.Dir and returns once it accepts
// connections. An empty folder is given a new cluster first. What an earlier
// run left behind is put right: a half-finished initdb, a stale
// postmaster.pid, a server that is still shutting down.
//
// ctx bounds the start alone, never the running server; two minutes bound it
// in any case. Errors: [*NotFoundError] (no binaries), [*LockedError] (another
// process runs this server), [*VersionError] (the data is of another major
// version), [*PortError], [*FolderError], and plain ones that end with the server's own words.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.patience == 0 {
		o.patience = 5 * time.Second
	}
	if err := checkSettings(o); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	h, err := openHome(ctx, o)
	if err != nil {
		return nil, err
	}
	held, err := takeLock(h)
	if err != nil {
		return nil, err
	}
	s, err := h.start(ctx, o, held)
	if err != nil {
		return nil, errors.Join(err, held.release())
	}
	return s, nil
}

// start does the work of Start under the lock.
func (h *home) start(ctx context.Context, o Options, held *lock) (*Server, error) {
	bin, err := h.binaries(ctx, o.Binaries)
	if err != nil {
		return nil, err
	}
	if err := h.awaitFormer(ctx, o.patience); err != nil {
		return nil, err
	}
	if err := portFree(o.Port); err != nil {
		return nil, err
	}
	password, err := h.ensureData(ctx, bin, o)
	if err != nil {
		return nil, err
	}
	socket, err := h.socketFolder()
	if err != nil {
		return nil, err
	}
	address := Address{socket: socket, port: socketPort, password: password}
	if o.Port > 0 {
		address.port, address.tcp = o.Port, true
	}
	s := &Server{Address: address, home: h, lock: held, done: make(chan struct{})}
	if err := s.launch(ctx, bin, o); err != nil {
		return nil, err
	}
	o.Logger.Debug("private PostgreSQL is ready", "version", bin.Version, "pid", s.PID(), "data", h.data())
	return s, nil
}

// portFree asks for the port itself, because PostgreSQL would say that it is
// taken in six lines of its log. 0 is none. Should somebody take it in between,
// the lines are shown after all.
func portFree(port int) error {
	if port == 0 {
		return nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return &PortError{Port: port, Err: err}
	}
	return l.Close()
}

// launch starts the process and waits until it serves. On an error nothing is
// left running; the lock stays with the caller.
func (s *Server) launch(ctx context.Context, bin Binaries, o Options) error {
	log, err := s.home.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.home.command(bin, "postgres", serverArguments(s.home.data(), s.Address, bin, o)...)
	cmd.Dir = s.home.data()
	cmd.Stdout, cmd.Stderr = log.File, log.File
	// SIGINT is PostgreSQL's fast shutdown: a server whose parent was killed
	// says goodbye to its clients and leaves clean data behind.
	s.child, err = startChild(cmd, syscall.SIGINT)
	if err != nil {
		return s.home.explainExec(err)
	}
	if err = s.home.writeState(state{PID: s.PID(), Socket: s.socket, Port: s.port, TCP: s.tcp}); err == nil {
		if err = s.awaitReady(ctx, log); err == nil {
			err = s.ping(ctx)
		}
	}
	if err != nil {
		s.child.quit()
		s.home.forgetRun(s.socket)
		return err
	}
	go s.watch()
	return nil
}

// awaitReady waits for the word "ready" that the postmaster writes into its
// lock file, beside the id of our child and of no former server.
func (s *Server) awaitReady(ctx context.Context, log *serverLog) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		if pid, ready := readPostmasterPID(s.home.pidFile()); ready && pid == s.PID() {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.child.done:
			return fmt.Errorf("postgres ended while starting (%w):\n%s", s.child.failure(), log.tail())
		case <-ctx.Done():
			return fmt.Errorf("postgres was not ready in time (%w):\n%s", ctx.Err(), log.tail())
		}
	}
}

// watch waits for the end of the process, whoever caused it, and gives back
// what the server held before Done is closed, so that a new Start may follow.
func (s *Server) watch() {
	<-s.child.done
	s.home.forgetRun(s.socket)
	unlock := s.lock.release()
	s.mu.Lock()
	if !s.stopping {
		s.err = fmt.Errorf("postgres (process %d) ended by itself: %w; its log is %s",
			s.PID(), s.child.failure(), s.home.logFile())
	}
	s.err = errors.Join(s.err, unlock)
	s.mu.Unlock()
	close(s.done)
}

// Dir returns the folder that really holds the server's files: Options.Dir, or
// a folder below /var/lib/af-auth when the server's account cannot reach that.
func (s *Server) Dir() string { return s.home.dir }

// PID returns the process id of the server (the postmaster).
func (s *Server) PID() int { return s.child.cmd.Process.Pid }

// Done is closed when the server process has ended, whatever ended it. From
// then on the folder is free for another Start.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns nil while the server runs and after Stop, and otherwise why the
// process ended.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stop ends the server by a fast shutdown: open transactions are rolled back,
// clients are disconnected, the data is left clean. When ctx ends first the
// shutdown becomes immediate, and the error wraps ctx's: nothing committed is
// lost, but the next start goes through crash recovery. Stopping a server that
// has ended already does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.child.signal(syscall.SIGINT)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.child.quit()
	<-s.done
	return fmt.Errorf("postgres was ended at once, the next start recovers: %w", ctx.Err())
}
