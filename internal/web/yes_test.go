package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/web"
)

// A yes out of memory says what the database's yes says, and whatever is not
// plain goes the ordinary way, which decides.
func TestYesOutOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.Options) {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil)) // at debug nothing goes the short way
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
		{"with a path from no proxy", func(r *http.Request) { r.Header.Set("X-Original-URI", "/a/../b") }, 200, false},
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
