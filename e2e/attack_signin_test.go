package e2e

import (
	"encoding/base64"
	"fmt"
	"math/bits"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// callbackFails sends a callback and fails unless it is refused without a
// session, a line in the record, or a word to GitHub.
func (s *stranger) callbackFails(t *testing.T, what, address string, status int) {
	t.Helper()
	before := s.w.sim.Calls("/login/oauth/access_token")
	got := s.get(t, address)
	if got.status != status {
		t.Errorf("%s: %d, want %d: %.300s", what, got.status, status, got.body)
	}
	for _, c := range got.header.Values("Set-Cookie") {
		if strings.HasPrefix(c, "__Host-af_auth=") && !strings.Contains(c, "Max-Age=0") {
			t.Errorf("%s: a session cookie is set", what)
		}
	}
	if s.w.sim.Calls("/login/oauth/access_token") != before {
		t.Errorf("%s: GitHub was asked", what)
	}
	if n := s.w.value(t, `SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM events)`); n != "0" {
		t.Errorf("%s: %s rows were written", what, n)
	}
}

// changed returns an address with one parameter set, repeated or taken away.
func changed(address, name string, values ...string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	q := u.Query()
	q[name] = values
	u.RawQuery = q.Encode()
	return u.String()
}

// TestForeignCallbacks (C15, C18): an answer that this browser did not ask
// for, or that is not the whole answer to what it asked, ends at our door.
func TestForeignCallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	attacker := w.stranger(w.doors[0])
	loot := attacker.choose(t, attacker.begin(t, ""), "hubot")
	for _, c := range []struct {
		name   string
		victim func() *stranger
		url    string
		status int
	}{
		{"C15 no cookie", func() *stranger { return w.stranger(w.doors[0]) }, loot, 403},
		{"C15 a sign-in of his own", func() *stranger { v := w.stranger(w.doors[0]); v.begin(t, ""); return v }, loot, 403},
		{"C15 the cookie of another sign-in under this state's name", func() *stranger {
			v := w.stranger(w.doors[0])
			v.begin(t, "")
			for name, value := range v.jar["auth.example.test"] {
				delete(v.jar["auth.example.test"], name)
				v.jar["auth.example.test"][stateCookie(t, loot)] = value
			}
			return v
		}, loot, 403},
		{"C15 a cookie that is not sealed", func() *stranger {
			v := w.stranger(w.doors[0])
			v.jar["auth.example.test"] = map[string]string{stateCookie(t, loot): base64.RawURLEncoding.EncodeToString([]byte(`{"s":"x"}` + strings.Repeat("a", 60)))}
			return v
		}, loot, 403},
		{"C15 a sealed notice in place of the state", func() *stranger {
			v := w.stranger(w.doors[0])
			v.jar["auth.example.test"] = map[string]string{stateCookie(t, loot): strings.Repeat("A", 5000)}
			return v
		}, loot, 403},
		{"C18 another issuer", func() *stranger { return attacker }, changed(loot, "iss", "https://evil.test/login/oauth"), 400},
	} {
		c.victim().callbackFails(t, c.name, c.url, c.status)
	}
}

// stateCookie is the name of the cookie that belongs to a callback.
func stateCookie(t *testing.T, callback string) string {
	t.Helper()
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	return "__Host-af_auth_state_" + u.Query().Get("state")[:8]
}

// TestSpoiledCallbacks (C18): each is the true answer to a true sign-in, but
// for one thing.
func TestSpoiledCallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	issuer := w.github.URL + "/login/oauth"
	for _, c := range []struct {
		name    string
		spoiled func(string) string
		status  int
	}{
		{"two issuers", func(u string) string { return changed(u, "iss", issuer, "https://evil.test") }, 400},
		{"the issuer twice", func(u string) string { return changed(u, "iss", issuer, issuer) }, 400},
		{"empty issuer", func(u string) string { return changed(u, "iss", "") }, 400},
		{"issuer with a slash", func(u string) string { return changed(u, "iss", issuer+"/") }, 400},
		{"issuer in capitals", func(u string) string { return changed(u, "iss", strings.ToUpper(issuer)) }, 400},
		{"two states", func(u string) string { return changed(u, "state", "a", "b") }, 400},
		{"two codes", func(u string) string { return changed(u, "code", "a", "b") }, 400},
		{"no state", func(u string) string { return changed(u, "state") }, 403},
		{"state in another case", func(u string) string { return swapCase(u, "state") }, 403},
		{"state with a tail", func(u string) string {
			q, _ := url.Parse(u)
			return changed(u, "state", q.Query().Get("state")+"A")
		}, 403},
		{"state of 16 KiB", func(u string) string { return changed(u, "state", strings.Repeat("A", 16<<10)) }, 403},
		{"no code", func(u string) string { return changed(u, "code") }, 403},
		{"denied", func(u string) string { return changed(changed(u, "code"), "error", "access_denied") }, 403},
		{"a code and an error", func(u string) string { return changed(u, "error", "access_denied") }, 403},
		{"two errors", func(u string) string { return changed(u, "error", "a", "b") }, 400},
		{"an error that is a page", func(u string) string { return changed(u, "error", "<script>alert(1)</script>\r\nSet-Cookie: a=b") }, 500},
		{"on an application's host", func(u string) string { return strings.Replace(u, ownOrigin, appOrigin, 1) }, 421},
		{"by HEAD of another path", func(u string) string { return strings.Replace(u, "/callback", "/callback/", 1) }, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := w.stranger(w.doors[0])
			s.callbackFails(t, c.name, c.spoiled(s.choose(t, s.begin(t, ""), "octocat")), c.status)
		})
	}
}

func swapCase(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	swapped := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 32
		case r >= 'A' && r <= 'Z':
			return r + 32
		}
		return r
	}, u.Query().Get(name))
	return changed(address, name, swapped)
}

// TestReplayedCallback (C16): one code and state, fifty times at once on each
// of three servers, is one session.
func TestReplayedCallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, nil)
	s := w.stranger(w.doors[0])
	callback := s.choose(t, s.begin(t, ""), "octocat")
	cookies := stateCookie(t, callback) + "=" + s.cookie(ownOrigin, stateCookie(t, callback))
	const each = 50
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses, sessions := map[int]int{}, 0
	ready := make(chan struct{})
	for _, d := range w.doors {
		replayer := w.stranger(d)
		for range each {
			all.Go(func() {
				<-ready
				// The jar is not shared between goroutines: the cookie is given.
				one := &stranger{w: w, door: d, jar: map[string]map[string]string{}, http: replayer.http}
				got, err := one.try(t.Context(), request{method: http.MethodGet, url: callback, header: http.Header{"Cookie": {cookies}}})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				statuses[got.status]++
				if one.session(ownOrigin) != "" {
					sessions++
				}
			})
		}
	}
	close(ready)
	all.Wait()
	if statuses[http.StatusSeeOther] != 1 || statuses[http.StatusBadRequest] != 3*each-1 || sessions != 1 {
		t.Errorf("answers %v, %d sessions; want one 303, %d 400 and one session", statuses, sessions, 3*each-1)
	}
	rejected := 0.0
	for _, d := range w.doors {
		rejected += w.metric(t, d, `af_auth_callback_rejected_total{reason="github_code_rejected"}`)
	}
	if rejected != 3*each-1 {
		t.Errorf("%v replays are counted", rejected)
	}
	for _, table := range []string{"sessions", "events"} {
		if n := w.value(t, `SELECT count(*) FROM `+table); n != "1" {
			t.Errorf("%s rows in %s, want 1", n, table)
		}
	}
}

// TestSoakRandomness (C17): what must not be guessed is long, new each time, and
// looks like coins.
func TestSoakRandomness(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	found := map[string][]string{}
	n := rounds(t, 500, 10_000)
	for range n {
		s := w.stranger(w.doors[0])
		u, err := url.Parse(s.begin(t, ""))
		if err != nil {
			t.Fatal(err)
		}
		found["state"] = append(found["state"], u.Query().Get("state"))
		found["challenge"] = append(found["challenge"], u.Query().Get("code_challenge"))
		s.get(t, appOrigin+"/.af-auth/start")
		found["nonce"] = append(found["nonce"], s.cookie(appOrigin, "__Host-af_auth_nonce"))
	}
	for range rounds(t, 60, 1000) {
		s := w.stranger(w.doors[0])
		s.signIn(t, "octocat", "")
		found["session"] = append(found["session"], s.session(ownOrigin))
		found["verifier"] = append(found["verifier"], w.tap.noted("verifier"))
	}
	for kind, values := range found {
		looksRandom(t, kind, values)
	}
}

func looksRandom(t *testing.T, kind string, values []string) {
	t.Helper()
	seen, ones, total := map[string]bool{}, 0, 0
	for _, v := range values {
		raw, err := base64.RawURLEncoding.DecodeString(v)
		if err != nil || len(raw) != 32 || seen[v] {
			t.Fatalf("%s: %d bytes, again %v, %v", kind, len(raw), seen[v], err)
		}
		seen[v] = true
		for _, b := range raw {
			ones, total = ones+bits.OnesCount8(b), total+8
		}
	}
	// Six standard deviations of a fair coin: sqrt(total)/2 each.
	if d := 2*ones - total; d*d > 36*total {
		t.Errorf("%s: %d of %d bits are set", kind, ones, total)
	}
}

// TestSignInAgainAfterNo (C19): revoked, expired and undecided people come back
// from GitHub.
func TestSignInAgainAfterNo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	s := w.stranger(w.doors[0])
	s.enter(t, appOrigin, "octocat")
	for i, lower := range []string{
		`UPDATE users SET is_whitelisted = false`,
		`UPDATE users SET is_whitelisted = true, whitelist_until = now() - interval '1 second'`,
	} {
		w.exec(t, lower)
		got := s.signIn(t, "octocat", "?return_to="+url.QueryEscape(appOrigin+"/inside"))
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.to(), "/auth/refused") || s.session(ownOrigin) != "" {
			t.Errorf("after %q: %d to %s, session %q", lower, got.status, got.to(), s.session(ownOrigin))
		}
		if page := s.get(t, ownOrigin+got.to()); page.status != http.StatusForbidden || !strings.Contains(page.body, "octocat") {
			t.Errorf("the refused page: %d", page.status)
		}
		if n := w.events(t, "sign_in.refused"); n != fmt.Sprint(i+1) {
			t.Errorf("%s refusals are recorded, want %d", n, i+1)
		}
		if n := w.value(t, `SELECT count(*) FROM sessions`); n != "0" {
			t.Errorf("%s sessions", n)
		}
	}
	undecided := w.stranger(w.doors[0])
	if got := undecided.signIn(t, "hubot", ""); !strings.HasPrefix(got.to(), "/auth/waiting") {
		t.Errorf("undecided: to %s", got.to())
	}
	for path, status := range map[string]int{"/auth/waiting": 200, "/auth/verify": 403, "/auth/continue": 303, "/auth/": 303} {
		if got := undecided.get(t, ownOrigin+path); got.status != status || strings.Contains(got.to(), "ticket") {
			t.Errorf("undecided at %s: %d to %s", path, got.status, got.to())
		}
	}
}

// TestLoginsChangeHands (C20): the whitelist is about a number.
func TestLoginsChangeHands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	old := w.stranger(w.doors[0])
	old.signIn(t, "octocat", "")
	if _, err := w.sim.Reclaim("octocat"); err != nil {
		t.Fatal(err)
	}
	thief := w.stranger(w.doors[0])
	if got := thief.signIn(t, "octocat", ""); !strings.HasPrefix(got.to(), "/auth/waiting") || thief.verify(t, ownOrigin) != http.StatusForbidden {
		t.Errorf("who took the login goes to %s", got.to())
	}
	if old.verify(t, ownOrigin) != http.StatusOK {
		t.Error("the old account lost its session")
	}
	again := w.stranger(w.doors[0])
	if again.signIn(t, "octocat-1", ""); again.verify(t, ownOrigin) != http.StatusOK {
		t.Error("the old account under its new login is not let in")
	}
	out, err := w.command(t, "revoke", "octocat")
	if err != nil || !strings.Contains(out, "octocat") {
		t.Errorf("revoke octocat: %v %s", err, out)
	}
	if again.verify(t, ownOrigin) != http.StatusOK {
		t.Error("revoking the new owner of the login revoked the old one")
	}
}
