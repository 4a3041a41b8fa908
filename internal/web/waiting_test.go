package web_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// stream opens the waiting page's events and hands over their data until the
// end.
func (b *browser) stream(t *testing.T, server *httptest.Server) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/auth/waiting/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = own
	for _, c := range b.jar[own] {
		r.AddCookie(c)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	data := make(chan string, 16)
	go func() {
		defer close(data)
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				data <- text
			}
		}
	}()
	return data
}

// next returns what the stream says next, or "" at its end.
func next(t *testing.T, stream <-chan string, within time.Duration) string {
	t.Helper()
	select {
	case text := <-stream:
		return text
	case <-time.After(within):
		t.Fatalf("the stream says nothing within %v", within)
		return ""
	}
}

func TestWaitingEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, says string }{
		"allowed":    {"UPDATE users SET is_whitelisted = true", `{"access":"allowed"}`},
		"refused":    {"UPDATE users SET is_whitelisted = false, whitelist_decided_at = now()", `{"access":"refused"}`},
		"expired":    {"UPDATE users SET is_whitelisted = true, whitelist_until = now()", `{"access":"expired"}`},
		"signed out": {"DELETE FROM sessions", ""},
		"deleted":    {"DELETE FROM users", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server := httptest.NewServer(w)
			t.Cleanup(server.Close)
			b := w.browser()
			b.signIn(t, "octocat", "")
			stream := b.stream(t, server)
			if got := next(t, stream, 5*time.Second); got != `{"access":"waiting"}` {
				t.Fatalf("first %s", got)
			}
			w.exec(t, c.sql)
			if got := next(t, stream, time.Second); got != c.says {
				t.Errorf("then %q, want %q", got, c.says)
			}
			if c.says != "" {
				if got := next(t, stream, time.Second); got != "" {
					t.Errorf("and on: %q", got)
				}
			}
		})
	}
}

// TestWaitingEventsEnd: with the server, and with the browser.
func TestWaitingEventsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	b := w.browser()
	b.signIn(t, "octocat", "")
	var open []<-chan string
	for range 8 {
		open = append(open, b.stream(t, server))
		next(t, open[len(open)-1], 5*time.Second)
	}
	out := b.ask("GET", "/auth/waiting/events", asking("Accept", "text/event-stream"))
	if p := problem(t, out); p.Status != http.StatusTooManyRequests || out.Header().Get("Retry-After") == "" {
		t.Errorf("the ninth: %+v", p)
	}
	other := w.browser()
	other.signIn(t, "hubot", "")
	open = append(open, other.stream(t, server))
	next(t, open[8], 5*time.Second)
	w.shutDown()
	for i, stream := range open {
		if got := next(t, stream, time.Second); got != "" {
			t.Errorf("stream %d says %q at the end", i, got)
		}
	}
}

// TestWaitingPage: the page, and its way on once somebody has decided.
func TestWaitingPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	back := "?return_to=https%3A%2F%2F" + app + "%2Fx"
	if out := b.get("/auth/waiting" + back); to(out) != "/auth/sign-in"+back {
		t.Errorf("nobody: to %q", to(out))
	}
	if out := b.signIn(t, "octocat", back); to(out) != "/auth/waiting"+back {
		t.Fatalf("to %q", to(out))
	}
	page := b.get("/auth/waiting" + back)
	for _, want := range []string{"octocat", "The App", `data-events-url="/auth/waiting/events"`, `href="/auth/continue?return_to=`, `http-equiv="refresh"`} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
	if strings.Contains(page.Body.String(), "af-auth allow") {
		t.Error("the command is shown outside of development")
	}
	w.exec(t, "UPDATE users SET is_whitelisted = true")
	for _, path := range []string{"/auth/waiting", "/auth/continue", "/auth/sign-in"} {
		if out := b.get(path + back); out.Code != http.StatusSeeOther || to(out) != "https://"+app+"/x" {
			t.Errorf("%s, allowed: %d to %q", path, out.Code, to(out))
		}
	}
	w.exec(t, "UPDATE users SET is_whitelisted = false")
	// The session has ended; the notice says whom the page is about.
	if out := b.get("/auth/waiting" + back); to(out) != "/auth/refused"+back {
		t.Errorf("refused: to %q", to(out))
	}
	refused := b.get("/auth/refused" + back)
	if refused.Code != http.StatusForbidden || !strings.Contains(refused.Body.String(), "octocat") {
		t.Errorf("the refused page: %d", refused.Code)
	}
	// A stranger learns nobody's name, whatever notice he brings.
	for _, notice := range []string{"", "x", b.cookie(own, "__Host-af_auth_notice")[1:]} {
		out := w.browser().ask("GET", "/auth/refused", asking("Cookie", "__Host-af_auth_notice="+notice))
		if out.Code != http.StatusForbidden || strings.Contains(out.Body.String(), "octocat") {
			t.Errorf("notice %.10q: %d", notice, out.Code)
		}
	}
	w.exec(t, "UPDATE users SET is_whitelisted = true")
	if out := b.get("/auth/refused" + back); to(out) != "/auth/sign-in"+back {
		t.Errorf("allowed again: to %q", to(out))
	}
}
