package cli

import (
	"context"
	"fmt"
	"sync"

	"github.com/af-auth/af-auth/internal/pgserver"
)

// privateServer is the PostgreSQL of `af-auth dev`, started again should it be
// killed: the pool finds it at the same address.
type privateServer struct {
	options pgserver.Options

	mu     sync.Mutex
	server *pgserver.Server
}

func startPrivate(ctx context.Context, o pgserver.Options) (*privateServer, error) {
	server, err := pgserver.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return &privateServer{options: o, server: server}, nil
}

func (p *privateServer) current() *pgserver.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

// url is the address by TCP where there is one, else by socket.
func (p *privateServer) url(database string) string {
	if tcp := p.current().TCPURL(database); tcp != "" {
		return tcp
	}
	return p.current().URL(database)
}

// keep waits until ctx ends. A server that ends before is started again.
func (p *privateServer) keep(ctx context.Context) error {
	for {
		server := p.current()
		select {
		case <-ctx.Done():
			return nil
		case <-server.Done():
		}
		if ctx.Err() != nil {
			return nil
		}
		p.options.Logger.Error("the private PostgreSQL ended; starting it again", "error", server.Err())
		address := p.url("postgres")
		fresh, err := pgserver.Start(ctx, p.options)
		if ctx.Err() != nil && err != nil {
			return nil // asked to stop meanwhile
		}
		if err != nil {
			return fmt.Errorf("starting the private PostgreSQL again: %w", err)
		}
		p.mu.Lock()
		p.server = fresh
		p.mu.Unlock()
		if p.url("postgres") != address {
			return fmt.Errorf("the private PostgreSQL came back at another address; run af-auth dev again")
		}
	}
}

func (p *privateServer) stop(ctx context.Context) error {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return p.current().Stop(stopping)
}
