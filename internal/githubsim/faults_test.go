package githubsim_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/github"
	"github.com/af-auth/af-auth/internal/githubsim"
)

const (
	tokenDoor = "/login/oauth/access_token"
	userDoor  = "/api/v3/user"
)

// TestFaults: each fault as the real client sees it, once in the exchange and
// once in the question who it is.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault    githubsim.Fault
		exchange error // nil: the exchange works
		user     error
		wait     time.Duration
	}{
		{githubsim.Fault{Kind: githubsim.Latency, Latency: time.Hour}, context.DeadlineExceeded, github.ErrUnavailable, 0},
		{githubsim.Fault{Kind: githubsim.ServerError}, github.ErrUnavailable, github.ErrUnavailable, 0},
		{githubsim.Fault{Kind: githubsim.ServerError, Status: 503}, github.ErrUnavailable, github.ErrUnavailable, 0},
		{githubsim.Fault{Kind: githubsim.RateLimited, RetryAfter: 42 * time.Second}, github.ErrRateLimited, github.ErrRateLimited, 42 * time.Second},
		{githubsim.Fault{Kind: githubsim.RateLimited, Status: 403}, github.ErrRateLimited, github.ErrRateLimited, time.Minute},
		{githubsim.Fault{Kind: githubsim.Truncated}, github.ErrUnavailable, github.ErrUnavailable, 0},
		{githubsim.Fault{Kind: githubsim.Closed}, github.ErrUnavailable, github.ErrUnavailable, 0},
		{githubsim.Fault{Kind: githubsim.Clock, Offset: 11 * time.Minute}, github.ErrBadCode, nil, 0},
		{githubsim.Fault{Kind: githubsim.Clock, Offset: 9 * time.Hour}, github.ErrBadCode, github.ErrTokenInvalid, 0},
		{githubsim.Fault{Kind: githubsim.Clock, Offset: -time.Hour}, nil, nil, 0},
		{githubsim.Fault{Kind: githubsim.Revoked, Login: "octocat"}, nil, github.ErrTokenInvalid, 0},
		{githubsim.Fault{Kind: githubsim.Revoked, Login: "hubot"}, nil, nil, 0},
		{githubsim.Fault{Kind: githubsim.Renamed, Login: "octocat", To: "octodog"}, nil, nil, 0},
		{githubsim.Fault{Kind: githubsim.Reclaimed, Login: "octocat"}, nil, nil, 0},
	} {
		t.Run(string(tc.fault.Kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, expiring)
			timeout := 5 * time.Second
			if tc.fault.Kind == githubsim.Latency {
				timeout = time.Second
			}
			c := w.newClient(appSecret, timeout)
			check := func(step string, err, want error) {
				t.Helper()
				var e *github.Error
				if want == nil && err != nil || want != nil && (!errors.Is(err, want) || !errors.As(err, &e) || e.RetryAfter != tc.wait) {
					t.Errorf("%s: got %v, want %v", step, err, want)
				}
			}
			code := w.code("octocat")
			before := w.sim.Calls(tokenDoor)
			w.sim.Fault(1, tc.fault)
			_, err := c.Exchange(t.Context(), code, verifier, callback)
			check("exchange", err, tc.exchange)
			if n := w.sim.Calls(tokenDoor) - before; n != 1 {
				t.Errorf("the code was sent %d times", n)
			}
			// The fault is over. Who is octocat now?
			login := "octocat"
			switch tc.fault.Kind {
			case githubsim.Renamed:
				login = "octodog"
				tc.fault.Login, tc.fault.To = login, "octodog-2"
			case githubsim.Reclaimed:
				login = "octocat-1"
				tc.fault.Login = login
			}
			tok := w.signIn(login)
			w.sim.Fault(1, tc.fault)
			u, err := c.User(t.Context(), tok.AccessToken)
			check("user", err, tc.user)
			if err == nil && u.ID != 583231 {
				t.Errorf("user: %+v", u)
			}
		})
	}
}

func TestOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tok := w.signIn("octocat")
	w.sim.Fault(1, githubsim.Fault{Kind: githubsim.Organization})
	_, err := w.client.User(t.Context(), tok.AccessToken)
	var e *github.Error
	if !errors.Is(err, github.ErrForbidden) || errors.Is(err, github.ErrRateLimited) || !errors.As(err, &e) || e.Status != 403 {
		t.Errorf("got %v", err)
	}
}

// TestRefreshWithoutAnswer: the dangerous faults spend the refresh token, the
// others do not, and the client never sends it twice by itself.
func TestRefreshWithoutAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault githubsim.Fault
		spent bool
	}{
		{githubsim.Fault{Kind: githubsim.Latency, Latency: time.Hour}, true},
		{githubsim.Fault{Kind: githubsim.Closed}, true},
		{githubsim.Fault{Kind: githubsim.Truncated}, true},
		{githubsim.Fault{Kind: githubsim.ServerError}, false},
		{githubsim.Fault{Kind: githubsim.RateLimited}, false},
	} {
		t.Run(string(tc.fault.Kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, expiring)
			tok := w.signIn("octocat")
			before := w.sim.Calls(tokenDoor)
			w.sim.Fault(1, tc.fault)
			// w.client uses the connection of the sign-in again, which is where
			// net/http might resend.
			c := w.client
			if tc.fault.Kind == githubsim.Latency {
				c = w.newClient(appSecret, time.Second)
			}
			if _, err := c.Refresh(t.Context(), tok.RefreshToken); err == nil || errors.Is(err, github.ErrBadRefreshToken) {
				t.Errorf("got %v", err)
			}
			if n := w.sim.Calls(tokenDoor) - before; n != 1 {
				t.Errorf("the refresh token was sent %d times", n)
			}
			_, err := w.client.Refresh(t.Context(), tok.RefreshToken)
			if tc.spent != errors.Is(err, github.ErrBadRefreshToken) || !tc.spent && err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func TestRenamedAndReclaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	tok := w.signIn("octocat", "user:email")

	w.sim.Fault(1, githubsim.Fault{Kind: githubsim.Renamed, Path: userDoor, Login: "octocat", To: "monalisa"})
	if u, err := w.client.User(ctx, tok.AccessToken); err != nil || u.ID != 583231 || u.Login != "monalisa" {
		t.Errorf("renamed: %+v, %v", u, err)
	}
	if mail, err := w.client.PrimaryEmail(ctx, tok.AccessToken); err != nil || mail != "octocat@example.com" {
		t.Errorf("the address followed the login: %q, %v", mail, err)
	}
	if _, err := w.client.UserByLogin(ctx, "octocat"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("the old login: %v", err)
	}
	if u, err := w.client.UserByID(ctx, 583231); err != nil || u.Login != "monalisa" {
		t.Errorf("by id: %+v, %v", u, err)
	}

	w.sim.Fault(1, githubsim.Fault{Kind: githubsim.Reclaimed, Login: "monalisa"})
	thief, err := w.client.UserByLogin(ctx, "monalisa")
	if err != nil || thief.ID == 583231 || thief.ID <= 100_000_000 {
		t.Errorf("re-claimed: %+v, %v", thief, err)
	}
	if u, err := w.client.User(ctx, tok.AccessToken); err != nil || u.ID != 583231 || u.Login != "monalisa-1" {
		t.Errorf("the old account: %+v, %v", u, err)
	}
	again, err := w.sim.Reclaim("monalisa")
	if err != nil || again.ID == thief.ID {
		t.Errorf("re-claimed twice: %+v, %v", again, err)
	}
	for _, err := range []error{w.sim.Rename("nobody", "x"), w.sim.Rename("hubot", "-"), w.sim.Rename("hubot", "monalisa"), w.sim.RevokeGrant("nobody")} {
		if err == nil {
			t.Error("a change that cannot be was made")
		}
	}
	if err := w.sim.Rename("hubot", "HuBot"); err != nil {
		t.Errorf("another case of letters: %v", err)
	}
}

// TestFaultsQueue: order, paths and counts.
func TestFaultsQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tok := w.signIn("octocat")
	w.sim.Fault(2, githubsim.Fault{Kind: githubsim.ServerError, Status: 500, Path: userDoor})
	w.sim.Fault(1, githubsim.Fault{Kind: githubsim.RateLimited})
	w.sim.Fault(1, githubsim.Fault{Kind: githubsim.Organization, Path: "/api/v3/users/hubot"})
	user := func() error { _, err := w.client.User(t.Context(), tok.AccessToken); return err }
	login := func(l string) error { _, err := w.client.UserByLogin(t.Context(), l); return err }
	for i, step := range []struct {
		err  func() error
		want error
	}{
		{func() error { return login("octocat") }, github.ErrRateLimited},
		{func() error { return login("octocat") }, nil},
		{user, github.ErrUnavailable},
		{func() error { return login("hubot") }, github.ErrForbidden},
		{user, github.ErrUnavailable},
		{user, nil},
	} {
		if err := step.err(); !errors.Is(err, step.want) || step.want == nil && err != nil {
			t.Errorf("step %d: got %v, want %v", i, err, step.want)
		}
	}
	if n := w.sim.Calls("/api/v3/users/{login}"); n != 3 {
		t.Errorf("counted %d calls", n)
	}
	w.sim.Fault(5, githubsim.Fault{Kind: githubsim.Closed})
	w.sim.ClearFaults()
	if err := user(); err != nil {
		t.Errorf("after ClearFaults: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a fault that makes no sense was taken")
		}
	}()
	w.sim.Fault(1, githubsim.Fault{Kind: "nonsense"})
}

// TestFaultsByForm: what Go can set, a script can.
func TestFaultsByForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tok := w.signIn("octocat")
	post := func(path string, form url.Values) int {
		resp, _ := w.do("POST", w.url+path, form)
		return resp.StatusCode
	}
	for _, kind := range githubsim.FaultKinds() {
		form := url.Values{"kind": {string(kind)}, "calls": {"3"}, "path": {userDoor}, "login": {"octocat"}, "to": {"octodog"}, "offset": {"-1h30m"}, "latency": {"5s"}}
		if got := post("/_sim/faults", form); got != 303 {
			t.Errorf("%s: %d", kind, got)
		}
		_, page := w.do("GET", w.url+"/_sim", nil)
		if !strings.Contains(page, "<code>"+string(kind)+"</code>") || !strings.Contains(page, `<td class="n">3</td>`) {
			t.Errorf("the page does not show %s", kind)
		}
		if got := post("/_sim/faults", url.Values{"kind": {"clear"}}); got != 303 {
			t.Errorf("clear: %d", got)
		}
	}
	if got := post("/_sim/faults", url.Values{"kind": {"rate-limited"}, "retry_after": {"90s"}}); got != 303 {
		t.Fatal(got)
	}
	_, err := w.client.User(t.Context(), tok.AccessToken)
	var e *github.Error
	if !errors.As(err, &e) || e.RetryAfter != 90*time.Second {
		t.Errorf("got %v", err)
	}
	for _, form := range []url.Values{
		{}, {"kind": {"nonsense"}}, {"kind": {"closed"}, "calls": {"0"}}, {"kind": {"closed"}, "calls": {"x"}},
		{"kind": {"latency"}, "latency": {"-1s"}}, {"kind": {"latency"}, "latency": {"soon"}}, {"kind": {"clock"}},
		{"kind": {"server-error"}, "status": {"404"}}, {"kind": {"rate-limited"}, "status": {"500"}}, {"kind": {"rate-limited"}, "retry_after": {"1ms"}},
		{"kind": {"renamed"}, "login": {"octocat"}}, {"kind": {"reclaimed"}}, {"kind": {"revoked"}, "login": {"<b>"}},
	} {
		resp, page := w.do("POST", w.url+"/_sim/faults", form)
		if resp.StatusCode != 422 || !strings.Contains(page, "Nothing was set") || strings.Contains(page, `value="<b>"`) {
			t.Errorf("%v: %d", form, resp.StatusCode)
		}
	}
	if err := func() error { _, err := w.client.User(t.Context(), tok.AccessToken); return err }(); err != nil {
		t.Errorf("a refused form had an effect: %v", err)
	}
}

func TestPeopleByForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tok := w.signIn("octocat")
	for _, tc := range []struct {
		form url.Values
		want int
	}{
		{url.Values{"do": {"add"}, "login": {"grace-h"}, "name": {"Grace Hopper"}}, 303},
		{url.Values{"do": {"add"}, "login": {"-"}}, 422},
		{url.Values{"do": {"add"}, "login": {"x"}, "name": {strings.Repeat("n", 101)}}, 422},
		{url.Values{"do": {"rename"}, "login": {"grace-h"}, "to": {"grace"}}, 303},
		{url.Values{"do": {"rename"}, "login": {"grace-h"}, "to": {"x"}}, 422},
		{url.Values{"do": {"reclaim"}, "login": {"grace"}}, 303},
		{url.Values{"do": {"reclaim"}, "login": {"nobody"}}, 422},
		{url.Values{"do": {"revoke"}, "login": {"octocat"}}, 303},
		{url.Values{"do": {"burn"}, "login": {"octocat"}}, 422},
		{url.Values{}, 422},
	} {
		if resp, _ := w.do("POST", w.url+"/_sim/people", tc.form); resp.StatusCode != tc.want {
			t.Errorf("%v: %d", tc.form, resp.StatusCode)
		}
	}
	if _, err := w.client.User(t.Context(), tok.AccessToken); !errors.Is(err, github.ErrTokenInvalid) {
		t.Errorf("after the grant was revoked: %v", err)
	}
	_, page := w.do("GET", w.url+"/_sim", nil)
	for _, want := range []string{"<code>grace</code>", "<code>grace-1</code>", "Grace Hopper"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if resp, _ := w.do("POST", w.url+"/_sim/people", url.Values{"do": {"add"}, "login": {"x"}}, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
		t.Errorf("a form on another site: %d", resp.StatusCode)
	}
}
