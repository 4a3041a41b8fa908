package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// pipe runs an HTTP server on connections that exist in memory only. It is a
// net.Listener whose clients come through transport.
type pipe struct {
	transport *http.Transport
	server    *http.Server

	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipe(h http.Handler, log *slog.Logger) *pipe {
	p := &pipe{
		conns:  make(chan net.Conn),
		closed: make(chan struct{}),
		server: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
	}
	p.transport = &http.Transport{
		DialContext:         p.dial,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     30 * time.Second,
	}
	go func() {
		if err := p.server.Serve(p); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the demo application stopped", "error", err)
		}
	}()
	return p
}

// dial makes a connection and hands its other end to the server.
func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close ends the server and every connection to it.
func (p *pipe) close() error {
	err := p.server.Close()
	// Serve may not have begun yet, and then Close did not reach the listener.
	_ = p.Close()
	p.transport.CloseIdleConnections()
	return err
}

// Accept, Close and Addr make the pipe a net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close stops new connections. It may be called more than once.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr names the listener in logs.
func (p *pipe) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "memory" }
func (pipeAddr) String() string  { return "demo application" }
