package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// stranger is a browser that its owner can make do anything. It keeps cookies
// by host, as browsers do, follows nothing by itself, and checks each cookie
// that it is given.
type stranger struct {
	w    *world
	door *door
	// from is the address of this machine that it calls from.
	from string
	jar  map[string]map[string]string // host → name → value
	http *http.Client
}

func (w *world) stranger(d *door) *stranger { return w.strangerFrom(d, "127.0.0.1") }

func (w *world) strangerFrom(d *door, from string) *stranger {
	s := &stranger{w: w, door: d, from: from, jar: map[string]map[string]string{}}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	s.http = &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 64,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				// All hosts but GitHub's are served by the one door.
				if strings.Contains(address, ".test:") {
					address = s.door.address
				}
				return dialer.DialContext(ctx, network, address)
			},
		},
	}
	return s
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// to is where the answer leads.
func (r reply) to() string { return r.header.Get("Location") }

// request is one request with everything that an attacker may choose.
type request struct {
	method, url string
	header      http.Header
	body        string
	// host replaces the Host header.
	host string
}

// get is what a browser does for a link.
func (s *stranger) get(t testing.TB, address string) reply {
	t.Helper()
	return s.send(t, request{method: http.MethodGet, url: address})
}

func (s *stranger) send(t testing.TB, r request) reply {
	t.Helper()
	got, err := s.try(t.Context(), r)
	if err != nil {
		t.Fatalf("%s %.200s: %v", r.method, r.url, err)
	}
	for _, fault := range got.faults {
		t.Errorf("%s %.200s: %s", r.method, r.url, fault)
	}
	return got.reply
}

type checkedReply struct {
	reply
	faults []string
}

// try sends without failing the test, so that goroutines may use it.
func (s *stranger) try(ctx context.Context, r request) (checkedReply, error) {
	// The servers speak http behind the proxy that these hosts stand for.
	req, err := http.NewRequestWithContext(ctx, r.method, strings.Replace(r.url, "https://", "http://", 1), strings.NewReader(r.body))
	if err != nil {
		return checkedReply{}, err
	}
	host := req.URL.Host
	for name, values := range r.header {
		req.Header[name] = values
	}
	if _, given := req.Header["Accept"]; !given {
		req.Header.Set("Accept", "text/html")
	}
	if _, given := req.Header["Cookie"]; !given {
		for name, value := range s.jar[host] {
			req.Header.Add("Cookie", name+"="+value)
		}
		if all := req.Header["Cookie"]; len(all) > 1 {
			req.Header.Set("Cookie", strings.Join(all, "; "))
		}
	}
	if r.host != "" {
		req.Host = r.host
	}
	begun := time.Now()
	res, err := s.http.Do(req)
	if err != nil {
		return checkedReply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return checkedReply{}, err
	}
	got := checkedReply{reply: reply{status: res.StatusCode, header: res.Header, body: string(b), took: time.Since(begun)}}
	for _, c := range res.Cookies() {
		if strings.HasSuffix(host, ".test") {
			got.faults = append(got.faults, badCookie(c)...)
		}
		s.keep(host, c)
	}
	return got, nil
}

func (s *stranger) keep(host string, c *http.Cookie) {
	if s.jar[host] == nil {
		s.jar[host] = map[string]string{}
	}
	if c.MaxAge < 0 {
		delete(s.jar[host], c.Name)
		return
	}
	s.jar[host][c.Name] = c.Value
}

// badCookie says what a production cookie must not be (RFC 6265bis, 4.1.3.2).
func badCookie(c *http.Cookie) (faults []string) {
	for _, rule := range []struct {
		holds bool
		name  string
	}{
		{strings.HasPrefix(c.Name, "__Host-af_auth"), "no __Host- prefix"},
		{c.Secure, "not Secure"}, {c.HttpOnly, "not HttpOnly"}, {c.SameSite == http.SameSiteLaxMode, "not SameSite=Lax"},
		{c.Path == "/", "Path is not /"}, {c.Domain == "", "has a Domain"},
		// Browsers drop what is larger, in silence.
		{len(c.Name)+len(c.Value) <= 4096, "larger than 4096 bytes"},
	} {
		if !rule.holds {
			faults = append(faults, fmt.Sprintf("cookie %s: %s", c.Name, rule.name))
		}
	}
	return faults
}

// cookie returns one cookie of a host.
func (s *stranger) cookie(origin, name string) string { return s.jar[hostOf(origin)][name] }

// session is the session cookie of an origin.
func (s *stranger) session(origin string) string { return s.cookie(origin, "__Host-af_auth") }

// begin starts a sign-in and returns the address at GitHub.
func (s *stranger) begin(t testing.TB, query string) string {
	t.Helper()
	got := s.get(t, ownOrigin+"/auth/github"+query)
	if got.status != http.StatusFound || !strings.HasPrefix(got.to(), s.w.github.URL+"/login/oauth/authorize?") {
		t.Fatalf("/auth/github: %d to %q", got.status, got.to())
	}
	return got.to()
}

// choose picks a person on GitHub's page and returns the callback's address.
func (s *stranger) choose(t testing.TB, authorize, login string) string {
	t.Helper()
	got := s.send(t, request{method: http.MethodPost, url: authorize, body: url.Values{"login": {login}}.Encode(),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}})
	if got.status != http.StatusFound || !strings.HasPrefix(got.to(), ownOrigin+"/auth/github/callback?") {
		t.Fatalf("GitHub answers %d to %q", got.status, got.to())
	}
	return got.to()
}

// signIn goes the whole way on af-auth's own host and returns the last answer.
func (s *stranger) signIn(t testing.TB, login, query string) reply {
	t.Helper()
	return s.get(t, s.choose(t, s.begin(t, query), login))
}

// enter goes from an application's gate through sign-in to the application, and
// returns the last answer. The person must be allowed.
func (s *stranger) enter(t testing.TB, app, login string) reply {
	t.Helper()
	got := s.get(t, app+"/.af-auth/start?return_to=/inside")
	for range 8 {
		next := got.to()
		switch {
		case next == app+"/inside":
			return got
		case strings.HasPrefix(next, "/"):
			next = ownOrigin + next
		case strings.HasPrefix(next, s.w.github.URL):
			next = s.choose(t, next, login)
		}
		if strings.HasPrefix(next, ownOrigin+"/auth/sign-in") {
			next = strings.Replace(next, "/auth/sign-in", "/auth/github", 1)
		}
		if next == "" {
			t.Fatalf("the way to %s ends with %d: %s", app, got.status, got.body)
		}
		got = s.get(t, next)
	}
	t.Fatalf("the way to %s does not end", app)
	return got
}

// verify asks the gate on behalf of an origin's browser.
func (s *stranger) verify(t testing.TB, origin string) int {
	t.Helper()
	return s.send(t, request{method: http.MethodGet, url: origin + "/auth/verify", header: http.Header{"Accept": {"application/json"}}}).status
}

// raw sends bytes as they are and reads until the server closes.
func (d *door) raw(t testing.TB, head string) reply {
	t.Helper()
	conn, err := net.DialTimeout("tcp", d.address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	// A server may answer and close before it has read all.
	go func() { _, _ = io.WriteString(conn, head) }()
	var all bytes.Buffer
	_, _ = io.Copy(&all, conn)
	res, err := http.ReadResponse(bufio.NewReader(&all), nil)
	if err != nil {
		return reply{took: time.Since(begun)}
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, header: res.Header, body: string(b), took: time.Since(begun)}
}
