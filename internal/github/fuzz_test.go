package github_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/github"
)

// FuzzAnswers feeds any answer to every call. Whatever comes, a call returns
// values that hold their promises or an *Error that shows no secret.
func FuzzAnswers(f *testing.F) {
	names, err := filepath.Glob("testdata/*.json")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, "", "", string(body))
		f.Add(401, "", "", string(body))
	}
	f.Add(403, "60", "0", `{"message":"limit"}`)
	f.Add(204, "", "", "")
	f.Add(200, "Tue, 24 Nov 2026 00:00:00 GMT", "0", `{"error":"`+testAccess+`","error_description":"`+testSecret+`"}`)
	f.Fuzz(func(t *testing.T, status int, wait, remaining, body string) {
		c := newClient(t, "https://github.com", func(o *github.Options) {
			o.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				h := http.Header{"Retry-After": {wait}, "X-Ratelimit-Remaining": {remaining}, "Date": {"Tue, 24 Nov 2026 00:00:00 GMT"}}
				return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			})}
		})
		if tok, err := c.Exchange(t.Context(), "code-5c4d3e2f1a", "verifier-5c4d3e2f1a", "http://127.0.0.1/cb"); err == nil {
			if tok.AccessToken == "" || strings.ContainsAny(tok.AccessToken+tok.RefreshToken, " \r\n\x00") || tok.ExpiresIn < 0 || tok.RefreshExpiresIn < 0 {
				t.Errorf("a token that cannot be: %q", body)
			}
		}
		if u, err := c.User(t.Context(), testAccess); err == nil {
			if u.ID <= 0 || u.Login == "" || strings.ContainsAny(u.Login+u.Name+u.AvatarURL+u.Type, "\r\n\x00") {
				t.Errorf("a user that cannot be: %+v", u)
			}
		}
		if mail, err := c.PrimaryEmail(t.Context(), testAccess); err == nil && strings.ContainsAny(mail, " \r\n\x00") {
			t.Errorf("an address that cannot be: %q", mail)
		}
		for name, call := range calls(t.Context(), c) {
			err := call()
			var e *github.Error
			if err == nil {
				continue
			}
			if !errors.As(err, &e) || e.Op == "" || e.RetryAfter < 0 {
				t.Errorf("%s: not a whole *Error: %#v", name, err)
			}
			if strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Errorf("%s: control characters: %q", name, err)
			}
			leaks(t, name, err.Error())
		}
	})
}
