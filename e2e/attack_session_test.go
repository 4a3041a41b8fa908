package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFixedSessions (C21): what a browser holds before a sign-in is worth
// nothing after it, and what it held is worth nothing after sign-out.
func TestFixedSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, nil)
	w.allow(t, octocat)
	w.allow(t, hubot)
	planted := strings.Repeat("A", 42) + "E"
	victim := w.stranger(w.doors[0])
	victim.jar["auth.example.test"] = map[string]string{"__Host-af_auth": planted}
	victim.signIn(t, "octocat", "")
	first := victim.session(ownOrigin)
	if first == planted || first == "" {
		t.Fatalf("the session after sign-in is %q", first)
	}
	victim.signIn(t, "octocat", "")
	second := victim.session(ownOrigin)
	victim.signIn(t, "hubot", "")
	third := victim.session(ownOrigin)
	if n := w.value(t, `SELECT count(*) FROM sessions`); n != "1" {
		t.Errorf("one browser has %s sessions", n)
	}
	victim.enter(t, appOrigin, "hubot")
	inApp := victim.session(appOrigin)
	for _, d := range w.doors {
		for name, token := range map[string]string{"planted": planted, "first": first, "second": second} {
			if got := w.holding(d, ownOrigin, token).verify(t, ownOrigin); got != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, got)
			}
		}
		if got := w.holding(d, ownOrigin, third).verify(t, ownOrigin); got != http.StatusOK {
			t.Errorf("the present session: %d", got)
		}
	}
	page := victim.send(t, request{method: http.MethodPost, url: ownOrigin + "/auth/sign-out", header: http.Header{"Origin": {ownOrigin}, "Sec-Fetch-Site": {"same-origin"}}})
	if page.status != http.StatusSeeOther || page.to() != "/auth/signed-out" || victim.session(ownOrigin) != "" {
		t.Errorf("sign-out: %d to %q", page.status, page.to())
	}
	for _, d := range w.doors {
		if own, app := w.holding(d, ownOrigin, third).verify(t, ownOrigin), w.holding(d, appOrigin, inApp).verify(t, appOrigin); own != 401 || app != 401 {
			t.Errorf("after sign-out: %d on our host, %d on the application's", own, app)
		}
	}
}

// holding is a stranger who stole a token.
func (w *world) holding(d *door, origin, token string) *stranger {
	s := w.stranger(d)
	s.jar[hostOf(origin)] = map[string]string{"__Host-af_auth": token}
	return s
}

// TestForeignCookies (C21): a token is good on its own host only, once, in its
// one spelling, under its one name.
func TestForeignCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	s.enter(t, appOrigin, "octocat")
	own, app := s.session(ownOrigin), s.session(appOrigin)
	for _, c := range []struct {
		name, origin, cookie string
		status               int
	}{
		{"its own host", appOrigin, "__Host-af_auth=" + app, 200}, {"its own host, among others", appOrigin, "a=b; __Host-af_auth=" + app + "; c=d", 200},
		{"our token at the application", appOrigin, "__Host-af_auth=" + own, 401}, {"the application's at ours", ownOrigin, "__Host-af_auth=" + app, 401},
		{"another application", elseApp, "__Host-af_auth=" + app, 401},
		{"twice", appOrigin, "__Host-af_auth=" + app + "; __Host-af_auth=" + app, 401}, {"a planted one before", appOrigin, "__Host-af_auth=x; __Host-af_auth=" + app, 401},
		{"a planted one behind", appOrigin, "__Host-af_auth=" + app + "; __Host-af_auth=x", 401}, {"an empty one behind", appOrigin, "__Host-af_auth=" + app + "; __Host-af_auth=", 401},
		{"without the prefix", appOrigin, "af_auth=" + app, 401}, {"__Secure-", appOrigin, "__Secure-af_auth=" + app, 401}, {"prefix in another case", appOrigin, "__host-af_auth=" + app, 401},
		{"name of http", appOrigin, "af_auth_443=" + app, 401}, {"with a port", appOrigin, "__Host-af_auth_443=" + app, 401}, {"Unicode's spaces", appOrigin, "\u2000__Host-af_auth=" + app, 401}, {"a no-break space", appOrigin, "\xa0__Host-af_auth=" + app, 401},
		{"a longer token", appOrigin, "__Host-af_auth=" + app + "A", 401}, {"a shorter one", appOrigin, "__Host-af_auth=" + app[:42], 401}, {"padded", appOrigin, "__Host-af_auth=" + app + "=", 401},
		{"other letter case", appOrigin, "__Host-af_auth=" + strings.ToUpper(app), 401}, {"its hash's form", appOrigin, "__Host-af_auth=" + strings.Repeat("0", 64), 401},
		{"empty", appOrigin, "__Host-af_auth=", 401}, {"a wildcard", appOrigin, "__Host-af_auth=%", 401}, {"SQL", appOrigin, "__Host-af_auth=' OR 1=1 --", 401},
		{"the last letter's other spelling", appOrigin, "__Host-af_auth=" + app[:42] + sibling(app[42]), 401},
	} {
		got := s.send(t, request{method: http.MethodGet, url: c.origin + "/auth/verify", header: http.Header{"Cookie": {c.cookie}}})
		if got.status != c.status {
			t.Errorf("%s: %d, want %d", c.name, got.status, c.status)
		}
	}
	// Two header lines are one list (RFC 9110, section 5.3).
	if got := s.send(t, request{method: http.MethodGet, url: appOrigin + "/auth/verify", header: http.Header{"Cookie": {"__Host-af_auth=" + app, "__Host-af_auth=" + app}}}); got.status != http.StatusUnauthorized {
		t.Errorf("in two lines: %d", got.status)
	}
}

// sibling is a letter that lax base64 reads as the same last six bits.
func sibling(b byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(letters[strings.IndexByte(letters, b)^1])
}

// TestTickets: a ticket is good once, in the browser that asked for it, on the
// one host; a bad one changes nothing; and one that is brought where it is not
// good is good nowhere any more.
func TestTickets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	s.enter(t, elseApp, "octocat")
	link := s.ticket(t, appOrigin)
	thief := w.stranger(w.doors[0])
	thief.get(t, appOrigin+"/.af-auth/start") // a nonce of his own
	for _, c := range []struct {
		name string
		who  *stranger
		url  string
	}{
		{"a guess", s, changed(link, "ticket", strings.Repeat("A", 43))}, {"no ticket", s, changed(link, "ticket")}, {"16 KiB", s, changed(link, "ticket", strings.Repeat("A", 16<<10))},
		{"two tickets", thief, changed(link, "ticket", "x", "y")}, {"NUL", s, changed(link, "ticket", "\x00")},
	} {
		if got := c.who.get(t, c.url); got.status != http.StatusForbidden || c.who.session(appOrigin) != "" {
			t.Errorf("%s: %d", c.name, got.status)
		}
	}
	if got := s.get(t, link); got.status != http.StatusSeeOther || got.to() != appOrigin+"/inside" || s.verify(t, appOrigin) != http.StatusOK {
		t.Errorf("its owner: %d to %q", got.status, got.to())
	}
	forThief := s.get(t, changed(s.get(t, appOrigin+"/.af-auth/start").to(), "nonce", thief.nonceHash(appOrigin))).to()
	if !strings.HasPrefix(forThief, appOrigin+"/.af-auth/enter?ticket=") {
		t.Fatalf("no ticket for a nonce that the link's author chose: %q", forThief)
	}
	for name, c := range map[string]struct {
		link         string
		first, later *stranger // who brings it
		elsewhere    bool
	}{
		"another browser first":                    {link: s.ticket(t, appOrigin), first: thief, later: s},
		"a browser without a nonce first":          {link: s.ticket(t, appOrigin), first: w.stranger(w.doors[0]), later: s},
		"another host first":                       {link: s.ticket(t, appOrigin), first: s, later: s, elsewhere: true},
		"a nonce that the author of the link has":  {link: forThief, first: s, later: thief},
		"the same, by a browser without any nonce": {link: s.get(t, changed(s.get(t, appOrigin+"/.af-auth/start").to(), "nonce", strings.Repeat("0", 64))).to(), first: w.stranger(w.doors[0]), later: s},
	} {
		first := c.link
		if c.elsewhere {
			first = strings.Replace(first, appOrigin, elseApp, 1)
		}
		for who, got := range map[string]reply{"at first": c.first.get(t, first), "later": c.later.get(t, c.link)} {
			if got.status != http.StatusForbidden || len(got.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s, %s: %d to %q", name, who, got.status, got.to())
			}
		}
	}
	// Neither a used nor an invented ticket, in whoever's link, takes the session away.
	for _, bad := range []string{link, changed(link, "ticket", strings.Repeat("A", 43))} {
		if got := s.get(t, bad); got.status != http.StatusForbidden {
			t.Errorf("again: %d", got.status)
		}
		if got := s.verify(t, appOrigin); got != http.StatusOK {
			t.Errorf("a bad ticket ended the session that was there: %d", got)
		}
	}
}

// nonceHash is what a ticket is bound to: the hash of the browser's nonce.
func (s *stranger) nonceHash(origin string) string {
	sum := sha256.Sum256([]byte(s.jar[hostOf(origin)]["__Host-af_auth_nonce"]))
	return hex.EncodeToString(sum[:])
}

// ticket goes to an application's host as far as the link with the ticket.
func (s *stranger) ticket(t testing.TB, app string) string {
	t.Helper()
	got := s.get(t, app+"/.af-auth/start?return_to=/inside")
	got = s.get(t, got.to())
	if !strings.HasPrefix(got.to(), app+"/.af-auth/enter?ticket=") {
		t.Fatalf("no ticket but %d to %q", got.status, got.to())
	}
	return got.to()
}

// TestFormsOfOtherSites (D44): what changes something is refused where another
// site sends it, and no page of ours stands in a frame.
func TestFormsOfOtherSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	s.signIn(t, "octocat", "")
	for _, header := range []http.Header{
		{"Origin": {"https://evil.test"}}, {"Origin": {"null"}}, {"Origin": {"http://auth.example.test"}}, {"Origin": {"https://auth.example.test.evil.test"}},
		{"Origin": {"https://app.example.test"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Sec-Fetch-Site": {"cross-site"}, "Origin": {ownOrigin}},
		{"Origin": {"https://evil.test"}, "X-Forwarded-Host": {"evil.test"}}, {"Origin": {"https://evil.test"}, "Content-Type": {"text/plain"}},
	} {
		for _, path := range []string{"/auth/sign-out", "/auth/theme"} {
			got := s.send(t, request{method: http.MethodPost, url: ownOrigin + path, body: "theme=dark", header: header})
			if got.status != http.StatusForbidden || got.header.Get("Set-Cookie") != "" {
				t.Errorf("%s with %v: %d", path, header, got.status)
			}
		}
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
		got := s.send(t, request{method: method, url: ownOrigin + "/auth/sign-out"})
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	if s.verify(t, ownOrigin) != http.StatusOK {
		t.Error("the session is gone")
	}
	for _, url := range []string{
		ownOrigin + "/auth/", ownOrigin + "/auth/sign-in?again=1", ownOrigin + "/auth/refused", ownOrigin + "/auth/sign-out", ownOrigin + "/auth/signed-out", ownOrigin + "/auth/about",
		ownOrigin + "/nothing", ownOrigin + "/auth/github/callback", appOrigin + "/.af-auth/enter", appOrigin + "/nothing", "https://unknown.test/", ownOrigin + "/auth/continue",
		ownOrigin + "/live", ownOrigin + "/metrics",
	} {
		got := s.get(t, url)
		policy := strings.Split(got.header.Get("Content-Security-Policy"), "; ")
		if !slices.Contains(policy, "frame-ancestors 'none'") || !slices.Contains(policy, "default-src 'none'") || strings.Contains(got.header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: policy %q", url, policy)
		}
		referrer := "no-referrer"
		if strings.HasPrefix(url, ownOrigin) && strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			referrer = "same-origin" // so that forms say where they stand
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": referrer, "Strict-Transport-Security": "max-age=31536000", "Cache-Control": "no-store"} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", url, name, got.header.Get(name))
			}
		}
	}
}

// TestSoakGateTakesAsLong (D43): the time of a no does not tell a token of another
// host, which exists, from an invented one.
func TestSoakGateTakesAsLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	s.enter(t, appOrigin, "octocat")
	tokens := []string{s.session(appOrigin), strings.Repeat("A", 43)}
	took, answers := [2][]time.Duration{}, [2]string{}
	for i := range 2 * rounds(t, 300, 1000) {
		got := s.send(t, request{method: http.MethodGet, url: elseApp + "/auth/verify", header: http.Header{"Cookie": {"__Host-af_auth=" + tokens[i%2]}}})
		reference := got.header.Get("X-Request-Id")
		took[i%2], answers[i%2] = append(took[i%2], got.took), fmt.Sprint(got.status, strings.ReplaceAll(got.body, reference, ""))
	}
	if answers[0] != answers[1] || !strings.HasPrefix(answers[0], "401") {
		t.Errorf("the answers differ: %s, %s", answers[0], answers[1])
	}
	known, invented := median(took[0]), median(took[1])
	t.Logf("known %v, invented %v", known, invented)
	// An index lookup more or less is some microseconds; a table read would show.
	if d := (known - invented).Abs(); d > max(known, invented)/4+200*time.Microsecond {
		t.Errorf("known tokens take %v, invented ones %v", known, invented)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// TestSignOutIsSaid: sign-out is not claimed while the database cannot be told.
func TestSignOutIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	s := w.stranger(w.doors[0])
	s.signIn(t, "octocat", "?return_to="+url.QueryEscape(appOrigin))
	w.exec(t, `ALTER TABLE sessions RENAME TO sessions_away`)
	got := s.send(t, request{method: http.MethodPost, url: ownOrigin + "/auth/sign-out"})
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || s.session(ownOrigin) == "" {
		t.Errorf("sign-out without a table: %d, session %q", got.status, s.session(ownOrigin))
	}
	w.exec(t, `ALTER TABLE sessions_away RENAME TO sessions`)
	if got := s.send(t, request{method: http.MethodPost, url: ownOrigin + "/auth/sign-out"}); got.status != http.StatusSeeOther {
		t.Errorf("later: %d", got.status)
	}
	if n := w.value(t, `SELECT count(*) FROM sessions`); n != "0" {
		t.Errorf("%s sessions are left", n)
	}
}
