package page_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	afauth "github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/web/page"
)

func TestPerson(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		person                                      page.Person
		display, account, handle, initials, command string
	}{
		{page.Person{Name: "Mona Lisa Octocat", Login: "octocat", GitHubID: 583231}, "Mona Lisa Octocat", "@octocat · GitHub id 583231", "@octocat", "MO", "af-auth allow octocat"},
		{page.Person{Login: "hubot", GitHubID: 2}, "hubot", "@hubot · GitHub id 2", "@hubot", "HU", "af-auth allow hubot"},
		{page.Person{Name: " \t", Login: "a", GitHubID: 2}, "a", "@a · GitHub id 2", "@a", "A", "af-auth allow a"},
		{page.Person{Login: "octo_corp"}, "octo_corp", "@octo_corp", "@octo_corp", "OC", "af-auth allow octo_corp"},
		{page.Person{Name: "أحمد علي", GitHubID: 9}, "أحمد علي", "GitHub id 9", "GitHub id 9", "أع", "af-auth allow '#9'"},
		{page.Person{Name: "🐙 (octo)", GitHubID: 9}, "🐙 (octo)", "GitHub id 9", "GitHub id 9", "O", "af-auth allow '#9'"},
		{page.Person{GitHubID: 7}, "GitHub id 7", "", "GitHub id 7", "#", "af-auth allow '#7'"},
		{page.Person{Login: "x; rm -rf /", GitHubID: 8}, "x; rm -rf /", "@x; rm -rf / · GitHub id 8", "@x; rm -rf /", "XR", "af-auth allow '#8'"},
		{page.Person{Login: "--help", GitHubID: 8}, "--help", "@--help · GitHub id 8", "@--help", "HE", "af-auth allow '#8'"},
	} {
		p := test.person
		got := [...]string{p.Display(), p.Account(), p.Handle(), p.Initials(), p.AllowCommand("")}
		want := [...]string{test.display, test.account, test.handle, test.initials, test.command}
		if got != want {
			t.Errorf("%+v:\n got %q\nwant %q", p, got, want)
		}
	}
}

func TestPersonOf(t *testing.T) {
	t.Parallel()
	got := page.PersonOf(afauth.User{Name: "Mona", Login: "octocat", GitHubID: 1, AvatarURL: "u", Email: "secret@example.com"})
	if want := (page.Person{Name: "Mona", Login: "octocat", GitHubID: 1, AvatarURL: "u"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPictureOnlyFromGitHub(t *testing.T) {
	t.Parallel()
	const good = "https://avatars.githubusercontent.com/u/583231?v=4"
	for url, want := range map[string]string{
		good:                                     good,
		"":                                       "",
		"http://avatars.githubusercontent.com/u": "",
		"https://avatars.githubusercontent.com.evil.test/u":  "",
		"https://evil.test/avatars.githubusercontent.com":    "",
		"https://avatars.githubusercontent.com:444/u":        "",
		"https://me@avatars.githubusercontent.com/u":         "",
		"https://avatars.githubusercontent.com@evil.test/u":  "",
		"https://evil.test\\@avatars.githubusercontent.com/": "",
		"//avatars.githubusercontent.com/u":                  "",
		"javascript:alert(1)":                                "",
		"https://169.254.169.254/":                           "",
	} {
		if got := (page.Person{AvatarURL: url}).Picture(); got != want {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
}

func TestCSP(t *testing.T) {
	t.Parallel()
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https://avatars.githubusercontent.com; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if got := page.CSP(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := page.CSP("https://github.com", "http://127.0.0.1:8082", "*", "https://a.test; script-src *", "https://a.test/path",
		"javascript:x", "https://*.test", "'unsafe-inline'", "", "https://u@a.test", "https://a.test b")
	if want := strings.Replace(want, "form-action 'self'", "form-action 'self' https://github.com http://127.0.0.1:8082", 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestGuestCSP(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{
		"https://auth.example.com": "default-src 'none'; script-src https://auth.example.com; style-src https://auth.example.com; " +
			"img-src https://auth.example.com https://avatars.githubusercontent.com; connect-src https://auth.example.com; " +
			"form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
		"x; script-src *": "default-src 'none'; script-src 'none'; style-src 'none'; img-src https://avatars.githubusercontent.com; " +
			"connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
	} {
		if got := page.GuestCSP(origin); got != want {
			t.Errorf("%q:\n got %s\nwant %s", origin, got, want)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	html := render(t, renderer(t), page.Waiting{})
	serve := func(method, path string, header http.Header) *http.Response {
		r := httptest.NewRequest(method, path, nil)
		r.Header = header
		w := httptest.NewRecorder()
		page.Assets().ServeHTTP(w, r)
		return w.Result()
	}
	types := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	names := regexp.MustCompile(`/auth/assets/[a-z]+\.[0-9a-f]{12}\.(css|js|svg)`).FindAllStringSubmatch(html, -1)
	if len(names) != 4 {
		t.Fatalf("the waiting page names %d files with a hash, want 4", len(names))
	}
	for _, name := range names {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			res := serve(method, name[0], http.Header{})
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != types[name[1]] ||
				res.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: %d %v", method, name[0], res.StatusCode, res.Header)
			}
			again := serve(method, name[0], http.Header{"If-None-Match": {res.Header.Get("ETag")}})
			if again.StatusCode != http.StatusNotModified {
				t.Errorf("%s %s again: %d", method, name[0], again.StatusCode)
			}
		}
	}
	for _, path := range []string{"/auth/assets/", "/auth/assets/page.css", "/auth/assets/page.000000000000.css", "/auth/assets/../page.css", "/auth/assets/assets/page.css", "/"} {
		res := serve(http.MethodGet, path, http.Header{})
		if res.StatusCode != http.StatusNotFound || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
	if res := serve(http.MethodPost, names[0][0], http.Header{}); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                     "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":              "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15":                      "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36": "Samsung Internet on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                             "Chrome on ChromeOS",
		"curl/8.5.0":            "curl",
		"":                      "Unknown browser",
		" \t ":                  "Unknown browser",
		"/":                     "Unknown browser",
		"<b>x</b>":              "<b>x<",
		strings.Repeat("é", 40): strings.Repeat("é", 31) + "…",
	} {
		if got := page.Browser(agent); got != want {
			t.Errorf("%.60q: %q, want %q", agent, got, want)
		}
	}
}

// Times are tried through a page, as people meet them.
func TestTimes(t *testing.T) {
	t.Parallel()
	until := time.Date(2027, 1, 31, 23, 30, 0, 0, time.FixedZone("CET", 3600))
	all := audit(t, render(t, renderer(t), page.Home{Person: &page.Person{}, Access: afauth.Allowed, Until: &until}))
	got := find(all, "time")[0]
	if got.text != "31 Jan 2027, 22:30 UTC" || got.attrs["datetime"] != "2027-01-31T22:30:00Z" || got.attrs["title"] != "31 Jan 2027, 22:30:00 UTC" {
		t.Errorf("the time is %q %v", got.text, got.attrs)
	}
	for d, want := range map[time.Duration]string{
		7 * 24 * time.Hour: "for 7 days at most", 24 * time.Hour: "for 24 hours at most", 36 * time.Hour: "for 36 hours at most",
		90 * time.Minute: "for 90 minutes at most", time.Minute: "for 1 minute at most", 1500 * time.Millisecond: "for 2 seconds at most",
	} {
		html := render(t, renderer(t), page.SignIn{Terms: page.Terms{Limits: afauth.SessionLimits{Max: d}}})
		if !strings.Contains(html, want) {
			t.Errorf("%v: the page does not say %q", d, want)
		}
	}
}
