package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestCookies looks at each cookie that a whole way sets, on https and on http
// loopback, where there is no prefix and the port stands in the name.
func TestCookies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setting                                           []setting
		own, app, session, appSession, nonce, notice, sts string
		secure                                            bool
	}{
		"https": {nil, own, app, "__Host-af_auth", "__Host-af_auth", "__Host-af_auth_nonce", "__Host-af_auth_notice", "__Host-af_auth_state_", true},
		"loopback": {[]setting{onLoopback}, "127.0.0.1:8080", "127.0.0.1:8081", "af_auth_8080", "af_auth_8081", "af_auth_nonce_8081", "af_auth_notice_8080",
			"af_auth_state_8080_", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.setting...)
			origin := w.Origin.Scheme + "://"
			b := w.browser()
			set := map[string]*http.Cookie{}
			keep := func(cookies []*http.Cookie) {
				for _, one := range cookies {
					set[one.Name] = one
				}
			}
			keep(b.get("/auth/github").Result().Cookies())
			keep(b.signIn(t, "octocat", "").Result().Cookies())
			w.allow(t)
			start := b.get(origin + c.app + "/.af-auth/start")
			keep(start.Result().Cookies())
			keep(b.get(to(b.get(to(start)))).Result().Cookies())
			life := map[string]time.Duration{c.session: 2 * time.Hour, c.appSession: 2 * time.Hour, c.nonce: 24 * time.Hour, c.notice: 26 * time.Hour}
			for name, cookie := range set {
				if strings.HasPrefix(name, c.sts) {
					life[name] = 10 * time.Minute
				}
				want, known := life[name]
				d := time.Duration(cookie.MaxAge) * time.Second
				if !known || cookie.MaxAge >= 0 && (d > want || d < want-time.Minute) {
					t.Errorf("%s lives %v, want %v", name, d, want)
				}
				if cookie.Secure != c.secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
					t.Errorf("%s is %s", name, cookie)
				}
			}
			for name := range life {
				if set[name] == nil {
					t.Errorf("no cookie %s", name)
				}
			}
			if got := b.ask("GET", origin+c.app+"/auth/verify", nil); got.Code != http.StatusOK {
				t.Errorf("the application's gate: %d", got.Code)
			}
		})
	}
}

// TestPortsKeepApart: on loopback a browser sends all ports' cookies to each.
func TestPortsKeepApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onLoopback)
	w.allow(t)
	b := w.browser()
	b.signIn(t, "octocat", "")
	token := b.cookie("127.0.0.1:8080", "af_auth_8080")
	for cookies, status := range map[string]int{
		"af_auth_8080=" + token:                             200,
		"af_auth_8081=" + token:                             401,
		"af_auth_8081=x; af_auth_8080=" + token:             200,
		"af_auth=" + token:                                  401,
		"__Host-af_auth=" + token:                           401,
		"af_auth_8080=" + token + "; af_auth_8080=" + token: 401,
		"af_auth_8080=x; af_auth_8080=" + token:             401,
		"af_auth_8080=" + token + "; af_auth_8080=":         401,
		"af_auth_80=" + token:                               401,
	} {
		if got := w.browser().ask("GET", "/auth/verify", asking("Cookie", cookies)); got.Code != status {
			t.Errorf("%.40s: %d, want %d", cookies, got.Code, status)
		}
	}
}

// TestTwoTabs: two sign-ins at once, in one browser, both end.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/auth/github?return_to=/auth/about")
	if out := b.signIn(t, "octocat", ""); out.Code != http.StatusSeeOther {
		t.Fatalf("the second: %d", out.Code)
	}
	n := 0
	for _, c := range b.jar[own] {
		if strings.HasPrefix(c.Name, "__Host-af_auth_state_") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d sign-ins are still under way, want 1", n)
	}
}

// TestLongAddressesComeBack: the longest address that is carried stands in two
// cookies, none of which a browser would drop, and both are gone afterwards.
func TestLongAddressesComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(t)
	for _, path := range []string{"/" + strings.Repeat("a", 4095), "/?" + strings.Repeat("&", 2386), "/" + strings.Repeat("a", 2600)} {
		b := w.browser()
		query := "?return_to=" + url.QueryEscape(path)
		for _, c := range b.get("/auth/github" + query).Result().Cookies() {
			if len(c.Name)+len(c.Value) > 4096 {
				t.Errorf("%s has %d bytes", c.Name, len(c.Value))
			}
		}
		if out := b.signIn(t, "octocat", query); to(out) != w.Origin.String()+path {
			t.Errorf("%d to %.80q", out.Code, to(out))
		}
		for _, c := range b.jar[own] {
			if strings.HasPrefix(c.Name, "__Host-af_auth_state") {
				t.Errorf("%s is left", c.Name)
			}
		}
	}
}

// TestSignInsUnderWayAreBounded: a page that begins sign-ins in somebody's
// browser fills it with cookies up to a bound, and the newest ones work.
func TestSignInsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	long := "?return_to=/" + strings.Repeat("a", 4095)
	for range 20 {
		b.get("/auth/github" + long)
		size := 0
		for _, c := range b.jar[own] {
			size += len(c.Name) + len(c.Value)
		}
		if size > 7000 {
			t.Fatalf("%d bytes of cookies", size)
		}
	}
	for range 20 {
		b.get("/auth/github")
	}
	if out := b.signIn(t, "octocat", long); out.Code != http.StatusSeeOther {
		t.Errorf("the one that counts: %d", out.Code)
	}
	// Cookies whose names only look like ours are left alone.
	out := w.browser().ask("GET", "/auth/github", asking("Cookie", strings.Repeat("__Host-af_auth_statement="+strings.Repeat("a", 3000)+"; ", 4)))
	if n := len(out.Result().Cookies()); n != 1 {
		t.Errorf("%d cookies are set", n)
	}
}
