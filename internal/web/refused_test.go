package web_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestRevokedPeopleAreTold: whoever is revoked has no session any more. Every
// way in says who they are and that the answer is no, and never asks them to
// sign in as if nothing had happened.
func TestRevokedPeopleAreTold(t *testing.T) {
	t.Parallel()
	back := "?return_to=https%3A%2F%2F" + app + "%2Finside"
	for name, c := range map[string]struct{ sql, title string }{
		"revoked":   {"UPDATE users SET is_whitelisted = false", "The App is not open to"},
		"run out":   {"UPDATE users SET whitelist_until = now()", "access to The App has ended"},
		"taken out": {"UPDATE users SET is_whitelisted = false, whitelist_until = now()", "The App is not open to"},
	} {
		for _, path := range []string{"/auth/continue", "/auth/sign-in", "/auth/waiting", "https://" + app + "/.af-auth/start"} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.allow(t) // before the sign-in: the waiting page was never seen
				b := w.browser()
				b.signIn(t, "octocat", "")
				w.exec(t, c.sql)
				page := b.follow(t, b.get(path+back))
				text := page.Body.String()
				if page.Code != http.StatusForbidden || !strings.Contains(text, c.title) || !strings.Contains(text, "@octocat") || !strings.Contains(text, "ask whoever runs") {
					t.Errorf("%d %s", page.Code, text)
				}
				// The way to another account leads to GitHub, which asks which one.
				signIn := b.follow(t, b.get(link(t, text, "Use another account")))
				if signIn.Code != http.StatusOK || !strings.Contains(signIn.Body.String(), "Sign in to The App") {
					t.Fatalf("another account: %d %s", signIn.Code, signIn.Body)
				}
				github := to(b.get(link(t, signIn.Body.String(), "Continue with GitHub")))
				if !strings.HasPrefix(github, w.github.URL) || !strings.Contains(github, "prompt=select_account") {
					t.Errorf("on to %q", github)
				}
			})
		}
	}
}

// TestHomeOfTheRevoked: af-auth's own start page is no way round.
func TestHomeOfTheRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	w.exec(t, "UPDATE users SET is_whitelisted = false")
	if page := b.follow(t, b.get("/auth/")); page.Code != http.StatusForbidden || !strings.Contains(page.Body.String(), "@octocat") {
		t.Errorf("%d %s", page.Code, page.Body)
	}
}

// TestNobodyIsTold: those whom no answer no concerns see the plain sign-in.
func TestNobodyIsTold(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"allowed, signed out elsewhere": "DELETE FROM sessions",
		"allowed again":                 "UPDATE users SET is_whitelisted = false; UPDATE users SET is_whitelisted = true",
		"removed":                       "DELETE FROM users",
		"undecided again":               "UPDATE users SET is_whitelisted = false; UPDATE users SET whitelist_decided_at = NULL",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.allow(t)
			b := w.browser()
			b.signIn(t, "octocat", "")
			w.exec(t, sql)
			for _, path := range []string{"/auth/continue", "/auth/sign-in", "/auth/waiting", "/auth/"} {
				if page := b.follow(t, b.get(path)); page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "Continue with GitHub") {
					t.Errorf("%s: %d %s", path, page.Code, page.Body)
				}
			}
		})
	}
}

// TestNoticeIsOfTheLastPerson: somebody allowed takes the place of somebody
// refused on the same browser, and a sign-out forgets them.
func TestNoticeIsOfTheLastPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "INSERT INTO users (github_user_id, is_whitelisted, whitelist_decided_at) VALUES (583231, true, now()), (480938, false, now())")
	b := w.browser()
	if out := b.signIn(t, "hubot", ""); to(out) != "/auth/refused" {
		t.Fatalf("hubot to %q", to(out))
	}
	b.signIn(t, "octocat", "?again=1")
	w.exec(t, "DELETE FROM sessions")
	if page := b.get("/auth/sign-in"); page.Code != http.StatusOK || strings.Contains(page.Body.String(), "hubot") {
		t.Errorf("%d %s", page.Code, page.Body)
	}
	b.signIn(t, "octocat", "")
	b.ask("POST", "/auth/sign-out", nil)
	w.exec(t, "UPDATE users SET is_whitelisted = false")
	if page := b.get("/auth/sign-in"); page.Code != http.StatusOK {
		t.Errorf("after a sign-out: %d to %q", page.Code, to(page))
	}
}

// follow goes where answers lead within our own hosts.
func (b *browser) follow(t *testing.T, out *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	t.Helper()
	for range 10 {
		if out.Code < 300 || out.Code > 399 {
			return out
		}
		out = b.get(to(out))
	}
	t.Fatalf("led round in circles, last to %q", to(out))
	return nil
}

// link returns where a link leads, by its words.
func link(t *testing.T, page, words string) string {
	t.Helper()
	m := regexp.MustCompile(`<a [^>]*href="([^"]+)"[^>]*>(?:<svg.*?</svg>)?` + regexp.QuoteMeta(words) + `</a>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no link %q in %s", words, page)
	}
	return html.UnescapeString(m[1])
}
