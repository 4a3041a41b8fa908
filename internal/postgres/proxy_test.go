package postgres_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// proxy stands between af-auth and the real server. It can refuse, cut, and
// stop forwarding, and it counts what passes. It listens on a Unix socket of
// its own: a port that it gives up could become another test's.
type proxy struct {
	t      *testing.T
	config *pgconn.Config
	folder string
	// trips counts the round trips: each Sync and each simple Query is answered
	// by one ReadyForQuery.
	trips atomic.Int64

	serving  sync.WaitGroup
	mu       sync.Mutex
	listener net.Listener
	lines    []*line
	told     []map[string]string
}

// line is one connection through the proxy.
type line struct {
	client, server net.Conn
	dead           atomic.Bool // stays open, and forwards nothing any more
}

func newProxy(t *testing.T, url string) *proxy {
	t.Helper()
	config, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "af-auth-") // short: the path of a socket ends at 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, config: config, folder: folder}
	p.accept()
	t.Cleanup(func() {
		p.refuse()
		p.cut()
		p.serving.Wait()
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return p
}

// url is the database's address through the proxy.
func (p *proxy) url(parameters string) string {
	u := url.URL{Scheme: "postgresql", User: url.UserPassword(p.config.User, p.config.Password), Path: "/" + p.config.Database,
		RawQuery: strings.TrimSuffix("host="+p.folder+"&"+parameters, "&")}
	return u.String()
}

// accept begins to accept connections.
func (p *proxy) accept() {
	_, address := pgconn.NetworkAddress(p.folder, 5432)
	l, err := net.Listen("unix", address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.serve(conn) })
		}
	})
}

// refuse lets nobody in any more.
func (p *proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		_ = l.client.Close()
		_ = l.server.Close()
	}
	p.lines = nil
}

// freeze leaves the connections of this moment open, and forwards nothing.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		l.dead.Store(true)
	}
}

// startups returns what each session was told at its start.
func (p *proxy) startups() []map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	network, address := pgconn.NetworkAddress(p.config.Host, p.config.Port)
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	l := &line{client: client, server: server}
	p.mu.Lock()
	p.lines = append(p.lines, l)
	p.mu.Unlock()
	p.serving.Go(func() {
		_, _ = io.Copy(l, server)
		_ = client.Close()
	})
	p.forward(l)
}

// Write sends to the client what the server said.
func (l *line) Write(b []byte) (int, error) {
	if l.dead.Load() {
		return len(b), nil
	}
	return l.client.Write(b)
}

// forward sends to the server what the client says, message by message: first
// one without a type (StartupMessage, or CancelRequest), then those with one.
func (p *proxy) forward(l *line) {
	header := make([]byte, 4)
	for first := true; ; first = false {
		if _, err := io.ReadFull(l.client, header); err != nil {
			return
		}
		kind, length := byte(0), binary.BigEndian.Uint32(header)
		message := append([]byte(nil), header...)
		if !first {
			last := make([]byte, 1)
			if _, err := io.ReadFull(l.client, last); err != nil {
				return
			}
			message = append(message, last...)
			kind, length = message[0], binary.BigEndian.Uint32(message[1:])
		}
		body := make([]byte, length-4)
		if _, err := io.ReadFull(l.client, body); err != nil {
			return
		}
		switch {
		case first:
			p.greet(body)
		case kind == 'S', kind == 'Q':
			p.trips.Add(1)
		}
		if l.dead.Load() {
			continue
		}
		if _, err := l.server.Write(append(message, body...)); err != nil {
			return
		}
	}
}

func (p *proxy) greet(body []byte) {
	var m pgproto3.StartupMessage
	if m.Decode(body) == nil {
		p.mu.Lock()
		p.told = append(p.told, m.Parameters)
		p.mu.Unlock()
	}
}
