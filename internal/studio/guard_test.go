package studio_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/studio"
)

// The key works once, in one browser, and nothing is shown without it.
func TestLinkWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE secrets (id int PRIMARY KEY)`)
	for _, path := range []string{"/", "/t/public/secrets", "/diagram", "/nowhere", "/open", "/open?key=", "/open?key=" + afauth.NewToken().Reveal()} {
		if status, body := w.get(path); status != http.StatusUnauthorized || strings.Contains(body, "secrets") || !strings.Contains(body, "af-auth db studio") {
			t.Errorf("GET %s without a session: %d", path, status)
		}
	}
	link := strings.TrimPrefix(w.app.Link(w.origin), w.origin)
	req, _ := http.NewRequest(http.MethodGet, w.origin+link, nil)
	res, _ := w.do(req)
	cookie := res.Header.Get("Set-Cookie")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(w.origin, "http://"))
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/" {
		t.Fatalf("the link answers %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	for _, want := range []string{"af_auth_studio_" + port + "=", "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q lacks %s", cookie, want)
		}
	}
	if body := w.page("/"); !strings.Contains(body, "secrets") {
		t.Error("the session shows no tables")
	}
	if status, _ := w.get(link); status != http.StatusSeeOther {
		t.Errorf("the used link, by whoever used it: %d", status)
	}
	w.client = browser(t)
	if status, _ := w.get(link); status != http.StatusUnauthorized {
		t.Errorf("the used link, by another browser: %d", status)
	}
}

// C37: names that were made to point here, other sites, programs.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE secrets (id int PRIMARY KEY)`).open()
	host := strings.TrimPrefix(w.origin, "http://")
	for _, test := range []struct {
		name, method, path, host, contentType string
		headers                               map[string]string
		want                                  int
	}{
		{name: "own", method: "GET", path: "/", want: 200},
		{name: "localhost", method: "GET", path: "/", host: strings.Replace(host, "127.0.0.1", "localhost", 1), want: 200},
		{name: "rebound name", method: "GET", path: "/", host: "evil.test:5555", want: 421},
		{name: "rebound name, right port", method: "GET", path: "/", host: strings.Replace(host, "127.0.0.1", "evil.test", 1), want: 421},
		{name: "no port", method: "GET", path: "/", host: "127.0.0.1", want: 421},
		{name: "rebound name, stylesheet", method: "GET", path: "/assets/x", host: "evil.test", want: 421},
		{name: "rebound name, link", method: "GET", path: "/open?key=x", host: "evil.test", want: 421},
		{name: "loaded by another site", method: "GET", path: "/", headers: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, want: 403},
		{name: "framed by another site", method: "GET", path: "/", headers: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, want: 403},
		{name: "another port of this machine", method: "GET", path: "/", headers: map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, want: 403},
		{name: "own form", method: "POST", path: "/theme", headers: map[string]string{"Origin": w.origin, "Sec-Fetch-Site": "same-origin"}, want: 303},
		{name: "form of another site", method: "POST", path: "/theme", headers: map[string]string{"Origin": "http://evil.test"}, want: 403},
		{name: "form of another port", method: "POST", path: "/theme", headers: map[string]string{"Origin": "http://127.0.0.1:1"}, want: 403},
		{name: "form of another scheme", method: "POST", path: "/theme", headers: map[string]string{"Origin": "https://" + host}, want: 403},
		{name: "hidden origin", method: "POST", path: "/theme", headers: map[string]string{"Origin": "null"}, want: 403},
		{name: "no origin", method: "POST", path: "/theme", want: 403},
		{name: "cross-site by its own word", method: "POST", path: "/theme", headers: map[string]string{"Origin": w.origin, "Sec-Fetch-Site": "cross-site"}, want: 403},
		{name: "text/plain of another site", method: "POST", path: "/theme", contentType: "text/plain", headers: map[string]string{"Origin": "http://evil.test"}, want: 403},
		{name: "unknown method", method: "DELETE", path: "/t/public/secrets", headers: map[string]string{"Origin": w.origin}, want: 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(test.method, w.origin+test.path, strings.NewReader("theme=dark"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if test.contentType != "" {
				req.Header.Set("Content-Type", test.contentType)
			}
			for name, value := range test.headers {
				req.Header.Set(name, value)
			}
			if test.host != "" {
				req.Host = test.host
			}
			for _, c := range w.client.Jar.Cookies(req.URL) {
				req.AddCookie(c)
			}
			client := &http.Client{CheckRedirect: w.client.CheckRedirect}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != test.want {
				t.Errorf("got %d, want %d", res.StatusCode, test.want)
			}
		})
	}
}

// Every answer, whatever it says, carries what keeps a page to itself.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE a (id int PRIMARY KEY)`)
	paths := []string{"/", "/sql", "/nowhere", "/open?key=x", "/t/public/a", "/t/public/b", "/t/public/a?f=id.is.x", "/diagram", "//", "/t/%00/x"}
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			w.open()
		}
		for _, path := range paths {
			req, _ := http.NewRequest(http.MethodGet, w.origin+path, nil)
			res, body := w.do(req)
			h := res.Header
			if res.StatusCode/100 == 3 {
				continue
			}
			if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("%s: policy %q", path, csp)
			}
			if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%s: headers %v", path, h)
			}
			for _, bad := range []string{" style=", "<style", " onclick", " hx-on", "js:", "http://", "https://"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s holds %q", path, bad)
				}
			}
		}
	}
}

// Beyond loopback studio does not listen in clear.
func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	u, err := pgurl.Parse(pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		address string
		change  func(*studio.Options)
		ok      bool
	}{
		{"127.0.0.1", nil, true},
		{"::1", nil, true},
		{"0.0.0.0", nil, false},
		{"::", nil, false},
		{"192.0.2.7", nil, false},
		{"0.0.0.0", func(o *studio.Options) { o.TLS = true }, true},
		{"0.0.0.0", func(o *studio.Options) { o.ProxySecret = "a secret of the proxy and studio" }, true},
	} {
		o := studio.Options{URL: u, Listen: test.address}
		if test.change != nil {
			test.change(&o)
		}
		app, err := studio.New(t.Context(), &net.TCPAddr{IP: net.ParseIP(test.address), Port: 5555}, o)
		if (err == nil) != test.ok {
			t.Errorf("listening on %s: %v", test.address, err)
		}
		if err == nil {
			app.Close()
		} else if afauth.CodeOf(err) != afauth.CodeInvalid || !strings.Contains(err.Error(), " "+test.address+" ") {
			t.Errorf("listening on %s: %v", test.address, err)
		}
	}
}

// Behind a proxy: its secret with every request, its name, its path.
func TestBehindProxy(t *testing.T) {
	t.Parallel()
	const secret = "a secret of the proxy and studio"
	w := newWorld(t, `CREATE TABLE a (id int PRIMARY KEY)`, func(o *studio.Options) {
		o.ProxySecret, o.BasePath, o.Hosts = secret, "/db/studio", []string{"db.example.com"}
	})
	var session *http.Cookie
	ask := func(path, given string) (*http.Response, string) {
		req, err := http.NewRequest(http.MethodGet, w.origin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "db.example.com"
		req.Header.Set(studio.ProxyHeader, given)
		if session != nil { // the browser speaks https, the proxy hands its cookie on
			req.AddCookie(session)
		}
		return w.do(req)
	}
	link := strings.TrimPrefix(w.app.Link(w.origin), w.origin)
	for _, given := range []string{"", "wrong", secret + "x"} {
		if res, body := ask(link, given); res.StatusCode != http.StatusForbidden || !strings.Contains(body, "did not come through the proxy") {
			t.Errorf("secret %q: %d %s", given, res.StatusCode, words(body))
		}
	}
	res, _ := ask(link, secret)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/db/studio/" || !strings.Contains(res.Header.Get("Set-Cookie"), "Path=/db/studio/") {
		t.Fatalf("the link: %d, %v", res.StatusCode, res.Header)
	}
	session = res.Cookies()[0]
	res, body := ask("/db/studio/", secret)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `href="/db/studio/t/public/a"`) || strings.Contains(body, `href="/t/`) {
		t.Errorf("the list of tables under its path: %d", res.StatusCode)
	}
}

// Cookies are Secure wherever browsers speak https, to studio or to its proxy.
func TestCookiesAreSecure(t *testing.T) {
	t.Parallel()
	const secret = "a secret of the proxy and studio"
	w := newWorld(t, `SELECT 1`)
	for _, test := range []struct {
		name   string
		change func(*studio.Options)
		secure bool
	}{
		{"http on loopback", func(*studio.Options) {}, false},
		{"TLS", func(o *studio.Options) { o.TLS = true }, true},
		{"a proxy that speaks TLS", func(o *studio.Options) { o.ProxySecret = secret }, true},
	} {
		w.serve(test.change)
		send := func(req *http.Request, err error) *http.Cookie {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(studio.ProxyHeader, secret)
			res, body := w.do(req)
			if len(res.Cookies()) != 1 {
				t.Fatalf("%s: %d, no cookie\n%s", test.name, res.StatusCode, body)
			}
			return res.Cookies()[0]
		}
		session := send(http.NewRequest(http.MethodGet, w.app.Link(w.origin), nil))
		req, err := http.NewRequest(http.MethodPost, w.origin+"/theme", strings.NewReader("theme=dark"))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", w.origin)
			if test.name == "TLS" { // the listener of this test speaks http all the same
				req.Header.Set("Origin", strings.Replace(w.origin, "http:", "https:", 1))
			}
			if test.secure { // over http the jar keeps it back
				req.AddCookie(session)
			}
		}
		for _, c := range []*http.Cookie{session, send(req, err)} {
			if c.Secure != test.secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
				t.Errorf("%s: %v", test.name, c)
			}
		}
	}
}
