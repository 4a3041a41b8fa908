package web_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// post makes a form of a request.
func post(form url.Values, headers ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(form.Encode()))
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
}

func TestTheme(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home := "https://" + own + "/auth/"
	for _, c := range []struct {
		theme, back, cookie, to string
		status                  int
	}{
		{"dark", "/auth/about", "dark", home + "about", 303},
		{"light", "/auth/sign-in?return_to=https%3A%2F%2Fapp.example.test%2F", "light", home + "sign-in?return_to=https%3A%2F%2Fapp.example.test%2F", 303},
		{"system", "/auth/", "", home, 303},
		{"dark", "https://evil.test/", "dark", home, 303}, {"dark", "//evil.test/auth/", "dark", home, 303}, {"dark", `/\evil.test`, "dark", home, 303},
		{"dark", "https://" + app + "/", "dark", home, 303}, {"dark", "/elsewhere", "dark", home, 303}, {"dark", "", "dark", home, 303}, {"dark", "/auth", "dark", home, 303},
		{"pink", "/auth/", "", "", 400}, {"", "", "", "", 400}, {"dark\r\nSet-Cookie: a=b", "/auth/", "", "", 400},
	} {
		b := w.browser()
		out := b.ask("POST", "/auth/theme", post(url.Values{"theme": {c.theme}, "back": {c.back}}))
		if out.Code != c.status || to(out) != c.to || b.cookie(own, "__Host-af_auth_theme") != c.cookie {
			t.Errorf("%q, back to %q: %d to %q, cookie %q", c.theme, c.back, out.Code, to(out), b.cookie(own, "__Host-af_auth_theme"))
		}
		if page := b.get("/auth/about").Body.String(); c.cookie != "" && !strings.Contains(page, `data-theme="`+c.cookie+`"`) {
			t.Errorf("the page is not %s", c.cookie)
		}
	}
	// Browsers without Sec-Fetch-Site say where a form stands by Origin alone, and
	// only of a page whose policy lets them.
	if got := w.browser().get("/auth/about").Header().Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("with %q the origin of our forms is null", got)
	}
	if out := w.browser().ask("POST", "/auth/theme", post(url.Values{"theme": {"dark"}}, "Origin", "https://"+own)); out.Code != http.StatusSeeOther {
		t.Errorf("an old browser: %d", out.Code)
	}
	if out := w.browser().ask("POST", "/auth/theme", post(url.Values{"theme": {"dark"}}, "Origin", "null", "Sec-Fetch-Site", "same-origin")); out.Code != http.StatusSeeOther {
		t.Errorf("as browsers send it: %d", out.Code)
	}
	out := w.browser().ask("GET", "/auth/about", asking("Cookie", `__Host-af_auth_theme="><script>`))
	if strings.Contains(out.Body.String(), "data-theme") || strings.Contains(out.Body.String(), `"><script>`) {
		t.Error("a theme that is none reaches the page")
	}
	if p := problem(t, w.browser().ask("POST", "/auth/theme", post(url.Values{"theme": {strings.Repeat("x", 70_000)}}))); p.Status != 413 || p.Code != "too_large" {
		t.Errorf("a large form: %+v", p)
	}
}

// TestThemeLeadsBackToThePage: the form knows the page it stands on, and
// nothing of its address that is not ours.
func TestThemeLeadsBackToThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nonce := strings.Repeat("ab", 32)
	for address, back := range map[string]string{
		"/auth/about": "/auth/about", "/auth/sign-in?return_to=https://app.example.test/x&nonce=" + nonce + "&again=x-secret&token=secret": "/auth/sign-in?nonce=" + nonce + "&amp;return_to=https%3A%2F%2Fapp.example.test%2Fx&amp;again=1",
		"/auth/sign-in?return_to=https://evil.test/x-secret&nonce=" + nonce: "/auth/sign-in", "/auth/sign-in?return_to=https://app.example.test/&nonce=x-secret": "/auth/sign-in?return_to=https%3A%2F%2Fapp.example.test%2F",
		"/auth/about?return_to=" + strings.Repeat("-secret", 4000): "/auth/about", "/auth/sign-in?return_to=https://app.example.test/" + strings.Repeat("-secret", 4000): "/auth/sign-in",
		"/auth/github/callback?code=secret&state=secret": "/auth/", "/auth/nothing-secret": "/auth/",
	} {
		page := w.browser().get(address).Body.String()
		if !strings.Contains(page, `name="back" value="`+back+`"`) || strings.Contains(page, "=secret") || strings.Contains(page, "-secret") {
			t.Errorf("%s: %s", address, page)
		}
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	b.enter(t)
	elsewhere := w.browser()
	elsewhere.signIn(t, "octocat", "")
	for name, headers := range map[string][]string{
		"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"}, "another origin": {"Origin", "https://evil.test"},
		"our host over http": {"Origin", "http://" + own}, "an application": {"Origin", "https://" + app}, "our host, another port": {"Origin", "https://" + own + ":8443"},
		"no origin": {"Origin", "null"}, "another origin, and said to be ours": {"Origin", "https://evil.test", "Sec-Fetch-Site", "none"},
	} {
		if out := b.ask("POST", "/auth/sign-out", post(nil, headers...)); out.Code != http.StatusForbidden || len(out.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %v", name, out.Code, out.Result().Cookies())
		}
	}
	if n := w.count(t, "sessions"); n != 3 {
		t.Fatalf("%d sessions are left", n)
	}
	if page := b.get("/auth/sign-out"); page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "This ends 2 sessions") || w.count(t, "sessions") != 3 {
		t.Errorf("the question: %d %s", page.Code, page.Body)
	}
	out := b.ask("POST", "/auth/sign-out", post(nil, "Origin", "https://"+own, "Sec-Fetch-Site", "same-origin"))
	if out.Code != http.StatusSeeOther || to(out) != "/auth/signed-out" {
		t.Errorf("%d to %q", out.Code, to(out))
	}
	if b.cookie(own, "__Host-af_auth") != "" || b.cookie(own, "__Host-af_auth_notice") != "" {
		t.Error("cookies are left")
	}
	if n := w.count(t, "sessions"); n != 1 || elsewhere.get("/auth/verify").Code != http.StatusOK {
		t.Errorf("%d sessions; the other browser's must stay, and only that", n)
	}
	// Nobody is signed in: nothing to ask, nothing to end.
	if got := b.get("/auth/sign-out"); got.Code != http.StatusSeeOther || to(got) != "/auth/signed-out" {
		t.Errorf("the question to nobody: %d to %q", got.Code, to(got))
	}
	if got := b.ask("POST", "/auth/sign-out", post(nil)); got.Code != http.StatusSeeOther {
		t.Errorf("again: %d", got.Code)
	}
	if got := b.get("/auth/signed-out"); got.Code != http.StatusOK {
		t.Errorf("/auth/signed-out: %d", got.Code)
	}
}

// TestHome: who may see what on the first page.
func TestHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody := w.browser()
	if out := nobody.get("/"); out.Code != http.StatusFound || to(out) != "/auth/" {
		t.Errorf("/: %d to %q", out.Code, to(out))
	}
	if out := nobody.get("/auth/"); out.Code != http.StatusOK || !strings.Contains(out.Body.String(), `href="/auth/github"`) {
		t.Errorf("nobody: %d", out.Code)
	}
	b := w.browser()
	if out := b.signIn(t, "octocat", ""); to(out) != "/auth/waiting" {
		t.Errorf("waiting: to %q", to(out))
	}
	if out := b.get("/auth/"); out.Code != http.StatusSeeOther || to(out) != "/auth/waiting" {
		t.Errorf("waiting: %d to %q", out.Code, to(out))
	}
	w.allow(t)
	b.enter(t)
	page := b.get("/auth/").Body.String()
	for _, want := range []string{"octocat", "Mona Octocat", own, app} {
		if !strings.Contains(page, want) {
			t.Errorf("home does not show %q", want)
		}
	}
	w.exec(t, "UPDATE users SET name = '<script>alert(1)</script>', login = '\"><img src=x>'")
	if page := b.get("/auth/").Body.String(); strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x>") {
		t.Error("a name is read as HTML")
	}
}
