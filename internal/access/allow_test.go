package access_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/githubsim"
)

// Somebody who never signed in is looked up at GitHub. What counts from then on
// is the id: the login may go to somebody else.
func TestAllowBeforeTheFirstSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.people.Allow(t.Context(), ada(), "OctoCat", access.Grant{})
	if err != nil || c.Before != nil || c.After.GitHubID != octocat || c.After.Login != "octocat" || c.After.LastSignInAt != nil || c.After.Access() != afauth.Allowed {
		t.Fatalf("%+v, %v", c, err)
	}
	thief, err := w.github.Reclaim("octocat")
	if err != nil {
		t.Fatal(err)
	}
	if out := w.signIn(thief.ID, "octocat"); out.Access != afauth.Waiting {
		t.Errorf("whoever took the login is %s", out.Access)
	}
	if out := w.signIn(octocat, "octocat-1"); out.Access != afauth.Allowed || out.User.ID != c.After.ID {
		t.Errorf("whoever was meant is %s", out.Access)
	}
}

// The ways to name somebody who is not here yet, and what GitHub is asked.
func TestAllowAsksGitHub(t *testing.T) {
	t.Parallel()
	const byLogin, byID = "/api/v3/users/{login}", "/api/v3/user/{id}"
	for _, tt := range []struct {
		ref         string
		login       string // of the new row
		code        afauth.Code
		said        string
		logins, ids int // calls of GitHub
	}{
		{ref: "octocat", login: "octocat", logins: 1},
		{ref: "@octocat", login: "octocat", logins: 1},
		{ref: "#583231", login: "octocat", ids: 1},
		{ref: "nobody-here", code: afauth.CodeNotFound, said: `GitHub knows nobody called "nobody-here"`, logins: 1},
		{ref: "#999", code: afauth.CodeNotFound, said: "GitHub knows nobody with the GitHub id 999", ids: 1},
		{ref: "00000000-0000-4000-8000-000000000001", code: afauth.CodeNotFound, said: "af-auth users"},
		{ref: "octo cat", code: afauth.CodeInvalid},
	} {
		t.Run(tt.ref, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c, err := w.people.Allow(t.Context(), ada(), tt.ref, access.Grant{})
			if tt.code == "" {
				if err != nil || c.After.GitHubID != octocat || c.After.Login != tt.login {
					t.Errorf("%+v, %v", c.After, err)
				}
			} else {
				fails(t, "allow", err, tt.code, tt.said)
				if n := w.count("SELECT count(*) FROM users"); n != 0 {
					t.Errorf("%d people", n)
				}
			}
			if l, i := w.github.Calls(byLogin), w.github.Calls(byID); l != tt.logins || i != tt.ids {
				t.Errorf("GitHub was asked %d times by login and %d times by id", l, i)
			}
		})
	}
}

// Somebody who is here is allowed also where GitHub is away, by whatever name.
// Only a login is asked about, only to allow, and the doubt is said.
func TestAllowKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signIn(octocat, "octocat").User.ID
	w.github.Fault(10, githubsim.Fault{Kind: githubsim.ServerError})
	for _, ref := range []string{"octocat", "OCTOCAT", "@octocat", "#583231", id.String(), strings.ToUpper(id.String())} {
		until := w.db.Now().Add(time.Hour)
		c, err := w.people.Allow(t.Context(), ada(), ref, access.Grant{Until: &until})
		if err != nil || c.Before == nil || c.After.ID != id || c.After.Access() != afauth.Allowed || c.After.Until == nil {
			t.Errorf("allow %s: %+v, %v", ref, c, err)
		}
		byLogin := strings.HasSuffix(strings.ToLower(ref), "octocat")
		if strings.Contains(c.Warning, "GitHub did not say who is called") != byLogin || c.Warning != "" != byLogin {
			t.Errorf("allow %s: warning %q", ref, c.Warning)
		}
		if c, err = w.people.Revoke(t.Context(), ada(), ref); err != nil || c.After.ID != id || c.After.Access() != afauth.Refused {
			t.Errorf("revoke %s: %+v, %v", ref, c, err)
		}
	}
	if n := w.count("SELECT count(*) FROM events WHERE actor = 'cli:ada' AND reason = 'because' AND kind LIKE 'access.%'"); n != 12 {
		t.Errorf("%d events", n)
	}
	if l, i := w.github.Calls("/api/v3/users/{login}"), w.github.Calls("/api/v3/user/{id}"); l != 3 || i != 0 {
		t.Errorf("GitHub was asked %d times by login and %d times by id", l, i)
	}
}

// A login that somebody else has taken at GitHub names neither of the two: the
// one who had it must not come in by mistake.
func TestAllowReclaimedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(octocat, "octocat")
	w.run("UPDATE users SET name = 'Mona ' || chr(8238) || 'Cat', created_at = '2026-02-03', last_sign_in_at = '2026-02-04'")
	if c, err := w.people.Allow(t.Context(), ada(), "octocat", access.Grant{}); err != nil || c.Warning != "" {
		t.Errorf("still hers: %+v, %v", c, err)
	}
	if _, err := w.people.Revoke(t.Context(), ada(), "octocat"); err != nil {
		t.Fatal(err)
	}
	thief, err := w.github.Reclaim("octocat")
	if err != nil {
		t.Fatal(err)
	}
	taken := fmt.Sprintf("#%d", thief.ID)
	_, err = w.people.Allow(t.Context(), ada(), "OctoCat", access.Grant{})
	fails(t, "reclaimed", err, afauth.CodeAmbiguous, "has changed hands", `#583231 ("Mona \u202eCat", known here since 2026-02-03, last signed in 2026-02-04)`,
		taken+` ("Somebody Else", not known here)`, "af-auth allow '"+taken+"'", "'#583231'")
	w.signIn(thief.ID, "else")
	_, err = w.people.Allow(t.Context(), ada(), "octocat", access.Grant{})
	fails(t, "both known", err, afauth.CodeAmbiguous, taken+` ("Somebody Else", known here since `+time.Now().UTC().Format("2006-"))
	if n := w.count("SELECT count(*) FROM users WHERE is_whitelisted"); n != 0 {
		t.Errorf("%d people are allowed all the same", n)
	}
	if c, err := w.people.Allow(t.Context(), ada(), "#583231", access.Grant{}); err != nil || c.After.GitHubID != octocat || c.Warning != "" {
		t.Errorf("by id: %+v, %v", c, err)
	}
	calls := w.github.Calls("/api/v3/users/{login}")
	if c, err := w.people.Revoke(t.Context(), ada(), "octocat"); err != nil || c.After.GitHubID != octocat {
		t.Errorf("revoke: %+v, %v", c, err)
	}
	if _, _, err := w.people.SignOut(t.Context(), ada(), "octocat"); err != nil {
		t.Errorf("sign-out: %v", err)
	}
	if n := w.github.Calls("/api/v3/users/{login}"); n != calls {
		t.Error("taking access away asked GitHub")
	}
}

// A login that nobody has any more is the one known here, and that is said.
func TestAllowDeletedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(77, "gone")
	if c, err := w.people.Allow(t.Context(), ada(), "gone", access.Grant{}); err != nil || c.After.GitHubID != 77 || !strings.Contains(c.Warning, `GitHub knows nobody called "gone" any more`) {
		t.Errorf("%+v, %v", c, err)
	}
	alone := access.New(w.db, nil, afauth.SessionLimits{Idle: time.Hour})
	if c, err := alone.Allow(t.Context(), ada(), "gone", access.Grant{}); err != nil || c.Warning != "" {
		t.Errorf("without credentials: %+v, %v", c, err)
	}
}

func TestAllowWithoutGitHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Fault(1, githubsim.Fault{Kind: githubsim.ServerError})
	_, err := w.people.Allow(t.Context(), ada(), "octocat", access.Grant{})
	fails(t, "GitHub is away", err, afauth.CodeGitHubDown, "try again", "'#ID'")
	w.github.Fault(1, githubsim.Fault{Kind: githubsim.RateLimited})
	_, err = w.people.Allow(t.Context(), ada(), "octocat", access.Grant{})
	fails(t, "GitHub's limit", err, afauth.CodeGitHubLimited, "wait 1m0s", "#583231")
	w.github.Fault(1, githubsim.Fault{Kind: githubsim.ServerError})
	c, err := w.people.Allow(t.Context(), ada(), "#583231", access.Grant{})
	if err != nil || c.After.GitHubID != octocat || c.After.Login != "" {
		t.Errorf("by id: %+v, %v", c, err)
	}
	wrong := access.New(w.db, clientWith(t, w.github, "wrong"), afauth.SessionLimits{Idle: time.Hour})
	_, err = wrong.Allow(t.Context(), ada(), "hubot", access.Grant{})
	fails(t, "a wrong secret", err, afauth.CodeGitHubBadSetup, "refused our client id or secret", "compare GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET")
	alone := access.New(w.db, nil, afauth.SessionLimits{Idle: time.Hour})
	_, err = alone.Allow(t.Context(), ada(), "hubot", access.Grant{})
	fails(t, "no client", err, afauth.CodeNotFound, "GITHUB_CLIENT_ID", "'#ID'")
	if c, err := alone.Allow(t.Context(), ada(), "#480938", access.Grant{}); err != nil || c.After.GitHubID != 480938 {
		t.Errorf("by id: %+v, %v", c, err)
	}
}

// An organization's login resolves to an id too, with which nobody ever comes.
func TestAllowOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hub := client(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = rw.Write([]byte(`{"login":"github","id":9919,"type":"Organization","name":"GitHub","avatar_url":"https://avatars.example.com/u/9919"}`))
	}))
	people := access.New(w.db, hub, afauth.SessionLimits{Idle: time.Hour})
	for _, ref := range []string{"github", "#9919"} {
		_, err := people.Allow(t.Context(), ada(), ref, access.Grant{})
		fails(t, ref, err, afauth.CodeInvalid, `"github" is an organization`)
	}
	if n := w.count("SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d people", n)
	}
}

// The end of a permission lies ahead, by the database's clock.
func TestAllowUntil(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(octocat, "octocat")
	for _, past := range []time.Duration{-time.Second, -365 * 24 * time.Hour} {
		until := w.db.Now().Add(past)
		_, err := w.people.Allow(t.Context(), ada(), "octocat", access.Grant{Until: &until})
		fails(t, past.String(), err, afauth.CodeInvalid, until.UTC().Format(time.RFC3339)+" has passed already", "af-auth revoke octocat")
	}
	if n := w.count("SELECT count(*) FROM users WHERE is_whitelisted"); n != 0 {
		t.Error("allowed all the same")
	}
	until := w.db.Now().Add(time.Hour).Truncate(time.Microsecond)
	c, err := w.people.Allow(t.Context(), ada(), "octocat", access.Grant{Until: &until})
	if err != nil || c.After.Until == nil || !c.After.Until.Equal(until) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = w.people.Allow(t.Context(), ada(), "octocat", access.Grant{}); err != nil || c.After.Until != nil {
		t.Errorf("for good: %+v, %v", c, err)
	}
}
