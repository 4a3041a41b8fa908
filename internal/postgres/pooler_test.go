package postgres_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/postgres"
)

// pooler passes everything on, and names the backend as poolers do: by an id of
// its own.
func pooler(t *testing.T, direct string) (through string) {
	t.Helper()
	config, err := pgconn.ParseConfig(direct)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, address)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(server, client)
				_ = server.Close()
			}()
			go func() {
				rename(client, bufio.NewReader(server))
				_ = client.Close()
			}()
		}
	}()
	u := url.URL{Scheme: "postgresql", User: url.UserPassword(config.User, config.Password), Host: l.Addr().String(), Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	return u.String()
}

// rename copies what a server says, with another id in BackendKeyData.
func rename(to io.Writer, from *bufio.Reader) {
	for {
		head, err := from.Peek(5)
		if err != nil {
			return
		}
		message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(from, message); err != nil {
			return
		}
		if message[0] == 'K' {
			message[8]++
		}
		if _, err := to.Write(message); err != nil {
			return
		}
	}
}

// Through a pooler our own heartbeat may come back while the changes of others
// are lost, so it does not count.
func TestHeartbeatThroughAPooler(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var d diary
	var log journal
	ctx, id := t.Context(), w.register("0")
	dialer := options(t, pooler(t, w.url)).Dialer
	dialer.Logger = log.logger()
	l := postgres.NewListener(postgres.ListenerOptions{Dialer: dialer, Instance: id, Hearer: &d})
	go l.Run(ctx)
	eventually(t, "it is logged", func() bool {
		return slices.ContainsFunc(log.entries(t), func(e map[string]any) bool { return e["hint"] == "set DIRECT_URL to PostgreSQL's own address" })
	})
	// It listens nevertheless: what is heard wakes whoever waits.
	w.run(`NOTIFY af_auth_access, '{"users":["` + id.String() + `"]}'`)
	eventually(t, "a change is told", func() bool { return d.where(id) >= 0 })
	if n := d.beats(); n != 0 {
		t.Errorf("%d heartbeats count", n)
	}
}
