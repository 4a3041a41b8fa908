package demo

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestUploadStreams(t *testing.T) {
	t.Parallel()
	const chunk, chunks = 1 << 20, 32
	first := make(chan struct{})
	d := newDemoServer(t, newAuthServer(t), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.CopyN(io.Discard, r.Body, chunk); err != nil {
			t.Errorf("first chunk: %v", err)
		}
		close(first)
		rest, err := io.Copy(io.Discard, r.Body)
		if err != nil || rest != chunk*(chunks-1) {
			t.Errorf("the rest: %d bytes, %v", rest, err)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	body, upload := io.Pipe()
	go func() {
		block := make([]byte, chunk)
		_, _ = upload.Write(block)
		// The application has the first chunk before the second is sent.
		<-first
		for range chunks - 1 {
			_, _ = upload.Write(block)
		}
		_ = upload.Close()
	}()
	r, err := http.NewRequestWithContext(t.Context(), "POST", d.URL+"/upload", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", sessionCookie+"=mona")
	res, err := d.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestEventsStream(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	d := newDemoServer(t, newAuthServer(t), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "data: two\n")
	}))
	r, err := http.NewRequestWithContext(t.Context(), "GET", d.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", sessionCookie+"=mona")
	res, err := d.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != "data: one" {
		t.Fatalf("first line %q", lines.Text())
	}
	close(goOn)
	if !lines.Scan() || lines.Text() != "data: two" {
		t.Fatalf("second line %q", lines.Text())
	}
}

func TestWebSocketPassesOnlyAfter200(t *testing.T) {
	t.Parallel()
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	d := newDemoServer(t, newAuthServer(t), http.HandlerFunc(echoSocket))

	for _, cookie := range []string{"a=1", "af_auth_8081=waiting"} {
		res, _ := d.do(t, request("GET", "/socket", append(upgrade, "Cookie: "+cookie)...))
		if res.StatusCode != 401 && res.StatusCode != 403 || d.served.Load() != 0 {
			t.Errorf("with %s: status %d, application reached %d times", cookie, res.StatusCode, d.served.Load())
		}
	}

	conn, err := net.Dial("tcp", d.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ask := request("GET", "/socket", append(upgrade, "Cookie: "+sessionCookie+"=mona")...)
	if _, err := io.WriteString(conn, strings.ReplaceAll(ask, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("X-Seen-User") != "octocat" {
		t.Fatalf("%v, %v", res, err)
	}
	for _, word := range []string{"hello\n", "again\n"} {
		if _, err := io.WriteString(conn, word); err != nil {
			t.Fatal(err)
		}
		if got, err := in.ReadString('\n'); got != word || err != nil {
			t.Fatalf("back came %q, %v", got, err)
		}
	}
}

// "Upgrade: h2c" would open a connection on which further requests are not
// asked about.
func TestOtherUpgradesAreNotPassed(t *testing.T) {
	t.Parallel()
	d := newDemoServer(t, newAuthServer(t), nil)
	_, plain := d.get(t, "/echo")
	res, body := d.get(t, "/echo", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
	if res.StatusCode != http.StatusOK || body != plain {
		t.Errorf("status %d, the application sees\n%s", res.StatusCode, body)
	}
}

// echoSocket switches protocols and sends back each line.
func echoSocket(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Seen-User: " +
		r.Header.Get("X-Auth-Request-User") + "\r\n\r\n")
	for {
		if err := rw.Flush(); err != nil {
			return
		}
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = rw.WriteString(line)
	}
}
