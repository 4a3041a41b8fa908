package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/web"
)

// asking sets one header.
func asking(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// TestEveryAnswerIsSecured asks for each route and each kind of fault, and
// holds all answers to the same headers.
func TestEveryAnswerIsSecured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type ask struct{ method, target string }
	var asks []ask
	for _, rt := range web.Routes() {
		path := strings.ReplaceAll(strings.TrimSuffix(rt.Path, "{$}"), "{name}", "nothing.css")
		for _, origin := range []string{"https://" + own, "https://" + app, "https://unknown.test"} {
			for _, method := range []string{rt.Method, "HEAD", "PUT", "TRACE"} {
				asks = append(asks, ask{method, origin + path})
			}
		}
	}
	asks = append(asks, ask{"GET", "/nothing"}, ask{"GET", "/auth/../x"}, ask{"GET", "/%2e"}, ask{"POST", "/auth/verify"})
	for _, a := range asks {
		for _, accept := range []string{"text/html", "application/json"} {
			out := w.browser().ask(a.method, a.target, asking("Accept", accept))
			h, referrer := out.Header(), "no-referrer"
			if strings.HasPrefix(a.target, "/") || strings.HasPrefix(a.target, "https://"+own+"/") {
				if out.Code/100 != 3 && h.Get("Content-Type") == "text/html; charset=utf-8" {
					referrer = "same-origin"
				}
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": referrer, "Cross-Origin-Opener-Policy": "same-origin",
				"Strict-Transport-Security": "max-age=31536000",
			} {
				if h.Get(name) != want {
					t.Errorf("%s %s: %d with %s %q", a.method, a.target, out.Code, name, h.Get(name))
				}
			}
			policy := strings.Split(h.Get("Content-Security-Policy"), "; ")
			if !slices.Contains(policy, "default-src 'none'") || !slices.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s %s: policy %q", a.method, a.target, policy)
			}
			if h.Get("X-Request-Id") == "" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %v", a.method, a.target, h)
			}
			// Assets are files, the gate speaks to programs, and /auth/refused is a page.
			if out.Code >= 400 && !strings.Contains(a.target, "/assets/") && !strings.HasSuffix(a.target, "/refused") && strings.Contains(h.Get("Content-Type"), "text/html") != (accept == "text/html") &&
				out.Code != http.StatusMethodNotAllowed && !strings.Contains(a.target, "/verify") && !strings.Contains(a.target, "/forward") {
				t.Errorf("%s %s, accepting %s: %d as %q", a.method, a.target, accept, out.Code, h.Get("Content-Type"))
			}
		}
	}
}

func TestPlainHTTPHasNoHSTS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onLoopback)
	if got := w.browser().get("/auth/about").Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS on http: %q", got)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		method, target string
		status         int
		code           string
	}{
		{"GET", "/nothing", 404, "not_found"}, {"GET", "/auth/sign-in/", 404, "not_found"}, {"GET", "/auth/assets/", 404, "not_found"}, {"GET", "/AUTH/", 404, "not_found"},
		{"GET", "https://" + app + "/nothing", 404, "not_found"}, {"GET", "https://unknown.test/nothing", 421, "wrong_host"}, {"GET", "https://unknown.test/auth/", 421, "wrong_host"},
		{"POST", "https://unknown.test/auth/verify", 421, "wrong_host"}, {"GET", "https://" + app + "/auth/", 421, "wrong_host"}, {"GET", "/.af-auth/start", 421, "wrong_host"},
		{"GET", "https://" + own + "//", 400, "invalid"}, {"GET", "/auth//", 400, "invalid"}, {"GET", "/auth/./", 400, "invalid"}, {"GET", "/auth/%61bout", 400, "invalid"}, {"GET", "/a%20b", 400, "invalid"},
		{"POST", "/auth/", 405, "method_not_allowed"}, {"DELETE", "/auth/verify", 405, "method_not_allowed"}, {"GET", "/auth/theme", 405, "method_not_allowed"},
		{"POST", "/live", 405, "method_not_allowed"}, {"INVENTED", "/auth/", 405, "method_not_allowed"},
		{"GET", "/auth/github/callback", 403, "state_missing"}, {"GET", "https://" + app + "/.af-auth/enter", 403, "ticket_invalid"}, {"GET", "/metrics", 401, "not_signed_in"},
		{"GET", "/auth/waiting/events", 401, "not_signed_in"}, {"POST", "/auth/theme", 400, "invalid"},
	} {
		p := problem(t, w.browser().ask(c.method, c.target, asking("Accept", "application/json")))
		if p.Status != c.status || p.Code != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.target, p.Status, p.Code, c.status, c.code)
		}
		page := w.browser().ask(c.method, c.target, nil)
		if page.Code != c.status {
			t.Errorf("%s %s as a page: %d", c.method, c.target, page.Code)
		}
		if c.status == 405 && page.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.target)
		}
		if c.status != 405 && (!strings.Contains(page.Body.String(), page.Header().Get("X-Request-Id")) || !strings.Contains(page.Body.String(), c.code)) {
			t.Errorf("%s %s: the page names neither reference nor reason", c.method, c.target)
		}
	}
}

// An address that is refused for how it is written has nothing missing.
func TestUnplainAddressIsNamedSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"https://" + own + "//a", "/a%2Fb", "/auth/%61bout"} {
		out := w.browser().ask("GET", target, nil)
		holds(t, target, out, http.StatusBadRequest, "This address is written in an unusual way", "in more than one way")
		if strings.Contains(out.Body.String(), "missing") {
			t.Errorf("%s: %s", target, out.Body)
		}
	}
	holds(t, "a part is missing", w.browser().ask("POST", "/auth/theme", nil), http.StatusBadRequest, "This address is not complete")
}

// With another callback URL at GitHub than ours, its answer comes to an address
// that is not there: page and log name the right one.
func TestWrongCallbackAtGitHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const callback = "https://" + own + "/auth/github/callback"
	for i, target := range []string{"/auth/callback?error=redirect_uri_mismatch&state=x", "/auth/github/call?code=c0de&state=x", "/callback?code=c0de&state=x"} {
		holds(t, target, w.browser().ask("GET", target, nil), http.StatusNotFound, "GitHub led to a wrong address", "must be "+callback+".")
		if log := w.log.String(); strings.Count(log, "must be "+callback) != 2*i+1 || strings.Contains(log, "c0de") {
			t.Errorf("%s: %s", target, log)
		}
		if p := problem(t, w.browser().ask("GET", target, asking("Accept", "application/json"))); p.Code != "not_found" || !strings.Contains(p.Hint, callback) {
			t.Errorf("%s: %+v", target, p)
		}
	}
	for _, target := range []string{"/auth/callback", "/auth/callback?code=c0de", "/auth/callback?error=access_denied"} {
		holds(t, target, w.browser().ask("GET", target, nil), http.StatusNotFound, "There is no such page")
	}
}

// A page on another host than ours takes its style from home, and has no form.
func TestFaultOnAnotherHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"https://unknown.test/", "https://" + app + "/.af-auth/enter?ticket=secret-of-the-link"} {
		out := w.browser().get(target)
		page := out.Body.String()
		if strings.Contains(page, "<form") || strings.Contains(page, `"/auth/`) || !strings.Contains(page, `href="https://`+own+`/auth/assets/page.`) {
			t.Errorf("%s: %s", target, page)
		}
		if strings.Contains(page, "secret-of-the-link") || !strings.Contains(out.Header().Get("Content-Security-Policy"), "style-src https://"+own) {
			t.Errorf("%s: %v", target, out.Header())
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	b := w.browser()
	b.signIn(t, "octocat", "")
	for _, path := range []string{"/auth/", "/auth/sign-in?again=1", "/auth/about", "/auth/signed-out", "/auth/refused", "/auth/waiting", "/auth/waiting/events", "/auth/verify", "/live", "/nothing"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = own
		r.Header.Set("Accept", "text/html")
		for _, c := range b.jar[own] {
			r.AddCookie(c)
		}
		// A body, or a stream that never ends, would show here.
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if path == "/auth/waiting/events" {
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("HEAD %s: %d %v", path, res.StatusCode, res.Header)
			}
			continue
		}
		if got := b.get(path); got.Code != res.StatusCode || got.Header().Get("Content-Type") != res.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d, GET: %d", path, res.StatusCode, got.Code)
		}
	}
}

// TestPanic: a fault of ours is told as one, with nothing of what it held.
func TestPanic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.Options) {
		o.Ready = func(context.Context) []web.Check { panic("password=canary-of-a-panic") }
	})
	p := problem(t, w.browser().ask("GET", "/ready", asking("Accept", "*/*")))
	if p.Status != http.StatusInternalServerError || p.Code != "internal" {
		t.Errorf("%+v", p)
	}
	page := w.browser().get("/ready")
	log := w.log.String()
	if strings.Contains(page.Body.String()+log, "canary-of-a-panic") {
		t.Error("the panic's value is told")
	}
	if !strings.Contains(log, `"msg":"a handler panicked"`) || !strings.Contains(log, p.RequestID) || !strings.Contains(log, "answers_test.go") {
		t.Errorf("the log: %s", log)
	}
}

// TestMethodsInMetrics: what nobody knows is counted as "other".
func TestMethodsInMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.browser().ask("INVENTED", "/auth/", nil)
	w.browser().get("/invented")
	out := w.browser().ask("GET", "/metrics", asking("Authorization", "Bearer metrics-token-16"))
	if out.Code != http.StatusOK || strings.Contains(out.Body.String(), "invented") || strings.Contains(out.Body.String(), "INVENTED") ||
		!strings.Contains(out.Body.String(), `route="other"`) {
		t.Errorf("%d %.300s", out.Code, out.Body)
	}
}
