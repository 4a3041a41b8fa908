package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// enter goes from the application's gate to the application.
func (b *browser) enter(t *testing.T) {
	t.Helper()
	out := b.get(b.ticket(t))
	if out.Code != http.StatusSeeOther || to(out) != "https://"+app+"/inside" {
		t.Fatalf("enter: %d to %q: %s", out.Code, to(out), out.Body)
	}
}

// ticket goes as far as the link that enters.
func (b *browser) ticket(t *testing.T) string {
	t.Helper()
	link := to(b.get(to(b.get("https://" + app + "/.af-auth/start?return_to=/inside"))))
	if !strings.HasPrefix(link, "https://"+app+"/.af-auth/enter?ticket=") {
		t.Fatalf("no ticket: %q", link)
	}
	return link
}

// TestPassage is the whole way of somebody who comes to an application.
func TestPassage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	out := b.ask("GET", "https://"+app+"/.af-auth/start", asking("X-Original-URI", "/inside?a=b&c=d"))
	if out.Code != http.StatusFound || !strings.HasPrefix(to(out), "https://"+own+"/auth/continue?nonce=") {
		t.Fatalf("start: %d to %q", out.Code, to(out))
	}
	nonce := b.cookie(app, "__Host-af_auth_nonce")
	if strings.Contains(to(out), nonce) {
		t.Error("the nonce itself is in the address")
	}
	out = b.get(to(out))
	if out.Code != http.StatusSeeOther || !strings.HasPrefix(to(out), "/auth/sign-in?") {
		t.Fatalf("continue: %d to %q", out.Code, to(out))
	}
	query := strings.TrimPrefix(to(out), "/auth/sign-in")
	if page := b.get(to(out)); page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "Sign in to The App") {
		t.Errorf("the sign-in page: %d", page.Code)
	}
	out = b.signIn(t, "octocat", query)
	if !strings.HasPrefix(to(out), "https://"+app+"/.af-auth/enter?ticket=") {
		t.Fatalf("callback: %d to %q", out.Code, to(out))
	}
	out = b.get(to(out))
	if out.Code != http.StatusSeeOther || to(out) != "https://"+app+"/inside?a=b&c=d" {
		t.Errorf("enter: %d to %q", out.Code, to(out))
	}
	if got := b.get("https://" + app + "/auth/verify"); got.Code != http.StatusOK {
		t.Errorf("the gate: %d", got.Code)
	}
	// A second tab keeps the first one's nonce.
	b.get("https://" + app + "/.af-auth/start")
	if b.cookie(app, "__Host-af_auth_nonce") != nonce {
		t.Error("a second tab takes the first one's nonce away")
	}
}

// TestStart: where the proxy says the person was, as far as it is a path.
func TestStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ header, query, want string }{
		{"", "", "/"}, {"/x?y=z", "", "/x?y=z"}, {"", "/x", "/x"}, {"/h", "/q", "/h"}, {"//evil.test", "", "/"}, {`/\evil.test`, "", "/"}, {"https://evil.test/", "", "/"},
		{"/\xff", "", "/"}, {"/a b", "", "/"}, {strings.Repeat("/a", 3000), "", "/"}, {"", "//evil.test", "/"}, {"", "x", "/"}, {"/a#b", "", "/"},
		{"/.af-auth/start", "", "/"}, {"/.af-auth/enter?ticket=x", "", "/"}, {"", "/.af-auth/start?return_to=/.af-auth/start", "/"},
	} {
		target := "https://" + app + "/.af-auth/start"
		if c.query != "" {
			target += "?return_to=" + url.QueryEscape(c.query)
		}
		out := w.browser().ask("GET", target, func(r *http.Request) {
			if c.header != "" {
				r.Header.Set("X-Original-URI", c.header)
			}
		})
		u, err := url.Parse(to(out))
		if err != nil || u.Host != own || u.Path != "/auth/continue" || len(u.Query().Get("nonce")) != 64 {
			t.Errorf("%+v: %d to %q", c, out.Code, to(out))
			continue
		}
		if got := u.Query().Get("return_to"); got != "https://"+app+c.want {
			t.Errorf("%+v: back to %q", c, got)
		}
	}
	// A nonce that is none is replaced; two of one name count as none.
	for _, cookies := range []string{"__Host-af_auth_nonce=short", "__Host-af_auth_nonce=" + strings.Repeat("A", 43) + "; __Host-af_auth_nonce=" + strings.Repeat("A", 43)} {
		b := w.browser()
		b.ask("GET", "https://"+app+"/.af-auth/start", asking("Cookie", cookies))
		if n := b.cookie(app, "__Host-af_auth_nonce"); len(n) != 43 || n == strings.Repeat("A", 43) {
			t.Errorf("%s becomes %q", cookies, n)
		}
	}
}

// TestPassageOfTheTurnedAway: who may not enter gets no ticket.
func TestPassageOfTheTurnedAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, page string }{
		"waiting":          {"SELECT 1", "/auth/waiting"},
		"refused":          {"UPDATE users SET whitelist_decided_at = now()", "/auth/refused"}, // the session has ended with it
		"expired by clock": {"SET session_replication_role = replica; UPDATE users SET is_whitelisted = true, whitelist_until = now()", "/auth/refused"},
		"signed out":       {"DELETE FROM sessions", "/auth/sign-in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser()
			b.signIn(t, "octocat", "")
			w.exec(t, c.sql)
			out := b.get(to(b.get("https://" + app + "/.af-auth/start?return_to=/inside")))
			if out.Code != http.StatusSeeOther || !strings.HasPrefix(to(out), c.page+"?") || !strings.Contains(to(out), "return_to=https%3A%2F%2Fapp.example.test%2Finside") {
				t.Errorf("%d to %q", out.Code, to(out))
			}
			if n := w.count(t, "tickets"); n != 0 {
				t.Errorf("%d tickets", n)
			}
		})
	}
}

// TestEnterFails: each way in which a link is not good, and where "try again"
// leads from there.
func TestEnterFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	used := b.ticket(t)
	b.get(used)
	brought := b.ticket(t)
	for name, c := range map[string]struct {
		who  *browser
		link string
	}{
		"used": {b, used}, "another browser": {w.browser(), brought}, "no ticket": {b, "https://" + app + "/.af-auth/enter"},
		"invented": {b, "https://" + app + "/.af-auth/enter?ticket=" + strings.Repeat("A", 43)}, "long": {b, "https://" + app + "/.af-auth/enter?ticket=" + strings.Repeat("A", 5000)},
	} {
		out := c.who.get(c.link)
		if out.Code != http.StatusForbidden || !strings.Contains(out.Body.String(), "return_to=https%3A%2F%2Fapp.example.test%2F\"") {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
		}
		for _, cookie := range out.Result().Cookies() {
			t.Errorf("%s sets %s", name, cookie)
		}
	}
	if got := b.get("https://" + app + "/auth/verify"); got.Code != http.StatusOK {
		t.Errorf("bad links ended the session: %d", got.Code)
	}
	if out := b.get(brought); out.Code != http.StatusForbidden {
		t.Errorf("the one that another browser brought: %d", out.Code)
	}
	b.enter(t)
}

// TestPassageOfWhoHasWaited: whoever waits may wait for longer than the nonce
// lasts, and arrives where they wanted all the same.
func TestPassageOfWhoHasWaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	start := "https://" + app + "/.af-auth/start?return_to=/inside"
	query := strings.TrimPrefix(to(b.get(to(b.get(start)))), "/auth/sign-in")
	waiting := to(b.signIn(t, "octocat", query))
	if want := "/auth/waiting?return_to=https%3A%2F%2F" + app + "%2Finside"; waiting != want {
		t.Fatalf("the callback leads to %q, want %q", waiting, want)
	}
	delete(b.jar, app)
	w.allow(t)
	// The waiting page, looking again: to the application, whose gate leads on.
	if out := b.get(waiting); to(out) != "https://"+app+"/inside" {
		t.Fatalf("allowed: %d to %q", out.Code, to(out))
	}
	b.enter(t)
}

// TestWhereFormsEnd: a form of somebody who waits may lead on to the application
// that they want, and to no host that a link made up; those of other pages end here.
func TestWhereFormsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	for returnTo, forms := range map[string]string{
		"": "'self'", "https://" + app + "/x": "'self' https://" + app, "https://" + own + "/x": "'self'", "https://evil.test/": "'self'",
		"https://" + app + "/x;form-action *": "'self'", "https://" + app + "%20*/": "'self'",
	} {
		query := "?return_to=" + url.QueryEscape(returnTo)
		for _, path := range []string{"/auth/waiting", "/auth/waiting/message", "/auth/about", "/auth/sign-in", "/auth/nothing"} {
			policy, forms := b.get(path+query+"&again=1").Header().Get("Content-Security-Policy"), forms
			if !strings.HasPrefix(path, "/auth/waiting") {
				forms = "'self'"
			}
			if !strings.Contains(policy, "; form-action "+forms+"; ") || strings.Count(policy, "form-action") != 1 {
				t.Errorf("%s%s: policy %q", path, query, policy)
			}
		}
	}
}
