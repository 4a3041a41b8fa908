package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// identityHeaders are the gate's answer to an application.
func identityHeaders() []string {
	return []string{"X-Auth-Request-User", "X-Auth-Request-User-Id", "X-Auth-Request-Github-Id", "X-Auth-Request-Email", "X-Auth-Request-Name"}
}

// TestGateBelievesNoHeader asks /auth/verify with everything that has ever
// opened somebody's gate. The answer follows from Host and cookie alone.
func TestGateBelievesNoHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	in := w.stranger(w.doors[0])
	in.enter(t, appOrigin, "octocat")
	out := w.stranger(w.doors[0])
	for _, attack := range []struct {
		id, name string
		header   http.Header
	}{
		{"C01", "forwarded path that is public", http.Header{"X-Forwarded-Uri": {"/public"}, "X-Forwarded-Method": {"GET"}, "X-Original-Uri": {"/public"}}},
		{"C01", "forwarded path of health", http.Header{"X-Forwarded-Uri": {"/live"}, "X-Original-Url": {"https://app.example.test/health"}}},
		{"C01", "asset", http.Header{"X-Forwarded-Uri": {"/auth/assets/page.css"}, "X-Rewrite-Url": {"/live"}}},
		{"C05", "bad escapes", http.Header{"X-Original-Url": {"https://app.example.test/%zz"}, "X-Forwarded-Uri": {"/%zz"}, "X-Original-Uri": {"/%zz"}}},
		{"C05", "no host", http.Header{"X-Original-Url": {"https:///"}, "X-Forwarded-Host": {""}, "X-Forwarded-Uri": {"//"}}},
		{"C05", "control bytes", http.Header{"X-Forwarded-Uri": {"/a\tb\x80\xff"}, "X-Original-Url": {"\x81\xfe"}}},
		{"C05", "24 KiB", http.Header{"X-Forwarded-Uri": {"/" + strings.Repeat("a", 24<<10)}}},
		{"C06", "GoogleHC", http.Header{"User-Agent": {"GoogleHC/1.0"}}},
		{"C06", "kube-probe", http.Header{"User-Agent": {"kube-probe/1.30"}}},
		{"C06", "ELB", http.Header{"User-Agent": {"ELB-HealthChecker/2.0"}}},
		{"C07", "identity from outside", http.Header{"X-Auth-Request-User": {"admin"}, "X-Auth-Request-Groups": {"admin"}, "X-Auth-Request-Email": {"admin@example.test"}}},
		{"C08", "underscores", http.Header{"X_forwarded_uri": {"/public"}, "X-Auth_Request-User": {"admin"}, "X_Auth_Request_User": {"admin"}}},
		{"C08", "letter case", http.Header{"xAuthRequestUser": {"admin"}, "x-auth-request-user": {"admin"}, "X-AUTH-REQUEST-USER": {"admin"}}},
		{"C09", "Connection names identity", http.Header{"Connection": {"X-Auth-Request-User, X-Auth-Request-Github-Id, Cookie"}}},
		{"C09", "connection in lower case", http.Header{"connection": {"x-forwarded-uri, x-auth-request-user-id"}, "x-forwarded-uri": {"/public"}}},
		{"C10", "other hosts in headers", http.Header{"X-Forwarded-Host": {"evil.test"}, "Forwarded": {"host=evil.test;proto=http"}, "X-Host": {"evil.test"}}},
		{"C01", "basic and bearer", http.Header{"Authorization": {"Bearer admin"}, "Proxy-Authorization": {"Basic YWRtaW46YWRtaW4="}}},
		{"C01", "no header at all", http.Header{}},
	} {
		t.Run(attack.id+" "+attack.name, func(t *testing.T) {
			ask := request{method: http.MethodGet, url: appOrigin + "/auth/verify", header: attack.header}
			if got := out.send(t, ask); got.status != http.StatusUnauthorized || !strings.Contains(got.body, `"code":"not_signed_in"`) {
				t.Errorf("without a session: %d %s", got.status, got.body)
			} else {
				identityIs(t, got, "")
			}
			got := in.send(t, ask)
			if got.status != http.StatusOK {
				t.Errorf("with a session: %d %s", got.status, got.body)
			}
			identityIs(t, got, "octocat")
		})
	}
}

// identityIs holds the gate to its five headers, each once, and to no other.
func identityIs(t *testing.T, got reply, login string) {
	t.Helper()
	for _, name := range identityHeaders() {
		if n := len(got.header.Values(name)); n != 1 {
			t.Errorf("%s comes %d times", name, n)
		}
	}
	if user := got.header.Get("X-Auth-Request-User"); user != login {
		t.Errorf("the gate names %q, want %q", user, login)
	}
	for name, values := range got.header {
		if strings.Contains(strings.Join(values, " "), "admin") || name == "X-Auth-Request-Groups" {
			t.Errorf("the answer holds %s: %s", name, values)
		}
	}
}

// TestHealthOpensNothing (C06): who calls himself a health checker gets health
// on its own paths, and nothing else.
func TestHealthOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	s := w.stranger(w.doors[0])
	for _, agent := range []string{"GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0"} {
		for path, status := range map[string]int{
			"/auth/verify": http.StatusUnauthorized, "/auth/waiting/events": http.StatusUnauthorized,
			"/metrics": http.StatusUnauthorized, "/auth/continue": http.StatusSeeOther, "/auth/waiting": http.StatusSeeOther,
			"/live": http.StatusOK, "/ready": http.StatusOK, "/health": http.StatusOK,
			"/debug/pprof/": http.StatusNotFound, "/debug/vars": http.StatusNotFound, "/livez": http.StatusNotFound,
		} {
			got := s.send(t, request{method: http.MethodGet, url: ownOrigin + path, header: http.Header{"User-Agent": {agent}, "Accept": {"*/*"}}})
			if got.status != status {
				t.Errorf("%s as %s: %d, want %d", path, agent, got.status, status)
			}
		}
	}
}

// TestPathsInOtherSpellings: what a proxy may read as one path and we as
// another is refused in every spelling, with and without a session.
func TestPathsInOtherSpellings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	in := w.stranger(w.doors[0])
	in.enter(t, appOrigin, "octocat")
	for _, target := range []string{
		"/auth//verify", "//auth/verify", "/./auth/verify", "/auth/./verify", "/auth/x/../verify", "/x/../auth/verify",
		"/auth/%76erify", "/auth/verify%00", "/auth/verify%2f", "/%61uth/verify", "/auth%2fverify", "/auth/verify/..;/verify",
		"/auth/%2e/verify", "/auth/x/%2e%2e/verify", "/auth/x/%2E%2E/verify", "/auth/%252e%252e/verify", `/auth\verify`, "/auth/%5cverify",
		"/auth/verify/", "/auth/verify;x=1", "/AUTH/verify", "/auth/Verify", "/auth/verify%20", "/auth/verify%09", "/auth/verify.json",
		"auth/verify", "*", "http:/auth/verify", "/auth/verify%", "/auth/verify%zz", "/auth/verify#x", "/live/../auth/verify", "/auth/verify/.",
	} {
		got := w.doors[0].raw(t, "GET "+target+" HTTP/1.1\r\nHost: app.example.test\r\nConnection: close\r\nCookie: __Host-af_auth="+in.session(appOrigin)+"\r\n\r\n")
		if got.status < 400 {
			t.Errorf("%s: %d", target, got.status)
		}
	}
	if got := in.verify(t, appOrigin); got != http.StatusOK {
		t.Errorf("the plain spelling: %d", got)
	}
}
