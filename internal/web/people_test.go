package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web"
)

// The administrator of these tests, and whom they decide about.
const (
	hubotID   = 480938
	octocatID = 583231
)

// administered makes hubot an administrator by id.
func administered(t *testing.T) setting {
	return func(o *web.Options) {
		admins, err := access.NewAdmins(nil, o.Logger, []string{fmt.Sprintf("#%d", hubotID)})
		if err != nil {
			t.Fatal(err)
		}
		o.Admins = admins
	}
}

// console is a world whose administrator is signed in.
func console(t *testing.T, settings ...setting) (*world, *browser) {
	t.Helper()
	w := newWorld(t, append([]setting{administered(t)}, settings...)...)
	w.exec(t, "INSERT INTO users (github_user_id, is_whitelisted, apps) VALUES ($1, true, '{}')", hubotID)
	admin := w.browser()
	if out := admin.signIn(t, "hubot", ""); out.Code != http.StatusSeeOther {
		t.Fatalf("hubot signs in: %d", out.Code)
	}
	return w, admin
}

// id is our id of the person with a GitHub id.
func (w *world) id(t *testing.T, githubID int64) string {
	t.Helper()
	var id afauth.ID
	if err := w.conn.QueryRow(t.Context(), "SELECT id FROM users WHERE github_user_id = $1", githubID).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// text is one value out of the database.
func (w *world) text(t *testing.T, sql string, args ...any) (s string) {
	t.Helper()
	if err := w.conn.QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

var hidden = regexp.MustCompile(`<input type="hidden" name="was" value="([^"]*)">`)

// was is how the person stands, as the page's form hands it back.
func (b *browser) was(t *testing.T, path string) string {
	t.Helper()
	return hiddenWas(t, b.get(path))
}

// hiddenWas is the same of a page that was answered.
func hiddenWas(t *testing.T, out *httptest.ResponseRecorder) string {
	t.Helper()
	found := hidden.FindStringSubmatch(out.Body.String())
	if found == nil {
		t.Fatalf("%d, and no form:\n%s", out.Code, out.Body)
	}
	return strings.NewReplacer("&#43;", "+", "&amp;", "&").Replace(found[1])
}

// send posts a form as the browser of our own page does.
func (b *browser) send(path string, form url.Values) *httptest.ResponseRecorder {
	return b.ask("POST", path, post(form, "Sec-Fetch-Site", "same-origin", "Origin", b.w.Origin.String()))
}

func holds(t *testing.T, what string, out *httptest.ResponseRecorder, status int, words ...string) {
	t.Helper()
	if out.Code != status {
		t.Errorf("%s: %d, want %d; to %q", what, out.Code, status, to(out))
	}
	for _, word := range words {
		if !strings.Contains(out.Body.String(), word) {
			t.Errorf("%s does not hold %q:\n%s", what, word, out.Body)
		}
	}
}

// consoleRoutes are the pages and forms of administrators.
func consoleRoutes(id string) (pages, forms []string) {
	for _, rt := range web.Routes() {
		if !strings.HasPrefix(rt.Path, "/auth/people") {
			continue
		}
		path := strings.NewReplacer("{id}", id, "{session}", id).Replace(rt.Path)
		if rt.Method == http.MethodPost {
			forms = append(forms, path)
		} else {
			pages = append(pages, path)
		}
	}
	return pages, forms
}

// Nobody gets in who is no administrator: not a stranger, not who waits, not who
// is allowed; and where no administrator is named, nobody is one.
func TestConsoleIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, administered(t))
	byDefault := newWorld(t)
	for _, in := range []*world{w, byDefault} {
		in.exec(t, "INSERT INTO users (github_user_id, is_whitelisted) VALUES ($1, true), ($2, true)", hubotID, octocatID)
	}
	allowed, first := w.browser(), byDefault.browser()
	allowed.signIn(t, "octocat", "")
	first.signIn(t, "hubot", "")
	pages, forms := consoleRoutes(w.id(t, octocatID))
	if len(pages) < 5 || len(forms) < 6 {
		t.Fatalf("%d pages, %d forms", len(pages), len(forms))
	}
	stranger := w.browser()
	for _, path := range pages {
		if out := stranger.get(path); out.Code != http.StatusSeeOther || !strings.HasPrefix(to(out), "/auth/sign-in?return_to=") {
			t.Errorf("a stranger at %s: %d to %q", path, out.Code, to(out))
		}
		holds(t, "allowed, at "+path, allowed.get(path), http.StatusForbidden, "for administrators")
		holds(t, "by default, at "+path, first.get(path), http.StatusForbidden, "for administrators")
	}
	before := w.text(t, "SELECT string_agg(u::text, '') || (SELECT count(*) FROM events) || (SELECT count(*) FROM sessions) FROM users u")
	for _, path := range forms {
		form := url.Values{"ref": {"#42"}, "for": {"none"}, "apps": {"all"}, "typed": {"octocat"}}
		for who, out := range map[string]*httptest.ResponseRecorder{
			"a stranger": stranger.send(path, form), "allowed": allowed.send(path, form), "by default": first.send(path, form),
		} {
			want := http.StatusForbidden
			if who == "a stranger" {
				want = http.StatusUnauthorized
			}
			if out.Code != want {
				t.Errorf("%s sends to %s: %d, want %d", who, path, out.Code, want)
			}
		}
	}
	if after := w.text(t, "SELECT string_agg(u::text, '') || (SELECT count(*) FROM events) || (SELECT count(*) FROM sessions) FROM users u"); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
}

// An administrator has to be on the whitelist like everybody, and is asked about
// anew for each request.
func TestAdministratorHasToBeAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, administered(t))
	admin := w.browser()
	admin.signIn(t, "hubot", "")
	if out := admin.get("/auth/people"); out.Code != http.StatusSeeOther || !strings.HasPrefix(to(out), "/auth/waiting?") {
		t.Errorf("waiting: %d to %q", out.Code, to(out))
	}
	id := w.id(t, hubotID)
	if out := admin.send("/auth/people/"+id+"/allow", url.Values{"for": {"none"}, "apps": {"all"}}); out.Code != http.StatusForbidden {
		t.Errorf("allows himself: %d", out.Code)
	}
	w.exec(t, "UPDATE users SET is_whitelisted = true")
	holds(t, "allowed", admin.get("/auth/people"), http.StatusOK, "<h1>People</h1>")
	w.exec(t, "UPDATE users SET whitelist_until = now()")
	if out := admin.get("/auth/people"); out.Code != http.StatusSeeOther {
		t.Errorf("expired: %d", out.Code)
	}
	if out := admin.send("/auth/people/"+id+"/allow", url.Values{"for": {"none"}, "apps": {"all"}}); out.Code == http.StatusSeeOther {
		t.Errorf("expired, and allows himself: to %q", to(out))
	}
}

// A form counts only from our own pages.
func TestConsoleFormsFromElsewhere(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	other := w.browser()
	other.signIn(t, "octocat", "")
	was := admin.was(t, "/auth/people/"+w.id(t, octocatID))
	_, forms := consoleRoutes(w.id(t, octocatID))
	form := url.Values{"was": {was}, "ref": {"#42"}, "for": {"none"}, "apps": {"all"}, "typed": {"octocat"}}
	events := w.count(t, "events")
	for _, path := range forms {
		for name, headers := range map[string][]string{
			"not said": nil, "cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"}, "another origin": {"Origin", "https://evil.test"},
			"an application": {"Origin", "https://" + app}, "no origin": {"Origin", "null"}, "over http": {"Origin", "http://" + own},
			"said to be ours": {"Origin", "https://evil.test", "Sec-Fetch-Site", "same-origin"},
		} {
			if out := admin.ask("POST", path, post(form, headers...)); out.Code != http.StatusForbidden {
				t.Errorf("%s, %s: %d", path, name, out.Code)
			}
		}
	}
	if n := w.count(t, "events"); n != events || w.text(t, "SELECT is_whitelisted::text FROM users WHERE github_user_id = $1", octocatID) != "false" {
		t.Errorf("something was changed: %d events, before %d", n, events)
	}
	// No page of ours may stand in a frame, where a click would be somebody else's.
	for _, path := range []string{"/auth/people", "/auth/people/" + w.id(t, octocatID) + "/revoke"} {
		if got := admin.get(path).Header().Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") || !strings.Contains(got, "form-action 'self'") {
			t.Errorf("%s: policy %q", path, got)
		}
	}
}

func TestUnknownPeople(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	for _, id := range []string{"00000000-0000-4000-8000-000000000001", "octocat", "583231"} {
		holds(t, id, admin.get("/auth/people/"+id), http.StatusNotFound)
		if out := admin.send("/auth/people/"+id+"/revoke", url.Values{"typed": {"octocat"}}); out.Code != http.StatusNotFound {
			t.Errorf("revoke %s: %d", id, out.Code)
		}
	}
	if out := admin.send("/auth/people/"+w.id(t, hubotID)+"/sessions/x/end", nil); out.Code != http.StatusNotFound {
		t.Errorf("a session that is none: %d", out.Code)
	}
}

// An administrator who is put out while the end of a form is held back decides
// nothing with it.
func TestFormThatEndsAfterItsSender(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	waiting := w.browser()
	waiting.signIn(t, "octocat", "")
	for _, path := range []string{"/auth/people/allow", "/auth/people/" + w.id(t, octocatID) + "/allow"} {
		body, pen := io.Pipe()
		answered := make(chan int)
		go func() {
			out := admin.ask("POST", path, func(r *http.Request) {
				r.Body, r.ContentLength = body, -1
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				r.Header.Set("Origin", w.Origin.String())
			})
			answered <- out.Code
		}()
		// Written means read: a pipe holds nothing back.
		if _, err := io.WriteString(pen, "who=%23583231&for=none&apps=all"); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "UPDATE users SET is_whitelisted = false WHERE github_user_id = $1", hubotID)
		if err := pen.Close(); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code == http.StatusSeeOther {
			t.Errorf("%s: %d", path, code)
		}
		if n := w.count(t, "users WHERE is_whitelisted"); n != 0 {
			t.Errorf("%s: %d people may come in", path, n)
		}
		w.exec(t, "UPDATE users SET is_whitelisted = true WHERE github_user_id = $1", hubotID)
		admin.signIn(t, "hubot", "")
	}
}
