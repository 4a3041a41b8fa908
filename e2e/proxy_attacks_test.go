package e2e

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
)

// takesNoIdentity: what a browser says about who it is never arrives, in no
// spelling that an application might read as one of ours.
func (f *front) takesNoIdentity(t *testing.T, v *visitor) {
	for _, lines := range [][]string{
		{"X-Auth-Request-User: admin"}, {"x-auth-request-user: admin", "X-AUTH-REQUEST-USER: admin"}, // C07
		{"X-Auth-Request-Email: admin@example.test"}, {"X-AUTH-REQUEST-EMAIL: admin@example.test", "x-auth-request-email: admin"},
		{"X-Auth-Request-Groups: admin"}, {"X-Auth-Request-Preferred-Username: admin", "X-Auth-Request-Access-Token: admin"},
		{"X_Auth_Request_User: admin"}, {"X-Auth_Request-User: admin"}, {"X_Auth-Request_User: admin"}, {"x-auth-request_user: admin"}, // C08
		{"X_AUTH_REQUEST_EMAIL: admin@example.test"}, {"X-Auth-Request_Email: admin"}, {"x_auth_request_groups: admin"},
		{"X.Auth.Request.User: admin"}, {"X-Auth.Request-Email: admin"}, {"X_Auth_Request-User_Id: admin", "X-Auth-Request-Github_Id: admin"},
		{"Remote-User: admin"}, {"REMOTE_USER: admin", "Remote-Groups: admin"}, {"X-Webauth-User: admin", "X-WEBAUTH-ROLE: admin"},
		{"X-Remote-User: admin"}, {"X-Forwarded-User: admin", "X-Forwarded-Email: admin", "X-Forwarded-Groups: admin"},
		{"Connection: X-Auth-Request-User, X-Auth-Request-Github-Id, Cookie"},                                                                  // C09
		{"Connection: keep-alive, x-auth-request-user-id, x-auth-request-name", "X-Auth-Request-Email: admin"},                                 //
		{"connection: x-forwarded-uri, x-forwarded-host, x-forwarded-method", "X-Forwarded-Uri: /public/admin", "X-Forwarded-Method: OPTIONS"}, //
		{"Connection: X-Auth-Request-User", "Connection: cookie, X-Forwarded-Host"},
		{"X-Forwarded-Host: admin.example.test", "X-Forwarded-For: 1.2.3.4, admin", "Forwarded: host=admin;for=admin"},
		{"X-Original-URI: /public/admin", "X-Original-URL: /public/admin", "X-Rewrite-URL: /public/admin"},
	} {
		name := strings.Join(lines, "; ")
		got := f.raw(t, appOrigin, head(t, v, "/inside", lines...))
		if got.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.status, got.body)
			continue
		}
		isOctocat(t, reflected(t, got.status, got.body))
		if t.Failed() {
			t.Fatalf("by %s", name)
		}
		if got := f.raw(t, appOrigin, head(t, nil, "/inside", lines...)); got.status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d %s", name, got.status, got.body)
		}
	}
}

// keepsItsCookies: af-auth's own cookies stay at the proxy, others pass.
func (f *front) keepsItsCookies(t *testing.T, v *visitor) {
	ours := v.cookies(t, appOrigin)
	if !strings.Contains(ours, "__Host-af_auth=") {
		t.Fatalf("the browser holds %s", ours)
	}
	for _, c := range []struct{ sent, want string }{
		{ours, ""},
		{"a=1; " + ours, "a=1"},
		{ours + "; b=2", "b=2"},
		{"a=1; " + ours + "; b=2; af_authority=3; xaf_auth=4; c=\"af_auth\"", `a=1; b=2; af_authority=3; xaf_auth=4; c="af_auth"`},
		{"a=1; af_auth_8080=x; b=2; af_auth_nonce_8080=y; " + ours, "a=1; b=2"},
		{"a=1;" + ours + ";b=2", "a=1"},
		{"__Host-af_auth_theme=; " + ours + "; a=1", "a=1"},
	} {
		got := f.raw(t, appOrigin, head(t, nil, "/inside", "Cookie: "+c.sent))
		seen := reflected(t, got.status, got.body)
		isOctocat(t, seen)
		cookie := strings.Join(seen.Header.Values("Cookie"), "|")
		switch {
		case f.keepsCookies:
			if cookie != c.sent {
				t.Errorf("of %s came %s", c.sent, cookie)
			}
		case !strings.HasPrefix(cookie, c.want) || strings.Contains(cookie, "af_auth=") && !strings.Contains(c.want, "af_auth=") || strings.Contains(cookie, "af_auth_"):
			t.Errorf("of %s came %q, want %q", c.sent, cookie, c.want)
		}
	}
	if f.keepsCookies {
		return
	}
	many := strings.Repeat("af_auth_1=x; ", 12)
	for _, lines := range [][]string{{"Cookie: " + many + ours}, {"Cookie: a=1", "Cookie: " + ours, "Cookie: b=2"}, {"cookie: " + ours + "; " + many}} {
		got := f.raw(t, appOrigin, head(t, nil, "/inside", lines...))
		if strings.Contains(strings.Join(reflected(t, got.status, got.body).Header.Values("Cookie"), ";"), "af_auth") {
			t.Errorf("cookies arrive: %s", got.body)
		}
	}
	// A pattern that goes back and forth over these gives up, or takes long. On a
	// public path, because af-auth reads no session out of so many cookies.
	semicolons := "Cookie: " + strings.Repeat(";", 7900)
	spaces := "Cookie: " + strings.Repeat("; ", 3900)
	for _, lines := range [][]string{
		{"Cookie: " + ours, semicolons, semicolons, semicolons}, {semicolons, semicolons, semicolons, "Cookie: " + ours},
		{semicolons, "Cookie: a=1; " + ours, spaces, semicolons}, {spaces, "Cookie: " + many + ours, spaces, semicolons},
	} {
		got := f.raw(t, appOrigin, head(t, nil, "/public/hook", lines...))
		if strings.Contains(strings.Join(reflected(t, got.status, got.body).Header.Values("Cookie"), ";"), "af_auth") {
			t.Errorf("behind many semicolons cookies arrive: %.300s", got.body)
		}
	}
	if log := f.log.String(); strings.Contains(log, "pcre") {
		t.Errorf("a pattern failed: %.300s", log[strings.Index(log, "pcre"):])
	}
}

// keepsHostsApart: what the request calls itself does not decide whose session
// opens it.
func (f *front) keepsHostsApart(t *testing.T, v *visitor) {
	app, wiki := hostOf(appOrigin), hostOf(elseApp)
	all := v.cookies(t, appOrigin) + "; " + v.cookies(t, ownOrigin)
	for _, head := range []string{
		"GET https://" + wiki + "/ HTTP/1.1\r\nHost: " + app + "\r\nCookie: " + v.cookies(t, appOrigin) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: " + wiki + "\r\nX-Forwarded-Host: " + app + "\r\nCookie: " + v.cookies(t, appOrigin) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: " + app + "\r\nX-Forwarded-Host: " + wiki + "\r\nCookie: " + v.cookies(t, elseApp) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: " + app + "\r\nHost: " + wiki + "\r\nCookie: " + v.cookies(t, elseApp) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: " + app + "\r\nCookie: " + v.cookies(t, ownOrigin) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: evil.test\r\nCookie: " + v.cookies(t, ownOrigin) + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: " + app + "\r\nCookie: " + all + "\r\n\r\n",
	} {
		if got := f.raw(t, appOrigin, head); strings.Contains(got.body, `"URI"`) || strings.Contains(got.body, "Hello, Mona") {
			t.Errorf("%.120q: %d %.200s", head, got.status, got.body)
		}
	}
}

// guardsPaths: with a public path there, no other one is opened by any spelling.
func (f *front) guardsPaths(t *testing.T, v *visitor) {
	for _, who := range []*visitor{nil, v} {
		got := f.raw(t, appOrigin, head(t, who, "/public/hook?x=1", "X-Auth-Request-User: admin", "X_Auth_Request_Email: admin"))
		seen := reflected(t, got.status, got.body)
		if seen.URI != "/public/hook?x=1" || seen.Header.Get("X-Auth-Request-User") != "" || strings.Contains(got.body, "admin") {
			t.Errorf("on a public path the application sees %s", got.body)
		}
	}
	if got := f.raw(t, elseApp, strings.Replace(head(t, nil, "/public/hook"), hostOf(appOrigin), hostOf(elseApp), 1)); got.status != http.StatusUnauthorized {
		t.Errorf("the other application's /public/hook: %d", got.status)
	}
	for _, target := range []string{
		"/public/../admin", "/public/%2e%2e/admin", "/public/%2E%2E/admin", "/public/..%2fadmin", "/public%2f..%2fadmin", "/public/%2e%2e%2fadmin",
		"/public/./../admin", "/./admin", "//admin", "//public/../admin", "/public//../admin", "/public/..;/admin", "/public/..;x=1/admin", "/public/%2e%2e;/admin",
		"/public/..%5cadmin", `/public/..\admin`, `/public\..\admin`, "/public/%00/../admin", "/public%00/../admin", "/public/%252e%252e/admin", "/public/%252e%252e%252fadmin",
		"/Public/", "/PUBLIC/../admin", "/admin?x=/public", "/admin?/public/", "/admin#/public/", "/admin%23/public/", "/publicx", "/publi", "/public;/../admin",
		"/public/%zz", "/public/%", "/public/\x01", "/public/\x80", "/public/" + strings.Repeat("a", 64<<10), "/admin/..;/public/", "/admin/../public/../admin",
		"/.af-auth/../admin", "/.af-auth/%2e%2e/admin", "/.af-auth/enter/../../admin", "/.af-auth/..%2fadmin", "/.af-auth//../admin", "/x/.af-auth/start", "/.AF-AUTH/start",
		"/.af-auth/verify", "/.af-auth/signed-out", "/.af-auth/", "/auth/verify", "/auth/forward", "public/", "*", "https:/admin", "https:/public/../admin", "/admin\tHTTP/1.1", "/",
	} {
		if got := f.raw(t, appOrigin, head(t, nil, target)); strings.Contains(got.body, `"URI"`) || got.status == http.StatusOK {
			t.Errorf("%.80q: %d %.200s", target, got.status, got.body)
		}
	}
	f.tellsOfBadPaths(t, v)
}

// tellsOfBadPaths: whoever opens a page at a path that is refused is told why on
// one, and a script in JSON. nginx hands no answer of the gate on, so what it tells
// scripts of a 403 holds for each reason.
func (f *front) tellsOfBadPaths(t *testing.T, v *visitor) {
	const page, script = "Sec-Fetch-Mode: navigate\r\nAccept: text/html", "Sec-Fetch-Mode: cors\r\nAccept: application/json"
	status, words := http.StatusBadRequest, "is not in its one plain form, so it could be read in more than one way"
	if f.saysItself {
		status, words = http.StatusForbidden, "or the address is not in its one plain form"
	}
	for _, target := range []string{"//x", "/a//b", "/a%2Fb"} {
		for _, who := range []*visitor{nil, v} {
			got := f.raw(t, appOrigin, head(t, who, target, script))
			if media := got.header.Get("Content-Type"); got.status != status || media != "application/problem+json" || !strings.Contains(got.body, words) {
				t.Errorf("a script at %s: %d %s %s", target, got.status, media, got.body)
			}
			got = f.raw(t, appOrigin, head(t, who, target, page))
			if media := got.header.Get("Content-Type"); got.status != http.StatusBadRequest || got.to() != "" || !strings.HasPrefix(media, "text/html") || !strings.Contains(got.body, "in more than one way") {
				t.Errorf("a page at %s: %d to %q: %s", target, got.status, got.to(), got.body)
			}
		}
	}
	for media, header := range map[string]string{"text/html": page, "application/problem+json": script} {
		got := f.raw(t, appOrigin, head(t, v, "/.af-auth/nothing", header))
		if got.status != http.StatusNotFound || !strings.HasPrefix(got.header.Get("Content-Type"), media) {
			t.Errorf("/.af-auth/nothing: %d %v", got.status, got.header)
		}
	}
}

// redeemsOnce: a ticket opens one host, in one browser, once.
func (f *front) redeemsOnce(t *testing.T, v *visitor) {
	again := f.visitor(t)
	again.open(t, ownOrigin+"/auth/sign-in")
	again.follow(t, "Continue with GitHub")
	again.press(t, "login", "octocat")
	// ticket leads this browser to an application again, as far as the address
	// that holds the ticket.
	ticket := func() string {
		start := f.ask(t, again, request{method: http.MethodGet, url: appOrigin + "/inside", header: navigation()})
		entry := f.ask(t, again, request{method: http.MethodGet, url: start.to(), header: navigation()}).to()
		if !strings.HasPrefix(entry, appOrigin+"/.af-auth/enter?ticket=") {
			t.Fatalf("%s leads to %q", start.to(), entry)
		}
		return entry
	}
	refused := func(who *visitor, name, entry string) {
		t.Helper()
		got := f.ask(t, who, request{method: http.MethodGet, url: entry, header: navigation()})
		if got.status < 400 || got.status >= 500 || strings.Contains(strings.Join(got.header.Values("Set-Cookie"), "\n"), "__Host-af_auth=") {
			t.Errorf("%s: %d %v", name, got.status, got.header)
		}
	}
	entry := ticket()
	refused(f.visitor(t), "a ticket in a browser without the nonce", entry)
	refused(again, "a ticket that was there", entry)
	refused(again, "a ticket on another host", strings.Replace(ticket(), appOrigin, elseApp, 1))
	other := f.visitor(t)
	f.ask(t, other, request{method: http.MethodGet, url: appOrigin + "/", header: navigation()})
	refused(other, "a ticket in a browser with another nonce", ticket())
	entry = ticket()
	if got := f.ask(t, again, request{method: http.MethodGet, url: entry, header: navigation()}); got.status != http.StatusSeeOther || got.to() != appOrigin+"/inside" {
		t.Fatalf("the ticket: %d to %q %s", got.status, got.to(), got.body)
	}
	refused(again, "a ticket for the second time", entry)
	refused(v, "the ticket of another browser, used", entry)
}

// lines reads a connection line by line.
type lines struct{ r *bufio.Reader }

func newLines(c net.Conn) *lines { return &lines{bufio.NewReader(c)} }

func (l *lines) next(t *testing.T) string {
	t.Helper()
	line, err := l.r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(line, "\r\n")
}

// TestSoakFloodsAtProxies (C40) pours through each proxy.
func TestSoakFloodsAtProxies(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T) *front{"Caddy": caddyFront, "nginx": nginxFront, "Traefik": traefikFront} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := begin(t)
			v := f.visitor(t)
			f.signsIn(t, v)
			f.bearsFloods(t, v)
		})
	}
}

// bearsFloods: what is too large is refused by the proxy or by af-auth, opens
// nothing, and costs af-auth little; many strangers are led to sign in.
func (f *front) bearsFloods(t *testing.T, v *visitor) {
	before := f.metric(t, f.doors[0], "process_resident_memory_bytes")
	million := strings.Repeat(".", 1<<20)
	for name, text := range map[string]string{
		"a header of 1 MiB":        head(t, nil, "/inside", "X-A: "+million),
		"100,000 headers":          head(t, nil, "/inside", strings.Repeat("X-A: b\r\n", 100_000)+"X-B: c"),
		"a million dots as cookie": head(t, nil, "/inside", "Cookie: __Host-af_auth="+million),
		"30,000 dots as bearer":    head(t, nil, "/inside", "Authorization: Bearer "+million[:30_000]),
		"an address of 1 MiB":      head(t, nil, "/"+million),
	} {
		if got := f.raw(t, appOrigin, text); got.status == http.StatusOK || strings.Contains(got.body, `"URI"`) {
			t.Errorf("%s: %d %.200s", name, got.status, got.body)
		}
	}
	stranger := f.visitor(t)
	stranger.client.Jar = nil // somebody new each time
	for range rounds(t, 100, 5000) {
		if got := f.ask(t, stranger, request{method: http.MethodGet, url: appOrigin + "/inside", header: navigation()}); got.status != http.StatusFound {
			t.Fatalf("a stranger: %d %.200s", got.status, got.body)
		}
	}
	f.grewLittle(t, before)
	if got := f.ask(t, v, request{method: http.MethodGet, url: appOrigin + "/inside", header: script()}); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %.200s", got.status, got.body)
	}
}
