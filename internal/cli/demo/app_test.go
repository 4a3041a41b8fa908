package demo

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visit asks the application alone, as the proxy would.
func visit(t *testing.T, method, target string, headers map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Accept", "text/html")
	for name, v := range headers {
		r.Header.Set(name, v)
	}
	w := httptest.NewRecorder()
	newApplication(&url.URL{Scheme: "http", Host: "127.0.0.1:8080"}, "").ServeHTTP(w, r)
	return w
}

func mona() map[string]string {
	return map[string]string{
		"X-Auth-Request-User": "octocat", "X-Auth-Request-User-Id": "0193a1f2-7c11-7000-8000-00000000002a",
		"X-Auth-Request-Github-Id": "583231", "X-Auth-Request-Email": "", "X-Auth-Request-Name": "Mona%20Octocat",
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	w := visit(t, "GET", "/", mona())
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	for _, want := range []string{
		"<h1>Hello, Mona Octocat</h1>", "no sign-in code at all", "<code>af-auth revoke octocat</code>",
		`<th role="rowheader" scope="row">X-Auth-Request-User</th><td role="cell">octocat</td>`,
		`<th role="rowheader" scope="row">X-Auth-Request-User-Id</th><td role="cell">0193a1f2-7c11-7000-8000-00000000002a</td>`,
		`<th role="rowheader" scope="row">X-Auth-Request-Github-Id</th><td role="cell">583231</td>`,
		`<th role="rowheader" scope="row">X-Auth-Request-Email</th><td role="cell"><span class="empty">empty</span></td>`,
		`<th role="rowheader" scope="row">X-Auth-Request-Name</th><td role="cell">Mona%20Octocat</td>`,
		`href="/">Check again</a>`, `href="http://127.0.0.1:8080/auth/sign-out">Sign out</a>`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, login, greeting, command string }{
		{"", "hubot", "Hello, hubot<", "af-auth revoke hubot<"},
		{"%20%20", "hubot", "Hello, hubot<", "af-auth revoke hubot<"},
		{"Zo%C3%AB%20%E2%9C%93", "zoe", "Hello, Zoë ✓<", "af-auth revoke zoe<"},
		{"%zz", "octo-cat_acme", "Hello, octo-cat_acme<", "af-auth revoke octo-cat_acme<"},
		{"%FFx", "x", "Hello, \uFFFDx<", "af-auth revoke x<"},
		{"%3Cscript%3Ealert(1)%3C/script%3E", "x", "Hello, &lt;script&gt;", "af-auth revoke x<"},
		{"", "$(reboot)", "Hello, $(reboot)<", "af-auth revoke 0193a1f2-7c11-7000-8000-00000000002a<"},
		{"", "-rf", "Hello, -rf<", "af-auth revoke 0193a1f2-7c11-7000-8000-00000000002a<"},
		{"", "", "Hello, somebody without a name<", "af-auth revoke 0193a1f2-7c11-7000-8000-00000000002a<"},
	} {
		h := mona()
		h["X-Auth-Request-Name"], h["X-Auth-Request-User"] = tt.name, tt.login
		body := visit(t, "GET", "/", h).Body.String()
		if !strings.Contains(body, tt.greeting) || !strings.Contains(body, tt.command) || strings.Contains(body, "<script") {
			t.Errorf("name %q, login %q: want %q and %q in\n%s", tt.name, tt.login, tt.greeting, tt.command, body)
		}
	}
}

func TestMe(t *testing.T) {
	t.Parallel()
	w := visit(t, "GET", "/api/me", mona())
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["login"] != "octocat" || got["github_id"] != "583231" || got["name"] != "Mona Octocat" || len(got) != 5 {
		t.Errorf("%v", got)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	w := visit(t, "GET", "/nowhere/%3Cb%3E", mona())
	if body := w.Body.String(); w.Code != 404 || !strings.Contains(body, "<h1>No page here</h1>") || !strings.Contains(body, "<code>/nowhere/&lt;b&gt;</code>") {
		t.Errorf("status %d: %s", w.Code, body)
	}
	h := mona()
	h["Accept"] = "application/json"
	if w := visit(t, "POST", "/nowhere", h); w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
}

// An application that somebody put on a port by mistake greets nobody.
func TestApplicationWithoutGate(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/api/me", "/echo", "/style.css", "/nowhere"} {
		if w := visit(t, "GET", target, map[string]string{"X-Auth-Request-User": "admin"}); w.Code != http.StatusForbidden {
			t.Errorf("%s: status %d", target, w.Code)
		}
	}
}

func TestPolicyOfPages(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/nowhere"} {
		h := visit(t, "GET", target, mona()).Header()
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q has no %s", target, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", target, h)
		}
	}
	inline := regexp.MustCompile(`(?i)\sstyle=|<style|<script|\son[a-z]+=|javascript:`)
	err := fs.WalkDir(files, "pages", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		page, err := fs.ReadFile(files, name)
		if found := inline.Find(page); found != nil {
			t.Errorf("%s has %q", name, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesOfPages(t *testing.T) {
	t.Parallel()
	d := newDemoServer(t, newAuthServer(t), nil)
	// The proxy's own files need no session: its pages are shown when nobody can
	// be asked. The application's do.
	for _, tt := range []struct {
		text, media string
		status      int
	}{
		{request("GET", "/.gate/style.css"), "text/css; charset=utf-8", 200},
		{request("GET", "/.gate/mark.svg"), "image/svg+xml", 200},
		{request("GET", "/.gate/app.html"), "application/problem+json", 401},
		{request("GET", "/style.css"), "application/problem+json", 401},
		{request("GET", "/style.css", "Cookie: "+sessionCookie+"=mona"), "text/css; charset=utf-8", 200},
		{request("GET", "/mark.svg", "Cookie: "+sessionCookie+"=mona"), "image/svg+xml", 200},
	} {
		res, _ := d.do(t, tt.text)
		if res.StatusCode != tt.status || res.Header.Get("Content-Type") != tt.media {
			t.Errorf("%q: %d %s", tt.text, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
}

func TestNewRefusesWhatIsNoOrigin(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "127.0.0.1", "/auth", "ftp://host", "http://", "http://u:secret@host", "http://host/path", "http://host?q=1", "http://host/#f"} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{AuthURL: u}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no address at all was accepted")
	}
}
