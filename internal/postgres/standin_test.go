package postgres_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// standIn is a listener in PostgreSQL's place, for faults that a real server
// shows only now and then. It notes when each connection came.
type standIn struct {
	net.Listener
	mu       sync.Mutex
	arrivals []time.Time
	open     []net.Conn
}

func newStandIn(t *testing.T, serve func(net.Conn)) *standIn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &standIn{Listener: l}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.greet(conn, time.Now(), serve) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for _, conn := range s.open {
			_ = conn.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return s
}

// greet reads how a connection begins: length and code of the first message.
// pgx follows a connection that broke with a request to cancel it, which counts
// for nothing.
func (s *standIn) greet(conn net.Conn, at time.Time, serve func(net.Conn)) {
	s.mu.Lock()
	s.open = append(s.open, conn)
	s.mu.Unlock()
	head := make([]byte, 8)
	const cancelRequest = 80877102
	if _, err := io.ReadFull(conn, head); err != nil || binary.BigEndian.Uint32(head[4:]) == cancelRequest {
		_ = conn.Close()
		return
	}
	s.mu.Lock()
	s.arrivals = append(s.arrivals, at)
	s.mu.Unlock()
	serve(&begun{Conn: conn, head: head})
}

// begun is a connection of which something has been read already.
type begun struct {
	net.Conn
	head []byte
}

func (b *begun) Read(into []byte) (int, error) {
	if len(b.head) == 0 {
		return b.Conn.Read(into)
	}
	n := copy(into, b.head)
	b.head = b.head[n:]
	return n, nil
}

// came returns when connections came.
func (s *standIn) came() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.arrivals...)
}

// closes ends each connection once the client's first message is read.
func closes(conn net.Conn) {
	_, _ = pgproto3.NewBackend(conn, conn).ReceiveStartupMessage()
	_ = conn.Close()
}

// resets ends each connection by a reset.
func resets(conn net.Conn) {
	_ = conn.(*begun).Conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// silent reads and never answers.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// says answers each start of a session with one error of PostgreSQL's.
func says(code, message string) func(net.Conn) {
	return func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		backend := pgproto3.NewBackend(conn, conn)
		if _, err := backend.ReceiveStartupMessage(); err != nil {
			return
		}
		backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
		_ = backend.Flush()
	}
}

// web is a web server.
func web(conn net.Conn) {
	_, _ = pgproto3.NewBackend(conn, conn).ReceiveStartupMessage()
	_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"))
	_ = conn.Close()
}

// refusing returns the address of a port on which nobody listens, and that
// nobody else can take until the test ends.
func refusing(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	return at.String()
}

// nameServer answers for all names of these tests: those under missing.test do
// not exist, for those under flaky.test it cannot say, and under silent.test it
// does not answer.
func nameServer() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerName(server)
		return client, nil
	}}
}

// answerName reads one question in the form of TCP: two bytes of length, a
// header of twelve bytes, the name (RFC 1035, sections 4.1 and 4.2.2).
func answerName(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	length := make([]byte, 2)
	if _, err := io.ReadFull(conn, length); err != nil {
		return
	}
	message := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(conn, message); err != nil {
		return
	}
	const noSuchName, serverFailure = 3, 2
	code := byte(noSuchName)
	switch name := string(message[12:]); {
	case strings.Contains(name, "silent"):
		_, _ = io.Copy(io.Discard, conn)
		return
	case strings.Contains(name, "flaky"):
		code = serverFailure
	}
	message[2], message[3] = 0x81, 0x80|code // an answer, with recursion
	message[10], message[11] = 0, 0          // without the question's additional record
	end := 12
	for message[end] != 0 {
		end += int(message[end]) + 1
	}
	message = message[:end+5]
	binary.BigEndian.PutUint16(length, uint16(len(message)))
	_, _ = conn.Write(append(length, message...))
}

// networkErrors are faults of the network, and whether they can pass.
func networkErrors() map[error]bool {
	return map[error]bool{
		os.NewSyscallError("connect", syscall.ECONNREFUSED): true,
		os.NewSyscallError("connect", syscall.ETIMEDOUT):    true,
		os.NewSyscallError("connect", syscall.EHOSTUNREACH): true,
		os.NewSyscallError("connect", syscall.ENETUNREACH):  true,
		os.NewSyscallError("read", syscall.ECONNRESET):      true,
		os.NewSyscallError("write", syscall.EPIPE):          true,
		os.ErrDeadlineExceeded:                              true,
		context.DeadlineExceeded:                            true,
		io.ErrUnexpectedEOF:                                 true,
		context.Canceled:                                    false,
		os.NewSyscallError("connect", syscall.EACCES):       false,
		os.NewSyscallError("socket", syscall.EMFILE):        false,
	}
}
