package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/web"
)

// blocked waits until somebody waits for the transaction of the test.
func (w *world) blocked(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); w.count(t, "pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid") == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the transaction")
		}
	}
}

// "Allow somebody" is carried out for people about whom nobody has decided. About
// others the page shows how they stand, and asks again.
func TestAllowSomebodyOverrulesNobodyUnseen(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	const page = "/auth/people/allow"
	w.browser().signIn(t, "octocat", "")
	person := "/auth/people/" + w.id(t, octocatID)
	form := func() url.Values {
		return url.Values{"ref": {"octocat"}, "was": {""}, "for": {"none"}, "apps": {"all"}, "reason": {"typed long"}}
	}
	stands := func() string {
		return w.text(t, "SELECT concat_ws(' ', is_whitelisted, whitelist_until IS NULL, apps) FROM users WHERE github_user_id = $1", octocatID)
	}
	for name, c := range map[string]struct{ sql, is, shows string }{
		"revoked":       {"UPDATE users SET is_whitelisted = false, whitelist_until = NULL, apps = NULL, whitelist_decided_at = now() WHERE github_user_id = $1", "f t", "Refused"},
		"limited":       {"UPDATE users SET is_whitelisted = true, whitelist_until = now() + interval '2 days', apps = '{" + app + "}', whitelist_decided_at = now() WHERE github_user_id = $1", "t f {" + app + "}", "The App"},
		"whose is over": {"UPDATE users SET is_whitelisted = true, whitelist_until = now() - interval '1 day', apps = NULL, whitelist_decided_at = now() WHERE github_user_id = $1", "t f", "Ended"},
	} {
		w.exec(t, c.sql, octocatID)
		for _, ref := range []string{"octocat", "#583231", w.id(t, octocatID)} {
			f := form()
			f.Set("ref", ref)
			out := admin.send(page, f)
			holds(t, name, out, http.StatusConflict, "Somebody has decided about this person before", c.shows, "typed long", `action="`+person+`/allow"`)
			if got := stands(); got != c.is {
				t.Errorf("%s: %s, want %s", name, got, c.is)
			}
		}
		// What it shows counts once it is sent again, and not where somebody was
		// quicker once more.
		f := form()
		f.Set("was", hiddenWas(t, admin.send(page, f)))
		w.exec(t, "UPDATE users SET whitelist_decided_at = now() WHERE github_user_id = $1", octocatID)
		holds(t, name+", and again", admin.send(person+"/allow", f), http.StatusConflict, "Somebody else decided since")
		f.Set("was", hiddenWas(t, admin.send(page, form())))
		if out := admin.send(person+"/allow", f); to(out) != person || stands() != "t t" {
			t.Errorf("%s: sent again: %d, %s", name, out.Code, stands())
		}
		// Allowed just so: there is nothing to ask.
		if out := admin.send(page, form()); to(out) != person {
			t.Errorf("%s: allowed just so: %d %s", name, out.Code, out.Body)
		}
	}
}

// Whoever decides between the look and the change is not overruled either: what
// counts is how the row stands while it is locked.
func TestAllowWaitsForWhoDecides(t *testing.T) {
	t.Parallel()
	w, admin := console(t)
	w.browser().signIn(t, "octocat", "")
	person := "/auth/people/" + w.id(t, octocatID)
	for name, c := range map[string]struct {
		path string
		form url.Values
	}{
		"on the page":    {person + "/allow", url.Values{"was": {admin.was(t, person)}, "for": {"none"}, "apps": {"all"}}},
		"allow somebody": {"/auth/people/allow", url.Values{"ref": {"octocat"}, "for": {"none"}, "apps": {"all"}}},
	} {
		w.exec(t, "UPDATE users SET is_whitelisted = false, whitelist_decided_at = NULL WHERE github_user_id = $1", octocatID)
		w.exec(t, "BEGIN")
		w.exec(t, "UPDATE users SET whitelist_decided_at = now() WHERE github_user_id = $1", octocatID)
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- admin.send(c.path, c.form) }()
		w.blocked(t)
		w.exec(t, "COMMIT")
		out := <-done
		if got := w.text(t, "SELECT is_whitelisted::text FROM users WHERE github_user_id = $1", octocatID); out.Code != http.StatusConflict || got != "false" {
			t.Errorf("%s: %d, allowed %s", name, out.Code, got)
		}
	}
}

// What takes something away is asked about, and the login has to be typed; what
// gives is not.
func TestNarrowingIsConfirmed(t *testing.T) {
	t.Parallel()
	w, admin := console(t, func(o *web.Options) { o.Apps["wiki.example.test"] = "Wiki" })
	w.allow(t)
	them := w.browser()
	them.signIn(t, "octocat", "")
	page := "/auth/people/" + w.id(t, octocatID)
	stands := func() string {
		return w.text(t, "SELECT concat_ws(' ', whitelist_until IS NULL, apps, (whitelist_until - now()) > interval '29 days') FROM users WHERE github_user_id = $1", octocatID)
	}
	narrows := func(name, is, words string, form url.Values) {
		t.Helper()
		before := stands()
		form.Set("was", admin.was(t, page))
		form.Set("reason", "less <b>now</b>")
		out := admin.send(page+"/allow", form)
		holds(t, name, out, http.StatusOK, "Take access away from", words, "Type <code>", "less &lt;b&gt;now&lt;/b&gt;", `name="for" value="`+form.Get("for")+`"`)
		form.Set("typed", "octopus")
		holds(t, name+", typed wrong", admin.send(page+"/allow", form), http.StatusUnprocessableEntity, "That is not octocat. Nothing was changed.", `value="octopus"`)
		if got := stands(); got != before {
			t.Errorf("%s: carried out unconfirmed: %s", name, got)
		}
		form.Set("typed", "@OctoCat")
		if out := admin.send(page+"/allow", form); to(out) != page || stands() != is {
			t.Errorf("%s: %d, %s, want %s", name, out.Code, stands(), is)
		}
	}
	widens := func(name, is string, form url.Values) {
		t.Helper()
		form.Set("was", admin.was(t, page))
		if out := admin.send(page+"/allow", form); to(out) != page || stands() != is {
			t.Errorf("%s: %d, %s, want %s", name, out.Code, stands(), is)
		}
	}
	some := func(period string, hosts ...string) url.Values {
		return url.Values{"for": {period}, "apps": {"some"}, "app": hosts}
	}
	narrows("one of all", "t {"+app+"}", "all applications, without an end</bdi>, and becomes for <bdi>The App, without an end", some("none", app))
	widens("one more", "t {"+app+",wiki.example.test}", some("none", app, "wiki.example.test"))
	narrows("one for two", "t {wiki.example.test}", "The App, Wiki, without an end", some("none", "wiki.example.test"))
	narrows("one for another", "t {"+app+"}", "becomes for <bdi>The App, without an end", some("none", app))
	narrows("an end", "f {"+app+"} t", "The App, until ", some("30d", app))
	narrows("a sooner end", "f {"+app+"} f", "The App, until ", some("7d", app))
	narrows("more, and for less time", "f f", "all applications, until ", url.Values{"for": {"1d"}, "apps": {"all"}})
	widens("a later end", "f t", url.Values{"for": {"90d"}, "apps": {"all"}})
	widens("no end", "t", url.Values{"for": {"none"}, "apps": {"all"}})
	// Typed for another state of things, it does not count.
	form := some("none", app)
	form.Set("was", admin.was(t, page))
	form.Set("typed", "octocat")
	w.exec(t, "UPDATE users SET whitelist_decided_at = now() WHERE github_user_id = $1", octocatID)
	holds(t, "overtaken", admin.send(page+"/allow", form), http.StatusConflict, "Somebody else decided since")
	if got := stands(); got != "t" {
		t.Errorf("overtaken, it is %s", got)
	}
}
