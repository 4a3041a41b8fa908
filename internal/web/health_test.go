package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/web"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	good := web.Check{Name: "database", OK: true, Detail: "answers"}
	for name, c := range map[string]struct {
		checks []web.Check
		status int
		word   string
	}{
		"well":          {[]web.Check{good, {Name: "schema", OK: true, Detail: "1.1.0"}}, 200, "ready"},
		"database down": {[]web.Check{{Name: "database", Detail: "does not answer", Hint: "see the log of this server"}, {Name: "schema"}}, 503, "not ready"},
		"no schema":     {[]web.Check{good, {Name: "schema", Detail: "the database has no schema yet", Hint: "af-auth db migrate deploy"}}, 503, "not ready"},
		"draining":      {[]web.Check{{Name: "serving", Detail: "shutting down"}, good}, 503, "not ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *web.Options) { o.Ready = func(context.Context) []web.Check { return c.checks } })
			for _, host := range []string{own, app, "10.0.0.7:8080"} {
				for path, status := range map[string]int{"/live": 200, "/ready": c.status, "/health": c.status} {
					out := w.browser().ask("GET", path, func(r *http.Request) { r.Host = host })
					if out.Code != status || out.Header().Get("Content-Type") != "application/json" {
						t.Errorf("%s on %s: %d %v", path, host, out.Code, out.Header())
					}
					var said struct {
						Status, Release string
						Checks          []web.Check
					}
					if err := json.Unmarshal(out.Body.Bytes(), &said); err != nil {
						t.Fatal(err)
					}
					if path == "/live" {
						if said.Status != "live" || said.Checks != nil {
							t.Errorf("/live: %s", out.Body)
						}
						continue
					}
					if said.Status != c.word || !reflect.DeepEqual(said.Checks, c.checks) || (said.Release == "1.2.3") != (path == "/health") {
						t.Errorf("%s: %s", path, out.Body)
					}
				}
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for given, status := range map[string]int{
		"Bearer metrics-token-16": 200, "": 401, "Bearer ": 401, "Bearer metrics-token-1": 401, "Bearer metrics-token-166": 401, "Bearer METRICS-TOKEN-16": 401,
		"Basic metrics-token-16": 401, "metrics-token-16": 401, "Bearer  metrics-token-16": 401, "Bearer metrics-token-16 ": 401,
	} {
		out := w.browser().ask("GET", "/metrics", asking("Authorization", given))
		if out.Code != status {
			t.Errorf("%q: %d, want %d", given, out.Code, status)
		}
		if status == 401 && (out.Header().Get("WWW-Authenticate") == "" || strings.Contains(out.Body.String(), "af_auth_")) {
			t.Errorf("%q: %v %s", given, out.Header(), out.Body)
		}
	}
	closed := newWorld(t, func(o *web.Options) { o.MetricsToken = "" })
	for _, given := range []string{"", "Bearer ", "Bearer metrics-token-16"} {
		if out := closed.browser().ask("GET", "/metrics", asking("Authorization", given)); out.Code != http.StatusNotFound {
			t.Errorf("without a token of ours, %q: %d", given, out.Code)
		}
	}
}

// anyState is the cookie of a return whose state cannot be read.
const anyState = "__Host-af_auth_state_none=x"

// TestRateLimit: starts and returns of sign-ins have one bucket each for each
// peer, as the proxies that we trust name it; the gate has none.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting("192.0.2.0/24"), func(o *web.Options) { o.SignInRate = 3 })
	ask := func(path, peer string) int {
		return w.browser().ask("GET", path, func(r *http.Request) {
			asking("X-Forwarded-For", peer)(r)
			r.Header.Set("Cookie", anyState)
		}).Code
	}
	for path, answered := range map[string]int{"/auth/github": http.StatusFound, "/auth/github/callback": http.StatusForbidden} {
		for i := range 10 {
			want := answered
			if i >= 3 {
				want = http.StatusTooManyRequests
			}
			if got := ask(path, "203.0.113.1"); got != want {
				t.Errorf("%s, try %d: %d, want %d", path, i, got, want)
			}
		}
	}
	if got := ask("/auth/github", "203.0.113.2"); got != http.StatusFound {
		t.Errorf("another peer: %d", got)
	}
	for range 50 {
		if got := ask("/auth/verify", "203.0.113.1"); got != http.StatusUnauthorized {
			t.Fatalf("the gate: %d", got)
		}
	}
}

// TestPartsOfOtherSites: what another site's page asks for as its part begins no
// sign-in, and takes none from the people behind its visitor's address.
func TestPartsOfOtherSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.Options) { o.SignInRate = 3 })
	ask := func(path, site, mode, dest string) *httptest.ResponseRecorder {
		return w.browser().ask("GET", path, func(r *http.Request) {
			for name, value := range map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			r.Header.Set("Cookie", anyState)
		})
	}
	paths := map[string]int{"/auth/github": http.StatusFound, "/auth/github/callback": http.StatusForbidden}
	for path := range paths {
		for _, part := range [][3]string{
			{"cross-site", "no-cors", "image"}, {"cross-site", "no-cors", "script"}, {"cross-site", "cors", "empty"}, {"same-site", "no-cors", "image"},
			{"cross-site", "navigate", "iframe"}, {"cross-site", "navigate", "object"}, {"", "no-cors", ""}, {"cross-site", "websocket", "websocket"},
		} {
			for range 3 {
				out := ask(path, part[0], part[1], part[2])
				if out.Code != http.StatusForbidden || len(out.Result().Cookies()) > 0 || !strings.Contains(out.Body.String(), "came from another site") && !strings.Contains(out.Body.String(), "cross_origin") {
					t.Errorf("%s %q: %d %s", path, part, out.Code, out.Body)
				}
			}
		}
	}
	for path, answered := range paths {
		for i, opened := range [][3]string{
			{"", "navigate", "document"}, {"same-origin", "cors", "empty"}, {"none", "navigate", ""}, {"none", "navigate", "document"},
		} {
			want := answered
			if i == 3 {
				want = http.StatusTooManyRequests
			}
			if out := ask(path, opened[0], opened[1], opened[2]); out.Code != want || strings.Contains(out.Body.String(), "cross_origin") {
				t.Errorf("%s %q: %d, want %d", path, opened, out.Code, want)
			}
		}
	}
}

// TestLedHereByOtherSites: a window that another site sends to the start or the
// end of a sign-in begins none, and takes none from the people behind its
// visitor's address. Nor does what a browser asks for ahead.
func TestLedHereByOtherSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.Options) { o.SignInRate = 1 })
	ask := func(path string, headers ...string) *httptest.ResponseRecorder {
		return w.browser().ask("GET", path, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
		})
	}
	query := "?return_to=" + url.QueryEscape("https://"+app+"/x")
	for _, site := range []string{"cross-site", "same-site"} {
		for path, want := range map[string]string{
			"/auth/github": "/auth/sign-in", "/auth/github" + query: "/auth/sign-in" + query, "/auth/github?again=1": "/auth/sign-in?again=1",
			"/auth/github?return_to=https://evil.test/": "/auth/sign-in",
		} {
			if out := ask(path, "Sec-Fetch-Site", site); out.Code != http.StatusSeeOther || to(out) != want || len(out.Result().Cookies()) > 0 {
				t.Errorf("%s from %s: %d to %q, %q", path, site, out.Code, to(out), out.Result().Cookies())
			}
		}
		for range 3 {
			if out := ask("/auth/github/callback?code=a&state=b", "Sec-Fetch-Site", site); out.Code != http.StatusForbidden {
				t.Errorf("a return without its cookie: %d", out.Code)
			}
		}
	}
	for _, path := range []string{"/auth/github", "/auth/github/callback"} {
		for _, purpose := range []string{"prefetch", "prefetch;prerender"} {
			for _, site := range []string{"cross-site", "same-origin", "none"} {
				out := ask(path, "Sec-Purpose", purpose, "Sec-Fetch-Site", site, "Cookie", anyState)
				if out.Code != http.StatusForbidden || len(out.Result().Cookies()) > 0 {
					t.Errorf("%s for %s: %d, %q", path, purpose, out.Code, out.Result().Cookies())
				}
			}
		}
	}
	// GitHub is another site, and one who comes back from there has the cookie.
	for i, want := range []int{http.StatusForbidden, http.StatusTooManyRequests} {
		if out := ask("/auth/github/callback", "Sec-Fetch-Site", "cross-site", "Cookie", anyState); out.Code != want {
			t.Errorf("return %d: %d, want %d", i, out.Code, want)
		}
	}
	for i, want := range []int{http.StatusFound, http.StatusTooManyRequests} {
		if out := ask("/auth/github", "Sec-Fetch-Site", "same-origin"); out.Code != want {
			t.Errorf("start %d: %d, want %d", i, out.Code, want)
		}
	}
}
