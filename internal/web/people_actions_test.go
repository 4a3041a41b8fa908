package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// lastEvent is the newest line of the record of a kind about somebody.
func (w *world) lastEvent(t *testing.T, kind string, githubID int64) string {
	t.Helper()
	return w.text(t, `SELECT coalesce((SELECT concat_ws(' ', e.actor, e.address, e.reason) FROM events e JOIN users u ON u.id = e.user_id
		WHERE e.kind = $1 AND u.github_user_id = $2 ORDER BY e.id DESC LIMIT 1), 'none')`, kind, githubID)
}

// An administrator allows, changes, and revokes; each is on record with who did
// it, from where and why.
func TestConsoleDecides(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	them := w.browser()
	them.signIn(t, "octocat", "")
	page := "/auth/people/" + w.id(t, octocatID)
	actor := "user:" + w.id(t, hubotID) + " 192.0.2.1"

	holds(t, "the list", admin.get("/auth/people"), http.StatusOK, "1 person is waiting", "Mona Octocat", "@octocat", "583231", "192.0.2.1")
	out := admin.send(page+"/allow", url.Values{"was": {admin.was(t, page)}, "for": {"7d"}, "apps": {"some"}, "app": {app}, "reason": {"on call"}})
	if out.Code != http.StatusSeeOther || to(out) != page {
		t.Fatalf("allow: %d to %q: %s", out.Code, to(out), out.Body)
	}
	holds(t, "the page", admin.get(page), http.StatusOK, "Mona Octocat is allowed, ends in 7 days.", "The App", "by <bdi>@hubot</bdi>", "on call", "Signed in", "Allowed")
	if strings.Contains(admin.get(page).Body.String(), `class="toast"`) {
		t.Error("what was done is told twice")
	}
	if got := w.lastEvent(t, "access.allowed", octocatID); got != actor+" on call" {
		t.Errorf("the record of it: %q", got)
	}
	them.enter(t)
	if out := them.get("https://" + app + "/auth/verify"); out.Code != http.StatusOK {
		t.Errorf("their gate: %d", out.Code)
	}
	out = admin.send(page+"/allow", url.Values{"was": {admin.was(t, page)}, "for": {"none"}, "apps": {"all"}})
	if got := w.text(t, "SELECT (whitelist_until IS NULL AND apps IS NULL)::text FROM users WHERE github_user_id = $1", octocatID); out.Code != http.StatusSeeOther || got != "true" {
		t.Errorf("changed: %d, %s", out.Code, got)
	}
	if got := w.lastEvent(t, "access.changed", octocatID); got != actor {
		t.Errorf("the record of the change: %q", got)
	}

	question := admin.get(page + "/revoke")
	holds(t, "the question", question, http.StatusOK, "Revoke access of", "2 sessions end", "Type <code>octocat</code>")
	form := url.Values{"was": {admin.was(t, page+"/revoke")}, "typed": {"octopus"}, "reason": {"left <b>us</b>"}}
	holds(t, "typed wrong", admin.send(page+"/revoke", form), http.StatusUnprocessableEntity, "That is not octocat. Nothing was changed.", `value="octopus"`, `value="left &lt;b&gt;us&lt;/b&gt;"`)
	if out := them.get("https://" + app + "/auth/verify"); out.Code != http.StatusOK {
		t.Errorf("after a wrong word: %d", out.Code)
	}
	form.Set("typed", "@OctoCat")
	if out := admin.send(page+"/revoke", form); out.Code != http.StatusSeeOther || to(out) != page {
		t.Fatalf("revoke: %d to %q", out.Code, to(out))
	}
	holds(t, "the page", admin.get(page), http.StatusOK, "Access of Mona Octocat is revoked: 2 sessions ended.", "Refused", "left &lt;b&gt;us&lt;/b&gt;", "No session is open.")
	if got := w.lastEvent(t, "access.revoked", octocatID); got != actor+" left <b>us</b>" {
		t.Errorf("the record of it: %q", got)
	}
	if out := them.get("https://" + app + "/auth/verify"); out.Code != http.StatusUnauthorized {
		t.Errorf("their gate afterwards: %d", out.Code)
	}
	if out := them.get("/auth/waiting"); to(out) != "/auth/refused" {
		t.Errorf("their page afterwards: %d to %q", out.Code, to(out))
	}
}

// One press in the list lets somebody in, or says no; and what somebody else has
// decided meanwhile stands.
func TestConsoleDecidesFromTheList(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	them := w.browser()
	them.signIn(t, "octocat", "")
	page, list := "/auth/people/"+w.id(t, octocatID), "/auth/people"
	was := admin.was(t, list)
	quick := url.Values{"was": {was}, "back": {"list"}, "for": {"none"}, "apps": {"all"}}
	if out := admin.send(page+"/refuse", url.Values{"was": {was}, "back": {"list"}}); out.Code != http.StatusSeeOther || to(out) != list {
		t.Fatalf("refuse: %d to %q", out.Code, to(out))
	}
	holds(t, "the list", admin.get(list), http.StatusOK, "Mona Octocat is refused.", "Nobody is waiting", "Not allowed")
	// The list of another administrator still shows the button.
	if out := admin.send(page+"/allow", quick); to(out) != list {
		t.Errorf("overtaken: %d to %q", out.Code, to(out))
	}
	holds(t, "the list", admin.get(list), http.StatusOK, "Somebody else decided about Mona Octocat before you. Nothing was changed.")
	out := admin.send(page+"/allow", url.Values{"was": {was}, "for": {"30d"}, "apps": {"all"}, "reason": {"typed long"}})
	holds(t, "overtaken on the page", out, http.StatusConflict, "Somebody else decided since", "typed long", `<option value="30d" selected="selected">`)
	if got := w.text(t, "SELECT is_whitelisted::text FROM users WHERE github_user_id = $1", octocatID); got != "false" {
		t.Error("a refusal was overruled unseen")
	}
	holds(t, "a revocation overtaken", admin.send(page+"/revoke", url.Values{"was": {was}, "typed": {"octocat"}}), http.StatusConflict, "Somebody else decided since")
	// Who is allowed is never refused without a question.
	w.exec(t, "UPDATE users SET is_whitelisted = true WHERE github_user_id = $1", octocatID)
	if out := admin.send(page+"/refuse", url.Values{"was": {admin.was(t, page)}}); to(out) != page+"/revoke" {
		t.Errorf("refuse of somebody allowed: %d to %q", out.Code, to(out))
	}
	if got := w.text(t, "SELECT is_whitelisted::text FROM users WHERE github_user_id = $1", octocatID); got != "true" {
		t.Error("somebody allowed was refused without a question")
	}
}

func TestAllowForm(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	w.browser().signIn(t, "octocat", "")
	page := "/auth/people/" + w.id(t, octocatID)
	was := admin.was(t, page)
	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	for name, c := range map[string]struct {
		form url.Values
		says string
	}{
		"no period":            {url.Values{"for": {""}}, "Choose how long."},
		"made-up period":       {url.Values{"for": {"1000y"}}, "Choose how long."},
		"no date":              {url.Values{"for": {"date"}}, "Say which day is the last."},
		"no such day":          {url.Values{"for": {"date"}, "date": {"2027-02-30"}}, "There is no such day."},
		"a day that is over":   {url.Values{"for": {"date"}, "date": {"2001-02-03"}}, "That day has passed."},
		"an end of another":    {url.Values{"for": {"keep"}}, "Choose how long."},
		"too far away":         {url.Values{"for": {"date"}, "date": {"9999-12-31"}}, "too far away"},
		"two answers":          {url.Values{"for": {"7d"}, "date": {tomorrow}}, "A date is given too."},
		"no application":       {url.Values{"for": {"none"}, "apps": {"some"}}, "Choose one application at least"},
		"a foreign one":        {url.Values{"for": {"none"}, "apps": {"some"}, "app": {"evil.test"}}, "no application of ours"},
		"a reason without end": {url.Values{"for": {"none"}, "reason": {strings.Repeat("é", 1001)}}, "These are 1,001 characters"},
	} {
		c.form.Set("was", was)
		holds(t, name, admin.send(page+"/allow", c.form), http.StatusUnprocessableEntity, c.says)
	}
	if n := w.count(t, "users WHERE is_whitelisted AND github_user_id = 583231"); n != 0 {
		t.Error("a form with a mistake was carried out")
	}
	if out := admin.send(page+"/allow", url.Values{"was": {was}, "for": {"date"}, "date": {tomorrow}, "apps": {"all"}}); out.Code != http.StatusSeeOther {
		t.Fatalf("until tomorrow: %d", out.Code)
	}
	end := w.text(t, "SELECT to_char(whitelist_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM users WHERE github_user_id = 583231")
	if want := time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly) + " 00:00"; end != want {
		t.Errorf("until %s, want %s: the day is included", end, want)
	}
	holds(t, "the form afterwards", admin.get(page), http.StatusOK, `<option value="keep" selected="selected">As it is, until `, "Change access")
	admin.send(page+"/allow", url.Values{"was": {admin.was(t, page)}, "for": {"keep"}, "apps": {"some"}, "app": {app}, "typed": {"octocat"}})
	if now := w.text(t, "SELECT to_char(whitelist_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || apps::text FROM users WHERE github_user_id = 583231"); now != end+"{"+app+"}" {
		t.Errorf("other applications until %s, before %s", now, end)
	}
	if p := problem(t, admin.send(page+"/allow", url.Values{"reason": {strings.Repeat("x", 70_000)}})); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a form without end: %+v", p)
	}
}

// Somebody who has never been here is looked up at GitHub, and allowed by number.
func TestAllowSomebody(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	const page = "/auth/people/allow"
	holds(t, "the form", admin.get(page), http.StatusOK, "Allow somebody", "A GitHub login")
	for ref, says := range map[string]string{
		"": "say whom: a login", "nobody-at-all": "Neither we nor GitHub know anybody", "<b>x": "is not a login", "#0": "is not a GitHub id",
	} {
		out := admin.send(page, url.Values{"ref": {ref}, "for": {"none"}, "apps": {"all"}, "reason": {"because"}})
		if !strings.Contains(strings.ToLower(out.Body.String()), strings.ToLower(says)) || out.Code != http.StatusUnprocessableEntity || !strings.Contains(out.Body.String(), `value="because"`) || strings.Contains(out.Body.String(), "<b>x") {
			t.Errorf("%q: %d %s", ref, out.Code, out.Body)
		}
	}
	out := admin.send(page, url.Values{"ref": {" @OctoCat "}, "for": {"none"}, "apps": {"all"}, "reason": {"new here"}})
	if want := "/auth/people/" + w.id(t, octocatID); out.Code != http.StatusSeeOther || to(out) != want {
		t.Fatalf("allow: %d to %q", out.Code, to(out))
	}
	holds(t, "the page", admin.get(to(out)), http.StatusOK, "is allowed, without an end date.", "never", "new here")
	if got := w.lastEvent(t, "access.allowed", octocatID); got != "user:"+w.id(t, hubotID)+" 192.0.2.1 new here" {
		t.Errorf("the record: %q", got)
	}
}

// Sessions end one by one, or all; whoever ends their own is told so before.
func TestConsoleEndsSessions(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	w.allow(t)
	them, elsewhere := w.browser(), w.browser()
	them.signIn(t, "octocat", "")
	elsewhere.signIn(t, "octocat", "")
	page := "/auth/people/" + w.id(t, octocatID)
	one := w.text(t, "SELECT s.id::text FROM sessions s JOIN users u ON u.id = s.user_id WHERE github_user_id = 583231 ORDER BY s.created_at LIMIT 1")
	for _, says := range []string{"A session of Mona Octocat ended.", "That session of Mona Octocat had ended already."} {
		if out := admin.send(page+"/sessions/"+one+"/end", nil); to(out) != page {
			t.Errorf("end: %d to %q", out.Code, to(out))
		}
		holds(t, "the page", admin.get(page), http.StatusOK, says)
	}
	if out := them.get("/auth/verify"); out.Code != http.StatusUnauthorized {
		t.Errorf("the one that ended: %d", out.Code)
	}
	if out := elsewhere.get("/auth/verify"); out.Code != http.StatusOK {
		t.Errorf("the other one: %d", out.Code)
	}
	// A session is ended of the person in the address alone.
	foreign := w.text(t, "SELECT s.id::text FROM sessions s JOIN users u ON u.id = s.user_id WHERE github_user_id = 480938")
	admin.send(page+"/sessions/"+foreign+"/end", nil)
	if out := admin.get("/auth/people"); out.Code != http.StatusOK {
		t.Errorf("another person's session ended: %d", out.Code)
	}
	form := url.Values{"was": {admin.was(t, page+"/sign-out")}, "typed": {"#583231"}, "reason": {"lost laptop"}}
	if out := admin.send(page+"/sign-out", form); to(out) != page {
		t.Fatalf("all: %d %s", out.Code, out.Body)
	}
	holds(t, "the page", admin.get(page), http.StatusOK, "Mona Octocat is signed out: 1 session ended.", "Allowed")
	if got := w.lastEvent(t, "session.ended", octocatID); !strings.HasSuffix(got, "192.0.2.1 lost laptop") {
		t.Errorf("the record: %q", got)
	}
	mine := "/auth/people/" + w.id(t, hubotID)
	holds(t, "oneself", admin.get(mine+"/revoke"), http.StatusOK, "This is you.", "cannot let yourself in again")
	if out := admin.send(mine+"/revoke", url.Values{"was": {admin.was(t, mine+"/revoke")}, "typed": {"hubot"}}); to(out) != mine {
		t.Fatalf("oneself: %d", out.Code)
	}
	if out := admin.get(mine); to(out) != "/auth/refused?return_to="+url.QueryEscape("https://"+own+mine) {
		t.Errorf("afterwards: %d to %q", out.Code, to(out))
	}
}

// The page that says so comes once the servers have heard of what was taken; of
// one that does not answer it says that.
func TestConsoleWaitsForServers(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	w.allow(t)
	w.browser().signIn(t, "octocat", "")
	page := "/auth/people/" + w.id(t, octocatID)
	narrowed := func() url.Values {
		return url.Values{"was": {admin.was(t, page)}, "for": {"none"}, "apps": {"some"}, "app": {app}, "typed": {"octocat"}}
	}
	widened := func() url.Values {
		return url.Values{"was": {admin.was(t, page)}, "for": {"none"}, "apps": {"all"}}
	}
	const unheard = "A server has not confirmed it yet"
	says := func(what string, form url.Values, action string, want bool) {
		t.Helper()
		if out := admin.send(page+action, form); to(out) != page {
			t.Fatalf("%s: %d to %q", what, out.Code, to(out))
		}
		if got := strings.Contains(admin.get(page).Body.String(), unheard); got != want {
			t.Errorf("%s: not confirmed %v, want %v", what, got, want)
		}
	}
	says("narrowed", narrowed(), "/allow", false)
	w.exec(t, "INSERT INTO instances (release, address, heartbeat_at) VALUES ('1.0.0', '127.0.0.1:1', now() + interval '1 hour')")
	says("widened", widened(), "/allow", false)
	says("narrowed, and one is silent", narrowed(), "/allow", true)
	one := w.text(t, "SELECT s.id::text FROM sessions s JOIN users u ON u.id = s.user_id WHERE github_user_id = 583231")
	says("a session, and one is silent", nil, "/sessions/"+one+"/end", true)
}
