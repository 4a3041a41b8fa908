package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func identity(r *httptest.ResponseRecorder) [5]string {
	h := r.Header()
	return [5]string{h.Get("X-Auth-Request-User"), h.Get("X-Auth-Request-User-Id"), h.Get("X-Auth-Request-Github-Id"), h.Get("X-Auth-Request-Email"), h.Get("X-Auth-Request-Name")}
}

// TestVerify: the five headers come each time, with whatever answer.
func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	for _, c := range []struct {
		name, sql    string
		status       int
		code, access string
	}{
		{"waiting", "SELECT 1", 403, "not_whitelisted", "waiting"},
		{"allowed", "UPDATE users SET is_whitelisted = true", 200, "", ""},
		{"expired by the clock", "SET session_replication_role = replica; UPDATE users SET whitelist_until = now(); SET session_replication_role = origin", 403, "not_whitelisted", "expired"},
		{"no such table", "ALTER TABLE sessions RENAME TO away", 503, "unavailable", ""},
		{"back", "ALTER TABLE away RENAME TO sessions", 403, "not_whitelisted", "expired"},
		{"revoked", "UPDATE users SET is_whitelisted = false, whitelist_until = NULL", 401, "not_signed_in", ""},
	} {
		w.exec(t, c.sql)
		out := b.ask("GET", "/auth/verify", asking("X-Auth-Request-User", "admin"))
		if out.Code != c.status {
			t.Fatalf("%s: %d %s", c.name, out.Code, out.Body)
		}
		for _, name := range []string{"X-Auth-Request-User", "X-Auth-Request-User-Id", "X-Auth-Request-Github-Id", "X-Auth-Request-Email", "X-Auth-Request-Name"} {
			if n := len(out.Header()[http.CanonicalHeaderKey(name)]); n != 1 {
				t.Errorf("%s: %s comes %d times", c.name, name, n)
			}
		}
		if c.status != http.StatusOK {
			if got := identity(out); got != [5]string{} {
				t.Errorf("%s: a no with the identity %v", c.name, got)
			}
			if p := problem(t, out); p.Code != c.code || p.Access != c.access {
				t.Errorf("%s: %+v", c.name, p)
			}
			continue
		}
		if got := identity(out); got[0] != "octocat" || len(got[1]) != 36 || got[2] != "583231" || got[3] != "" || got[4] != "Mona%20Octocat" {
			t.Errorf("%s: %v", c.name, got)
		}
		if out.Body.Len() != 0 {
			t.Errorf("%s: body %q", c.name, out.Body)
		}
	}
	if out := b.get("/auth/verify"); out.Header().Get("Retry-After") != "" || out.Code == 503 {
		t.Errorf("%d, Retry-After %q", out.Code, out.Header().Get("Retry-After"))
	}
}

// TestNames: any name becomes a header that is ASCII and means the same.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	for name, want := range map[string]string{
		"Zoë Łącka": "Zo%C3%AB%20%C5%81%C4%85cka", "山田 太郎": "%E5%B1%B1%E7%94%B0%20%E5%A4%AA%E9%83%8E", "a\r\nX-Auth-Request-User: admin": "a%0D%0AX-Auth-Request-User:%20admin",
		"100% sure; a=b, \"c\"": "100%25%20sure%3B%20a=b%2C%20%22c%22", "": "", "👩🏽‍💻": "%F0%9F%91%A9%F0%9F%8F%BD%E2%80%8D%F0%9F%92%BB", "\u202egnp.exe": "%E2%80%AEgnp.exe", "\x7f\x1b[31m": "%7F%1B%5B31m",
	} {
		w.exec(t, "UPDATE users SET name = $1, email = $2", name, name)
		out := b.get("/auth/verify")
		if got := identity(out); out.Code != 200 || got[4] != want || got[0] != "octocat" {
			t.Errorf("%q: %d %v, want %q", name, out.Code, got, want)
		}
		for header, values := range out.Header() {
			for _, r := range fmt.Sprint(values) {
				if r < ' ' || r > '~' {
					t.Errorf("%q: %s holds %q", name, header, r)
				}
			}
		}
	}
}

// TestVerifyOnEachHost: a session is good on its host; under a name that we do
// not know the question is about our own.
func TestVerifyOnEachHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	token := "__Host-af_auth=" + b.cookie(own, "__Host-af_auth")
	for host, status := range map[string]int{
		own: 200, own + ":443": 200, "AUTH.EXAMPLE.TEST": 200, "af-auth.internal:8080": 200, "127.0.0.1": 200, app: 401, app + ":443": 401,
	} {
		out := w.browser().ask("GET", "/auth/verify", func(r *http.Request) { r.Host = host; r.Header.Set("Cookie", token) })
		if out.Code != status {
			t.Errorf("%s: %d, want %d", host, out.Code, status)
		}
	}
}

// TestHangingUpIsNoOutage: a browser that does not wait is no fault of the
// database.
func TestHangingUpIsNoOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, path := range []string{"/auth/", "/auth/verify", "/auth/waiting"} {
		b.ask("GET", path, func(r *http.Request) { *r = *r.WithContext(gone) })
	}
	if log := w.log.String(); strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the log: %s", log)
	}
}

// TestOutageIsNotALineARequest: a database whose schema is wrong fails every
// request; the log says so once, at a level that is on.
func TestOutageIsNotALineARequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	w.exec(t, "ALTER TABLE sessions RENAME TO elsewhere")
	for _, path := range []string{"/auth/verify", "/auth/", "/auth/verify", "/auth/sign-in", "/auth/verify"} {
		if out := b.get(path); out.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", path, out.Code)
		}
	}
	for _, out := range []*httptest.ResponseRecorder{b.get("/auth/"), b.ask("GET", "/auth/", asking("Accept", "application/json"))} {
		if got := out.Body.String(); !strings.Contains(got, "is not set up for this release") || !strings.Contains(got, "af-auth db migrate status") ||
			!strings.Contains(got, "schema_mismatch") || strings.Contains(got, "not answering") || strings.Contains(got, "sessions\"") {
			t.Errorf("what is said: %s", got)
		}
	}
	errors, details := 0, 0
	for line := range strings.Lines(w.log.String()) {
		switch {
		case strings.Contains(line, `"level":"ERROR"`):
			errors++
		case strings.Contains(line, `"msg":"the database cannot be asked"`):
			details++
		}
	}
	if errors != 1 || details != 6 {
		t.Errorf("%d errors, %d details: %s", errors, details, w.log)
	}
}

// TestLogIsNotWrittenByStrangers: of what whoever asks may choose, the log has
// the words that we know.
func TestLogIsNotWrittenByStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, method := range []string{"CANARYMETH", strings.Repeat("M", 30_000), "get"} {
		w.browser().ask(method, "/auth/", nil)
	}
	log := w.log.String()
	if n := strings.Count(log, `"method":"other"`); n != 3 || strings.Contains(log, "CANARY") || strings.Contains(log, "MMM") || strings.Contains(log, `"hint":""`) {
		t.Errorf("%d other: %s", n, log)
	}
}
