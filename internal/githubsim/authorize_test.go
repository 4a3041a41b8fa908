package githubsim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/githubsim"
)

func TestCallbackCarriesCodeStateAndIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.pick(w.authorizeURL(), url.Values{"login": {"octocat"}})
	if len(q.Get("code")) != 20 || q.Get("state") != "st/a te" || q.Get("iss") != w.client.Issuer() || len(q) != 3 {
		t.Errorf("callback: %v", q)
	}
	w.sim.SetURL("https://github.test/")
	if q := w.pick(w.authorizeURL(), url.Values{"login": {"octocat"}}); q.Get("iss") != "https://github.test/login/oauth" {
		t.Errorf("iss after SetURL: %v", q)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.pick(w.authorizeURL(), url.Values{"deny": {"1"}})
	if q.Get("error") != "access_denied" || q.Get("error_description") == "" || q.Get("error_uri") == "" ||
		q.Get("state") != "st/a te" || q.Get("iss") != w.client.Issuer() || q.Has("code") {
		t.Errorf("callback: %v", q)
	}
}

// TestAuthorizeQuery: what the page makes of each wrong address.
func TestAuthorizeQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := url.Values{"client_id": {appID}, "redirect_uri": {callback}, "state": {"s"}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"}}
	for _, tc := range []struct {
		name, key, value string
		status           int
		fault            string // error in the callback
	}{
		{"good", "state", "s", 200, ""},
		{"no PKCE at all", "code_challenge", "", 302, "invalid_request"},
		{"plain", "code_challenge_method", "plain", 302, "invalid_request"},
		{"no method", "code_challenge_method", "", 302, "invalid_request"},
		{"padded challenge", "code_challenge", challenge(verifier) + "=", 302, "invalid_request"},
		{"short challenge", "code_challenge", "abc", 302, "invalid_request"},
		{"unknown client", "client_id", "other", 404, ""},
		{"no client", "client_id", "", 404, ""},
		{"default callback", "redirect_uri", "", 200, ""},
		{"other host", "redirect_uri", "http://127.0.0.2:8080/auth/github/callback", 302, "redirect_uri_mismatch"},
		{"script", "redirect_uri", "javascript:alert(1)", 302, "redirect_uri_mismatch"},
		{"account picker", "prompt", "select_account", 200, ""},
	} {
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		q.Set(tc.key, tc.value)
		for _, method := range []string{"GET", "POST"} {
			var form url.Values
			if method == "POST" {
				if tc.status == 200 {
					continue
				}
				form = url.Values{"login": {"octocat"}}
			}
			resp, _ := w.do(method, w.url+"/login/oauth/authorize?"+q.Encode(), form)
			to, _ := url.Parse(resp.Header.Get("Location"))
			if resp.StatusCode != tc.status || to.Query().Get("error") != tc.fault || to.Query().Has("code") {
				t.Errorf("%s %s: %d %s", method, tc.name, resp.StatusCode, to)
			}
			if tc.fault != "" && (!strings.HasPrefix(to.String(), callback+"?") || to.Query().Get("state") != "s" || to.Query().Get("error_uri") == "") {
				t.Errorf("%s %s leads to %s", method, tc.name, to)
			}
		}
	}
	// Neither challenge nor method is allowed: GitHub does not demand PKCE.
	if resp, _ := w.do("GET", w.url+"/login/oauth/authorize?client_id="+appID, nil); resp.StatusCode != 200 {
		t.Errorf("without PKCE: %d", resp.StatusCode)
	}
}

func TestRedirectRule(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		registered, wish string
		ok               bool
	}{
		{"https://a.example.com/cb", "https://a.example.com/cb", true},
		{"https://a.example.com/cb", "https://A.example.com:443/cb", true},
		{"https://a.example.com/cb", "https://a.example.com/cb/sub", true},
		{"https://a.example.com/cb", "https://a.example.com/cb?x=1", true},
		{"https://a.example.com", "https://a.example.com/any/where", true},
		{"https://a.example.com/cb/", "https://a.example.com/cb", true},
		{"https://a.example.com/cb", "https://a.example.com/cbx", false},
		{"https://a.example.com/cb", "https://a.example.com/", false},
		{"https://a.example.com/cb", "https://a.example.com/cb/../x", false},
		{"https://a.example.com/cb", "https://a.example.com/cb/%2e%2e/x", false},
		{"https://a.example.com/cb", "https://a.example.com/cb%2f..%2fx", false},
		{"https://a.example.com/cb", `https://a.example.com/cb/..\x`, false},
		{"https://a.example.com/cb", "https://a.example.com/cb//x", false},
		{"https://a.example.com/cb", "http://a.example.com/cb", false},
		{"https://a.example.com/cb", "https://a.example.com:8443/cb", false},
		{"https://a.example.com/cb", "https://b.example.com/cb", false},
		{"https://a.example.com/cb", "https://x.a.example.com/cb", false},
		{"https://a.example.com/cb", "https://a.example.com.evil.test/cb", false},
		{"https://a.example.com/cb", "https://a.example.com@evil.test/cb", false},
		{"https://a.example.com/cb", "https://u@a.example.com/cb", false},
		{"https://a.example.com/cb", "https://a.example.com/cb#f", false},
		{"https://a.example.com/cb", "//a.example.com/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:1234/cb", true},
		{"http://localhost:8080/cb", "http://localhost:9090/cb/x", true},
		{"http://[::1]:8080/cb", "http://[::1]:9090/cb", true},
		{"http://localhost/cb", "http://127.0.0.1/cb", false},
		{"http://localhost/cb", "http://localhost.evil.test/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1.evil.test/cb", false},
	} {
		s := githubsim.New(githubsim.Options{ClientID: "c", ClientSecret: "s", RedirectURIs: []string{"https://first.test/cb", tc.registered}})
		r := httptest.NewRequest("POST", "/login/oauth/authorize?client_id=c&redirect_uri="+url.QueryEscape(tc.wish), strings.NewReader("login=octocat"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		to := rec.Header().Get("Location")
		u, err := url.Parse(to)
		if err != nil || rec.Code != http.StatusFound {
			t.Fatalf("%s: %d %v", tc.wish, rec.Code, err)
		}
		if u.Query().Has("code") != tc.ok {
			t.Errorf("registered %s, asked %s: leads to %s", tc.registered, tc.wish, to)
		}
		if !tc.ok && !strings.HasPrefix(to, "https://first.test/cb?error=redirect_uri_mismatch") {
			t.Errorf("registered %s, asked %s: the mismatch leads to %s", tc.registered, tc.wish, to)
		}
	}
	s := githubsim.New(githubsim.Options{ClientID: "c", ClientSecret: "s"})
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest("GET", "/login/oauth/authorize?client_id=c&redirect_uri=http://x.test/", nil))
	if rec.Code != http.StatusNotFound {
		t.Errorf("without any callback: %d", rec.Code)
	}
}

func TestPickerPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp, body := w.do("GET", w.authorizeURL("user:email"), nil)
	for _, want := range []string{
		"A simulator for development, not GitHub</h1>", `method="post"`, `name="login" value="octocat"`, `name="login" value="hubot"`,
		`name="deny"`, "Mona Octocat", "583231", "480938", "user:email", callback, `id="login"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, never := range []string{" style=", "<script", "<style", " onclick", "action="} {
		if strings.Contains(body, never) {
			t.Errorf("the page has %s", never)
		}
	}
	csp := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "form-action 'self' http://127.0.0.1:8080 ", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("CSP lacks %s: %s", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") {
		t.Errorf("CSP: %s", csp)
	}
	css, style := w.do("GET", w.url+"/_sim/style.css", nil)
	if css.Header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(style, "light-dark(") {
		t.Errorf("stylesheet: %v", css.Header)
	}
}

func TestFormTargetsReachTheApplication(t *testing.T) {
	t.Parallel()
	for registered, want := range map[string]string{
		"http://localhost:8080/cb":       "'self' http://localhost:8080 http://127.0.0.1:* http://localhost:* http://*.localhost:*;",
		"http://[::1]:8080/cb":           "'self' http:;",
		"https://auth.example.test/cb":   "'self' https://auth.example.test https://*.example.test:*;",
		"https://example.test:8443/cb":   "'self' https://example.test:8443 https://*.example.test:*;",
		"https://auth.a.example.test/cb": "'self' https://auth.a.example.test https://*.a.example.test:*;",
	} {
		s := githubsim.New(githubsim.Options{ClientID: "c", ClientSecret: "s", RedirectURIs: []string{registered}})
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequest("GET", "/login/oauth/authorize?client_id=c", nil))
		if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action "+want) {
			t.Errorf("%s: %s", registered, csp)
		}
	}
}

func TestSuggestedPersonComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, body := w.do("GET", w.authorizeURL()+"&login=HUBOT", nil)
	if h, o := strings.Index(body, `value="hubot"`), strings.Index(body, `value="octocat"`); h < 0 || h > o {
		t.Errorf("hubot at %d, octocat at %d", h, o)
	}
	_, body = w.do("GET", w.authorizeURL()+"&login=new-person", nil)
	if !strings.Contains(body, `value="new-person"`) {
		t.Error("the suggested login is not in the field")
	}
}

func TestNewPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tok, err := w.client.Exchange(t.Context(), w.pick(w.authorizeURL("user:email"), url.Values{"login": {"grace-h"}, "name": {"Grace <b>Hopper"}}).Get("code"), verifier, callback)
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.client.User(t.Context(), tok.AccessToken)
	if err != nil || u.Login != "grace-h" || u.Name != "Grace <b>Hopper" || u.ID <= 100_000_000 {
		t.Errorf("got %+v, %v", u, err)
	}
	if mail, err := w.client.PrimaryEmail(t.Context(), tok.AccessToken); err != nil || mail != "grace-h@example.com" {
		t.Errorf("address %q, %v", mail, err)
	}
	other := newWorld(t)
	if v, err := other.client.User(t.Context(), other.signIn("Grace-H").AccessToken); err != nil || v.ID != u.ID {
		t.Errorf("another simulator gives %+v, %v; want the id %d", v, err, u.ID)
	}
	_, body := w.do("GET", w.authorizeURL(), nil)
	if strings.Contains(body, "<b>Hopper") || !strings.Contains(body, "&lt;b&gt;Hopper") {
		t.Error("the name is not escaped")
	}
}

func TestRefusedChoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, login := range []string{"", " ", "-a", "a-", "a--b", "a b", "a_b", "é", "../x", strings.Repeat("a", 40)} {
		resp, body := w.do("POST", w.authorizeURL(), url.Values{"login": {login}, "name": {"Kept Name"}})
		if resp.StatusCode != 422 || !strings.Contains(body, `role="alert"`) || !strings.Contains(body, "Kept Name") {
			t.Errorf("%q: %d", login, resp.StatusCode)
		}
	}
	resp, _ := w.do("POST", w.authorizeURL()+"&allow_signup=false", url.Values{"login": {"new-person"}})
	if resp.StatusCode != 422 {
		t.Errorf("allow_signup=false let somebody new in: %d", resp.StatusCode)
	}
	_, body := w.do("GET", w.authorizeURL()+"&allow_signup=false", nil)
	if strings.Contains(body, "Add and continue") {
		t.Error("allow_signup=false still offers to add somebody")
	}
	resp, _ = w.do("POST", w.authorizeURL(), url.Values{"login": {strings.Repeat("a", 70<<10)}})
	if resp.StatusCode != 400 {
		t.Errorf("a giant form: %d", resp.StatusCode)
	}
	resp, _ = w.do("POST", w.authorizeURL(), url.Values{"login": {"octocat"}}, "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site")
	if resp.StatusCode != 403 {
		t.Errorf("a form on another site: %d", resp.StatusCode)
	}
}

// TestTenTokensAnHour: GitHub asks the person again, and ends no token.
func TestTenTokensAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10 {
		w.signIn("octocat")
	}
	resp, body := w.do("POST", w.authorizeURL(), url.Values{"login": {"octocat"}})
	if resp.StatusCode != 200 || !strings.Contains(body, "ten tokens within an hour") || !strings.Contains(body, `name="confirm" value="1"`) {
		t.Fatalf("the eleventh in an hour: %d", resp.StatusCode)
	}
	if q := w.pick(w.authorizeURL(), url.Values{"login": {"octocat"}, "confirm": {"1"}}); q.Get("code") == "" {
		t.Errorf("confirmed: %v", q)
	}
	w.signIn("hubot") // another person is not held up
	w.clock.add(3601e9)
	w.signIn("octocat")

	free := newWorld(t, func(o *githubsim.Options) { o.NoTokenLimit = true })
	first := free.signIn("octocat")
	for range 30 {
		free.signIn("octocat")
	}
	if _, err := free.client.User(t.Context(), first.AccessToken); err != nil {
		t.Errorf("NoTokenLimit: %v", err)
	}
}
