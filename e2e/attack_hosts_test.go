package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestAddressesComeFromTheConfiguration (C10): nothing in a request decides
// what host or scheme an answer leads to.
func TestAddressesComeFromTheConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	liars := []http.Header{
		{"X-Forwarded-Host": {"evil.test"}, "X-Forwarded-Proto": {"http"}},
		{"Forwarded": {"for=1.2.3.4;host=evil.test;proto=http"}}, {"X-Forwarded-Server": {"evil.test"}, "X-Forwarded-Port": {"1234"}},
		{"X-Original-Host": {"evil.test"}, "X-Host": {"evil.test"}, "X-Http-Host-Override": {"evil.test"}},
		{"X-Forwarded-Prefix": {"//evil.test"}, "X-Original-Url": {"//evil.test/"}, "X-Rewrite-Url": {"//evil.test/"}},
		{"Origin": {"https://evil.test"}, "Referer": {"https://evil.test/"}},
	}
	for _, path := range []string{
		ownOrigin + "/", ownOrigin + "/auth", ownOrigin + "/auth/", ownOrigin + "/auth/sign-in", ownOrigin + "/auth/github", ownOrigin + "/auth/continue",
		ownOrigin + "/auth/waiting", ownOrigin + "/auth/refused", ownOrigin + "/auth/sign-out", ownOrigin + "/auth/signed-out", ownOrigin + "/auth/about",
		ownOrigin + "/auth/github/callback?code=x&state=y", ownOrigin + "/nothing", appOrigin + "/.af-auth/start", appOrigin + "/.af-auth/enter", appOrigin + "/auth/verify",
	} {
		plain := w.stranger(w.doors[0]).get(t, path)
		for _, liar := range liars {
			got := w.stranger(w.doors[0]).send(t, request{method: http.MethodGet, url: path, header: liar})
			if got.status != plain.status {
				t.Errorf("%s with %v: %d, without %d", path, liar, got.status, plain.status)
			}
			if strings.Contains(got.body+fmt.Sprint(got.header), "evil") {
				t.Errorf("%s with %v answers with the liar's host: %v", path, liar, got.header)
			}
			if to := got.to(); to != "" && !leadsToUs(to) && !strings.HasPrefix(to, w.github.URL+"/") {
				t.Errorf("%s leads to %s", path, to)
			}
		}
	}
}

// leadsToUs holds for an address that every parser reads as one of our hosts:
// it begins with a whole origin and a slash, or is a path of ours.
func leadsToUs(to string) bool {
	if strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) {
		return false
	}
	for _, begin := range []string{ownOrigin + "/", appOrigin + "/", elseApp + "/", "/auth/"} {
		if strings.HasPrefix(to, begin) {
			return true
		}
	}
	return false
}

// TestUnknownHosts (C10): a host that nobody configured gets nothing but health
// and a no.
func TestUnknownHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	for _, host := range []string{
		"evil.test", "auth.example.test.evil.test", "evil.test:443", "auth.example.test.", "auth.example.test:8443", "auth.example.test:80",
		"app.example.test.", "xapp.example.test", "auth.example.test@evil.test", "127.0.0.1", "localhost", "[::1]", "auth", ".", "auth.example.test,evil.test",
	} {
		for path, status := range map[string]int{
			"/": 421, "/auth/": 421, "/auth/sign-in": 421, "/auth/github": 421, "/auth/github/callback": 421, "/auth/about": 421, "/nothing": 421,
			"/.af-auth/start": 421, "/.af-auth/enter?ticket=x": 421, "/live": 200, "/ready": 200, "/health": 200, "/auth/verify": 401, "/metrics": 401,
		} {
			got := w.stranger(w.doors[0]).send(t, request{method: http.MethodGet, url: ownOrigin + path, host: host})
			// net/http itself refuses a Host that cannot be one.
			if got.status != status && got.status != http.StatusBadRequest {
				t.Errorf("%s on %s: %d, want %d", path, host, got.status, status)
			}
			if got.header.Get("Set-Cookie") != "" || strings.Contains(got.to(), "evil") {
				t.Errorf("%s on %s: %v", path, host, got.header)
			}
		}
	}
	for _, host := range []string{"AUTH.example.TEST", "auth.example.test:443"} {
		if got := w.stranger(w.doors[0]).send(t, request{method: http.MethodGet, url: ownOrigin + "/auth/about", host: host}); got.status != http.StatusOK {
			t.Errorf("%s is our own host in another spelling, and is answered %d", host, got.status)
		}
	}
}

// TestHostsDoNotMix: a path of one kind of host does not exist on another.
func TestHostsDoNotMix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	for _, c := range []struct {
		url    string
		status int
	}{
		{appOrigin + "/auth/", 421}, {appOrigin + "/auth/sign-in", 421}, {appOrigin + "/auth/github", 421}, {appOrigin + "/auth/github/callback?code=1&state=2", 421},
		{appOrigin + "/auth/continue", 421}, {appOrigin + "/auth/sign-out", 421}, {appOrigin + "/auth/waiting/events", 421},
		{ownOrigin + "/.af-auth/start", 421}, {ownOrigin + "/.af-auth/enter", 421}, {appOrigin + "/auth/verify", 401}, {appOrigin + "/", 421}, {appOrigin + "/inside", 404},
	} {
		if got := w.stranger(w.doors[0]).get(t, c.url); got.status != c.status || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v, want %d", c.url, got.status, got.header["Set-Cookie"], c.status)
		}
	}
}

// TestSoakOneBucketForEachPeer (C11): addresses that a stranger writes himself make
// no new peers, and the record holds the one of the socket.
func TestSoakOneBucketForEachPeer(t *testing.T) {
	t.Parallel()
	const rate = 20 // a minute
	w := newWorld(t, 1, map[string]string{"AF_AUTH_SIGN_IN_RATE": fmt.Sprint(rate)})
	s := w.stranger(w.doors[0])
	begun, passed, n := time.Now(), 0, rounds(t, 400, 10_000)
	for range n {
		got := s.send(t, request{method: http.MethodGet, url: ownOrigin + "/auth/github", header: http.Header{
			"X-Forwarded-For": {randomAddress()}, "X-Real-Ip": {randomAddress()}, "Forwarded": {"for=" + randomAddress()},
			"X-Client-Ip": {randomAddress()}, "True-Client-Ip": {randomAddress()}, "Cf-Connecting-Ip": {randomAddress()}, "Cookie": {""},
		}})
		switch {
		case got.status == http.StatusFound:
			passed++
		case got.status != http.StatusTooManyRequests, got.header.Get("Retry-After") == "", got.header.Get("Set-Cookie") != "":
			t.Fatalf("%d %v", got.status, got.header)
		}
	}
	if most := rate + int(time.Since(begun).Minutes()*rate) + 1; passed > most || passed < rate {
		t.Errorf("%d of %d passed, want %d to %d", passed, n, rate, most)
	}
	if got := w.strangerFrom(w.doors[0], "127.0.0.2").signIn(t, "octocat", ""); got.status != http.StatusSeeOther {
		t.Errorf("another peer is answered %d", got.status)
	}
	if got := w.value(t, `SELECT address FROM events WHERE kind = 'sign_in.succeeded'`); got != "127.0.0.2" {
		t.Errorf("the record says %s", got)
	}
	if got := w.metric(t, w.doors[0], "af_auth_sign_in_rate_limited_total"); got != float64(n-passed) {
		t.Errorf("%v are counted as limited, want %d", got, n-passed)
	}
}

func randomAddress() string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], rand.Uint32())
	return netip.AddrFrom4(b).String()
}

// TestTrustedHops (C11): through proxies that are trusted, the peer is the
// first address from the right that is not theirs.
func TestTrustedHops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, map[string]string{"AF_AUTH_SIGN_IN_RATE": "4", "AF_AUTH_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8"})
	for _, c := range []struct{ name, from, chain, peer string }{
		{"one hop", "127.0.0.1", "203.0.113.7", "203.0.113.7"},
		{"what the stranger wrote stands left", "127.0.0.1", "1.2.3.4, 203.0.113.8", "203.0.113.8"},
		{"two trusted hops", "127.0.0.1", "1.2.3.4, 203.0.113.9, 10.1.1.1", "203.0.113.9"},
		{"IPv4 in IPv6", "127.0.0.1", "::ffff:203.0.113.10", "203.0.113.10"},
		{"no address", "127.0.0.1", "203.0.113.11, unknown", "127.0.0.1"},
		{"from elsewhere", "127.0.0.3", "203.0.113.12", "127.0.0.3"},
	} {
		passed := 0
		for range 12 {
			got := w.strangerFrom(w.doors[0], c.from).send(t, request{method: http.MethodGet, url: ownOrigin + "/auth/github",
				header: http.Header{"X-Forwarded-For": {c.chain}}})
			if got.status == http.StatusFound {
				passed++
			}
			c.chain = strings.Replace(c.chain, "1.2.3.4", randomAddress(), 1)
		}
		if passed < 4 || passed > 5 {
			t.Errorf("%s: %d of 12 passed, want the 4 of one bucket", c.name, passed)
		}
		if log := w.doors[0].log.String(); !strings.Contains(log, `"peer":"`+c.peer+`"`) {
			t.Errorf("%s: no line of the log names the peer %s", c.name, c.peer)
		}
	}
}

// metric reads one number of a server's metrics, by name and labels as
// Prometheus writes them. What is not there is 0.
func (w *world) metric(t *testing.T, d *door, name string) float64 {
	t.Helper()
	got := w.stranger(d).send(t, request{method: http.MethodGet, url: ownOrigin + "/metrics", header: http.Header{"Authorization": {"Bearer " + w.metricsToken}}})
	if got.status != http.StatusOK {
		t.Fatalf("/metrics: %d", got.status)
	}
	for line := range strings.Lines(got.body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			var n float64
			if _, err := fmt.Sscan(strings.TrimSpace(value), &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// TestTwoHosts: a request that names its host twice is no request.
func TestTwoHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	for _, head := range []string{
		"GET /auth/about HTTP/1.1\r\nHost: auth.example.test\r\nHost: evil.test\r\n",
		"GET /auth/about HTTP/1.1\r\n", "GET /auth/about HTTP/1.1\r\nHost: \r\n", "GET /auth/about HTTP/1.1\r\nHost: auth.example.test \x00\r\n",
		"GET /auth/about HTTP/1.1\r\nHost: auth.example.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n",
		"GET https://evil.test/auth/about HTTP/1.1\r\nHost: auth.example.test\r\n", "CONNECT auth.example.test:443 HTTP/1.1\r\nHost: auth.example.test\r\n",
		"PRI * HTTP/2.0\r\n", "GET /auth/about HTTP/1.1\r\n Host: auth.example.test\r\n", "GET /auth/about HTTP/1.1\r\nHost : auth.example.test\r\n",
	} {
		got := w.doors[0].raw(t, head+"Connection: close\r\n\r\n")
		if got.status != 0 && got.status < 400 {
			t.Errorf("%q: %d", head, got.status)
		}
	}
	if _, err := net.ResolveTCPAddr("tcp", w.doors[0].address); err != nil || bytes.Contains([]byte(w.doors[0].log.String()), []byte("panic")) {
		t.Errorf("the server is not well: %v", err)
	}
}
