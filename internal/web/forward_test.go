package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web"
)

// proxyAt is where httptest's requests come from.
const proxyAt = "192.0.2.0/24"

// public opens paths.
func public(host string, paths ...string) setting {
	return func(o *web.Options) { o.Public = web.PublicPaths{host: paths} }
}

// through asks as Caddy or Traefik does on behalf of this browser, under the
// name by which a proxy calls a container. Cookies are those of the host in the
// address, and what is set goes there.
func (b *browser) through(method, address string, change func(*http.Request)) *httptest.ResponseRecorder {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return b.ask("GET", u.Scheme+"://"+u.Host+"/auth/forward", func(r *http.Request) {
		r.Header.Set("X-Forwarded-Method", method)
		r.Header.Set("X-Forwarded-Host", u.Host)
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-Uri", strings.TrimPrefix(address, u.Scheme+"://"+u.Host))
		r.Host = "af-auth:8080"
		if change != nil {
			change(r)
		}
	})
}

// visit opens a page behind the proxy and goes where it leads, until something
// answers that leads nowhere.
func (b *browser) visit(t *testing.T, address string) *httptest.ResponseRecorder {
	t.Helper()
	for range 12 {
		var out *httptest.ResponseRecorder
		if strings.HasPrefix(address, "/") {
			address = "https://" + own + address
		}
		if strings.HasPrefix(address, "https://"+own+"/auth/") {
			out = b.get(address)
		} else {
			out = b.through("GET", address, nil)
		}
		if out.Code < 300 || out.Code > 399 {
			return out
		}
		address = to(out)
	}
	t.Fatalf("led round in circles, last to %q", address)
	return nil
}

// TestForwardPassage is the whole way behind Caddy or Traefik, without a route
// of their own for our folder.
func TestForwardPassage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt))
	w.allow(t)
	b := w.browser()
	out := b.through("GET", "https://"+app+"/inside?a=b&c=%zz", nil)
	if out.Code != http.StatusFound || !strings.HasPrefix(to(out), "https://"+own+"/auth/continue?nonce=") || len(b.cookie(app, "__Host-af_auth_nonce")) != 43 {
		t.Fatalf("%d to %q", out.Code, to(out))
	}
	out = b.get(to(out))
	out = b.signIn(t, "octocat", strings.TrimPrefix(to(out), "/auth/sign-in"))
	link := to(out)
	if !strings.HasPrefix(link, "https://"+app+"/.af-auth/enter?ticket=") {
		t.Fatalf("no ticket: %q", link)
	}
	out = b.through("GET", link, nil)
	if out.Code != http.StatusSeeOther || to(out) != "https://"+app+"/inside?a=b&c=%zz" || len(b.cookie(app, "__Host-af_auth")) != 43 {
		t.Fatalf("enter: %d to %q: %s", out.Code, to(out), out.Body)
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PROPFIND"} {
		out = b.through(method, "https://"+app+"/inside", nil)
		if got := identity(out); out.Code != http.StatusOK || got[0] != "octocat" || got[2] != "583231" || out.Body.Len() != 0 || len(out.Result().Cookies()) != 0 {
			t.Errorf("%s inside: %d %v", method, out.Code, got)
		}
	}
	// Another tab keeps the nonce; the folder's start works by itself.
	nonce := b.cookie(app, "__Host-af_auth_nonce")
	out = b.through("GET", "https://"+app+"/.af-auth/start?return_to=/inside", asking("X-Original-URI", "/smuggled"))
	if out.Code != http.StatusFound || !strings.Contains(to(out), "return_to=https%3A%2F%2F"+app+"%2Finside") || b.cookie(app, "__Host-af_auth_nonce") != nonce {
		t.Errorf("start: %d to %q", out.Code, to(out))
	}
	if log := w.log.String(); strings.Contains(log, `"level":"INFO","msg":"request","method":"GET","route":"GET /auth/forward"`) {
		t.Error("each request behind the proxy is a line in the log")
	}
}

// TestForwardTickets: each way in which a ticket is not good, behind the proxy.
func TestForwardTickets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt), func(o *web.Options) { o.Apps["wiki.example.test"] = "Wiki" })
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	ticket := func() string { return to(b.get(to(b.through("GET", "https://"+app+"/inside", nil)))) }
	used, fresh, late, stolen, elsewhere := ticket(), ticket(), ticket(), ticket(), ticket()
	b.through("GET", used, nil)
	parts, _ := url.Parse(late)
	token, _ := afauth.ParseToken(parts.Query().Get("ticket"))
	hash := token.Hash()
	w.exec(t, "UPDATE tickets SET expires_at = now() WHERE token_hash = $1", hash[:])
	for name, c := range map[string]struct {
		who  *browser
		link string
	}{
		"replayed": {b, used}, "another browser": {w.browser(), stolen}, "another host": {b, strings.Replace(elsewhere, app, "wiki.example.test", 1)},
		"late": {b, late}, "none": {b, "https://" + app + "/.af-auth/enter"}, "invented": {b, "https://" + app + "/.af-auth/enter?ticket=" + strings.Repeat("A", 43)},
	} {
		out := c.who.through("GET", c.link, nil)
		if out.Code != http.StatusForbidden || !strings.Contains(out.Body.String(), "This link is used up") || !strings.Contains(out.Header().Get("Content-Security-Policy"), "style-src https://"+own) {
			t.Errorf("%s: %d %v %s", name, out.Code, out.Header(), out.Body)
		}
		if got := identity(out); len(out.Result().Cookies()) != 0 || got != [5]string{} {
			t.Errorf("%s: %v %v", name, out.Result().Cookies(), got)
		}
	}
	if out := b.through("HEAD", fresh, nil); out.Code != http.StatusMethodNotAllowed {
		t.Errorf("a look at the link: %d", out.Code)
	}
	if out := b.through("GET", fresh, nil); out.Code != http.StatusSeeOther {
		t.Errorf("the good one afterwards: %d", out.Code)
	}
}

// TestForwardAnswers: who is led on, and who is told no as a program.
func TestForwardAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt))
	w.allow(t)
	in := w.browser()
	in.signIn(t, "octocat", "")
	in.visit(t, "https://"+app+"/inside")
	page := func(name, value string) func(*http.Request) { return asking(name, value) }
	cases := []struct {
		name, method string
		change       func(*http.Request)
		leads        bool
	}{
		{"a page", "GET", nil, true}, {"navigate", "GET", page("Sec-Fetch-Mode", "navigate"), true}, {"navigate, accepting anything", "GET", func(r *http.Request) {
			r.Header.Set("Accept", "*/*")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}, true},
		{"fetch", "GET", page("Sec-Fetch-Mode", "cors"), false}, {"fetch that takes pages", "GET", page("Sec-Fetch-Mode", "same-origin"), false}, {"picture", "GET", page("Sec-Fetch-Mode", "no-cors"), false},
		{"curl", "GET", page("Accept", "*/*"), false}, {"WebSocket", "GET", page("Sec-Fetch-Mode", "websocket"), false}, {"head", "HEAD", nil, false}, {"form", "POST", page("Sec-Fetch-Mode", "navigate"), false}, {"small get", "get", nil, false},
	}
	for _, state := range []struct {
		name, sql string
		who       *browser
		status    int
		code      string
	}{
		{"nobody", "SELECT 1", w.browser(), 401, "not_signed_in"},
		{"not for this app", "SET session_replication_role = replica; UPDATE users SET apps = '{wiki.example.test}'", in, 403, "not_for_this_app"},
		{"run out", "UPDATE users SET apps = NULL, whitelist_until = now(); SET session_replication_role = origin", in, 403, "not_whitelisted"},
	} {
		w.exec(t, state.sql)
		for _, c := range cases {
			out := state.who.through(c.method, "https://"+app+"/inside", c.change)
			if got := identity(out); got != [5]string{} {
				t.Errorf("%s, %s: identity %v", state.name, c.name, got)
			}
			if c.leads {
				if out.Code != http.StatusFound || !strings.HasPrefix(to(out), "https://"+own+"/auth/continue?nonce=") {
					t.Errorf("%s, %s: %d to %q", state.name, c.name, out.Code, to(out))
				}
				continue
			}
			if p := problem(t, out); out.Code != state.status || p.Code != state.code || to(out) != "" || len(out.Result().Cookies()) != 0 {
				t.Errorf("%s, %s: %d %+v to %q", state.name, c.name, out.Code, p, to(out))
			}
		}
	}
	w.exec(t, "ALTER TABLE sessions RENAME TO away")
	if out := in.through("GET", "https://"+app+"/x", nil); out.Code != 503 || !strings.Contains(out.Body.String(), "<html") {
		t.Errorf("a page without the database: %d %s", out.Code, out.Body)
	}
	if out := in.through("POST", "https://"+app+"/x", nil); out.Code != 503 || problem(t, out).Code != "unavailable" || out.Header().Get("Retry-After") == "" {
		t.Errorf("a form without the database: %d %s", out.Code, out.Body)
	}
}

// TestForwardOnOwnHost: an application that shares our host needs no ticket, and
// our own pages are no application.
func TestForwardOnOwnHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(proxyAt))
	w.allow(t)
	b := w.browser()
	out := b.through("GET", "https://"+own+"/grafana?x=y", nil)
	if out.Code != http.StatusFound || to(out) != "https://"+own+"/auth/sign-in?return_to=https%3A%2F%2F"+own+"%2Fgrafana%3Fx%3Dy" {
		t.Fatalf("%d to %q", out.Code, to(out))
	}
	for _, path := range []string{"/auth/sign-in", "/auth", "/auth/forward"} {
		if out := b.through("GET", "https://"+own+path, nil); out.Code != http.StatusUnauthorized || to(out) != "" {
			t.Errorf("%s asked about: %d to %q", path, out.Code, to(out))
		}
	}
	if out := b.signIn(t, "octocat", "?return_to=/grafana%3Fx%3Dy"); to(out) != "https://"+own+"/grafana?x=y" {
		t.Errorf("back to %q", to(out))
	}
	if out := b.through("GET", "https://"+own+"/grafana?x=y", nil); out.Code != http.StatusOK || identity(out)[0] != "octocat" {
		t.Errorf("signed in: %d", out.Code)
	}
	// A ticket has no business here.
	if out := b.through("GET", "https://"+own+"/.af-auth/enter?ticket=x", nil); out.Code != http.StatusNotFound {
		t.Errorf("the folder on our own host: %d", out.Code)
	}
	w.exec(t, "UPDATE users SET apps = $1", []string{app})
	for _, path := range []string{"/grafana", "/"} {
		if page := b.visit(t, "https://"+own+path); page.Code != http.StatusForbidden || !strings.Contains(page.Body.String(), own+" is not open to") {
			t.Errorf("%s: %d %s", path, page.Code, page.Body)
		}
	}
}

// TestForwardTurnsAway: who may not enter sees why, and goes round nowhere.
func TestForwardTurnsAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql, words string
		status     int
	}{
		"waiting":                   {"UPDATE users SET is_whitelisted = false, whitelist_decided_at = NULL; ", "Continue with GitHub", 200}, // the session ended with it
		"refused":                   {"UPDATE users SET is_whitelisted = false", "The App is not open to", 403},
		"run out":                   {"SET session_replication_role = replica; UPDATE users SET whitelist_until = now()", "access to The App has ended", 403},
		"for others only":           {"UPDATE users SET apps = '{wiki.example.test}'", "You may open <bdi>Wiki</bdi>. An administrator can open The App to you as well.", 403},
		"for none":                  {"UPDATE users SET apps = '{}'", "no application is open to you", 403},
		"for one that is not here":  {"UPDATE users SET apps = '{gone.example.test}'", "no application is open to you", 403},
		"signed in as another here": {"UPDATE sessions SET user_id = (SELECT id FROM users WHERE github_user_id = 480938) WHERE parent_id IS NOT NULL", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, trusting(proxyAt), func(o *web.Options) { o.Apps["wiki.example.test"] = "Wiki" })
			w.allow(t)
			w.exec(t, "INSERT INTO users (github_user_id) VALUES (480938)")
			b := w.browser()
			b.signIn(t, "octocat", "")
			if out := b.visit(t, "https://"+app+"/inside"); out.Code != http.StatusOK {
				t.Fatalf("allowed: %d", out.Code)
			}
			w.exec(t, c.sql)
			page := b.visit(t, "https://"+app+"/inside")
			if page.Code != c.status || !strings.Contains(page.Body.String(), c.words) {
				t.Errorf("%d %s", page.Code, page.Body)
			}
		})
	}
}

// TestForwardWaiting: somebody new sees the waiting page, from which they go on
// to an application that is open to them, or hear that this one is not.
func TestForwardWaiting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		apps   []string
		status int
	}{"all": {nil, 200}, "this": {[]string{app}, 200}, "another": {[]string{"wiki.example.test"}, 403}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, trusting(proxyAt))
			b := w.browser()
			b.signIn(t, "octocat", "")
			page := b.visit(t, "https://"+app+"/inside")
			if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "has to let you in") {
				t.Fatalf("%d %s", page.Code, page.Body)
			}
			w.exec(t, "UPDATE users SET is_whitelisted = true, apps = $1", c.apps)
			if page := b.visit(t, link(t, page.Body.String(), "Check now")); page.Code != c.status {
				t.Errorf("%d %s", page.Code, page.Body)
			}
		})
	}
}
