package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// openTo starts studio beyond loopback and returns its link and the port that it
// listens on.
func openTo(t *testing.T, args ...string) (link *url.URL, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, said := launchStudio(t, []string{"DATABASE_URL=" + pgtest.New(t)}, append([]string{"--listen", "0.0.0.0", "--port", port}, args...)...)
	if link, err = url.Parse(said); err != nil {
		t.Fatal(err)
	}
	return link, port
}

// through is a browser whose every connection goes to that port here.
func through(t *testing.T, port string, roots *x509.CertPool) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+port)
		},
	}}
}

func statusOf(t *testing.T, c *http.Client, method, address string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// TestStudioBeyondLoopbackByTLS: under its name, by TLS and below its path, the
// link opens studio once; in clear and by another name nothing does.
func TestStudioBeyondLoopbackByTLS(t *testing.T) {
	t.Parallel()
	const name = "studio.example.test"
	cert, key, roots := certificate(t, name)
	link, port := openTo(t, "--tls-cert", cert, "--tls-key", key, "--host", name, "--base-path", "/studio")
	if link.Scheme != "https" || link.Hostname() != name || !strings.HasPrefix(link.Path, "/studio/") {
		t.Fatalf("the link is %s", link)
	}
	c := through(t, port, roots)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	opened := statusOf(t, c, http.MethodGet, link.String(), nil)
	if cookies := opened.Cookies(); opened.StatusCode != http.StatusSeeOther || len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly {
		t.Errorf("the link answers %d with the cookies %v", opened.StatusCode, cookies)
	}
	home := "https://" + link.Host + "/studio/"
	if got := statusOf(t, c, http.MethodGet, home, nil).StatusCode; got != http.StatusOK {
		t.Errorf("GET /studio/: %d", got)
	}
	if got := statusOf(t, c, http.MethodGet, home, http.Header{"Host": {"elsewhere.example.test"}}).StatusCode; got != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %d", got)
	}
	if got := statusOf(t, through(t, port, roots), http.MethodGet, link.String(), nil).StatusCode; got == http.StatusOK {
		t.Error("the link opens twice")
	}
	if got := statusOf(t, through(t, port, roots), http.MethodGet, "http://"+link.Host+"/studio/", nil).StatusCode; got != http.StatusBadRequest {
		t.Errorf("in clear: %d", got)
	}
}

// TestStudioBehindAProxy: nothing is answered that does not bring the proxy's
// secret.
func TestStudioBehindAProxy(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("5ecret-", 6)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const name = "db.example.test"
	link, port := openTo(t, "--proxy-secret-file", file, "--host", name)
	if link.Scheme != "https" || link.Host != name {
		t.Fatalf("the link is %s", link)
	}
	c := through(t, port, nil)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	inside := "http://" + name + link.RequestURI() // as the proxy asks
	for what, header := range map[string]http.Header{"no secret": nil, "another secret": {"X-Studio-Secret": {secret + "x"}}} {
		if got := statusOf(t, c, http.MethodGet, inside, header).StatusCode; got != http.StatusForbidden {
			t.Errorf("%s: %d", what, got)
		}
	}
	opened := statusOf(t, c, http.MethodGet, inside, http.Header{"X-Studio-Secret": {secret}})
	if cookies := opened.Cookies(); opened.StatusCode != http.StatusSeeOther || len(cookies) != 1 || !cookies[0].Secure {
		t.Errorf("through the proxy: %d with the cookies %v", opened.StatusCode, cookies)
	}
}

// certificate makes one for a name, which vouches for itself, and returns its
// files.
func certificate(t *testing.T, name string) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(cert, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return cert, key, roots
}
