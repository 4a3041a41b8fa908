package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/githubsim"
)

// answerOf brings a browser back from GitHub, as octocat, and takes the answer
// in the given form.
func (b *browser) answerOf(t *testing.T, accept string) *httptest.ResponseRecorder {
	t.Helper()
	at := to(b.get("/auth/github"))
	r := httptest.NewRequest(http.MethodPost, at, strings.NewReader(url.Values{"login": {"octocat"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out := httptest.NewRecorder()
	b.w.sim.ServeHTTP(out, r)
	return b.ask(http.MethodGet, to(out), asking("Accept", accept))
}

// TestGitHubAsksToWait: a limit of GitHub's is told as one, with how long it
// asks us to wait, and not as a GitHub that is down.
func TestGitHubAsksToWait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault githubsim.Fault
		wait  int
		words string
	}{
		"429 for the code":            {githubsim.Fault{Kind: githubsim.RateLimited, Path: "/login/oauth/access_token", RetryAfter: 90 * time.Second}, 90, "Try again in 2 minutes."},
		"secondary, for the person":   {githubsim.Fault{Kind: githubsim.RateLimited, Path: "/api/v3/user", Status: 403, RetryAfter: 7 * time.Second}, 7, "Try again in 7 seconds."},
		"429 that is to last a while": {githubsim.Fault{Kind: githubsim.RateLimited, RetryAfter: time.Hour}, 3600, "Try again in 1 hour."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.Fault(2, c.fault)
			page := w.browser().answerOf(t, "text/html")
			text := page.Body.String()
			if page.Code != http.StatusServiceUnavailable || page.Header().Get("Retry-After") != strconv.Itoa(c.wait) {
				t.Errorf("%d, Retry-After %q", page.Code, page.Header().Get("Retry-After"))
			}
			if !strings.Contains(text, "GitHub asks us to wait") || !strings.Contains(text, c.words) || strings.Contains(text, "not answering") {
				t.Errorf("%s", text)
			}
			out := w.browser().answerOf(t, "application/json")
			if p := problem(t, out); p.Code != "github_rate_limited" || p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Detail, c.words) ||
				out.Header().Get("Retry-After") != strconv.Itoa(c.wait) {
				t.Errorf("%+v, Retry-After %q", p, out.Header().Get("Retry-After"))
			}
			if metrics := w.browser().ask("GET", "/metrics", asking("Authorization", "Bearer metrics-token-16")).Body.String(); !strings.Contains(metrics, `rejected_total{reason="github_rate_limited"} 2`) {
				t.Error("not counted by its name")
			}
		})
	}
}

// TestProblems: every fault in JSON says what happened and what to do, in whole
// sentences, and nothing of what caused it. problem checks the fields.
func TestProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	json := asking("Accept", "application/json")
	for _, target := range []string{
		"GET /nothing", "GET /auth//", "PUT /auth/", "GET https://unknown.test/", "GET /auth/github/callback", "GET /metrics",
		"GET https://" + app + "/.af-auth/enter", "GET https://" + app + "/auth/verify", "POST /auth/theme",
	} {
		method, address, _ := strings.Cut(target, " ")
		plain(t, target, problem(t, b.ask(method, address, json)).sentences())
	}
	w.exec(t, "UPDATE users SET whitelist_decided_at = NULL; SET session_replication_role = replica; UPDATE users SET is_whitelisted = false; RESET session_replication_role")
	plain(t, "not whitelisted", problem(t, b.ask("GET", "/auth/verify", json)).sentences())
	w.exec(t, "ALTER TABLE sessions RENAME COLUMN seen_at TO elsewhere")
	for _, path := range []string{"/auth/verify", "/auth/", "/auth/waiting/events"} {
		out := b.ask("GET", path, json)
		plain(t, path, problem(t, out).sentences())
		if out.Code != http.StatusServiceUnavailable || strings.Contains(out.Body.String(), "seen_at") || strings.Contains(out.Body.String(), "SQLSTATE") {
			t.Errorf("%s: %d %s", path, out.Code, out.Body)
		}
	}
}

// plain fails where what people and programs read is not in whole sentences, or
// speaks of a page that is not there.
func plain(t *testing.T, what string, sentences []string) {
	t.Helper()
	for _, s := range sentences {
		if !strings.HasSuffix(s, ".") || strings.ContainsAny(s, "{}") || strings.Contains(s, "below") {
			t.Errorf("%s: %q", what, s)
		}
	}
}
