package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/web"
)

// asCaddy makes of a question to verify one as Caddy and Traefik ask it.
func asCaddy(method, host, uri string) func(*http.Request) {
	return func(r *http.Request) {
		r.URL.Path, r.RequestURI = "/auth/forward", "/auth/forward"
		r.Header.Set("X-Forwarded-Method", method)
		r.Header.Set("X-Forwarded-Host", host)
		r.Header.Set("X-Forwarded-Uri", uri)
	}
}

// recalled is a world whose memory may answer, and somebody in it who is signed
// in on our own host.
type recalled struct {
	*world
	cookie *http.Cookie
	server postgres.Server
}

func newRecalled(t *testing.T, settings ...setting) *recalled {
	t.Helper()
	w := &recalled{world: newWorld(t, append(settings, func(o *web.Options) {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil)) // at debug nothing goes the short way
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	})...)}
	b := w.browser()
	b.signIn(t, "octocat", "")
	w.exec(t, "UPDATE users SET is_whitelisted = true, name = 'Möna', email = 'm@example.com'")
	b.signIn(t, "octocat", "")
	for _, c := range b.jar[own] {
		if c.Name == "__Host-af_auth" {
			w.cookie = c
		}
	}
	var started time.Time
	if err := w.conn.QueryRow(t.Context(), "SELECT pg_postmaster_start_time()").Scan(&started); err != nil {
		t.Fatal(err)
	}
	w.server.Started = started.UnixMicro()
	return w
}

// lease lets memory answer, at this time of the database's.
func (w *recalled) lease(now time.Time) {
	w.Gate.Renewed(postgres.Beat{Asked: time.Now().Add(time.Minute), Now: now, Server: w.server})
}

// verify asks as a proxy does. The ordinary way names the request; the short one
// has nothing to name.
func (w *recalled) verify(change func(*http.Request)) (code int, h http.Header, short bool) {
	out := w.browser().ask("GET", "https://"+own+"/auth/verify", func(r *http.Request) {
		r.Header.Set("Cookie", "theme=dark; "+w.cookie.Name+"="+w.cookie.Value)
		if change != nil {
			change(r)
		}
	})
	return out.Code, out.Header(), out.Header().Get("X-Request-Id") == ""
}

// twice makes of a question one that says a header a second time, in other words.
func twice(ask func(*http.Request), name, value string) func(*http.Request) {
	return func(r *http.Request) {
		ask(r)
		r.Header.Add(name, value)
	}
}

// A yes out of memory says what the database's yes says, and whatever is not
// plain goes the ordinary way, which decides.
func TestYesOutOfMemory(t *testing.T) {
	t.Parallel()
	w := newRecalled(t)
	cookie := w.cookie
	code, first, _ := w.verify(nil)
	if code != http.StatusOK {
		t.Fatalf("by the database: %d", code)
	}
	w.lease(time.Now())
	w.verify(nil) // is kept
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		code   int
		short  bool
	}{
		{"as before", nil, 200, true},
		{"two lines of cookies", func(r *http.Request) { r.Header.Add("Cookie", "a=b") }, 200, true},
		{"the cookie twice", func(r *http.Request) { r.Header.Add("Cookie", cookie.Name+"="+cookie.Value) }, 401, false},
		{"twice, one with a space", func(r *http.Request) {
			r.Header.Set("Cookie", cookie.Name+" =x; "+cookie.Name+"="+cookie.Value)
		}, 401, false},
		{"quoted", func(r *http.Request) { r.Header.Set("Cookie", cookie.Name+`="`+cookie.Value+`"`) }, 200, false},
		{"another token", func(r *http.Request) { r.Header.Set("Cookie", cookie.Name+"="+cookie.Value[1:]+"A") }, 401, false},
		{"another application", func(r *http.Request) { r.Host = app }, 401, false},
		{"an odd path", func(r *http.Request) { r.URL.RawPath = "/auth/%76erify" }, 400, false},
		{"as nginx asks", func(r *http.Request) { r.Header.Set("X-Original-URI", "/d/abc-1_2~3.png?q=%2e%2e/&x=//") }, 200, true},
		{"with a path that needs thought", func(r *http.Request) { r.Header.Set("X-Original-URI", "/a%20b") }, 200, false},
		{"with an odd path", func(r *http.Request) { r.Header.Set("X-Original-URI", "/a/../b") }, 403, false},
		{"with an odd path from no proxy", func(r *http.Request) {
			r.Header.Set("X-Original-URI", "/a/../b")
			r.RemoteAddr = "203.0.113.9:4711"
		}, 200, false},
		{"with two paths", twice(asking("X-Original-URI", "/a"), "X-Original-URI", "/b"), 403, false},
		{"with two paths from no proxy", func(r *http.Request) {
			twice(asking("X-Original-URI", "/a"), "X-Original-URI", "/b")(r)
			r.RemoteAddr = "203.0.113.9:4711"
		}, 200, false},
		{"as Caddy asks", asCaddy("GET", own, "/d/1?a=b"), 200, true},
		{"about a post", asCaddy("POST", own, "/d/1"), 200, true},
		{"about a page of our own", asCaddy("GET", own, "/.af-auth/enter"), 404, false},
		{"about another application", asCaddy("GET", app, "/"), 302, false},
		{"about a host that is none of ours", asCaddy("GET", "elsewhere.example.com", "/"), 421, false},
		{"about an odd path", asCaddy("GET", own, "/a/../b"), 400, false},
		{"about no path", asCaddy("GET", own, ""), 400, false},
		{"with an odd method", asCaddy("G ET", own, "/"), 400, false},
		{"about two paths", twice(asCaddy("GET", own, "/"), "X-Forwarded-Uri", "/b"), 400, false},
		{"about two hosts", twice(asCaddy("GET", own, "/"), "X-Forwarded-Host", app), 400, false},
		{"with two methods", twice(asCaddy("GET", own, "/"), "X-Forwarded-Method", "POST"), 400, false},
		{"from no proxy", func(r *http.Request) { asCaddy("GET", own, "/")(r); r.RemoteAddr = "203.0.113.9:4711" }, 401, false},
		{"HEAD", func(r *http.Request) { r.Method = "HEAD" }, 200, false},
	} {
		code, h, short := w.verify(tt.change)
		if code != tt.code || short != tt.short {
			t.Errorf("%s: %d, the short way %v", tt.name, code, short)
		}
		for name := range first {
			if name != "X-Request-Id" && code == http.StatusOK && h.Get(name) != first.Get(name) {
				t.Errorf("%s: %s is %q, and %q by the database", tt.name, name, h.Get(name), first.Get(name))
			}
		}
	}
	w.Gate.Lost()
	if _, _, short := w.verify(nil); short {
		t.Error("the short way without a lease")
	}
}

// Where anybody may open a path, the ordinary way knows which, and tells of nobody.
func TestYesBesidePublicPaths(t *testing.T) {
	t.Parallel()
	for _, host := range []string{own, app} {
		w := newRecalled(t, func(o *web.Options) { o.Public = web.PublicPaths{host: {"/hooks"}} })
		w.lease(time.Now())
		w.verify(nil)
		for _, uri := range []string{"/hooks/x", "/inside"} {
			for name, ask := range map[string]func(*http.Request){"nginx": asking("X-Original-URI", uri), "Caddy": asCaddy("GET", own, uri)} {
				code, h, short := w.verify(ask)
				nobody := host == own && uri == "/hooks/x"
				if code != http.StatusOK || short == (host == own) || (h.Get("X-Auth-Request-User") == "") != nobody {
					t.Errorf("public on %s, %s asks for %s: %d, %q, the short way %v", host, name, uri, code, h.Get("X-Auth-Request-User"), short)
				}
			}
		}
	}
}

// Who is in memory, and whose permission is for other applications or has ended,
// gets no yes from there.
func TestNoYesOutOfMemory(t *testing.T) {
	t.Parallel()
	w := newRecalled(t)
	w.lease(time.Now())
	w.exec(t, "UPDATE users SET apps = $1", []string{app})
	w.Gate.Changed(nil)
	for i := range uint64(3) {
		before := w.Gate.Stats().FromMemory
		code, _, short := w.verify(nil)
		if known := w.Gate.Stats().FromMemory - before; code != http.StatusForbidden || short || known != min(i, 1) {
			t.Errorf("another's application, question %d: %d, the short way %v, memory knew %d", i, code, short, known)
		}
	}
	w.exec(t, "UPDATE users SET apps = NULL, whitelist_until = now() + interval '30 minutes'")
	w.Gate.Changed(nil)
	w.verify(nil)
	if code, _, short := w.verify(nil); code != http.StatusOK || !short {
		t.Fatalf("for half an hour: %d, the short way %v", code, short)
	}
	w.lease(time.Now().Add(31 * time.Minute))
	if _, _, short := w.verify(nil); short {
		t.Error("a yes out of memory behind the end of the permission")
	}
}
