package gate_test

import (
	"context"
	"net"
	"net/url"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// wire leads to the database, and can be cut and frozen. It is a Unix socket:
// a port that it gives up could become another test's.
type wire struct {
	t      *testing.T
	config *pgconn.Config
	folder string
	frozen atomic.Bool // connections stay open, and nothing passes
	passes sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	ends     []net.Conn
}

func newWire(t *testing.T, direct string) *wire {
	t.Helper()
	config, err := pgconn.ParseConfig(direct)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "af-auth-") // short: the path of a socket ends at 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, config: config, folder: folder}
	w.connect()
	t.Cleanup(func() {
		w.cut()
		w.passes.Wait()
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *wire) url() string {
	u := url.URL{Scheme: "postgresql", User: url.UserPassword(w.config.User, w.config.Password), Path: "/" + w.config.Database, RawQuery: "host=" + w.folder}
	return u.String()
}

func (w *wire) connect() {
	_, address := pgconn.NetworkAddress(w.folder, 5432)
	l, err := net.Listen("unix", address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.listener = l
	w.mu.Unlock()
	w.passes.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			network, address := pgconn.NetworkAddress(w.config.Host, w.config.Port)
			server, err := net.Dial(network, address)
			if err != nil {
				_ = client.Close()
				continue
			}
			w.mu.Lock()
			w.ends = append(w.ends, client, server)
			w.mu.Unlock()
			w.passes.Go(func() { w.pass(client, server) })
			w.passes.Go(func() { w.pass(server, client) })
		}
	})
}

// cut closes all connections and refuses new ones.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.listener.Close()
	for _, end := range w.ends {
		_ = end.Close()
	}
	w.ends = nil
}

func (w *wire) pass(to, from net.Conn) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if w.frozen.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// Whatever is wrong with the database, the answer is no: an error that means
// "not now", nothing beside it, and in time.
func TestDatabaseFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault func(t *testing.T, w *world, way *wire) context.Context
		code  afauth.Code
		least time.Duration
	}{
		{name: "gone", fault: func(t *testing.T, _ *world, way *wire) context.Context { way.cut(); return t.Context() }},
		{name: "half-open", least: gate.Deadline, fault: func(t *testing.T, _ *world, way *wire) context.Context {
			way.frozen.Store(true)
			return t.Context()
		}},
		{name: "slow", least: gate.Deadline, fault: func(t *testing.T, w *world, _ *wire) context.Context {
			w.run("BEGIN; LOCK TABLE sessions")
			return t.Context()
		}},
		{name: "no connection free", least: gate.Deadline, fault: func(t *testing.T, w *world, _ *wire) context.Context {
			for range 4 {
				held := make(chan struct{})
				go func() {
					_ = w.db.WithConn(t.Context(), func(*pgx.Conn) error {
						close(held)
						<-t.Context().Done()
						return nil
					})
				}()
				<-held
			}
			return t.Context()
		}},
		{name: "table missing", code: afauth.CodeSchema, fault: func(t *testing.T, w *world, _ *wire) context.Context {
			w.run("DROP TABLE tickets, sessions")
			return t.Context()
		}},
		{name: "the browser went away", fault: func(t *testing.T, _ *world, _ *wire) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.New(t)
			way := newWire(t, direct)
			w := through(t, way.url(), direct, func(o *postgres.Options) { o.Wait = time.Minute })
			token, _ := w.allowed(nil)
			if _, err := w.check(token); err != nil {
				t.Fatal(err)
			}
			ctx := tt.fault(t, w, way)
			for range 2 {
				begun := time.Now()
				d, err := w.gate.Check(ctx, token, host)
				took := time.Since(begun)
				want := afauth.CodeUnavailable
				if tt.code != "" {
					want = tt.code
				}
				if afauth.CodeOf(err) != want || !reflect.DeepEqual(d, gate.Decision{}) {
					t.Errorf("%+v, %v", d, err)
				}
				if took < tt.least || took > 3*time.Second {
					t.Errorf("it took %s, want %s to 3s", took, tt.least)
				}
			}
		})
	}
}

// The next request after the fault is answered as if there had been none.
func TestDatabaseComesBack(t *testing.T) {
	t.Parallel()
	direct := pgtest.New(t)
	way := newWire(t, direct)
	w := through(t, way.url(), direct)
	token, _ := w.allowed(nil)
	way.cut()
	d, err := w.check(token)
	no(t, "cut", d, err)
	way.connect()
	eventually(t, "the gate opens again", func() bool {
		_, err := w.check(token)
		return err == nil
	})
}
