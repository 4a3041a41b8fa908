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

// A yes out of memory says what the database's yes says, and whatever is not
// plain goes the ordinary way, which decides.
func TestYesOutOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.Options) {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil)) // at debug nothing goes the short way
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	})
	b := w.browser()
	b.signIn(t, "octocat", "")
	w.exec(t, "UPDATE users SET is_whitelisted = true, name = 'Möna', email = 'm@example.com'")
	b.signIn(t, "octocat", "")
	cookie := b.jar[own][len(b.jar[own])-1]
	for _, c := range b.jar[own] {
		if c.Name == "__Host-af_auth" {
			cookie = c
		}
	}
	verify := func(change func(*http.Request)) (int, http.Header) {
		out := w.browser().ask("GET", "https://"+own+"/auth/verify", func(r *http.Request) {
			r.Header.Set("Cookie", "theme=dark; "+cookie.Name+"="+cookie.Value)
			if change != nil {
				change(r)
			}
		})
		return out.Code, out.Header()
	}
	code, first := verify(nil)
	if code != http.StatusOK {
		t.Fatalf("by the database: %d", code)
	}
	var server time.Time
	if err := w.conn.QueryRow(t.Context(), "SELECT pg_postmaster_start_time()").Scan(&server); err != nil {
		t.Fatal(err)
	}
	w.Gate.Renewed(postgres.Beat{Asked: time.Now().Add(time.Minute), Now: time.Now(), Server: postgres.Server{Started: server.UnixMicro()}})
	verify(nil) // is kept
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
		{"as Caddy asks", asCaddy("GET", own, "/d/1?a=b"), 200, true},
		{"about a post", asCaddy("POST", own, "/d/1"), 200, true},
		{"about a page of our own", asCaddy("GET", own, "/.af-auth/enter"), 404, false},
		{"about another application", asCaddy("GET", app, "/"), 302, false},
		{"about a host that is none of ours", asCaddy("GET", "elsewhere.example.com", "/"), 421, false},
		{"about an odd path", asCaddy("GET", own, "/a/../b"), 400, false},
		{"about no path", asCaddy("GET", own, ""), 400, false},
		{"with an odd method", asCaddy("G ET", own, "/"), 400, false},
		{"from no proxy", func(r *http.Request) { asCaddy("GET", own, "/")(r); r.RemoteAddr = "203.0.113.9:4711" }, 401, false},
		{"HEAD", func(r *http.Request) { r.Method = "HEAD" }, 200, false},
	} {
		code, h := verify(tt.change)
		// The ordinary way names the request; the short one has nothing to name.
		if short := h.Get("X-Request-Id") == ""; code != tt.code || short != tt.short {
			t.Errorf("%s: %d, the short way %v", tt.name, code, short)
		}
		for name := range first {
			if name != "X-Request-Id" && code == http.StatusOK && h.Get(name) != first.Get(name) {
				t.Errorf("%s: %s is %q, and %q by the database", tt.name, name, h.Get(name), first.Get(name))
			}
		}
	}
	w.Gate.Lost()
	if _, h := verify(nil); h.Get("X-Request-Id") == "" {
		t.Error("the short way without a lease")
	}
}
