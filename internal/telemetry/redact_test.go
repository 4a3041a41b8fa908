package telemetry_test

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/telemetry"
)

// canary is the part of every planted secret that must not come out.
const canary = "C4naryC4naryC4naryC4naryC4naryC4nary0123"

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"oauth token", "exchange answered gho_" + canary + " today", "exchange answered [redacted] today"},
		{"long token with dots", "ghu_" + strings.Repeat(canary+".", 12) + "x", "[redacted]"},
		{"token inside a word", "xghr_" + canary, "x[redacted]"},
		{"fine-grained token", "github_pat_" + canary + "!", "[redacted]!"},
		{"postgres url", "dial postgres://app:" + canary + "@db:5432/af_auth?x=1: refused", "dial postgres://app:[redacted]@db:5432/af_auth?x=1: refused"},
		{"postgresql url without user", "postgresql://:" + canary + "@db/af", "postgresql://:[redacted]@db/af"},
		{"password with @ and /", "parse postgres://app:a/b?" + canary + "@c@db/af", "parse postgres://app:[redacted]@db/af"},
		{"upper case scheme", "POSTGRES://app:" + canary + "@db", "POSTGRES://app:[redacted]@db"},
		{"another url", "proxy http://me:" + canary + "@proxy:3128/x@y", "proxy http://me:[redacted]@proxy:3128/x@y"},
		{"connection string", "host=db password=" + canary + "&more user=app", "host=db password=[redacted] user=app"},
		{"quoted password", `password = 'a\'b ` + canary + `' user=app`, "password = [redacted] user=app"},
		{"form", "client_id=1&client_secret=" + canary, "client_id=1&client_secret=[redacted]"},
		{"callback query", "/auth/github/callback?code=" + canary + "&state=" + canary + "&iss=x", "/auth/github/callback?code=[redacted]&state=[redacted]&iss=x"},
		{"ticket in a query", "/.af-auth/enter?ticket=" + canary, "/.af-auth/enter?ticket=[redacted]"},
		{"form that begins with code", "code=" + canary + "&x=1", "code=[redacted]&x=1"},
		{"json", `{"access_token": "` + canary + `","scope":"x"}`, `{"access_token": "[redacted]","scope":"x"}`},
		{"json with a quote in it", `{"password":"a\"` + canary + `"}`, `{"password":"[redacted]"}`},
		{"json cut short", `{"refresh_token":"` + canary, `{"refresh_token":"[redacted]"`},
		{"json after %q", `body "{\"refresh_token\":\"` + canary + `\"}"`, `body "{\"refresh_token\":\"[redacted]\"}"`},
		{"struct after %+v", "{User:app Password:" + canary + " Port:1}", "{User:app Password:[redacted] Port:1}"},
		{"header line", "Cookie: a=" + canary + "; b=1\r\nHost: x", "Cookie: [redacted]\r\nHost: x"},
		{"headers after %v", "map[Authorization:[Bearer " + canary + "]]", "map[Authorization: [redacted]"},
		{"bearer", "sent bearer " + canary, "sent bearer [redacted]"},
		{"basic", "sent Basic " + canary + "==", "sent Basic [redacted]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := telemetry.Redact(test.text)
			if got != test.want {
				t.Errorf("Redact(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
			if strings.Contains(got, canary) {
				t.Errorf("Redact(%q) lets the secret through: %q", test.text, got)
			}
		})
	}
}

func TestRedactLeavesHarmlessTextAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"",
		"listening on http://127.0.0.1:8080",
		"see https://example.com:8443/people?mail=a@b.example",
		"membership state=active",
		"status_code=404 took=3ms",
		"wrong state: expected open",
		"session 4e1c2f6a-37a0-4d8f-9d57-2f0f2d3b9b11 ended",
		"sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"GET /auth/github/callback 303",
		"token exchange failed: the basic authentication was refused",
		"gh_short and ghost",
		"ERROR: duplicate key value violates unique constraint (SQLSTATE 23505)",
	} {
		if got := telemetry.Redact(text); got != text {
			t.Errorf("Redact(%q) = %q, want it unchanged", text, got)
		}
	}
}

func TestSecretName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"password": true, "Password": true, "PGPASSWORD": false, "db.password": true,
		"client_secret": true, "GITHUB_CLIENT_SECRET": true, "accessToken": true,
		"github_access_token": true, "tokens": true, "Set-Cookie": true, "cookies": true,
		"Authorization": true, "Proxy-Authorization": true, "code": true, "user_code": true,
		"state": true, "oauth_state": true, "ticket": true, "nonce": true, "code_verifier": true,
		"status_code": false, "error_code": false, "pool_state": false, "codec": false,
		"secretary": false, "error": false, "user": false, "": false,
	} {
		if got := telemetry.SecretName(name); got != want {
			t.Errorf("SecretName(%q) = %v, want %v", name, got, want)
		}
	}
}

// FuzzRedact plants a token in any text: it never comes out, and nothing
// panics.
func FuzzRedact(f *testing.F) {
	f.Add("", "")
	f.Add("postgres://u:", "@db")
	f.Add(`{"access_token":"`, `"}`)
	f.Add("gho_", "_gho_")
	f.Add("Cookie: \x00", "\xff\r\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := "gho_" + canary
		if got := telemetry.Redact(before + secret + after); strings.Contains(got, secret) {
			t.Errorf("token survives in %q", got)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	text := "GET /auth/github/callback?error=access_denied from 203.0.113.7:51022 in 12ms"
	for b.Loop() {
		telemetry.Redact(text)
	}
}
