package web_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	personLink = regexp.MustCompile(`<a class="name" href="(/auth/people/[0-9a-f-]{36})"`)
	nextLink   = regexp.MustCompile(`<a class="button" href="([^"]*)">Next page</a>`)
)

// The list goes by key: everybody is on one page, and nobody on two.
func TestPeoplePages(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	w.exec(t, `INSERT INTO users (github_user_id, login, name, is_whitelisted, created_at)
		SELECT 1000 + n, 'member-' || n, 'Member ' || n, true, now() - n % 7 * interval '1 second' FROM generate_series(1, 119) n`)
	seen := map[string]int{}
	var pages []string
	for at := "/auth/people"; at != ""; {
		pages = append(pages, at)
		body := admin.get(at).Body.String()
		for _, m := range personLink.FindAllStringSubmatch(body, -1) {
			seen[m[1]]++
		}
		next := nextLink.FindStringSubmatch(body)
		if at = ""; next != nil {
			at = strings.ReplaceAll(next[1], "&amp;", "&")
		}
		if len(pages) > 5 {
			t.Fatal("the list has no end")
		}
	}
	if len(pages) != 3 || len(seen) != 120 {
		t.Errorf("%d people on %v", len(seen), pages)
	}
	for who, n := range seen {
		if n != 1 {
			t.Errorf("%s stands %d times", who, n)
		}
	}
	holds(t, "the administrator's own page", admin.get("/auth/"), http.StatusOK, `href="/auth/people"`)
	holds(t, "the second page", admin.get(pages[1]), http.StatusOK, "First page", `name="back" value="/auth/people?after=`)
	for path, words := range map[string][]string{
		"/auth/people":                                  {`All <span class="n">120</span>`, `Waiting <span class="n">0</span>`, "Nobody is waiting"},
		"/auth/people?q=member-77":                      {"Member 77", `value="member-77"`},
		"/auth/people?q=%231077":                        {"Member 77"},
		"/auth/people?q=member-11*":                     {"Member 11<", "Member 110", "Member 119"},
		"/auth/people?show=refused":                     {"Nobody is in this list", "Show everybody"},
		"/auth/people?show=waiting":                     {"Nobody is in this list"},
		"/auth/people?show=allowed&q=member-5":          {"Member 5<", "Member 59"},
		"/auth/people?q=nobody-of-this-name":            {"Nobody matches"},
		"/auth/people?show=%3Cscript%3E&after=nonsense": {"Member 1<"},
	} {
		holds(t, path, admin.get(path), http.StatusOK, words...)
	}
	for path, says := range map[string]string{"/auth/people?q=me": "is too short to search for: names are found by 3 letters or digits in a row. Type more of it, or a * behind it", "/auth/people?q=%23x": "is not a GitHub id"} {
		holds(t, path, admin.get(path), http.StatusUnprocessableEntity, says, `id="search-error"`, "Nothing was looked for")
	}
}

// What strangers write is text, and cannot turn other text around.
func TestConsoleShowsHostileText(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	w.browser().signIn(t, "octocat", "")
	const evil = "</td><script>alert(1)</script>\u202eevil\u2066\x07"
	w.exec(t, "UPDATE users SET name = $1, login = '\"><img src=x>', avatar_url = 'https://evil.test/x.png' WHERE github_user_id = 583231", evil)
	w.exec(t, "INSERT INTO requests (user_id, message) SELECT id, $1 FROM users WHERE github_user_id = 583231", evil)
	w.exec(t, "INSERT INTO events (kind, user_id, actor, address, reason, details) SELECT 'made.up', id, $1, $1, $1, '{\"until\": 7}' FROM users WHERE github_user_id = 583231", evil)
	page := "/auth/people/" + w.id(t, octocatID)
	for _, path := range []string{"/auth/people", "/auth/people?show=waiting", page, page + "/revoke", page + "/sign-out", "/auth/people?q=" + url.QueryEscape(evil)} {
		body := admin.get(path).Body.String()
		for _, bad := range []string{"<script>alert", "<img src=x>", "evil.test", "\u2066", "\x07"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
		if !strings.Contains(path, "q=") && strings.Contains(body, "\u202e") {
			t.Errorf("%s turns text around", path)
		}
	}
	// Nothing that a cookie says reaches the page but what we know ourselves.
	for _, cookie := range []string{"<b>", "allowed", "allowed.x.1", "made-up." + w.id(t, octocatID) + ".1", "allowed." + w.id(t, octocatID) + ".-1", "allowed." + w.id(t, octocatID) + ".0"} {
		out := admin.ask("GET", "/auth/people", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-af_auth_done", Value: cookie}) })
		if strings.Contains(out.Body.String(), `class="toast"`) {
			t.Errorf("the cookie %q says something", cookie)
		}
	}
}

// news opens the list's stream and hands over its data until the end.
func (b *browser) news(t *testing.T, server *httptest.Server, path string) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
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
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
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

// An open list hears of newcomers, and its stream ends with the administrator's
// access.
func TestPeopleEvents(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	stream := regexp.MustCompile(`data-events-url="([^"]*)"`)
	path := stream.FindStringSubmatch(admin.get("/auth/people").Body.String())[1]
	events := admin.news(t, server, path)
	w.browser().signIn(t, "octocat", "")
	if got := next(t, events, 5*time.Second); got != `{"more":1,"newest":"octocat"}` {
		t.Errorf("one: %s", got)
	}
	// Another list, drawn now, has them already.
	if again := stream.FindStringSubmatch(admin.get("/auth/people").Body.String())[1]; again == path {
		t.Error("a list drawn now begins at the same place")
	}
	w.exec(t, "INSERT INTO users (github_user_id) SELECT 5000 + n FROM generate_series(1, 150) n")
	newest := w.text(t, "SELECT github_user_id::text FROM users ORDER BY created_at DESC, id DESC LIMIT 1")
	if got := next(t, events, 5*time.Second); got != `{"more":100,"newest":"#`+newest+`"}` {
		t.Errorf("many: %s", got)
	}
	w.exec(t, "UPDATE users SET is_whitelisted = false WHERE github_user_id = $1", hubotID)
	if got := next(t, events, 2*time.Second); got != "" {
		t.Errorf("after the administrator's end: %q", got)
	}
	if p := problem(t, admin.ask("GET", path, asking("Accept", "text/event-stream"))); p.Status != http.StatusUnauthorized {
		t.Errorf("opened anew: %+v", p)
	}
}

// As with waiting pages, nobody holds more than a few streams open.
func TestPeopleEventsAreBounded(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	const path = "/auth/people/events?since="
	if p := problem(t, admin.ask("GET", path+"x", asking("Accept", "text/event-stream"))); p.Status != http.StatusBadRequest {
		t.Errorf("no place: %+v", p)
	}
	since := strings.Repeat("A", 32)
	for range 8 {
		admin.news(t, server, path+since)
	}
	if p := problem(t, admin.ask("GET", path+since, asking("Accept", "text/event-stream"))); p.Status != http.StatusTooManyRequests {
		t.Errorf("the ninth: %+v", p)
	}
	w.shutDown()
}

// Who waits may say why, in few words, while nobody has decided.
func TestMessage(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	const page = "/auth/waiting/message"
	them := w.browser()
	if out := them.get(page); to(out) != "/auth/sign-in" {
		t.Errorf("a stranger: %d to %q", out.Code, to(out))
	}
	them.signIn(t, "octocat", "")
	holds(t, "the waiting page", them.get("/auth/waiting"), http.StatusOK, "Write to them")
	back := "?return_to=https%3A%2F%2F" + app + "%2Fx"
	holds(t, "the form", them.get(page+back), http.StatusOK, "<textarea", `action="/auth/waiting/message?return_to=`)
	kept := func() string {
		return w.text(t, "SELECT coalesce((SELECT r.message FROM requests r JOIN users u ON u.id = r.user_id WHERE u.github_user_id = 583231), 'none')")
	}
	for _, c := range []struct {
		sent, kept string
		status     int
	}{
		{strings.Repeat("é", 280), strings.Repeat("é", 280), 303}, {strings.Repeat("🐙", 281), strings.Repeat("é", 280), 422},
		{" on call,\r\nthis week\x00\x07 ", "on call,\nthis week", 303}, {"  \r\n ", "none", 303}, {"on call <b>", "on call <b>", 303},
	} {
		out := them.send(page+back, url.Values{"message": {c.sent}})
		if out.Code != c.status || kept() != c.kept {
			t.Errorf("%.20q: %d, and kept is %.20q", c.sent, out.Code, kept())
		}
		if c.status == 303 && to(out) != "/auth/waiting"+back {
			t.Errorf("%.20q leads to %q", c.sent, to(out))
		}
		if c.status == 422 && (!strings.Contains(out.Body.String(), "These are 281 characters") || !strings.Contains(out.Body.String(), c.sent)) {
			t.Errorf("the form does not come back: %s", out.Body)
		}
	}
	holds(t, "the list", admin.get("/auth/people"), http.StatusOK, "on call &lt;b&gt;")
	holds(t, "the waiting page", them.get("/auth/waiting"), http.StatusOK, "on call &lt;b&gt;", "Change your message")
	if out := them.ask("POST", page, post(url.Values{"message": {"x"}}, "Origin", "https://evil.test")); out.Code != http.StatusForbidden || kept() != "on call <b>" {
		t.Errorf("from another site: %d", out.Code)
	}
	limited := 0
	for n := range 20 {
		if out := them.send(page, url.Values{"message": {fmt.Sprint("again ", n)}}); out.Code == http.StatusTooManyRequests {
			limited++
			holds(t, "too often", out, http.StatusTooManyRequests, "That is too often", fmt.Sprint("again ", n))
		}
	}
	if limited == 0 {
		t.Error("nothing stops a flood of messages")
	}
	w.exec(t, "UPDATE users SET is_whitelisted = true WHERE github_user_id = 583231")
	before := kept()
	if out := them.send(page, url.Values{"message": {"late"}}); out.Code != http.StatusSeeOther || kept() != before {
		t.Errorf("after the decision: %d, kept %q", out.Code, kept())
	}
}

// A list that takes too long is stopped, and the page says so; the database is not
// at fault, and everything else on the page is there.
func TestListThatTakesTooLong(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	w.browser().signIn(t, "octocat", "")
	w.exec(t, "INSERT INTO users (github_user_id, login, is_whitelisted, whitelist_until) VALUES (7, 'slow', true, '3000-01-01 00:00Z')")
	w.exec(t, `CREATE OR REPLACE FUNCTION access_of(is_whitelisted boolean, whitelist_until timestamptz, whitelist_decided_at timestamptz)
		RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
		RETURN CASE WHEN whitelist_until = '3000-01-01 00:00Z' THEN pg_sleep(60)::text
			WHEN is_whitelisted AND (whitelist_until IS NULL OR now() < whitelist_until) THEN 'allowed'
			WHEN is_whitelisted THEN 'expired' WHEN whitelist_decided_at IS NOT NULL THEN 'refused' ELSE 'waiting' END`)
	out := admin.get("/auth/people?show=allowed")
	holds(t, "the list", out, http.StatusServiceUnavailable, "This list took too long", "Allow somebody", `aria-current="page">Allowed`)
	if strings.Contains(out.Body.String(), "Nobody is in this list") || strings.Contains(w.log.String(), "the database cannot be asked") {
		t.Errorf("%s\n%s", out.Body, w.log)
	}
	holds(t, "another list", admin.get("/auth/people?show=waiting"), http.StatusOK, "Mona Octocat")
}
