package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/web"
)

// TestForwardRefusals: what the proxy says must be whole, plain and about a host
// of ours, and it must be the proxy that says it.
func TestForwardRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt), public(app, "/public"))
	w.allow(t)
	in := w.browser()
	in.signIn(t, "octocat", "")
	in.visit(t, "https://"+app+"/inside")
	twice := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Add(name, r.Header.Get(name)) }
	}
	without := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"a stranger": {func(r *http.Request) { r.RemoteAddr = "203.0.113.9:1234" }, 401}, "no socket": {func(r *http.Request) { r.RemoteAddr = "@" }, 401},
		"a stranger who says to be the proxy": {func(r *http.Request) { r.RemoteAddr = "203.0.113.9:1"; r.Header.Set("X-Forwarded-For", "192.0.2.1") }, 401},
		"no method":                           {without("X-Forwarded-Method"), 400}, "no host": {without("X-Forwarded-Host"), 400}, "no path": {without("X-Forwarded-Uri"), 400},
		"two methods": {twice("X-Forwarded-Method"), 400}, "two hosts": {twice("X-Forwarded-Host"), 400}, "two paths": {twice("X-Forwarded-Uri"), 400},
		"empty method": {asking("X-Forwarded-Method", ""), 400}, "empty host": {asking("X-Forwarded-Host", ""), 400}, "empty path": {asking("X-Forwarded-Uri", ""), 400},
		"control byte": {asking("X-Forwarded-Host", "app.example.test\x00"), 400}, "method with a space": {asking("X-Forwarded-Method", "GET /"), 400}, "method in two": {asking("X-Forwarded-Method", "GET\nPOST"), 400},
		"long method": {asking("X-Forwarded-Method", strings.Repeat("M", 9000)), 400}, "long host": {asking("X-Forwarded-Host", strings.Repeat("a", 9000)), 400}, "long path": {asking("X-Forwarded-Uri", "/"+strings.Repeat("a", 9000)), 400},
		"another host": {asking("X-Forwarded-Host", "evil.test"), 421}, "hosts in a list": {asking("X-Forwarded-Host", app+", "+app), 421}, "host and user": {asking("X-Forwarded-Host", "x@"+app), 421}, "another port": {asking("X-Forwarded-Host", app+":8443"), 421}, "dot": {asking("X-Forwarded-Host", app+"."), 421},
		"bad escape": {asking("X-Forwarded-Uri", "/public/%zz"), 400}, "dots": {asking("X-Forwarded-Uri", "/public/../inside"), 400}, "fragment": {asking("X-Forwarded-Uri", "/inside#/public"), 400}, "address": {asking("X-Forwarded-Uri", "https://"+app+"/public"), 400},
		"underscores": {func(r *http.Request) {
			r.Header.Del("X-Forwarded-Uri")
			r.Header["X_Forwarded_Uri"], r.Header["X_forwarded_uri"] = []string{"/public"}, []string{"/public"}
		}, 400},
		"our folder": {asking("X-Forwarded-Uri", "/.af-auth/"), 404}, "something in it": {asking("X-Forwarded-Uri", "/.af-auth/verify"), 404}, "start for a form": {func(r *http.Request) {
			r.Header.Set("X-Forwarded-Uri", "/.af-auth/start")
			r.Header.Set("X-Forwarded-Method", "POST")
		}, 405},
	} {
		out := in.through("GET", "https://"+app+"/inside", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Mode", "cors") // it accepts pages, and is none
			c.change(r)
		})
		if out.Code != c.status || to(out) != "" || len(out.Result().Cookies()) != 0 || identity(out) != [5]string{} {
			t.Errorf("%s: %d to %q %v, want %d", name, out.Code, to(out), identity(out), c.status)
			continue
		}
		if p := problem(t, out); c.status == 401 && (p.Code != "untrusted_proxy" || !strings.Contains(p.Hint, "AF_AUTH_TRUSTED_PROXIES")) || c.status == 421 && !strings.Contains(p.Hint, "AF_AUTH_HOSTS") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for _, host := range []string{app, app + ":443", strings.ToUpper(app)} {
		if out := in.through("GET", "https://"+app+"/inside", asking("X-Forwarded-Host", host)); out.Code != http.StatusOK {
			t.Errorf("%s: %d", host, out.Code)
		}
	}
	alone := newWorld(t, public(app, "/public"))
	for _, path := range []string{"/inside", "/public"} {
		if out := alone.browser().through("GET", "https://"+app+path, nil); out.Code != http.StatusUnauthorized || problem(t, out).Code != "untrusted_proxy" {
			t.Errorf("no proxy is trusted, %s: %d", path, out.Code)
		}
	}
}

// TestForwardTellsPeople: who opens a page that the gate does not lead on from
// gets one that says why, from the stylesheet of our own host, and whatever else
// asks gets JSON.
func TestForwardTellsPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt))
	w.allow(t)
	in := w.browser()
	in.signIn(t, "octocat", "")
	in.visit(t, "https://"+app+"/inside")
	navigating, old := asking("Sec-Fetch-Mode", "navigate"), func(*http.Request) {}
	for address, c := range map[string]struct {
		status int
		code   string
		words  string
	}{
		app + "/a//b": {400, "invalid", "is written in an unusual way"}, app + "/a%2Fb?x=secret": {400, "invalid", "is written in an unusual way"}, own + "/a//b": {400, "invalid", "is written in an unusual way"},
		app + "/.af-auth/": {404, "not_found", "has nothing at this address"}, app + "/.af-auth/verify?x=secret": {404, "not_found", "has nothing at this address"},
		"unknown.example.test/secret": {421, "wrong_host", "is not one that af-auth looks after"},
	} {
		for _, b := range []*browser{in, w.browser()} {
			for _, person := range []func(*http.Request){navigating, old} {
				out := b.through("GET", "https://"+address, person)
				holds(t, address, out, c.status, c.words, "/auth/assets/")
				if h := out.Header(); !strings.HasPrefix(h.Get("Content-Type"), "text/html") || h.Get("Content-Security-Policy") == "" || identity(out) != [5]string{} ||
					to(out) != "" || len(out.Result().Cookies()) != 0 || h.Get("Cache-Control") != "no-store" || strings.Contains(out.Body.String(), "secret") || strings.Contains(out.Body.String(), "unknown.example") {
					t.Errorf("%s: %v", address, h)
				}
			}
			for name, change := range map[string]func(*http.Request){
				"a script": asking("Sec-Fetch-Mode", "cors"), "a program": asking("Accept", "application/json"),
				"a form": func(r *http.Request) { r.Header.Set("X-Forwarded-Method", "POST"); navigating(r) },
			} {
				if p := problem(t, b.through("GET", "https://"+address, change)); p.Status != c.status || p.Code != c.code || p.RequestID == "" {
					t.Errorf("%s for %s: %+v", address, name, p)
				}
			}
		}
	}
}

// TestWrongHostIsLogged: an administrator finds out which host is missing.
func TestWrongHostIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt))
	for i, ask := range []func(){
		func() { w.browser().through("GET", "https://unknown.example.test/a/b?x=secret", nil) },
		func() { w.browser().ask("GET", "https://unknown.example.test/a/b?x=secret", nil) },
	} {
		ask()
		if log := w.log.String(); strings.Count(log, `"host":"unknown.example.test"`) != i+1 || strings.Contains(log, "secret") || strings.Contains(log, "/a/b") {
			t.Errorf("%d: %s", i, log)
		}
	}
	w.browser().ask("GET", "https://unknown.example.test/", func(r *http.Request) { r.Host = "a\n" + strings.Repeat("b", 1000) })
	if log := w.log.String(); !strings.Contains(log, `"host":"a\\n`+strings.Repeat("b", 198)+`..."`) {
		t.Error(log)
	}
}

// TestPublicPathsAreOpen: they are open to anybody, by their exact host, without a look
// at any cookie, and to the proxies that are trusted alone.
func TestPublicPathsAreOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt), public(app, "/public", "/api/hooks/"))
	w.exec(t, "ALTER TABLE sessions RENAME TO away") // whoever asks the database fails
	cookie := asking("Cookie", "__Host-af_auth="+strings.Repeat("A", 43))
	nginx := func(b *browser, host, uri string, change func(*http.Request)) *httptest.ResponseRecorder {
		return b.ask("GET", "https://"+host+"/auth/verify", func(r *http.Request) {
			r.Header.Set("X-Original-URI", uri)
			if change != nil {
				change(r)
			}
		})
	}
	b := w.browser()
	for _, uri := range []string{"/public", "/public/x", "/public?x=/../y", "/api/hooks/github?%zz"} {
		for door, out := range map[string]*httptest.ResponseRecorder{
			"forward": b.through("POST", "https://"+app+uri, cookie), "verify": nginx(b, app, uri, cookie),
		} {
			if out.Code != http.StatusOK || identity(out) != [5]string{} || len(out.Header()["X-Auth-Request-User"]) != 1 || len(out.Result().Cookies()) != 0 {
				t.Errorf("%s %s: %d %v", door, uri, out.Code, out.Header())
			}
		}
	}
	for _, uri := range []string{"/", "/publicx", "/admin?x=/public", "/public;x", "/public/a%20b", "/api/hooks"} {
		forward := b.through("POST", "https://"+app+uri, nil)
		if verify := nginx(b, app, uri, nil); forward.Code != http.StatusUnauthorized || verify.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d, %d", uri, forward.Code, verify.Code)
		}
	}
	// Another host, and a name that only we know ourselves by.
	for _, host := range []string{own, "af-auth:8080"} {
		if out := nginx(b, host, "/public", nil); out.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", host, out.Code)
		}
	}
	stranger := func(r *http.Request) { r.RemoteAddr = "203.0.113.9:1" }
	if out := nginx(b, app, "/public", stranger); out.Code != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", out.Code)
	}
	// nginx knows 401 and 403.
	for _, uri := range []string{"/public/../x", "/public/%2e%2e/x", "//public", "/%zz", "", "public", "/public#x", "/public/..;/x", "/public\x00"} {
		if out := nginx(b, app, uri, nil); out.Code != http.StatusForbidden || problem(t, out).Code != "invalid" || identity(out) != [5]string{} {
			t.Errorf("%q: %d", uri, out.Code)
		}
		if out := nginx(b, app, uri, stranger); out.Code != http.StatusUnauthorized {
			t.Errorf("%q from a stranger: %d", uri, out.Code)
		}
	}
	if out := nginx(b, app, "/public", func(r *http.Request) { r.Header.Add("X-Original-URI", "/public") }); out.Code != http.StatusForbidden {
		t.Errorf("two: %d", out.Code)
	}
	// A path that the gate refuses is nowhere to come back to, and a page says so.
	for _, uri := range []string{"/a//b", "//evil.test", "/a%2Fb", "/..;/x"} {
		out := b.ask("GET", "https://"+app+"/.af-auth/start", asking("X-Original-URI", uri))
		if out.Code != http.StatusBadRequest || to(out) != "" || !strings.Contains(out.Body.String(), "in more than one way") {
			t.Errorf("%s: %d to %q: %s", uri, out.Code, to(out), out.Body)
		}
	}
}

// TestHomeNamesApplications: whoever may open some applications sees which.
func TestHomeNamesApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.Options) { o.Apps["wiki.example.test"] = "Wiki" })
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	for apps, want := range map[string]string{
		"{" + app + "}": "<bdi>The App</bdi>", "{wiki.example.test," + app + ",gone.example.test}": "<bdi>The App and Wiki</bdi>", "{}": "no application is open to you", "{gone.example.test}": "no application is open to you",
	} {
		w.exec(t, "UPDATE users SET apps = $1::text::text[]", apps)
		if page := b.get("/auth/"); page.Code != http.StatusOK || !strings.Contains(page.Body.String(), want) {
			t.Errorf("%s: %d %s", apps, page.Code, page.Body)
		}
	}
	w.exec(t, "UPDATE users SET apps = NULL")
	if page := b.get("/auth/"); !strings.Contains(page.Body.String(), "Applications are open to you, without an end date") {
		t.Errorf("all: %s", page.Body)
	}
}
