package demo

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestPassesWithIdentity(t *testing.T) {
	t.Parallel()
	auth := newAuthServer(t)
	res, body := newDemoServer(t, auth, nil).get(t, "/echo?a=1&b=2")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status %d", res.StatusCode)
	}
	for _, line := range []string{
		"GET /echo?a=1&b=2 HTTP/1.1",
		"Host: app.test:8081",
		"X-Auth-Request-User: octocat",
		"X-Auth-Request-User-Id: 0193a1f2-7c11-7000-8000-00000000002a",
		"X-Auth-Request-Github-Id: 583231",
		"X-Auth-Request-Email: ",
		"X-Auth-Request-Name: Mona%20Octocat",
		"X-Forwarded-Host: app.test:8081",
	} {
		if !slices.Contains(strings.Split(body, "\n"), line) {
			t.Errorf("the application did not receive %q in:\n%s", line, body)
		}
	}
}

// TestStripsOtherProxiesHeaders: an application that believes another name for
// the person than ours must not hear it from the browser.
func TestStripsOtherProxiesHeaders(t *testing.T) {
	t.Parallel()
	d := newDemoServer(t, newAuthServer(t), nil)
	var headers []string
	for _, name := range []string{
		"X-WEBAUTH-USER", "X-Webauth-Role", "x-webauth-groups", "Remote-User", "Remote-Groups", "Remote_User", "X-Remote-User", "X.Remote.User",
		"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Auth-User", "X-authentik-username", "Webauth-User",
	} {
		headers = append(headers, name+": canary")
	}
	if _, got := d.do(t, request("GET", "/echo", append(headers, "Cookie: "+sessionCookie+"=mona", "X-Mine: kept")...)); strings.Contains(got, "canary") || !strings.Contains(got, "X-Mine: kept") {
		t.Errorf("the application received:\n%s", got)
	}
}

func TestAsksAboutEachRequest(t *testing.T) {
	t.Parallel()
	auth := newAuthServer(t)
	d := newDemoServer(t, auth, nil)
	d.do(t, request("POST", "/echo?x=%20y",
		"Content-Length: 3", "Cookie: one=1", "Cookie: "+sessionCookie+"=mona",
		"X-Original-URI: /public", "X-Original-Method: GET", "X-Forwarded-Host: evil.test",
		"X-Auth-Request-User: admin", "Authorization: Bearer secret")+"abc")
	asked := auth.asked()
	if len(asked) != 1 {
		t.Fatalf("asked %d times", len(asked))
	}
	q := asked[0]
	if q.Host != "app.test:8081" || q.ContentLength > 0 {
		t.Errorf("host %q, length %d", q.Host, q.ContentLength)
	}
	if got := q.Header["Cookie"]; !slices.Equal(got, []string{"one=1", sessionCookie + "=mona"}) {
		t.Errorf("cookie lines %q", got)
	}
	if u, m := q.Header["X-Original-Uri"], q.Header["X-Original-Method"]; !slices.Equal(u, []string{"/echo?x=%20y"}) || !slices.Equal(m, []string{"POST"}) {
		t.Errorf("X-Original-URI %q, X-Original-Method %q", u, m)
	}
	for _, name := range []string{"X-Auth-Request-User", "X-Forwarded-Host", "Authorization"} {
		if q.Header.Get(name) != "" {
			t.Errorf("%s was passed to the question", name)
		}
	}
	d.get(t, "/")
	d.get(t, "/style.css")
	if n := len(auth.asked()); n != 3 {
		t.Errorf("three requests, asked %d times", n)
	}
}

// A browser that sends identity headers must never be believed, in whatever
// spelling, and must not be able to have ours removed.
func TestSmuggledHeaders(t *testing.T) {
	t.Parallel()
	d := newDemoServer(t, newAuthServer(t), nil)
	lines := []string{
		"X-Auth-Request-User: smuggled",
		"x-auth-request-user: smuggled",
		"X-AUTH-REQUEST-USER-ID: smuggled",
		"X_Auth_Request_User: smuggled",
		"X-Auth_Request-User: smuggled",
		"X_AUTH_REQUEST_EMAIL: smuggled",
		"X.Auth.Request.User: smuggled",
		"XAuthRequestUser: smuggled",
		"xAuthRequestUser: smuggled",
		"X-Auth-Request-Groups: smuggled",
		"X-Auth-Request-Email: smuggled\nX-Auth-Request-Email: smuggled too",
		"X-Original-URI: /smuggled",
		"X_Original_URI: /smuggled",
		"X-Forwarded-For: smuggled",
		"X_Forwarded_For: smuggled",
		"X-Forwarded_Proto: smuggled",
		"X-Forwarded-User: smuggled",
		"Forwarded: for=smuggled",
		"X-Real-IP: smuggled",
		"Remote_User: smuggled",
		"Connection: X-Auth-Request-User",
		"Connection: x-auth-request-user, x-auth-request-user-id, x-auth-request-name",
		"Connection: close, X-Auth-Request-Email\nX-Auth-Request-Email: smuggled",
		"Connection: Host, Cookie",
	}
	_, plain := d.get(t, "/echo")
	for _, line := range lines {
		t.Run(strings.ReplaceAll(line, "\n", " + "), func(t *testing.T) {
			t.Parallel()
			res, body := d.get(t, "/echo", line)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("status %d", res.StatusCode)
			}
			if body != plain {
				t.Errorf("the application sees\n%s\ninstead of\n%s", body, plain)
			}
		})
	}
}

func TestTrailersStopAtTheProxy(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	d := newDemoServer(t, newAuthServer(t), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- fmt.Sprintf("%s %v %v", body, r.Trailer, r.Header["Trailer"])
	}))
	d.do(t, request("POST", "/", "Cookie: "+sessionCookie+"=mona", "Transfer-Encoding: chunked",
		"Trailer: X-Auth-Request-User")+"2\nhi\n0\nX-Auth-Request-User: smuggled\n\n")
	if got := <-seen; got != "hi map[] []" {
		t.Errorf("the application received %q", got)
	}
}

func TestApplicationNeverHoldsOurCookies(t *testing.T) {
	t.Parallel()
	d := newDemoServer(t, newAuthServer(t), nil)
	for _, tt := range []struct{ name, sent, want string }{
		{"session only", "", ""},
		{"kept in order", "a=1; b=\"two\"; c", "Cookie: a=1; b=\"two\"; c"},
		{"nonce", "af_auth_nonce_8081=n; a=1", "Cookie: a=1"},
		{"other port", "a=1; af_auth_8080=own", "Cookie: a=1"},
		{"https names", "__Host-af_auth=s; __Host-af_auth_state_abcdefgh=x; __Host-af_auth_nonce=n; z=9", "Cookie: z=9"},
		{"upper case", "AF_AUTH_8080=s; __HOST-AF_AUTH=t; z=9", "Cookie: z=9"},
		{"in quotes", `a="x; af_auth_8080=s"; z=9`, `Cookie: a="x; z=9`},
		{"spaces", "a=1;\taf_auth_8080 = s ;; z=9", "Cookie: a=1; z=9"},
		{"somebody else's", "my_af_auth_1=a; af_authority=b; __Host-af=c", "Cookie: my_af_auth_1=a; af_authority=b; __Host-af=c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			if tt.sent != "" {
				lines = append(lines, "Cookie: "+tt.sent)
			}
			_, body := d.get(t, "/echo", lines...)
			var got string
			for line := range strings.SplitSeq(body, "\n") {
				if strings.HasPrefix(line, "Cookie:") {
					got += line
				}
			}
			if got != tt.want {
				t.Errorf("received %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	auth := newAuthServer(t)
	d := newDemoServer(t, auth, nil)
	const html = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	for _, tt := range []struct {
		name, method string
		lines        []string
		start        bool
		status       int
	}{
		{"navigation", "GET", []string{"Sec-Fetch-Mode: navigate"}, true, 302},
		{"navigation by HEAD", "HEAD", []string{"Sec-Fetch-Mode: navigate"}, true, 302},
		{"old browser", "GET", []string{html}, true, 302},
		{"upper case", "GET", []string{"Accept: TEXT/HTML"}, true, 302},
		{"fetch that accepts html", "GET", []string{"Sec-Fetch-Mode: cors", html}, false, 401},
		{"websocket", "GET", []string{"Sec-Fetch-Mode: websocket", html}, false, 401},
		{"curl", "GET", []string{"Accept: */*"}, false, 401},
		{"nothing said", "GET", nil, false, 401},
		{"form", "POST", []string{"Sec-Fetch-Mode: navigate", html, "Content-Length: 0"}, false, 401},
		{"health checker", "GET", []string{"User-Agent: kube-probe/1.30"}, false, 401},
		{"waiting, navigation", "GET", []string{"Sec-Fetch-Mode: navigate", "Cookie: af_auth_8081=waiting"}, true, 302},
		{"waiting, script", "GET", []string{"Sec-Fetch-Mode: cors", "Cookie: af_auth_8081=waiting"}, false, 403},
		{"session twice", "GET", []string{"Cookie: af_auth_8081=mona; af_auth_8081=mona"}, false, 401},
		{"session of the other host", "GET", []string{"Cookie: af_auth_8080=mona"}, false, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, body := d.do(t, request(tt.method, "/d/latency?from=1&to=2", tt.lines...))
			if res.StatusCode != tt.status {
				t.Fatalf("status %d, want %d: %s", res.StatusCode, tt.status, body)
			}
			if !tt.start {
				if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" || !strings.Contains(body, `"code":"not_`) {
					t.Errorf("%s %s", ct, body)
				}
				return
			}
			want := "http://own.test/auth/continue?return_to=http%3A%2F%2Fapp.test%3A8081%2Fd%2Flatency%3Ffrom%3D1%26to%3D2"
			if got := res.Header.Get("Location"); got != want {
				t.Errorf("sent to %q, want %q", got, want)
			}
			if got := res.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "af_auth_nonce_8081=") {
				t.Errorf("cookie %q", got)
			}
		})
	}
	t.Cleanup(func() {
		if n := d.served.Load(); n != 0 {
			t.Errorf("the application saw %d refused requests", n)
		}
	})
}

func TestFolderOfAfAuth(t *testing.T) {
	t.Parallel()
	auth := newAuthServer(t)
	d := newDemoServer(t, auth, nil)
	res, _ := d.do(t, request("GET", "/.af-auth/enter?ticket=t", "Cookie: af_auth_nonce_8081=n",
		"X-Original-URI: /evil", "X-Forwarded-Host: evil.test", "Upgrade: websocket", "Connection: Upgrade"))
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Set-Cookie"), sessionCookie+"=mona") {
		t.Errorf("status %d, cookie %q", res.StatusCode, res.Header.Get("Set-Cookie"))
	}
	got := auth.folderRequests()
	if len(got) != 1 {
		t.Fatalf("%d requests arrived", len(got))
	}
	r := got[0]
	if r.Host != "app.test:8081" || r.RequestURI != "/.af-auth/enter?ticket=t" || r.Header.Get("Cookie") != "af_auth_nonce_8081=n" {
		t.Errorf("host %q, uri %q, cookie %q", r.Host, r.RequestURI, r.Header.Get("Cookie"))
	}
	if r.Header.Get("X-Original-URI") != "" || r.Header.Get("X-Forwarded-Host") != "app.test:8081" {
		t.Errorf("headers of the browser passed: %v", r.Header)
	}
	// The browser's own choice of where to return goes by the query alone.
	res, _ = d.do(t, request("GET", "/.af-auth/start?return_to=/x"))
	if want := "http://own.test/auth/continue?return_to=http%3A%2F%2Fapp.test%3A8081%2Fx"; res.Header.Get("Location") != want {
		t.Errorf("sent to %q, want %q", res.Header.Get("Location"), want)
	}
	// af-auth's other paths are not on this host.
	if res, _ := d.do(t, request("GET", "/auth/verify")); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("/auth/verify on the application's host: %d", res.StatusCode)
	}
	if asked := len(auth.asked()); asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
}
