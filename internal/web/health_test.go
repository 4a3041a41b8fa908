package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
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

// TestRateLimit: starts and returns of sign-ins have one bucket each for each
// peer, as the proxies that we trust name it; the gate has none.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting("192.0.2.0/24"), func(o *web.Options) { o.SignInRate = 3 })
	ask := func(path, peer string) int {
		return w.browser().ask("GET", path, asking("X-Forwarded-For", peer)).Code
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
			{"cross-site", "navigate", "document"}, {"same-origin", "cors", "empty"}, {"none", "navigate", ""}, {"none", "navigate", "document"},
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
