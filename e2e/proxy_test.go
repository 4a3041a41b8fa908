package e2e

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/cli/demo"
)

// front is a reverse proxy with the file of deploy/ that is shipped for it. In
// front of it are browsers; behind it are af-auth, an application that tells what
// it was sent (appOrigin), and the demo application (elseApp).
type front struct {
	*world
	address string
	// trust is what the proxy's certificate is checked against; nil: it speaks
	// http, and somebody before it holds the certificate.
	trust *x509.CertPool
	// keepsCookies says that this proxy cannot take af-auth's cookies out.
	keepsCookies bool
	// saysItself says that the proxy tells scripts why in its own words, because it
	// cannot hand on those of the gate.
	saysItself bool
	// log is what the proxy's program writes; nil: there is no program.
	log *syncBuffer

	arrived chan struct{} // closed by the application: an upload has begun
	goOn    chan struct{} // closed by the test: the second event may come
}

// newFront starts what stands behind a proxy. The caller starts the proxy.
func newFront(t *testing.T) (f *front, behind *strings.Replacer) {
	t.Helper()
	f = &front{arrived: make(chan struct{}), goOn: make(chan struct{})}
	f.world = newWorld(t, 1, map[string]string{
		"AF_AUTH_TRUSTED_PROXIES": "127.0.0.1", "AF_AUTH_PUBLIC_PATHS": hostOf(appOrigin) + "/public",
	})
	own, err := url.Parse(ownOrigin)
	if err != nil {
		t.Fatal(err)
	}
	application, err := demo.Application(demo.Options{AuthURL: own})
	if err != nil {
		t.Fatal(err)
	}
	mirror, shown := httptest.NewServer(http.HandlerFunc(f.mirror)), httptest.NewServer(application)
	t.Cleanup(mirror.Close)
	t.Cleanup(shown.Close)
	return f, strings.NewReplacer(
		"127.0.0.1:8080", f.doors[0].address,
		"127.0.0.1:3000", mirror.Listener.Addr().String(),
		"127.0.0.1:3001", shown.Listener.Addr().String(),
	)
}

// shipped reads a file of deploy/ and gives it the addresses of this test.
// Nothing else of it is changed, and each of the words must be there.
func shipped(t *testing.T, path string, behind *strings.Replacer, oldnew ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(string(text), oldnew[i]) {
			t.Fatalf("deploy/%s has no %q", path, oldnew[i])
		}
	}
	return strings.NewReplacer(oldnew...).Replace(behind.Replace(string(text)))
}

// freeAddress is a place to listen for a program that must be told one. Nobody
// else uses this address of the loopback network, so the port stays free.
func freeAddress(t *testing.T) string {
	t.Helper()
	var b [2]byte
	_, _ = rand.Read(b[:])
	l, err := net.Listen("tcp", fmt.Sprintf("127.77.%d.%d:0", b[0], b[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// installed finds a proxy's program. Debian keeps nginx where an ordinary user's
// path does not lead.
func installed(t *testing.T, name string) string {
	t.Helper()
	for _, place := range []string{name, filepath.Join("/usr/sbin", name)} {
		if path, err := exec.LookPath(place); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed\nhint: sh scripts/setup.sh test", name)
	return ""
}

// runs starts a proxy's program and waits until it takes connections.
func (f *front) runs(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	log := &syncBuffer{}
	f.log = log
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(stopWithin):
			_ = cmd.Process.Kill()
			t.Errorf("%s still runs %v after an interrupt", cmd.Path, stopWithin)
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", cmd.Path, lastLines(log.String(), 20))
		}
	})
	eventually(t, cmd.Path+" listens", startWithin, func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended at once:\n%s", cmd.Path, log.String())
		default:
		}
		c, err := net.Dial("tcp", f.address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// dial connects to the proxy as to a host.
func (f *front) dial(ctx context.Context, host string) (net.Conn, error) {
	if f.trust == nil {
		return (&net.Dialer{}).DialContext(ctx, "tcp", f.address)
	}
	d := tls.Dialer{Config: &tls.Config{RootCAs: f.trust, ServerName: host, MinVersion: tls.VersionTLS12}}
	return d.DialContext(ctx, "tcp", f.address)
}

// visitor is a browser in front of the proxy.
func (f *front) visitor(t *testing.T) *visitor {
	t.Helper()
	v := newVisitor(t)
	v.client.Transport = &http.Transport{
		// A stream that a proxy holds back would be waited for for ever.
		ResponseHeaderTimeout: 15 * time.Second,
		// All hosts but GitHub's are the proxy's.
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return f.dial(ctx, host)
		},
	}
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

// raw sends bytes as they are to a host, and reads one answer.
func (f *front) raw(t *testing.T, origin, head string) reply {
	t.Helper()
	c, err := f.dial(t.Context(), hostOf(origin))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// A proxy may answer and close before it has read all.
	go func() { _, _ = io.WriteString(c, head) }()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return reply{}
	}
	return reply{status: res.StatusCode, header: res.Header, body: body(t, res)}
}

// reflection is what the application was sent.
type reflection struct {
	Method, URI, Host string
	Header            http.Header
	Bytes             int64
}

// mirror is an application that tells what it was sent. Under /upload it says
// when the first byte is here, under /events when the second event may come, and
// it switches protocols where it is asked to.
func (f *front) mirror(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Upgrade") == "websocket":
		speak(w, r)
		return
	case r.URL.Path == "/upload":
		if _, err := io.CopyN(io.Discard, r.Body, 1); err == nil {
			close(f.arrived)
		}
	case r.URL.Path == "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: access\ndata: one\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-f.goOn:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "event: access\ndata: two\n\n")
		return
	}
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(reflection{r.Method, r.RequestURI, r.Host, r.Header, n})
}

// speak sends each line back, behind the name of the person.
func speak(w http.ResponseWriter, r *http.Request) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = c.Close() }()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	for rw.Flush() == nil {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = rw.WriteString(r.Header.Get("X-Auth-Request-User") + ": " + line)
	}
}

// reflected reads the application's answer.
func reflected(t *testing.T, status int, body string) (r reflection) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != http.StatusOK {
		t.Fatalf("%d, not the application's answer: %.500s", status, body)
	}
	return r
}

// newCertificate writes cert.pem and key.pem for some hosts into dir.
func newCertificate(t *testing.T, dir string, hosts ...string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool
}
