package githubsim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/githubsim"
)

func TestCodeIsBoundAndWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	for _, tc := range []struct {
		name                    string
		change                  func(code string) string
		secret, verifier, where string
		later                   time.Duration
		want                    error
	}{
		{"good", nil, appSecret, verifier, callback, 0, nil},
		{"at 9:59", nil, appSecret, verifier, callback, 10*time.Minute - time.Second, nil},
		{"at 10:00", nil, appSecret, verifier, callback, 10 * time.Minute, github.ErrBadCode},
		{"unknown", func(string) string { return "0123456789abcdef0123" }, appSecret, verifier, callback, 0, github.ErrBadCode},
		{"case changed", strings.ToUpper, appSecret, verifier, callback, 0, github.ErrBadCode},
		{"empty", func(string) string { return "" }, appSecret, verifier, callback, 0, github.ErrBadCode},
		{"other verifier", nil, appSecret, verifier + "x", callback, 0, github.ErrBadCode},
		{"no verifier", nil, appSecret, "", callback, 0, github.ErrBadCode},
		{"the challenge as verifier", nil, appSecret, challenge(verifier), callback, 0, github.ErrBadCode},
		{"other redirect", nil, appSecret, verifier, callback + "/sub", 0, github.ErrRedirectMismatch},
		{"other secret", nil, "wrong", verifier, callback, 0, github.ErrBadCredentials},
	} {
		code := w.code("octocat")
		if tc.change != nil {
			// An upper-case code may be the code itself if it has no letter.
			if changed := tc.change(code); changed != code {
				code = changed
			} else {
				code = "x" + code
			}
		}
		w.clock.add(tc.later)
		c := w.newClient(tc.secret, 0)
		tok, err := c.Exchange(ctx, code, tc.verifier, tc.where)
		if !errors.Is(err, tc.want) || (tc.want == nil) != (tok.AccessToken != "") {
			t.Errorf("%s: %v, %v", tc.name, tok, err)
		}
		w.clock.add(time.Hour) // the hourly limit is another test's
	}
	code := w.code("octocat")
	if _, err := w.client.Exchange(ctx, code, verifier, callback); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Exchange(ctx, code, verifier, callback); !errors.Is(err, github.ErrBadCode) {
		t.Errorf("second use: %v", err)
	}
	code = w.code("octocat")
	_, _ = w.client.Exchange(ctx, code, "guess", callback)
	if _, err := w.client.Exchange(ctx, code, verifier, callback); !errors.Is(err, github.ErrBadCode) {
		t.Errorf("after a wrong guess: %v", err)
	}
	// A verifier for a code without a challenge: somebody took it away.
	code = w.pick(w.url+"/login/oauth/authorize?client_id="+appID+"&redirect_uri="+url.QueryEscape(callback), url.Values{"login": {"octocat"}}).Get("code")
	if _, err := w.client.Exchange(ctx, code, verifier, callback); !errors.Is(err, github.ErrBadCode) {
		t.Errorf("challenge taken away: %v", err)
	}
}

func TestUnverifiedEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.sim.AddUser(githubsim.User{Login: "newbie", Emails: []githubsim.Email{{Address: "n@example.com", Primary: true}, {Address: "v@example.com", Verified: true}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Exchange(t.Context(), w.code("newbie"), verifier, callback); !errors.Is(err, github.ErrUnverifiedEmail) {
		t.Errorf("got %v", err)
	}
	// The address can also be changed after the sign-in.
	tok := w.signIn("octocat", "user:email")
	if _, err := w.sim.AddUser(githubsim.User{Login: "octocat", Emails: []githubsim.Email{{Address: "new@example.com", Primary: true}}}); err != nil {
		t.Fatal(err)
	}
	if mail, err := w.client.PrimaryEmail(t.Context(), tok.AccessToken); err != nil || mail != "" {
		t.Errorf("unverified address: %q, %v", mail, err)
	}
}

func TestTokenForms(t *testing.T) {
	t.Parallel()
	redact := regexp.MustCompile(`^gh[a-z]_[A-Za-z0-9._-]{36,}$`)
	for _, tc := range []struct {
		app, expire, long bool
		prefix            string
		length            int
	}{
		{false, false, false, "gho_", 40},
		{false, true, false, "gho_", 40}, // the prefix says nothing about expiry
		{true, false, false, "ghu_", 40},
		{true, true, true, "ghu_", 520},
	} {
		w := newWorld(t, func(o *githubsim.Options) { o.GitHubApp, o.TokensExpire, o.LongTokens = tc.app, tc.expire, tc.long })
		tok := w.signIn("octocat", "user:email")
		if !strings.HasPrefix(tok.AccessToken, tc.prefix) || len(tok.AccessToken) != tc.length || !redact.MatchString(tok.AccessToken) {
			t.Errorf("%+v: a token of %d characters", tc, len(tok.AccessToken))
		}
		if strings.Contains(tok.AccessToken, ".") != tc.long {
			t.Errorf("%+v: dots", tc)
		}
		if (tok.ExpiresIn > 0) != tc.expire || (tok.RefreshToken != "") != tc.expire || (tok.RefreshExpiresIn > 0) != tc.expire {
			t.Errorf("%+v: %v", tc, tok)
		}
		if tc.expire && (tok.ExpiresIn != 8*time.Hour || !redact.MatchString(tok.RefreshToken)) {
			t.Errorf("%+v: %v", tc, tok)
		}
		if (len(tok.Scopes) == 0) != tc.app {
			t.Errorf("%+v: scopes %q", tc, tok.Scopes)
		}
		if u, err := w.client.User(t.Context(), tok.AccessToken); err != nil || u.ID != 583231 {
			t.Errorf("%+v: %+v, %v", tc, u, err)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct{ ask, get, mail string }{
		{"", "", ""},
		{"nonsense read:user", "read:user", ""},
		{"user:email read:user", "read:user user:email", "octocat@example.com"},
		{"user user:email user", "user", "octocat@example.com"},
	} {
		tok := w.signIn("octocat", strings.Fields(tc.ask)...)
		if got := strings.Join(tok.Scopes, " "); got != tc.get {
			t.Errorf("asked %q: got %q", tc.ask, got)
		}
		if mail, err := w.client.PrimaryEmail(t.Context(), tok.AccessToken); err != nil || mail != tc.mail {
			t.Errorf("asked %q: address %q, %v", tc.ask, mail, err)
		}
	}
}

func TestRefreshWorksOnceAndEndsTheOldPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t, expiring)
	ctx := t.Context()
	old := w.signIn("octocat")
	fresh, err := w.client.Refresh(ctx, old.RefreshToken)
	if err != nil || fresh.AccessToken == old.AccessToken || fresh.RefreshToken == old.RefreshToken {
		t.Fatalf("%v, %v", fresh, err)
	}
	if _, err := w.client.User(ctx, old.AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("the old access token: %v", err)
	}
	if _, err := w.client.Refresh(ctx, old.RefreshToken); !errors.Is(err, github.ErrBadRefreshToken) {
		t.Errorf("the old refresh token: %v", err)
	}
	if _, err := w.client.User(ctx, fresh.AccessToken); err != nil {
		t.Errorf("the new access token: %v", err)
	}
	if _, err := w.newClient("wrong", 0).Refresh(ctx, fresh.RefreshToken); !errors.Is(err, github.ErrBadCredentials) {
		t.Errorf("another secret: %v", err)
	}
	if _, err := w.client.Refresh(ctx, fresh.AccessToken); !errors.Is(err, github.ErrBadRefreshToken) {
		t.Errorf("an access token as refresh token: %v", err)
	}
	w.clock.add(fresh.ExpiresIn)
	if _, err := w.client.User(ctx, fresh.AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("after 8 hours: %v", err)
	}
	last, err := w.client.Refresh(ctx, fresh.RefreshToken)
	if err != nil {
		t.Fatalf("refresh of an expired access token: %v", err)
	}
	w.clock.add(last.RefreshExpiresIn)
	if _, err := w.client.Refresh(ctx, last.RefreshToken); !errors.Is(err, github.ErrBadRefreshToken) {
		t.Errorf("after six months: %v", err)
	}
}

func TestTenLiveTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	var all []github.Token
	other := w.signIn("octocat", "user:email")
	hubot := w.signIn("hubot")
	for range 11 {
		all = append(all, w.signIn("octocat"))
		w.clock.add(20 * time.Minute)
	}
	if _, err := w.client.User(ctx, all[0].AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("the oldest of eleven: %v", err)
	}
	for i, tok := range append(all[1:], other, hubot) {
		if _, err := w.client.User(ctx, tok.AccessToken); err != nil {
			t.Errorf("token %d: %v", i, err)
		}
	}
}

func TestUnusedForAYear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	used, idle := w.signIn("octocat"), w.signIn("octocat")
	w.clock.add(300 * 24 * time.Hour)
	if _, err := w.client.User(t.Context(), used.AccessToken); err != nil {
		t.Fatal(err)
	}
	w.clock.add(65 * 24 * time.Hour)
	if _, err := w.client.User(t.Context(), used.AccessToken); err != nil {
		t.Errorf("used within the year: %v", err)
	}
	if _, err := w.client.User(t.Context(), idle.AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("unused for a year: %v", err)
	}
}

func TestCheckAndEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, expiring)
	ctx := t.Context()
	a, b, c := w.signIn("octocat", "user:email"), w.signIn("octocat"), w.signIn("hubot")
	if g, err := w.client.CheckToken(ctx, a.AccessToken); err != nil || g.User.ID != 583231 || len(g.Scopes) != 1 {
		t.Errorf("check: %+v, %v", g, err)
	}
	if err := w.client.DeleteToken(ctx, a.AccessToken); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.CheckToken(ctx, a.AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("check of an ended token: %v", err)
	}
	if _, err := w.client.Refresh(ctx, a.RefreshToken); !errors.Is(err, github.ErrBadRefreshToken) {
		t.Errorf("refresh of an ended token: %v", err)
	}
	for name, err := range map[string]error{"token": w.client.DeleteToken(ctx, a.AccessToken), "grant": w.client.DeleteGrant(ctx, a.AccessToken)} {
		if !errors.Is(err, github.ErrTokenInvalid) {
			t.Errorf("deleting the %s again: %v", name, err)
		}
	}
	if err := w.client.DeleteGrant(ctx, b.AccessToken); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.User(ctx, b.AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("after the grant ended: %v", err)
	}
	if _, err := w.client.User(ctx, c.AccessToken); err != nil {
		t.Errorf("another person: %v", err)
	}
	if _, err := w.newClient("wrong", 0).CheckToken(ctx, c.AccessToken); !errors.Is(err, github.ErrBadCredentials) {
		t.Errorf("another secret: %v", err)
	}
	for body, want := range map[string]int{`{}`: 422, `x`: 422, `{"access_token":"gho_unknown"}`: 404} {
		req, _ := http.NewRequestWithContext(ctx, "POST", w.url+"/api/v3/applications/"+appID+"/token", strings.NewReader(body))
		req.SetBasicAuth(appID, appSecret)
		if resp := roundTrip(t, req); resp.StatusCode != want {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
	}
	req, _ := http.NewRequestWithContext(ctx, "POST", w.url+"/api/v3/applications/other/token", strings.NewReader(`{"access_token":"x"}`))
	req.SetBasicAuth(appID, appSecret)
	if resp := roundTrip(t, req); resp.StatusCode != 404 {
		t.Errorf("another app's path: %d", resp.StatusCode)
	}
}

func TestLeakedCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t, expiring)
	a, b := w.signIn("octocat"), w.signIn("octocat")
	send := func(auth string, tokens ...string) int {
		body, _ := json.Marshal(map[string]any{"credentials": tokens})
		req, _ := http.NewRequestWithContext(t.Context(), "POST", w.url+"/api/v3/credentials/revoke", strings.NewReader(string(body)))
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		return roundTrip(t, req).StatusCode
	}
	if got := send("Bearer "+a.AccessToken, a.AccessToken); got != 403 {
		t.Errorf("with credentials: %d", got)
	}
	if got := send(""); got != 422 {
		t.Errorf("none: %d", got)
	}
	if got := send("", make([]string, 1001)...); got != 422 {
		t.Errorf("1,001: %d", got)
	}
	if got := send("", append(make([]string, 998), a.AccessToken, b.RefreshToken)...); got != 202 {
		t.Errorf("1,000: %d", got)
	}
	for _, tok := range []github.Token{a, b} {
		if _, err := w.client.User(t.Context(), tok.AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
			t.Errorf("a leaked token: %v", err)
		}
	}
	for range 57 {
		send("", "x")
	}
	if got := send("", "x"); got != 403 {
		t.Errorf("the sixty-first call of an hour: %d", got)
	}
}

// roundTrip sends without following redirects and drops the body.
func roundTrip(t *testing.T, req *http.Request) *http.Response {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}
