package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// wire stands between the servers and PostgreSQL, and fails as networks do.
type wire struct {
	listener net.Listener

	mu              sync.Mutex
	network, target string
	state           wireState
	// changed is closed and made anew at each change of state.
	changed chan struct{}
	conns   map[net.Conn]bool
}

type wireState int

const (
	whole wireState = iota
	// silent: connections are taken and stay, and nothing comes through.
	silent
	// deaf: what is asked goes through, and no answer comes back.
	deaf
	// slow: what is asked and what is answered take slowBy each.
	slow
	// torn: connections end, and new ones end at once.
	torn
)

// slowBy makes a round trip that is longer than a lease.
const slowBy = 600 * time.Millisecond

// newWire leads servers that are started from now on through a wire.
func (w *world) newWire(t *testing.T) *wire {
	t.Helper()
	x := newWireTo(t, w.database)
	w.settings["DATABASE_URL"] = x.url(t, w.database)
	return x
}

// url is the database's address through the wire.
func (x *wire) url(t *testing.T, database string) string {
	t.Helper()
	c, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(c.User, c.Password), Host: x.listener.Addr().String(), Path: "/" + c.Database, RawQuery: "sslmode=disable"}
	return u.String()
}

// newWireTo is a wire to the server of a database.
func newWireTo(t *testing.T, database string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &wire{listener: l, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	x.lead(t, database)
	var all sync.WaitGroup
	all.Go(func() { x.accept(&all) })
	t.Cleanup(func() {
		_ = l.Close()
		x.set(torn)
		all.Wait()
	})
	return x
}

// lead brings new connections to the server of a database.
func (x *wire) lead(t *testing.T, database string) {
	t.Helper()
	c, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.network, x.target = "tcp", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
	if strings.HasPrefix(c.Host, "/") {
		x.network, x.target = "unix", fmt.Sprintf("%s/.s.PGSQL.%d", c.Host, c.Port)
	}
}

// set changes what the wire does, for the connections that are open too.
func (x *wire) set(s wireState) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state = s
	close(x.changed)
	x.changed = make(chan struct{})
	if s == torn {
		for c := range x.conns {
			_ = c.Close()
		}
		clear(x.conns)
	}
}

func (x *wire) accept(all *sync.WaitGroup) {
	for {
		client, err := x.listener.Accept()
		if err != nil {
			return
		}
		x.mu.Lock()
		network, target := x.network, x.target
		x.mu.Unlock()
		server, err := (&net.Dialer{}).DialContext(context.Background(), network, target)
		if err != nil {
			_ = client.Close()
			continue
		}
		x.mu.Lock()
		if x.state == torn {
			_, _ = client.Close(), server.Close()
		}
		x.conns[client], x.conns[server] = true, true
		x.mu.Unlock()
		all.Go(func() { x.carry(server, client, silent) })
		all.Go(func() { x.carry(client, server, silent, deaf) })
	}
}

// carry copies until an end closes, and holds what it has in the states given.
func (x *wire) carry(to, from net.Conn, held ...wireState) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !x.passes(held) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				return
			}
			// One end hung up; in a silent wire nobody hears of it.
			x.passes(held)
			return
		}
	}
}

// passes waits until the wire is in none of the states, and reports whether the
// connection is to go on.
func (x *wire) passes(held []wireState) bool {
	for {
		x.mu.Lock()
		state, changed := x.state, x.changed
		x.mu.Unlock()
		if state == torn {
			return false
		}
		if state == slow {
			select {
			case <-time.After(slowBy):
				return true
			case <-changed:
				continue
			}
		}
		waits := false
		for _, h := range held {
			waits = waits || state == h
		}
		if !waits {
			return true
		}
		<-changed
	}
}
