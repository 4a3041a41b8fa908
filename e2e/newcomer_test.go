package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestNewcomer walks the whole way of somebody who tries af-auth for the first
// time: open the application, sign in, wait, be allowed, go on, be revoked.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := newVisitor(t)

	v.open(t, p.AppURL+"/?first=visit")
	v.isOn(t, p.AuthURL+"/auth/sign-in", http.StatusOK)
	v.signIn(t, p)
	v.isOn(t, p.AuthURL+"/auth/waiting", http.StatusOK)
	v.shows(t, "octocat", "af-auth allow octocat")
	v.isKeptOut(t, p)

	events := v.events(t, p.AuthURL+"/auth/waiting/events")
	await(t, events, `{"access":"waiting"}`, 5*time.Second)
	p.run(t, "allow", "octocat")
	ended := time.Now()
	e := await(t, events, `{"access":"allowed"}`, promise)
	// Below zero: the page knew before the command had returned.
	t.Logf("the waiting page was told %v after the command's end", e.at.Sub(ended).Round(time.Millisecond))

	// The page's own way on; without script it is the button "Check now".
	v.follow(t, "Check now")
	v.isOn(t, p.AppURL+"/", http.StatusOK)
	v.shows(t, "Hello, Mona Octocat", "no sign-in code at all", "af-auth revoke octocat", "X-Auth-Request-Github-Id", "583231")
	if v.at.RawQuery != "first=visit" {
		t.Errorf("came back to %s, having asked for /?first=visit", v.at)
	}
	v.seesIdentity(t, p)

	p.run(t, "revoke", "octocat")
	v.isKeptOut(t, p)
	v.open(t, p.AppURL+"/")
	if !strings.HasPrefix(v.at.String(), p.AuthURL+"/auth/") || strings.Contains(v.page, "Hello, Mona") {
		t.Errorf("after revoke, the application's address leads to %s:\n%s", v.at, v.page)
	}

	// Signing in anew does not help, and says so.
	v.open(t, p.AuthURL+"/auth/sign-in?again=1")
	v.signIn(t, p)
	v.isOn(t, p.AuthURL+"/auth/refused", http.StatusForbidden)
	v.shows(t, "octocat")

	// A later allow does not revive the old sessions; a new sign-in does it.
	p.run(t, "allow", "octocat")
	v.isKeptOut(t, p)
	v.open(t, p.AppURL+"/")
	v.signIn(t, p)
	v.isOn(t, p.AppURL+"/", http.StatusOK)
}

// signIn goes on from the sign-in page as octocat.
func (v *visitor) signIn(t *testing.T, p *product) {
	t.Helper()
	v.follow(t, "Continue with GitHub")
	if !strings.HasPrefix(v.at.String(), p.GitHubURL+"/") {
		t.Fatalf("\"Continue with GitHub\" leads to %s", v.at)
	}
	v.press(t, "login", "octocat")
}

// isKeptOut fails unless the gate refuses a script of this visitor.
func (v *visitor) isKeptOut(t *testing.T, p *product) {
	t.Helper()
	status, answer := v.fetch(t, p.AppURL+"/api/me", nil)
	if (status != http.StatusUnauthorized && status != http.StatusForbidden) || !strings.Contains(answer, `"code":"not_`) {
		t.Errorf("/api/me: %d %s", status, answer)
	}
}

// seesIdentity fails unless the application receives af-auth's headers, only
// those, and no cookie that opens a session.
func (v *visitor) seesIdentity(t *testing.T, p *product) {
	t.Helper()
	status, seen := v.fetch(t, p.AppURL+"/echo", http.Header{
		"X-Auth-Request-User": {"admin"}, "X_Auth_Request_User": {"admin"}, "X-Auth-Request-Groups": {"admin"},
	})
	if status != http.StatusOK {
		t.Fatalf("/echo: %d %s", status, seen)
	}
	for _, line := range []string{
		"X-Auth-Request-User: octocat", "X-Auth-Request-User-Id: ", "X-Auth-Request-Github-Id: 583231",
		"X-Auth-Request-Email: ", "X-Auth-Request-Name: Mona%20Octocat",
	} {
		if !strings.Contains(seen, line) {
			t.Errorf("the application received no %q:\n%s", line, seen)
		}
	}
	for _, secret := range []string{"admin", "af_auth"} {
		if strings.Contains(seen, secret) {
			t.Errorf("the application received %q:\n%s", secret, seen)
		}
	}
}
