package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// longest is how long a connection may outlive the access of its person here:
// a second until it is watched, and room for a busy machine.
const longest = 5 * time.Second

// echo is a WebSocket as far as a proxy can tell: a connection that switches
// protocols and says back what it hears. Below /stream it is an endless answer
// and below /upload it reads without end; open hears of each.
func echo(open chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/upload"):
			open <- struct{}{}
			_, _ = io.Copy(io.Discard, r.Body)
		case strings.HasPrefix(r.URL.Path, "/stream"):
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "here\n")
			_ = http.NewResponseController(w).Flush()
			open <- struct{}{}
			<-r.Context().Done()
		case strings.HasPrefix(r.URL.Path, "/flood"):
			open <- struct{}{}
			for line := []byte(strings.Repeat("x", 64<<10)); r.Context().Err() == nil; {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		default:
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n\r\n")
			_ = rw.Flush()
			_, _ = io.Copy(conn, rw)
		}
	}
}

// socket opens a WebSocket and shows that it is one.
func (f *front) socket(t *testing.T, b *browser) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", f.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := httptest.NewRequest(http.MethodGet, "/socket", nil)
	r.Host = own
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	for _, c := range b.jar[own] {
		r.AddCookie(c)
	}
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(conn)
	res, err := http.ReadResponse(from, r)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", res, err)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := from.ReadString('\n'); line != "hello\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return conn
}

// ended waits until the other side has closed.
func ended(t *testing.T, from io.Reader) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(io.Discard, from) }()
	select {
	case <-done:
	case <-time.After(longest):
		t.Error("still open")
	}
}

// TestUpstreamEnds: whatever takes access away closes what is open (C22).
func TestUpstreamEnds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"revoked":        "UPDATE users SET is_whitelisted = false",
		"expired":        "UPDATE users SET whitelist_until = now() + interval '1500 ms'",
		"signed out":     "DELETE FROM sessions",
		"session is old": "UPDATE sessions SET expires_at = now() + interval '1500 ms'",
		"deleted":        "DELETE FROM users",
		"all at once":    "TRUNCATE users CASCADE",
		"another app":    "UPDATE users SET apps = '{other.example.test}'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := make(chan struct{}, 4)
			f := newFront(t, echo(open))
			b := f.member(t)
			socket := f.socket(t, b)
			stream, err := f.send(t, b, http.MethodGet, "/stream", nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			never, _ := io.Pipe()
			uploaded := make(chan int, 1)
			go func() {
				res, err := f.send(t, b, http.MethodPost, "/upload", never, nil)
				status := 0
				if err == nil {
					status = res.StatusCode
				}
				uploaded <- status
			}()
			<-open
			<-open
			f.exec(t, change)
			ended(t, socket)
			ended(t, stream.Body)
			select {
			case status := <-uploaded:
				if status != 0 && status != http.StatusUnauthorized && status != http.StatusForbidden {
					t.Errorf("the upload is answered %d", status)
				}
			case <-time.After(longest):
				t.Error("the upload is still open")
			}
		})
	}
}

// TestUpstreamEndsUnread: a client that does not read holds nothing open.
func TestUpstreamEndsUnread(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	open := make(chan struct{}, 1)
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) { defer close(gone); echo(open)(w, r) })
	if _, err := f.send(t, f.member(t), http.MethodGet, "/flood", nil, nil); err != nil {
		t.Fatal(err)
	}
	<-open
	f.exec(t, "UPDATE users SET is_whitelisted = false")
	select {
	case <-gone:
	case <-time.After(longest):
		t.Error("the application still writes")
	}
}

// TestUpstreamStaysOpen: what concerns others ends nothing.
func TestUpstreamStaysOpen(t *testing.T) {
	t.Parallel()
	f := newFront(t, echo(make(chan struct{}, 1)))
	socket := f.socket(t, f.member(t))
	other := f.browser()
	other.signIn(t, "hubot", "")
	f.exec(t, "UPDATE users SET is_whitelisted = true WHERE login = 'hubot'")
	another := f.socket(t, other)
	f.exec(t, "UPDATE users SET is_whitelisted = false WHERE login = 'hubot'")
	ended(t, another)
	_, _ = io.WriteString(socket, "still\n")
	if line, err := bufio.NewReader(socket).ReadString('\n'); line != "still\n" {
		t.Errorf("%q, %v", line, err)
	}
}

// TestUpstreamStops: a server that stops ends streams and WebSockets.
func TestUpstreamStops(t *testing.T) {
	t.Parallel()
	open := make(chan struct{}, 1)
	f := newFront(t, echo(open))
	b := f.member(t)
	socket := f.socket(t, b)
	stream, err := f.send(t, b, http.MethodGet, "/stream", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-open
	f.shutDown()
	ended(t, socket)
	ended(t, stream.Body)
}

// TestUpstreamWithoutDatabase: an open connection does not outlive the answer to
// "may it go on?" for long.
func TestUpstreamWithoutDatabase(t *testing.T) {
	t.Parallel()
	f := newFront(t, echo(make(chan struct{}, 1)))
	socket := f.socket(t, f.member(t))
	f.exec(t, "ALTER TABLE sessions RENAME TO gone")
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(io.Discard, socket) }()
	select {
	case <-done:
	case <-time.After(4 * longest):
		t.Error("still open")
	}
}

// TestUpstreamOtherUpgrades: a protocol in which further requests could go by
// unasked is not switched to.
func TestUpstreamOtherUpgrades(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "upgrade="+r.Header.Get("Upgrade")+r.Header.Get("Connection"))
	})
	if _, body := f.get(t, f.member(t), "/", heading("Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "Http2-Settings", "AAMAAABkAAQAAP__")); body != "upgrade=" {
		t.Error(body)
	}
}

// TestUpstreamSwitchesWithoutBody: what asks for a WebSocket and brings a body does
// not reach the application, also on a public path.
func TestUpstreamSwitchesWithoutBody(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			t.Errorf("%s %s came through", r.Method, r.URL)
		}
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
	}, public(own, "/open"))
	in := f.member(t)
	for _, path := range []string{"/", "/open"} {
		for name, body := range map[string]io.Reader{
			"of a length": strings.NewReader("GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"), "chunked": io.MultiReader(strings.NewReader("x")),
		} {
			res, err := f.send(t, in, http.MethodGet, path, body, heading("Connection", "Upgrade", "Upgrade", "WebSocket"))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("%s, %s: %d", path, name, res.StatusCode)
			}
		}
		if res, body := f.get(t, in, path, nil); res.StatusCode != http.StatusOK || body != "0" {
			t.Errorf("%s without: %d %s", path, res.StatusCode, body)
		}
	}
	res, err := f.send(t, in, http.MethodPost, "/", strings.NewReader("four"), heading("Connection", "Upgrade", "Upgrade", "h2c"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || string(body) != "4" {
		t.Errorf("an upgrade that is not passed on: %d %s", res.StatusCode, body)
	}
}

// TestUpstreamLarge: 64 MiB go up and 64 MiB come down at the client's pace, and
// are never in memory.
func TestUpstreamLarge(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, io.LimitReader(zeros{}, n))
		w.Header().Set("X-Sum", "all")
	})
	b := f.member(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := f.send(t, b, http.MethodPut, "/file", io.LimitReader(zeros{}, size), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, res.Body)
	if n != size || err != nil || res.Trailer.Get("X-Sum") != "all" {
		t.Errorf("%d bytes come back, %v, %v", n, err, res.Trailer)
	}
	runtime.ReadMemStats(&after)
	if grown := after.HeapInuse - min(before.HeapInuse, after.HeapInuse); grown > size/2 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestUpstreamHungUp: a browser that leaves ends the application's work.
func TestUpstreamHungUp(t *testing.T) {
	t.Parallel()
	gone := make(chan error, 1)
	open := make(chan struct{})
	f := newFront(t, func(_ http.ResponseWriter, r *http.Request) {
		close(open)
		<-r.Context().Done()
		gone <- r.Context().Err()
	})
	b := f.member(t)
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-open; leave() }()
	_, err := f.send(t, b, http.MethodGet, "/slow", nil, func(r *http.Request) { *r = *r.WithContext(ctx) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("answered %v", err)
	}
	select {
	case <-gone:
	case <-time.After(longest):
		t.Error("the application still works")
	}
}
