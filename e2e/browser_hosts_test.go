package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// deepLink is a page with a query that has to arrive as it is.
const deepLink = farApp + "/?from=mail&q=caf%C3%A9%20%26%20tea"

// TestBrowserTwoHosts is the whole path as it is in production: names of their
// own over TLS, behind Caddy with the file of deploy/, in two windows of Chromium.
func TestBrowserTwoHosts(t *testing.T) {
	t.Parallel()
	h := newHosts(t)
	h.allow(t, hubot)
	admin, them := h.browser(t), h.browser(t)

	admin.do(t, "open the list", chromedp.Navigate(ownOrigin+"/auth/people"))
	admin.signsIn(t, "hubot")
	admin.isAt(t, "the list", ownOrigin+"/auth/people", "Nobody is waiting")
	h.asks(t, them)
	h.allows(t, admin)
	them.waitFor(t, "the page that was asked for, without a click", promise+4*time.Second,
		`location.href === `+quote(deepLink)+` && document.readyState === "complete" && document.body.innerText.includes("Hello, Mona Octocat")`)
	h.keepsCookiesApart(t, them)
	h.opensOneApplication(t, them)
	h.refusesCopiedTicket(t, them)

	h.revokes(t, admin)
	them.do(t, "go on in the open page", chromedp.Click(chromedp.CSS(`main a[href="/"]`)))
	them.isAt(t, "the refused page", ownOrigin+"/auth/refused", "is not open to")
	admin.quiet(t)
	them.quiet(t, ownOrigin+"/auth/refused", farApp+"/.af-auth/enter")
}

// asks: an application leads to sign-in, to GitHub and to the waiting page, from
// where they write to whoever decides.
func (h *hosts) asks(t *testing.T, them *browser) {
	t.Helper()
	them.do(t, "open the application", chromedp.Navigate(deepLink))
	them.isAt(t, "the sign-in page", ownOrigin+"/auth/sign-in", "Sign in to The App")
	them.signsIn(t, "octocat")
	them.isAt(t, "the waiting page", ownOrigin+"/auth/waiting", "An administrator has to let you in")
	them.do(t, "write to them", chromedp.Click(chromedp.CSS(`a[href*="/auth/waiting/message"]`)))
	them.do(t, "type", chromedp.SendKeys(chromedp.CSS(`#message`), "Mona, from the second floor"))
	them.do(t, "send it", chromedp.Click(chromedp.CSS(`form[action*="/auth/waiting/message"] button`)))
	them.isAt(t, "the waiting page again", ownOrigin+"/auth/waiting", "Mona, from the second floor")
	if them.session(t, farApp) != "" {
		t.Error("somebody who waits has a session on the application's host")
	}
}

// allows: the open list hears of who waits, and the administrator allows them for
// one application.
func (h *hosts) allows(t *testing.T, admin *browser) {
	t.Helper()
	admin.waitFor(t, "the news", 20*time.Second, `document.getElementById("news").textContent === "octocat is waiting."`)
	admin.do(t, "show them", chromedp.Click(chromedp.CSS(`#reload`)))
	admin.isAt(t, "who waits", ownOrigin+"/auth/people", "Mona, from the second floor")
	admin.do(t, "open the person", chromedp.Click(chromedp.CSS(`.requests a.name`)))
	admin.do(t, "only some applications", chromedp.Click(chromedp.CSS(`input[name=apps][value=some]`)))
	admin.do(t, "this one", chromedp.Click(chromedp.CSS(`input[name=app][value="`+hostOf(farApp)+`"]`)))
	admin.do(t, "allow", chromedp.Click(chromedp.CSS(`form[action$="/allow"] button.solid`)))
	admin.isAt(t, "what was done", ownOrigin+"/auth/people/", "Mona Octocat is allowed")
}

// revokes: from the person's page, with the login typed.
func (h *hosts) revokes(t *testing.T, admin *browser) {
	t.Helper()
	admin.do(t, "revoke", chromedp.Click(chromedp.CSS(`a[href$="/revoke"]`)))
	admin.do(t, "type the login", chromedp.SendKeys(chromedp.CSS(`#typed`), "octocat\r"))
	admin.isAt(t, "what was done", ownOrigin+"/auth/people", "Access of Mona Octocat is revoked")
}

// keepsCookiesApart: what the browser's own store holds is for one host each,
// over TLS alone, and no script's.
func (h *hosts) keepsCookiesApart(t *testing.T, them *browser) {
	t.Helper()
	for _, c := range them.ours(t) {
		// A cookie for a domain and not for a host has a dot before it.
		ofOurs := c.Domain == hostOf(ownOrigin) || c.Domain == hostOf(farApp)
		if !strings.HasPrefix(c.Name, "__Host-af_auth") || !ofOurs || !c.Secure || !c.HTTPOnly || c.Path != "/" ||
			c.SameSite != network.CookieSameSiteLax || c.SourceScheme != network.CookieSourceSchemeSecure {
			t.Errorf("a cookie: %s of %s%s, secure %v, http only %v, same site %s, scheme %s", c.Name, c.Domain, c.Path, c.Secure, c.HTTPOnly, c.SameSite, c.SourceScheme)
		}
		if strings.HasPrefix(c.Name, "__Host-af_auth_state") {
			t.Errorf("%s is left of a sign-in that is over", c.Name)
		}
	}
	own, app := them.session(t, ownOrigin), them.session(t, farApp)
	if own == "" || app == "" || own == app {
		t.Errorf("the sessions are %q and %q: one for each host is wanted", own, app)
	}
	them.waitFor(t, "no cookie for scripts", 20*time.Second, `document.cookie === ""`)
}

// opensOneApplication: the other one says no, with a page that names what is
// open; that one stays open.
func (h *hosts) opensOneApplication(t *testing.T, them *browser) {
	t.Helper()
	them.do(t, "open the other application", chromedp.Navigate(elseApp+"/?page=home"))
	them.isAt(t, "the refused page", ownOrigin+"/auth/refused", "Wiki is not open to")
	them.isAt(t, "what is open", ownOrigin+"/auth/refused", "You may open The App.")
	if them.session(t, elseApp) != "" {
		t.Error("the application that is closed has a session")
	}
	them.do(t, "open the first one", chromedp.Navigate(farApp+"/"))
	them.isAt(t, "the first one", farApp+"/", "Hello, Mona Octocat")
}

// refusesCopiedTicket: a link with a ticket opens nothing in another browser, with
// a nonce of its own or without; and what another browser has brought is used up
// in the browser it was made for, too.
func (h *hosts) refusesCopiedTicket(t *testing.T, them *browser) {
	t.Helper()
	before := them.session(t, farApp)
	another := h.browser(t)
	refused := func(name, ticket string) {
		t.Helper()
		another.do(t, name, chromedp.Navigate(ticket))
		another.isAt(t, name, ticket, "This link is used up")
		// Its style comes from another site, and is what the policy lets in.
		another.waitFor(t, name+", as a page of ours", 20*time.Second, `document.styleSheets.length > 0 && getComputedStyle(document.body).display === "flex"`)
		if another.session(t, farApp) != "" || another.session(t, ownOrigin) != "" {
			t.Errorf("%s: the other browser has a session", name)
		}
	}
	for _, name := range []string{"a ticket in a browser without a nonce", "a ticket in a browser with another nonce"} {
		ticket, goOn := them.holdsTicket(t)
		refused(name, ticket)
		goOn()
		them.isAt(t, name+", and then in its own", ticket, "This link is used up")
		if them.session(t, farApp) != before {
			t.Errorf("%s: the session of its owner is another one", name)
		}
		another.do(t, "open the application", chromedp.Navigate(farApp+"/"))
		another.isAt(t, "the sign-in page", ownOrigin+"/auth/sign-in", "Sign in to The App")
	}

	ticket, goOn := them.holdsTicket(t)
	goOn()
	them.waitFor(t, "the ticket in its own browser", 20*time.Second, `location.href === `+quote(farApp+"/?again=1")+` && document.body.innerText.includes("Hello, Mona Octocat")`)
	if after := them.session(t, farApp); after == "" || after == before {
		t.Error("the ticket has made no session")
	}
	refused("a ticket that was used", ticket)
	another.quiet(t, farApp+"/.af-auth/enter")
}

// holdsTicket leads the browser to the application anew, and holds it back where
// it is about to open the address with the ticket.
func (b *browser) holdsTicket(t *testing.T) (ticket string, goOn func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	t.Cleanup(cancel)
	enter := farApp + "/.af-auth/enter?ticket="
	if _, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: farApp + "/.af-auth/enter*"}}}); err != nil {
		t.Fatal(err)
	}
	held, err := chromedp.Run(ctx, chromedp.WaitEvent(fetch.RequestPaused, nil,
		chromedp.Evaluate[chromedp.Void](`location.href = "/.af-auth/start?return_to=%2F%3Fagain%3D1"`)))
	if err != nil {
		t.Fatalf("lead to the application anew: %v%s", err, b.where())
	}
	if !strings.HasPrefix(held.Request.URL, enter) || held.Request.Method != http.MethodGet {
		t.Fatalf("held back is %s %s", held.Request.Method, held.Request.URL)
	}
	return held.Request.URL, func() {
		t.Helper()
		if _, err := chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: held.RequestID}); err != nil {
			t.Fatal(err)
		}
	}
}
