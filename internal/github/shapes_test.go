package github_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/github"
)

const (
	testID     = "Ov23liExample"
	testSecret = "5f0c8d7a6b5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a"
	testAccess = "gho_LIVEtokenLIVEtokenLIVEtokenLIVEtoken"
)

// newClient is a client of the server at base.
func newClient(t *testing.T, base string, change ...func(*github.Options)) *github.Client {
	t.Helper()
	o := github.Options{BaseURL: base, ClientID: testID, ClientSecret: testSecret}
	for _, f := range change {
		f(&o)
	}
	c, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve answers each request in the same way.
func serve(t *testing.T, status int, header http.Header, body []byte) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s
}

// published is one of GitHub's answers from testdata.
func published(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestPublishedUsers(t *testing.T) {
	t.Parallel()
	want := github.User{
		ID: 583231, Login: "octocat", Name: "Mona Octocat",
		AvatarURL: "https://avatars.githubusercontent.com/u/583231?v=4", Type: "User",
	}
	for _, name := range []string{"user_public.json", "user_private.json"} {
		c := newClient(t, serve(t, 200, nil, published(t, name)).URL)
		for call, f := range map[string]func() (github.User, error){
			"User":        func() (github.User, error) { return c.User(t.Context(), testAccess) },
			"UserByLogin": func() (github.User, error) { return c.UserByLogin(t.Context(), "OctoCat") },
			"UserByID":    func() (github.User, error) { return c.UserByID(t.Context(), 583231) },
		} {
			if got, err := f(); err != nil || got != want {
				t.Errorf("%s of %s: got %+v, %v", call, name, got, err)
			}
		}
	}
}

func TestPublishedTokens(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name             string
		scopes           []string
		expires, refresh time.Duration
	}{
		{"token.json", []string{"read:user", "user:email"}, 0, 0},
		{"token_expiring.json", nil, 8 * time.Hour, 184 * 24 * time.Hour},
	} {
		c := newClient(t, serve(t, 200, nil, published(t, tc.name)).URL)
		got, err := c.Exchange(t.Context(), "code", "verifier", "http://127.0.0.1/cb")
		if err != nil {
			t.Fatal(err)
		}
		if len(got.AccessToken) != 40 || got.ExpiresIn != tc.expires || got.RefreshExpiresIn != tc.refresh {
			t.Errorf("%s: got %v", tc.name, got)
		}
		if len(got.Scopes) != len(tc.scopes) || len(tc.scopes) > 0 && !reflect.DeepEqual(got.Scopes, tc.scopes) {
			t.Errorf("%s: scopes %q", tc.name, got.Scopes)
		}
		if (got.RefreshToken != "") != (tc.refresh > 0) {
			t.Errorf("%s: refresh token present: %v", tc.name, got.RefreshToken != "")
		}
	}
}

func TestPublishedEmailsAndCheck(t *testing.T) {
	t.Parallel()
	c := newClient(t, serve(t, 200, nil, published(t, "emails.json")).URL)
	if got, err := c.PrimaryEmail(t.Context(), testAccess); err != nil || got != "octocat@example.com" {
		t.Errorf("PrimaryEmail: %q, %v", got, err)
	}
	c = newClient(t, serve(t, 200, nil, published(t, "check_token.json")).URL)
	got, err := c.CheckToken(t.Context(), testAccess)
	if err != nil || got.User.ID != 583231 || len(got.Scopes) != 2 {
		t.Errorf("CheckToken: %+v, %v", got, err)
	}
}

func TestPublishedErrors(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]error{
		"bad_verification_code":        github.ErrBadCode,
		"incorrect_client_credentials": github.ErrBadCredentials,
		"redirect_uri_mismatch":        github.ErrRedirectMismatch,
		"unverified_user_email":        github.ErrUnverifiedEmail,
		"bad_refresh_token":            github.ErrBadRefreshToken,
	} {
		// 200 is what GitHub sends; 400 is what OAuth's RFC 6749 5.2 would.
		for _, status := range []int{200, 400} {
			c := newClient(t, serve(t, status, nil, published(t, "error_"+code+".json")).URL)
			_, err := c.Refresh(t.Context(), "ghr_x")
			var e *github.Error
			if !errors.Is(err, kind) || !errors.As(err, &e) || e.Code != code || e.Status != status || e.Description == "" {
				t.Errorf("%s with %d: %v", code, status, err)
			}
		}
	}
	c := newClient(t, serve(t, 401, nil, published(t, "api_error.json")).URL)
	if _, err := c.User(t.Context(), testAccess); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("401 of a person's token: %v", err)
	}
	if _, err := c.UserByID(t.Context(), 1); !errors.Is(err, github.ErrBadCredentials) {
		t.Errorf("401 of the app: %v", err)
	}
}
