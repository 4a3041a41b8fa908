package githubsim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/githubsim"
)

// shape describes a JSON value by its members and their types. A null may
// stand for any type.
func shape(path string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			shape(path+"."+name, member, into)
		}
	case []any:
		for _, member := range v {
			shape(path+"[]", member, into)
		}
	case nil:
		if into[path] == "" {
			into[path] = "null"
		}
	default:
		into[path] = fmt.Sprintf("%T", v)
	}
}

// TestShapes compares the simulator's answers with GitHub's, member by member.
func TestShapes(t *testing.T) {
	t.Parallel()
	oauth := newWorld(t)
	app := newWorld(t, func(o *githubsim.Options) { o.GitHubApp, o.TokensExpire = true, true })
	plain, full := oauth.signIn("octocat"), oauth.signIn("octocat", "read:user", "user:email")
	if err := oauth.client.DeleteToken(t.Context(), oauth.signIn("hubot").AccessToken); err != nil {
		t.Fatal(err)
	}
	basic, _ := http.NewRequest("GET", "/", nil)
	basic.SetBasicAuth(appID, appSecret)
	client := url.Values{"client_id": {appID}, "client_secret": {appSecret}}
	with := func(pairs ...string) url.Values {
		v := url.Values{}
		for name, values := range client {
			v[name] = values
		}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	if _, err := oauth.sim.AddUser(githubsim.User{Login: "newbie", Emails: []githubsim.Email{}}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		file   string
		w      *world
		method string
		path   string
		auth   string
		form   url.Values
		status int
	}{
		{"user_public.json", oauth, "GET", userDoor, "Bearer " + plain.AccessToken, nil, 200},
		{"user_public.json", oauth, "GET", "/api/v3/users/OCTOCAT", "", nil, 200},
		{"user_public.json", oauth, "GET", "/api/v3/user/583231", basic.Header.Get("Authorization"), nil, 200},
		{"user_private.json", oauth, "GET", userDoor, "token " + full.AccessToken, nil, 200},
		{"emails.json", oauth, "GET", "/api/v3/user/emails", "Bearer " + full.AccessToken, nil, 200},
		{"token.json", oauth, "POST", tokenDoor, "", with("code", oauth.code("octocat", "read:user", "user:email"), "code_verifier", verifier), 200},
		{"token_expiring.json", app, "POST", tokenDoor, "", with("code", app.code("octocat"), "code_verifier", verifier), 200},
		{"error_bad_verification_code.json", oauth, "POST", tokenDoor, "", with("code", "x"), 200},
		{"error_incorrect_client_credentials.json", oauth, "POST", tokenDoor, "", url.Values{"client_id": {appID}, "client_secret": {"x"}}, 200},
		{"error_redirect_uri_mismatch.json", oauth, "POST", tokenDoor, "", with("code", oauth.code("octocat"), "code_verifier", verifier, "redirect_uri", "http://x.test/"), 200},
		{"error_unverified_user_email.json", oauth, "POST", tokenDoor, "", with("code", oauth.code("newbie"), "code_verifier", verifier), 200},
		{"error_bad_refresh_token.json", oauth, "POST", tokenDoor, "", with("grant_type", "refresh_token", "refresh_token", "ghr_x"), 200},
		{"api_error.json", oauth, "GET", userDoor, "Bearer gho_unknown", nil, 401},
		{"api_error.json", oauth, "GET", userDoor, "", nil, 401},
		{"api_error.json", oauth, "GET", "/api/v3/users/nobody", "", nil, 404},
		{"api_error.json", oauth, "GET", "/api/v3/user/x", "", nil, 404},
		{"api_error.json", oauth, "GET", "/api/v3/repos/x/y", "", nil, 404},
		{"api_error.json", oauth, "GET", "/api/v3/user/emails", "Bearer " + plain.AccessToken, nil, 404},
		{"api_error.json", oauth, "GET", "/api/v3/users/octocat", "Basic eDp5", nil, 401},
	} {
		resp, body := tc.w.do(tc.method, tc.w.url+tc.path, tc.form, "Authorization", tc.auth, "Accept", "application/json")
		if resp.StatusCode != tc.status {
			t.Errorf("%s: %d %s", tc.path, resp.StatusCode, body)
			continue
		}
		compare(t, tc.file, body)
	}
	req, _ := http.NewRequest("POST", "/api/v3/applications/"+appID+"/token", strings.NewReader(`{"access_token":"`+full.AccessToken+`"}`))
	req.Header.Set("User-Agent", "x")
	req.SetBasicAuth(appID, appSecret)
	rec := httptest.NewRecorder()
	oauth.sim.ServeHTTP(rec, req)
	compare(t, "check_token.json", rec.Body.String())
}

func compare(t *testing.T, file, body string) {
	t.Helper()
	published, err := os.ReadFile("../github/testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := errors.Join(json.Unmarshal(published, &want), json.Unmarshal([]byte(body), &got)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	wantShape, gotShape := map[string]string{}, map[string]string{}
	shape("", want, wantShape)
	shape("", got, gotShape)
	for path, kind := range wantShape {
		if other := gotShape[path]; other == "" || other != kind && other != "null" && kind != "null" {
			t.Errorf("%s: %s is %s at GitHub, %q here", file, path, kind, other)
		}
	}
	for path := range gotShape {
		if wantShape[path] == "" {
			t.Errorf("%s: %s is not at GitHub", file, path)
		}
	}
	object, ok := want.(map[string]any)
	if ok && object["error"] != nil && !strings.Contains(body, fmt.Sprintf(`"error":%q`, object["error"])) {
		t.Errorf("%s: the error is %s", file, body)
	}
}

func TestTokenEndpointForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := url.Values{"client_id": {appID}, "client_secret": {appSecret}, "code": {w.code("octocat")}, "code_verifier": {verifier}}
	// Without Accept the answer is a form.
	resp, body := w.do("POST", w.url+tokenDoor, form)
	got, err := url.ParseQuery(body)
	if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || got.Get("token_type") != "bearer" || got.Get("access_token") == "" {
		t.Errorf("without Accept: %v, %v", resp.Header, err)
	}
	// Secrets in the address do not count.
	form.Set("code", w.code("octocat"))
	if _, body := w.do("POST", w.url+tokenDoor+"?"+form.Encode(), nil, "Accept", "application/json"); !strings.Contains(body, "incorrect_client_credentials") {
		t.Errorf("secrets in the address: %s", body)
	}
	// A JSON body counts.
	object, _ := json.Marshal(map[string]string{"client_id": appID, "client_secret": appSecret, "code": form.Get("code"), "code_verifier": verifier})
	req, _ := http.NewRequestWithContext(t.Context(), "POST", tokenDoor, strings.NewReader(string(object)))
	req.Header.Set("User-Agent", "x")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/html, application/json;q=0.9")
	rec := httptest.NewRecorder()
	w.sim.ServeHTTP(rec, req)
	if !strings.Contains(rec.Body.String(), `"access_token":"gho_`) {
		t.Errorf("JSON body: %s", rec.Body)
	}
	form.Set("grant_type", "password")
	if _, body := w.do("POST", w.url+tokenDoor, form, "Accept", "application/json"); !strings.Contains(body, "unsupported_grant_type") {
		t.Errorf("another grant: %s", body)
	}
	if resp, _ := w.do("GET", w.url+tokenDoor, nil); resp.StatusCode == 200 {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	big := url.Values{"client_id": {strings.Repeat("a", 2<<20)}}
	if resp, _ := w.do("POST", w.url+tokenDoor, big); resp.StatusCode != 413 {
		t.Errorf("a giant form: %d", resp.StatusCode)
	}
}

func TestHeadersThatGitHubWants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for version, want := range map[string]int{"": 200, "2022-11-28": 200, "3": 400} {
		if resp, _ := w.do("GET", w.url+"/api/v3/meta", nil, "X-GitHub-Api-Version", version); resp.StatusCode != want {
			t.Errorf("version %q: %d", version, resp.StatusCode)
		}
	}
	rec := httptest.NewRecorder()
	w.sim.ServeHTTP(rec, httptest.NewRequest("GET", "/api/v3/meta", nil)) // no User-Agent
	if rec.Code != 403 {
		t.Errorf("no User-Agent: %d", rec.Code)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tok := w.signIn("octocat")
	get := func(path, auth string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("User-Agent", "x")
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		rec := httptest.NewRecorder()
		w.sim.ServeHTTP(rec, r)
		return rec
	}
	for i := range 60 {
		rec := get("/api/v3/users/octocat", "")
		if want := fmt.Sprint(59 - i); rec.Code != 200 || rec.Header().Get("X-RateLimit-Remaining") != want {
			t.Fatalf("call %d of a stranger: %d, %v", i+1, rec.Code, rec.Header())
		}
	}
	rec := get("/api/v3/users/octocat", "")
	if rec.Code != 403 || rec.Header().Get("X-RateLimit-Remaining") != "0" || rec.Header().Get("Retry-After") != "" {
		t.Errorf("call 61 of a stranger: %d, %v", rec.Code, rec.Header())
	}
	if _, err := w.client.UserByLogin(t.Context(), "octocat"); err != nil {
		t.Errorf("the app has a limit of its own: %v", err)
	}
	for range 5000 {
		get(userDoor, "Bearer "+tok.AccessToken)
	}
	w.clock.add(10 * time.Minute)
	_, err := w.client.User(t.Context(), tok.AccessToken)
	var e *github.Error
	if !errors.Is(err, github.ErrRateLimited) || !errors.As(err, &e) || e.RetryAfter != 50*time.Minute {
		t.Errorf("call 5,001 of a token: %v", err)
	}
	w.sim.Fault(1, githubsim.Fault{Kind: githubsim.Clock, Offset: 20 * time.Minute})
	if _, err := w.client.User(t.Context(), tok.AccessToken); !errors.As(err, &e) || e.RetryAfter != 30*time.Minute {
		t.Errorf("by GitHub's own clock: %v", err)
	}
	w.clock.add(50 * time.Minute)
	if _, err := w.client.User(t.Context(), tok.AccessToken); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

func TestAvatarsAndOtherPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, err := w.client.UserByLogin(t.Context(), "octocat")
	if err != nil || u.AvatarURL != w.url+"/avatars/u/583231?v=4" {
		t.Fatalf("%+v, %v", u, err)
	}
	resp, body := w.do("GET", u.AvatarURL, nil)
	if resp.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(body, ">MO<") {
		t.Errorf("avatar: %v %s", resp.Header, body)
	}
	for path, want := range map[string]int{"/": 303, "/_sim": 200, "/octocat": 404, "/avatars/u/1": 404, "/avatars/u/x": 404, "/api/v3/meta": 200} {
		if resp, _ := w.do("GET", w.url+path, nil); resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestAddUser(t *testing.T) {
	t.Parallel()
	s := githubsim.New(githubsim.Options{})
	u, err := s.AddUser(githubsim.User{ID: 42, Login: "ada"})
	if err != nil || u.ID != 42 {
		t.Errorf("%+v, %v", u, err)
	}
	if u, err = s.AddUser(githubsim.User{Login: "ADA", Name: "Ada Lovelace"}); err != nil || u.ID != 42 || u.Login != "ada" || u.Name != "Ada Lovelace" {
		t.Errorf("again: %+v, %v", u, err)
	}
	for _, bad := range []githubsim.User{{}, {Login: "a b"}, {ID: 7, Login: "ada"}, {ID: 42, Login: "bob"}, {Login: "bob", Name: strings.Repeat("x", 101)}} {
		if u, err := s.AddUser(bad); err == nil {
			t.Errorf("%+v became %+v", bad, u)
		}
	}
}

// TestManyAtOnce is for the race detector: all doors at the same time.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, expiring, func(o *githubsim.Options) { o.NoTokenLimit = true })
	done := make(chan error)
	for i := range 8 {
		go func() {
			login := fmt.Sprintf("person-%d", i)
			err := errors.New("the test stopped")
			defer func() { done <- err }()
			err = func() error {
				for range 10 {
					resp, _ := w.do("POST", w.authorizeURL("user:email"), url.Values{"login": {login}})
					to, err := url.Parse(resp.Header.Get("Location"))
					if err != nil {
						return err
					}
					tok, err := w.client.Exchange(t.Context(), to.Query().Get("code"), verifier, callback)
					if err != nil {
						return err
					}
					if tok, err = w.client.Refresh(t.Context(), tok.RefreshToken); err != nil {
						return err
					}
					if u, err := w.client.User(t.Context(), tok.AccessToken); err != nil || u.Login != login {
						return fmt.Errorf("%s is %+v: %w", login, u, err)
					}
					w.do("GET", w.url+"/_sim", nil)
				}
				return nil
			}()
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := w.sim.Calls(tokenDoor); n != 160 {
		t.Errorf("%d calls", n)
	}
}
