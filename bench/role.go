package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
)

// roleCommand starts this program as one of the servers that are measured: each
// is a process of its own, so that its processor time is nobody else's.
const roleCommand = "play-role"

// role is what a server is told, as a line of JSON on its standard input. Each
// further line asks for a report; the end of input ends the server.
type role struct {
	Name string // bare, af-auth, HS256 or RS256
	// URL is the database of af-auth, Sessions how many there are in it.
	URL      string
	Sessions int
	// Memory says that all sessions are in memory, and stay there.
	Memory bool
	// Ballast is how much the bare server holds without using it, in bytes.
	Ballast uint64
	// Profile is the file for a profile of the processor time; "": none.
	Profile string
}

// report is what a server says of itself, as a line of JSON.
type report struct {
	Address string
	// Cookie is what opens it; "": sessions' tokens do.
	Cookie string
	// Known is how many sessions are in memory.
	Known int
	// Heap is what is in use after a collection, in bytes; only in the first one.
	Heap uint64
	// CPU is the processor time of the process, user and system.
	CPU time.Duration
	// Collections of garbage so far.
	Collections uint32
}

// playing is a server, as its own process sees it.
type playing struct {
	handler http.Handler
	cookie  string
	known   func() int
	// held is kept from the collector.
	held []byte
	end  func()
}

func playRole(in io.Reader, out io.Writer) error {
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	var r role
	if err := orders.Decode(&r); err != nil {
		return err
	}
	p, err := r.play(context.Background())
	if err != nil {
		return err
	}
	defer p.end()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// As package cli serves.
	server := &http.Server{Handler: p.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 60 * time.Second, MaxHeaderBytes: 32 << 10}
	go func() { _ = server.Serve(l) }()
	defer func() { _ = server.Close() }()
	stop, err := r.profile()
	if err != nil {
		return err
	}
	defer stop()
	runtime.GC()
	runtime.GC()
	for {
		if err := answers.Encode(p.report(l)); err != nil {
			return err
		}
		if err := orders.Decode(&struct{}{}); errors.Is(err, io.EOF) {
			runtime.KeepAlive(p.held)
			return nil
		} else if err != nil {
			return err
		}
	}
}

// profile begins a profile, if one is wanted.
func (r role) profile() (stop func(), err error) {
	if r.Profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(r.Profile)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, pprof.StartCPUProfile(f)
}

func (p *playing) report(l net.Listener) report {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return report{Address: l.Addr().String(), Cookie: p.cookie, Known: p.known(), Heap: m.HeapAlloc,
		CPU: time.Duration(u.Utime.Nano() + u.Stime.Nano()), Collections: m.NumGC}
}

func (r role) play(ctx context.Context) (*playing, error) {
	p := &playing{known: func() int { return 0 }, end: func() {}}
	switch r.Name {
	case "bare":
		p.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
		p.held = make([]byte, r.Ballast)
		return p, nil
	case "HS256", "RS256":
		var err error
		p.handler, p.cookie, err = signedTokens(r.Name)
		return p, err
	case "af-auth":
		return p, r.playAfAuth(ctx, p)
	}
	return nil, fmt.Errorf("there is no role %q", r.Name)
}
