package webhook_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestFailureInFixedWords: neither the row nor the log says where the receiver
// is, or what it sent in place of an answer.
func TestFailureInFixedWords(t *testing.T) {
	t.Parallel()
	encrypted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(encrypted.Close)
	open, _ := receiver(t, nil)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	odd, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = odd.Close() })
	go func() {
		for {
			conn, err := odd.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "SSH-2.0-in-the-answer\r\n")
			_ = conn.Close()
		}
	}()
	for name, c := range map[string]struct{ to, words string }{
		"no such name":        {"https://in-the-address.127.0.0.1.invalid:9/hook?token=in-the-address", "name"},
		"nothing listens":     {"http://" + nobody + "/in-the-address", "nothing listens"},
		"another certificate": {encrypted.URL + "/in-the-address", "certificate"},
		"not encrypted":       {strings.Replace(open.URL, "http:", "https:", 1) + "/in-the-address", "could not be asked"},
		"no HTTP":             {"http://" + odd.Addr().String() + "/in-the-address", "no HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(t, "INSERT INTO users (github_user_id) VALUES (1)")
			w.run(t, c.to, "127.0.0.0/8")
			w.until(t, "put off", "EXISTS (SELECT FROM deliveries WHERE last_error <> '')")
			var said string
			if err := w.conn.QueryRow(t.Context(), "SELECT last_error FROM deliveries").Scan(&said); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(said, c.words) {
				t.Errorf("it says %q, want %q in it", said, c.words)
			}
			for _, hidden := range []string{"127.0.0.1", "in-the-address", "invalid", "in-the-answer", "lookup", ":53"} {
				for _, text := range []string{said, w.logged()} {
					if strings.Contains(text, hidden) {
						t.Errorf("%q is in %s", hidden, text)
					}
				}
			}
		})
	}
}
