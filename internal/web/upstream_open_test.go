package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/web"
)

// TestUpstreamOpen: one person, and one peer on public paths, holds so much open
// and no more, and takes nothing from others by it.
func TestUpstreamOpen(t *testing.T) {
	t.Parallel()
	const most = 200
	open := make(chan struct{}, 2*most)
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/quick") {
			_, _ = io.WriteString(w, "here")
			return
		}
		r.URL.Path = "/stream"
		echo(open)(w, r)
	}, func(o *web.Options) { o.Public = web.PublicPaths{own: {"/hooks/"}} })
	b, nobody := f.member(t), f.browser()
	other := f.browser()
	other.signIn(t, "hubot", "")
	f.exec(t, "UPDATE users SET is_whitelisted = true WHERE login = 'hubot'")
	passes := func(name string, b *browser, path string) {
		t.Helper()
		if res, body := f.get(t, b, path, nil); res.StatusCode != http.StatusOK || body != "here" {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	refused := func(name string, b *browser, path string) {
		t.Helper()
		res, body := f.get(t, b, path, nil)
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "5" || !strings.Contains(body, `"too_many_open"`) || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	hold := func(b *browser, path string) {
		t.Helper()
		for range most {
			if res, err := f.send(t, b, http.MethodGet, path, nil, nil); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v", res, err)
			}
			<-open
		}
	}
	for range most + 50 {
		passes("one after the other", b, "/quick")
	}
	hold(b, "/events")
	refused("one more", b, "/quick")
	passes("somebody else", other, "/quick")
	passes("a public path", nobody, "/hooks/quick")
	hold(nobody, "/hooks/events")
	refused("one more of a peer", nobody, "/hooks/quick")
	passes("somebody else beside strangers", other, "/quick")
	res, body := f.get(t, b, "/quick", heading("Accept", "text/html", "Sec-Fetch-Mode", "navigate"))
	if res.StatusCode != http.StatusTooManyRequests || !strings.Contains(body, "Too much is open at once") || !strings.Contains(body, "Try again in 5 seconds") {
		t.Errorf("a page: %d %s", res.StatusCode, body)
	}
}
