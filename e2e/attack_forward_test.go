package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// newForwarded is a world whose servers stand behind a proxy at 127.0.0.1, with
// two paths that are open to anybody.
func newForwarded(t *testing.T, settings map[string]string) *world {
	t.Helper()
	all := map[string]string{
		"AF_AUTH_TRUSTED_PROXIES": "127.0.0.1", "AF_AUTH_PUBLIC_PATHS": "app.example.test/public,app.example.test/api/hooks/",
	}
	maps.Copy(all, settings)
	return newWorld(t, 1, all)
}

// through asks as Caddy and Traefik do for a browser that wants an address.
func (s *stranger) through(t testing.TB, method, address string, more http.Header) reply {
	t.Helper()
	origin := originOf(address)
	header := http.Header{
		"X-Forwarded-Method": {method}, "X-Forwarded-Host": {hostOf(origin)}, "X-Forwarded-Uri": {strings.TrimPrefix(address, origin)}, "X-Forwarded-Proto": {"https"},
	}
	maps.Copy(header, more)
	return s.send(t, request{method: http.MethodGet, url: origin + "/auth/forward", header: header})
}

func originOf(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// visit opens a page behind the proxy and goes on as a browser does, until an
// answer leads nowhere. GitHub is left at its door.
func (s *stranger) visit(t testing.TB, address string) (got reply, at string) {
	t.Helper()
	for range 12 {
		if strings.HasPrefix(address, "/") {
			address = ownOrigin + address
		}
		switch {
		case strings.HasPrefix(address, ownOrigin+"/auth/"):
			got = s.get(t, address)
		default:
			got = s.through(t, http.MethodGet, address, nil)
		}
		if got.to() == "" {
			return got, address
		}
		address = got.to()
	}
	t.Fatalf("led round in circles, last to %s", address)
	return got, address
}

// run runs a command that must succeed. Unlike bare SQL, revoke returns once
// every server has heard of it.
func (w *world) run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := w.command(t, args...); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// otherReadings are ways to write a path that some server reads as another one.
func otherReadings() []string {
	return []string{
		"/public/../admin", "/public/%2e%2e/admin", "/public/%2E%2e/admin", "/public/..%2fadmin", "/public/..%2Fadmin", "/public/%2e%2e%2fadmin", "/public/%2e%2e%5cadmin", "/public/./../admin", "/./admin",
		"//admin", "/public//../admin", "///public", "/public/..;/admin", "/public/..;x=y/admin", "/public/..%3b/admin", "/public/;/../admin", "/public/%00", "/public%00/../admin", "/public/%5c../admin", `/public\..\admin`, `/public/..\admin`,
		"/public/%252e%252e/admin", "/public/%252e%252e%252fadmin", "/public/%25%32%65%25%32%65/admin", "/%70ublic", "/public/%2e", "/public/.", "/public/..", "/admin/%2e%2e/public", "/admin/../public", "/admin/..;/public",
		"/admin#/public", "/public#/../admin", "/foo/secret#/bar", "/public/%zz", "/public/%", "/public/%2", "/public/%u002e%u002e/admin", "/public/%c0%ae%c0%ae%2fadmin", "/public/%0a", "/public/%0d%0aX: y", "/public/%7f",
		"public", "*", "https://app.example.test/public", "http:/public", "app.example.test/public", "/public/../public", "/public/%2F", "/" + strings.Repeat("a", 9<<10), "/public/" + strings.Repeat("../", 2000) + "admin",
	}
}

// TestForwardedPaths (C02–C05): a path that could be read in two ways opens
// nothing, not even to somebody signed in, by whichever door a proxy asks.
func TestForwardedPaths(t *testing.T) {
	t.Parallel()
	w := newForwarded(t, nil)
	w.allow(t, octocat)
	out, in := w.stranger(w.doors[0]), w.stranger(w.doors[0])
	in.enter(t, appOrigin, "octocat")
	verify := func(s *stranger, uri string) reply {
		return s.send(t, request{method: http.MethodGet, url: appOrigin + "/auth/verify", header: http.Header{"X-Original-Uri": {uri}}})
	}
	for _, uri := range otherReadings() {
		for who, s := range map[string]*stranger{"signed in": in, "nobody": out} {
			forward := s.through(t, http.MethodGet, appOrigin, http.Header{"X-Forwarded-Uri": {uri}})
			if forward.status != http.StatusBadRequest || forward.to() != "" || len(forward.header["Set-Cookie"]) != 0 {
				t.Errorf("%s, %.60q, forward: %d to %q", who, uri, forward.status, forward.to())
			}
			identityIs(t, forward, "")
			original := verify(s, uri)
			if original.status != http.StatusForbidden {
				t.Errorf("%s, %.60q, verify: %d", who, uri, original.status)
			}
			identityIs(t, original, "")
		}
	}
	for uri, public := range map[string]bool{
		"/public": true, "/public/": true, "/public/x": true, "/public?x": true, "/public?x=/../admin#": false, "/public?y=%zz": true, "/api/hooks/github": true,
		"/admin?x=/public": false, "/admin?/public": false, "/admin/public": false, "/publicity": false, "/PUBLIC": false, "/Public": false, "/public.json": false, "/public;x": false, "/public%20": false, "/public%23": false, "/public%3F": false, "/api/hooks": false, "/": false,
	} {
		allowed := func(status int) bool { return status == http.StatusOK }
		forward, original := out.through(t, http.MethodPost, appOrigin, http.Header{"X-Forwarded-Uri": {uri}}), verify(out, uri)
		if allowed(forward.status) != public || allowed(original.status) != public {
			t.Errorf("%s: %d by forward, %d by verify", uri, forward.status, original.status)
		}
		identityIs(t, forward, "")
		identityIs(t, original, "")
		if other := out.through(t, http.MethodPost, elseApp, http.Header{"X-Forwarded-Uri": {uri}}); allowed(other.status) {
			t.Errorf("%s on another host: %d", uri, other.status)
		}
	}
}

// TestForwardedHeaders (C01, C05–C08, C10): what counts is said once, by the
// proxy, about a host of ours. The answer follows from it and the cookie.
func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	w := newForwarded(t, nil)
	w.allow(t, octocat)
	in := w.stranger(w.doors[0])
	in.enter(t, appOrigin, "octocat")
	out := w.stranger(w.doors[0])
	public := []string{"/public"}
	for _, attack := range []struct {
		id, name string
		header   http.Header
		status   int // for somebody signed in; nobody has 401 in place of 200
	}{
		{"C05", "no path", http.Header{"X-Forwarded-Uri": nil}, 400}, {"C05", "no host", http.Header{"X-Forwarded-Host": nil}, 400}, {"C05", "no method", http.Header{"X-Forwarded-Method": nil}, 400},
		{"C05", "empty", http.Header{"X-Forwarded-Host": {""}}, 400}, {"C05", "twice", http.Header{"X-Forwarded-Uri": {"/public", "/admin"}}, 400}, {"C05", "two hosts", http.Header{"X-Forwarded-Host": {"app.example.test", "app.example.test"}}, 400},
		{"C05", "two methods", http.Header{"X-Forwarded-Method": {"GET", "POST"}}, 400}, {"C05", "no method at all", http.Header{"X-Forwarded-Method": {"GET /public"}}, 400},
		{"C06", "GoogleHC", http.Header{"User-Agent": {"GoogleHC/1.0"}}, 200}, {"C06", "kube-probe", http.Header{"User-Agent": {"kube-probe/1.30"}}, 200}, {"C06", "ELB", http.Header{"User-Agent": {"ELB-HealthChecker/2.0"}}, 200},
		{"C07", "identity from outside", http.Header{"X-Auth-Request-User": {"admin"}, "X-Auth-Request-Groups": {"admin"}, "X-Auth-Request-Email": {"admin@example.test"}, "Remote-User": {"admin"}}, 200},
		{"C08", "underscores", http.Header{"X_Forwarded_Uri": public, "X_forwarded_uri": public, "X_FORWARDED_URI": public, "X-Auth_Request-User": {"admin"}, "X_Auth_Request_User": {"admin"}}, 200},
		{"C08", "underscores alone", http.Header{"X-Forwarded-Uri": nil, "X_Forwarded_Uri": public}, 400},
		{"C08", "letter case", http.Header{"x-auth-request-user": {"admin"}, "xAuthRequestUser": {"admin"}, "x-forwarded-uri": public}, 400}, // a second one
		{"C09", "Connection", http.Header{"Connection": {"X-Auth-Request-User, X-Forwarded-Uri, Cookie"}}, 200},
		{"C01", "other names of the path", http.Header{"X-Original-Uri": public, "X-Original-Url": public, "X-Rewrite-Url": public, "X-Forwarded-Path": public, "X-Replaced-Path": public, "X-Forwarded-Prefix": public}, 200},
		{"C10", "another host", http.Header{"X-Forwarded-Host": {"evil.test"}}, 421}, {"C10", "host in a list", http.Header{"X-Forwarded-Host": {"app.example.test, evil.test"}}, 421}, {"C10", "almost", http.Header{"X-Forwarded-Host": {"app.example.test.evil.test"}}, 421},
		{"C10", "other words for it", http.Header{"Forwarded": {"host=evil.test;proto=http"}, "X-Host": {"evil.test"}, "X-Forwarded-Server": {"evil.test"}, "X-Forwarded-Port": {"1"}, "X-Forwarded-Proto": {"http"}}, 200},
	} {
		t.Run(attack.id+" "+attack.name, func(t *testing.T) {
			got := in.through(t, http.MethodGet, appOrigin+"/admin", attack.header)
			if got.status != attack.status {
				t.Errorf("signed in: %d %s", got.status, got.body)
			}
			identityIs(t, got, map[bool]string{true: "octocat"}[got.status == http.StatusOK])
			nobody := attack.status
			if nobody == http.StatusOK {
				nobody = http.StatusUnauthorized
			}
			header := maps.Clone(attack.header)
			header["Accept"] = []string{"application/json"}
			got = out.through(t, http.MethodGet, appOrigin+"/admin", header)
			if got.status != nobody || got.to() != "" {
				t.Errorf("nobody: %d to %q %s", got.status, got.to(), got.body)
			}
			identityIs(t, got, "")
			if got = out.through(t, http.MethodGet, appOrigin+"/admin", attack.header); got.to() != "" && !strings.HasPrefix(got.to(), ownOrigin+"/auth/continue?") || strings.Contains(got.to()+got.body, "evil.test") {
				t.Errorf("a page: %d to %q", got.status, got.to())
			}
		})
	}
	for _, bytes := range []string{"/a\x01b", "/a\x00b", "/a\rb", "/a\x7fb", "/\x80\xff", "/" + strings.Repeat("a", 64<<10)} {
		got := w.doors[0].raw(t, "GET /auth/forward HTTP/1.1\r\nHost: af-auth\r\nConnection: close\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Host: app.example.test\r\nX-Forwarded-Uri: "+bytes+
			"\r\nCookie: __Host-af_auth="+in.session(appOrigin)+"\r\n\r\n")
		if got.status != http.StatusBadRequest && got.status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%.20q: %d", bytes, got.status)
		}
	}
}

// TestUntrustedPeers (C01): whoever is not the proxy says nothing that counts,
// and where no proxy is trusted, nobody does.
func TestUntrustedPeers(t *testing.T) {
	t.Parallel()
	w := newForwarded(t, nil)
	w.allow(t, octocat)
	alone := w.newDoor(t, map[string]string{"AF_AUTH_TRUSTED_PROXIES": ""})
	for name, s := range map[string]*stranger{"from elsewhere": w.strangerFrom(w.doors[0], "127.0.0.2"), "no proxy is trusted": w.stranger(alone)} {
		s.enter(t, appOrigin, "octocat")
		for _, header := range []http.Header{
			{}, {"X-Forwarded-For": {"127.0.0.1"}, "X-Real-Ip": {"127.0.0.1"}, "Forwarded": {"for=127.0.0.1"}}, {"X-Forwarded-Uri": {"/public"}}, {"Sec-Fetch-Mode": {"navigate"}}, {"X-Forwarded-Uri": nil},
		} {
			got := s.through(t, http.MethodGet, appOrigin+"/admin", header)
			if got.status != http.StatusUnauthorized || got.to() != "" || len(got.header["Set-Cookie"]) != 0 || got.header.Get("X-Auth-Request-User") != "" || !strings.Contains(got.body, `"code":"untrusted_proxy"`) || !strings.Contains(got.body, "AF_AUTH_TRUSTED_PROXIES") {
				t.Errorf("%s, %v: %d to %q %s", name, header, got.status, got.to(), got.body)
			}
		}
		// Nor does nginx's header: with a session the path does not matter, and
		// without one it opens nothing.
		for _, uri := range []string{"/public", "/public/../admin"} {
			ask := request{method: http.MethodGet, url: appOrigin + "/auth/verify", header: http.Header{"X-Original-Uri": {uri}}}
			if got := s.send(t, ask); got.status != http.StatusOK {
				t.Errorf("%s, %s, with a session: %d", name, uri, got.status)
			}
			ask.header["Cookie"] = []string{""}
			if got := s.send(t, ask); got.status != http.StatusUnauthorized {
				t.Errorf("%s, %s, without: %d", name, uri, got.status)
			}
		}
	}
}

// TestForwardIsNotRateLimited (C11): all that comes through a proxy comes from
// its address, which must not be one stranger's to fill.
func TestForwardIsNotRateLimited(t *testing.T) {
	t.Parallel()
	w := newForwarded(t, map[string]string{"AF_AUTH_SIGN_IN_RATE": "3"})
	s := w.stranger(w.doors[0])
	for i := range 300 {
		hops := http.Header{"X-Forwarded-For": {randomAddress()}, "Sec-Fetch-Mode": {"cors"}}
		if got := s.through(t, http.MethodGet, appOrigin+"/admin", hops); got.status != http.StatusUnauthorized {
			t.Fatalf("request %d: %d", i, got.status)
		}
	}
	// One bucket for a peer that the proxy names, whatever it writes before it.
	limited := 0
	for range 8 {
		got := s.send(t, request{method: http.MethodGet, url: ownOrigin + "/auth/github", header: http.Header{"X-Forwarded-For": {randomAddress() + ", 203.0.113.9"}}})
		if got.status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited != 5 {
		t.Errorf("%d of 8 sign-ins of one peer are turned away, want 5", limited)
	}
}

// TestSoakForwardedRedirects (C12) carries each shape through the door that
// leads people to sign-in, as path and as return_to.
func TestSoakForwardedRedirects(t *testing.T) {
	t.Parallel()
	w := newForwarded(t, nil)
	w.allow(t, octocat)
	out, in := w.stranger(w.doors[0]), w.stranger(w.doors[0])
	in.signIn(t, "octocat", "")
	for _, shape := range openRedirects(t) {
		if !strings.ContainsFunc(shape, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			for _, origin := range []string{appOrigin, ownOrigin} {
				for _, s := range []*stranger{out, in} {
					got := s.through(t, http.MethodGet, origin, http.Header{"X-Forwarded-Uri": {shape}})
					s.staysHere(t, fmt.Sprintf("X-Forwarded-Uri %.80q on %s", shape, origin), got.to())
				}
			}
		}
		got := out.through(t, http.MethodGet, appOrigin+"/.af-auth/start?return_to="+url.QueryEscape(shape), nil)
		if len(shape) < 2000 && got.status != http.StatusFound {
			t.Errorf("start with %.80q: %d", shape, got.status)
		}
		out.staysHere(t, fmt.Sprintf("start with %.80q", shape), got.to())
	}
}

// TestTicketsThroughTheProxy: each ticket that is not good is answered with a
// page and no session; and whoever may not come in goes round nowhere.
func TestTicketsThroughTheProxy(t *testing.T) {
	t.Parallel()
	w := newForwarded(t, nil)
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	s.signIn(t, "octocat", "")
	ticket := func() string {
		link := s.get(t, s.through(t, http.MethodGet, appOrigin+"/inside", nil).to()).to()
		if !strings.HasPrefix(link, appOrigin+"/.af-auth/enter?ticket=") {
			t.Fatalf("no ticket: %q", link)
		}
		return link
	}
	late := ticket()
	w.exec(t, "UPDATE tickets SET expires_at = now()")
	used, fresh, elsewhere, stolen, ours := ticket(), ticket(), ticket(), ticket(), ticket()
	if got := s.through(t, http.MethodGet, used, nil); got.status != http.StatusSeeOther || got.to() != appOrigin+"/inside" {
		t.Fatalf("enter: %d to %q", got.status, got.to())
	}
	for name, c := range map[string]struct {
		who  *stranger
		link string
	}{
		"replayed": {s, used}, "late": {s, late}, "for another host": {s, strings.Replace(elsewhere, appOrigin, elseApp, 1)}, "another browser": {w.stranger(w.doors[0]), stolen},
		"on our own host": {s, strings.Replace(ours, appOrigin, ownOrigin, 1)},
	} {
		got := c.who.through(t, http.MethodGet, c.link, nil)
		page := got.status == http.StatusForbidden && strings.Contains(got.body, "This link is used up")
		if !page && (name != "on our own host" || got.status != http.StatusNotFound) || len(got.header["Set-Cookie"]) != 0 || got.to() != "" {
			t.Errorf("%s: %d %v %s", name, got.status, got.header, got.body)
		}
		identityIs(t, got, "")
	}
	if got := s.through(t, http.MethodGet, appOrigin+"/inside", nil); got.status != http.StatusOK {
		t.Errorf("the session afterwards: %d", got.status)
	}
	if got := s.through(t, http.MethodGet, fresh, nil); got.status != http.StatusSeeOther {
		t.Errorf("a good one afterwards: %d", got.status)
	}
	waits := w.stranger(w.doors[0])
	waits.signIn(t, "hubot", "")
	if got, at := waits.visit(t, appOrigin+"/inside"); got.status != http.StatusOK || !strings.HasPrefix(at, ownOrigin+"/auth/waiting?") {
		t.Errorf("somebody waiting: %d at %s", got.status, at)
	}
	w.run(t, "revoke", "octocat", "--app", "app.example.test")
	got, at := s.visit(t, appOrigin+"/inside")
	if got.status != http.StatusForbidden || !strings.HasPrefix(at, ownOrigin+"/auth/refused?") || !strings.Contains(got.body, "The App is not open to") || !strings.Contains(got.body, "wiki.example.test") {
		t.Errorf("allowed elsewhere: %d at %s %s", got.status, at, got.body)
	}
	if got, at := s.visit(t, elseApp+"/inside"); got.status != http.StatusOK || at != elseApp+"/inside" {
		t.Errorf("where it is open: %d at %s", got.status, at)
	}
	w.run(t, "revoke", "octocat")
	if got, at := s.visit(t, elseApp+"/inside"); got.status != http.StatusForbidden || !strings.HasPrefix(at, ownOrigin+"/auth/refused?") {
		t.Errorf("revoked: %d at %s", got.status, at)
	}
}
