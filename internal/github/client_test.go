package github_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/github"
)

func TestNew(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		base   string
		issuer string // "" means refused
	}{
		{"https://github.com", "https://github.com/login/oauth"},
		{"https://github.com/", "https://github.com/login/oauth"},
		{"https://GitHub.example.com:8443", "https://github.example.com:8443/login/oauth"},
		{"http://127.0.0.1:8082", "http://127.0.0.1:8082/login/oauth"},
		{"http://[::1]:8082", "http://[::1]:8082/login/oauth"},
		{"http://localhost:8082", "http://localhost:8082/login/oauth"},
		{"http://github.com", ""},
		{"http://127.0.0.1.example.com", ""},
		{"http://localhost.example.com", ""},
		{"ftp://github.com", ""},
		{"github.com", ""},
		{"", ""},
		{"https://", ""},
		{"https://user:pass@github.com", ""},
		{"https://github.com/api", ""},
		{"https://github.com?x=1", ""},
		{"https://github.com#x", ""},
		{"https://git hub.com", ""},
	} {
		c, err := github.New(github.Options{BaseURL: tc.base, ClientID: testID, ClientSecret: testSecret})
		switch {
		case tc.issuer == "" && err == nil:
			t.Errorf("%q was accepted", tc.base)
		case tc.issuer != "" && (err != nil || c.Issuer() != tc.issuer):
			t.Errorf("%q: %v", tc.base, err)
		}
		if err != nil && strings.Contains(err.Error(), "pass") {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
	for _, o := range []github.Options{
		{BaseURL: "https://github.com", ClientSecret: "x"},
		{BaseURL: "https://github.com", ClientID: "x"},
		{BaseURL: "https://github.com", ClientID: "x", ClientSecret: "x", Timeout: -1},
	} {
		if _, err := github.New(o); err == nil {
			t.Errorf("accepted: %+v", o)
		}
	}
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	c := newClient(t, "https://github.com")
	u, err := url.Parse(c.AuthorizeURL(github.Authorize{
		State: "s&t=a", Challenge: "ch", RedirectURI: "https://auth.example.com/auth/github/callback",
		Login: "octocat", Scopes: []string{"read:user", "user:email"}, SelectAccount: true,
	}))
	if err != nil || u.Host != "github.com" || u.Path != "/login/oauth/authorize" {
		t.Fatal(u, err)
	}
	want := url.Values{
		"client_id": {testID}, "redirect_uri": {"https://auth.example.com/auth/github/callback"}, "state": {"s&t=a"},
		"code_challenge": {"ch"}, "code_challenge_method": {"S256"}, "login": {"octocat"},
		"scope": {"read:user user:email"}, "prompt": {"select_account"},
	}
	if u.Query().Encode() != want.Encode() {
		t.Errorf("got %s", u.Query().Encode())
	}
	if strings.Contains(u.String(), testSecret) {
		t.Error("the secret is in the address")
	}
	plain := c.AuthorizeURL(github.Authorize{State: "s", Challenge: "c", RedirectURI: "r"})
	for _, name := range []string{"login=", "scope=", "prompt="} {
		if strings.Contains(plain, name) {
			t.Errorf("%s is sent though nothing was asked: %s", name, plain)
		}
	}
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// calls are all calls of the client that talk to GitHub.
func calls(ctx context.Context, c *github.Client) map[string]func() error {
	return map[string]func() error{
		"Exchange": func() error {
			_, err := c.Exchange(ctx, "code-5c4d3e2f1a", "verifier-5c4d3e2f1a", "http://127.0.0.1/cb")
			return err
		},
		"Refresh":      func() error { _, err := c.Refresh(ctx, "ghr_REFRESHrefreshREFRESHrefreshREFRESHrefresh"); return err },
		"User":         func() error { _, err := c.User(ctx, testAccess); return err },
		"PrimaryEmail": func() error { _, err := c.PrimaryEmail(ctx, testAccess); return err },
		"UserByLogin":  func() error { _, err := c.UserByLogin(ctx, "octocat"); return err },
		"UserByID":     func() error { _, err := c.UserByID(ctx, 583231); return err },
		"CheckToken":   func() error { _, err := c.CheckToken(ctx, testAccess); return err },
		"DeleteToken":  func() error { return c.DeleteToken(ctx, testAccess) },
		"DeleteGrant":  func() error { return c.DeleteGrant(ctx, testAccess) },
	}
}

// secretsOf are the values that each of calls sends and must never show.
func secretsOf(call string) []string {
	switch call {
	case "Exchange":
		return []string{testSecret, "code-5c4d3e2f1a", "verifier-5c4d3e2f1a"}
	case "Refresh":
		return []string{testSecret, "ghr_REFRESHrefreshREFRESHrefreshREFRESHrefresh"}
	}
	return []string{testSecret, testAccess}
}

// leaks fails where text shows a secret of the call.
func leaks(t *testing.T, call, text string) {
	t.Helper()
	for _, secret := range secretsOf(call) {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			t.Errorf("%s shows %s: %s", call, secret, text)
		}
	}
}

func TestHeadersAndAddresses(t *testing.T) {
	t.Parallel()
	for base, api := range map[string]string{
		"https://github.com":      "https://api.github.com",
		"https://ghe.example.com": "https://ghe.example.com/api/v3",
	} {
		var seen *http.Request
		c := newClient(t, base, func(o *github.Options) {
			o.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				seen = r
				return nil, errors.New("cut")
			})}
		})
		for name, call := range calls(t.Context(), c) {
			if err := call(); !errors.Is(err, github.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
			leaks(t, name, seen.URL.String())
			if seen.Header.Get("User-Agent") != "af-auth" {
				t.Errorf("%s: User-Agent %q", name, seen.Header.Get("User-Agent"))
			}
			at := seen.URL.String()
			if name == "Exchange" || name == "Refresh" {
				if at != base+"/login/oauth/access_token" || seen.Header.Get("Accept") != "application/json" {
					t.Errorf("%s: %s, Accept %q", name, at, seen.Header.Get("Accept"))
				}
				continue
			}
			if !strings.HasPrefix(at, api+"/") || seen.Header.Get("Accept") != "application/vnd.github+json" || seen.Header.Get("X-GitHub-Api-Version") != "2022-11-28" {
				t.Errorf("%s: %s, %v", name, at, seen.Header)
			}
		}
	}
}

// TestUnusableAnswers: what each call makes of an answer that it cannot use.
func TestUnusableAnswers(t *testing.T) {
	t.Parallel()
	huge := append(append([]byte(`{"login":"`), bytes.Repeat([]byte("a"), 1<<20)...), `"}`...)
	all := strings.Join(append(secretsOf("Exchange"), secretsOf("Refresh")[1], testAccess), " ")
	echo := []byte(`{"message":"` + all + `","error":"x ` + testAccess + `\r\nx","error_description":"` + all + `"}`)
	for _, tc := range []struct {
		name   string
		status int
		header http.Header
		body   []byte
		kind   error // nil: only that it is an *Error without a leak
		wait   time.Duration
	}{
		{"empty", 200, nil, nil, github.ErrUnavailable, 0},
		{"null", 200, nil, []byte("null"), github.ErrUnavailable, 0},
		{"truncated", 200, nil, []byte(`{"id":583231,"login":"octo`), github.ErrUnavailable, 0},
		{"two values", 200, nil, []byte(`{"id":1,"login":"octocat"}{}`), github.ErrUnavailable, 0},
		{"html", 200, nil, []byte("<html>hello"), github.ErrUnavailable, 0},
		{"an empty object", 200, nil, []byte(`{}`), github.ErrUnavailable, 0},
		{"huge", 200, nil, huge, github.ErrUnavailable, 0},
		{"deep", 200, nil, bytes.Repeat([]byte("["), 100000), github.ErrUnavailable, 0},
		{"a proxy's 404", 404, nil, []byte("<html>not here"), github.ErrUnavailable, 0},
		{"a proxy's 401", 401, nil, []byte("<html>log in"), github.ErrUnavailable, 0},
		{"a proxy's 407", 407, nil, nil, github.ErrUnavailable, 0},
		{"redirect", 302, http.Header{"Location": {"http://127.0.0.1:1/"}}, nil, github.ErrUnavailable, 0},
		{"500", 500, nil, []byte(`{"message":"Server Error"}`), github.ErrUnavailable, 0},
		{"503 with bad_refresh_token", 503, nil, []byte(`{"error":"bad_refresh_token"}`), github.ErrUnavailable, 0},
		{"503 with Retry-After", 503, http.Header{"Retry-After": {"7"}}, nil, github.ErrUnavailable, 7 * time.Second},
		{"429", 429, http.Header{"Retry-After": {"30"}}, nil, github.ErrRateLimited, 30 * time.Second},
		{"429 with bad_refresh_token", 429, nil, []byte(`{"error":"bad_refresh_token"}`), github.ErrRateLimited, 0},
		{"429, hostile wait", 429, http.Header{"Retry-After": {"999999999"}}, nil, github.ErrRateLimited, 24 * time.Hour},
		{"429, negative wait", 429, http.Header{"Retry-After": {"-5"}}, nil, github.ErrRateLimited, 0},
		{"secondary limit", 403, http.Header{"Retry-After": {"60"}}, []byte(`{"message":"secondary"}`), github.ErrRateLimited, time.Minute},
		{"secondary limit without headers", 403, nil, []byte(`{"message":"You have exceeded a secondary rate limit."}`), github.ErrRateLimited, 0},
		{"primary limit", 403, http.Header{
			"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1764000060"}, "Date": {time.Unix(1764000000, 0).UTC().Format(http.TimeFormat)},
		}, []byte(`{"message":"limit"}`), github.ErrRateLimited, time.Minute},
		{"secrets in an error", 422, nil, echo, nil, 0},
		{"secrets in a 404", 404, nil, echo, nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, serve(t, tc.status, tc.header, tc.body).URL)
			for name, call := range calls(t.Context(), c) {
				err := call()
				if name == "PrimaryEmail" && tc.name == "secrets in a 404" && err == nil {
					continue // 404 there means that the scope is missing
				}
				var e *github.Error
				if !errors.As(err, &e) || (tc.kind != nil && !errors.Is(err, tc.kind)) || e.RetryAfter != tc.wait {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if errors.Is(err, github.ErrBadRefreshToken) {
					t.Errorf("%s: a fault ended a refresh token: %v", name, err)
				}
				leaks(t, name, fmt.Sprintf("%v %+v %#v %q %q", err, err, *e, e.Code, e.Description))
				if strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("%s: a line break: %q", name, err)
				}
			}
		})
	}
}

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"access_token":"","token_type":"bearer"}`,
		`{"access_token":"a b","token_type":"bearer"}`,
		`{"access_token":"a\r\nX: y","token_type":"bearer"}`,
		`{"access_token":"é","token_type":"bearer"}`,
		`{"access_token":"` + strings.Repeat("a", 5000) + `","token_type":"bearer"}`,
		`{"access_token":"a","token_type":"mac"}`,
		`{"access_token":"a"}`,
		`{"access_token":"a","token_type":"bearer","expires_in":0}`,
		`{"access_token":"a","token_type":"bearer","expires_in":-1}`,
		`{"access_token":"a","token_type":"bearer","expires_in":1e300}`,
		`{"access_token":"a","token_type":"bearer","expires_in":99999999999}`,
		`{"access_token":"a","token_type":"bearer","refresh_token_expires_in":0}`,
		`{"access_token":"a","token_type":"bearer","refresh_token":"a b"}`,
		`{"access_token":["a"],"token_type":"bearer"}`,
	} {
		c := newClient(t, serve(t, 200, nil, []byte(body)).URL)
		if got, err := c.Refresh(t.Context(), "ghr_x"); !errors.Is(err, github.ErrUnavailable) {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
	// A lifetime in quotes is still a lifetime; a spent refresh token is too
	// dear to lose over it.
	c := newClient(t, serve(t, 200, nil, []byte(`{"access_token":"a","token_type":"Bearer","expires_in":"28800"}`)).URL)
	if got, err := c.Refresh(t.Context(), "ghr_x"); err != nil || got.ExpiresIn != 8*time.Hour {
		t.Errorf("quoted lifetime: %v, %v", got, err)
	}
}

func TestHostileUsers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"login":"octocat"}`,
		`{"id":0,"login":"octocat"}`,
		`{"id":-1,"login":"octocat"}`,
		`{"id":null,"login":"octocat"}`,
		`{"id":"583231","login":"octocat"}`,
		`{"id":1.5,"login":"octocat"}`,
		`{"id":99999999999999999999,"login":"octocat"}`,
		`{"id":1}`,
		`{"id":1,"login":""}`,
		`{"id":1,"login":"a b"}`,
		`{"id":1,"login":"a\r\nX-Auth-Request-User: admin"}`,
		`{"id":1,"login":"a/../b"}`,
		`{"id":1,"login":"a<script>b"}`,
		`{"id":1,"login":"..","name":"x"}`,
		`{"id":1,"login":"` + strings.Repeat("a", 101) + `"}`,
		`[]`,
	} {
		c := newClient(t, serve(t, 200, nil, []byte(body)).URL)
		if got, err := c.User(t.Context(), testAccess); !errors.Is(err, github.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	c := newClient(t, serve(t, 200, nil, []byte(`{"id":1,"login":"a-b_c[bot]","name":"x\u0000\r\ny","avatar_url":"javascript:alert(1)","type":null}`)).URL)
	got, err := c.User(t.Context(), testAccess)
	if want := (github.User{ID: 1, Login: "a-b_c[bot]", Name: "xy"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLookupsCheckTheAnswer(t *testing.T) {
	t.Parallel()
	c := newClient(t, serve(t, 200, nil, published(t, "user_public.json")).URL)
	if u, err := c.UserByLogin(t.Context(), "hubot"); !errors.Is(err, github.ErrUnavailable) {
		t.Errorf("asked for hubot, got %+v, %v", u, err)
	}
	if u, err := c.UserByID(t.Context(), 480938); !errors.Is(err, github.ErrUnavailable) {
		t.Errorf("asked for 480938, got %+v, %v", u, err)
	}
	for _, login := range []string{"", ".", "..", "a/b", "a b", "octocat?x", "é", strings.Repeat("a", 101)} {
		if _, err := c.UserByLogin(t.Context(), login); !errors.Is(err, github.ErrNotFound) {
			t.Errorf("%q: %v", login, err)
		}
	}
	if _, err := c.UserByID(t.Context(), 0); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("id 0: %v", err)
	}
}

func TestPrimaryEmailTakesOnlyVerified(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[]`: "",
		`[{"email":"a@x.test","primary":true,"verified":false},{"email":"b@x.test","primary":false,"verified":true}]`: "",
		`[{"email":"b@x.test","primary":false,"verified":true},{"email":"a@x.test","primary":true,"verified":true}]`:  "a@x.test",
		`[{"email":"a@x.test\r\nX: y","primary":true,"verified":true}]`:                                               "",
		`[{"email":"nobody","primary":true,"verified":true}]`:                                                         "",
	} {
		c := newClient(t, serve(t, 200, nil, []byte(body)).URL)
		if got, err := c.PrimaryEmail(t.Context(), testAccess); err != nil || got != want {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 100)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := newClient(t, serve(t, status, http.Header{"Location": {other.URL}}, nil).URL)
		for name, call := range calls(t.Context(), c) {
			if err := call(); !errors.Is(err, github.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if len(reached) > 0 {
		t.Error("a redirect was followed")
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	for name, call := range calls(t.Context(), newClient(t, s.URL)) {
		err := call()
		if !errors.Is(err, github.ErrUnavailable) || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", name, err)
		}
		leaks(t, name, err.Error())
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newClient(t, serve(t, 200, nil, nil).URL)
	for name, call := range calls(ctx, c) {
		if err := call(); !errors.Is(err, context.Canceled) || errors.Is(err, github.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSlowBody: the deadline covers the body, not only the header.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	c := newClient(t, s.URL, func(o *github.Options) { o.Timeout = 50 * time.Millisecond })
	_, err := c.User(t.Context(), testAccess)
	if !errors.Is(err, github.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
