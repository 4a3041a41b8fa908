package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/af-auth/af-auth/internal/githubsim"
)

// TestBrowserDecidedMeanwhile: a decision finds people where they are. Whoever is
// writing to the administrator arrives where they wanted by sending the form, and
// whoever has waited for longer than a nonce lasts arrives all the same.
func TestBrowserDecidedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHosts(t)
	for _, login := range []string{"mara", "noor"} {
		if _, err := h.sim.AddUser(githubsim.User{Login: login, Name: strings.ToUpper(login)}); err != nil {
			t.Fatal(err)
		}
	}
	allow := func(login string) {
		t.Helper()
		if out, err := h.command(t, "allow", login); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	waits := func(who *browser, login string) {
		t.Helper()
		who.do(t, "open the application", chromedp.Navigate(deepLink))
		who.isAt(t, "the sign-in page", ownOrigin+"/auth/sign-in", "Sign in to The App")
		who.signsIn(t, login)
		who.isAt(t, "the waiting page", ownOrigin+"/auth/waiting", "An administrator has to let you in")
	}
	arrives := func(who *browser, name string) {
		t.Helper()
		who.waitFor(t, "the page that was asked for", 20*time.Second, `location.href === `+quote(deepLink)+` && document.body.innerText.includes("Hello, `+name+`")`)
	}

	mara := h.browser(t)
	waits(mara, "mara")
	mara.do(t, "write to them", chromedp.Click(chromedp.CSS(`a[href*="/auth/waiting/message"]`)))
	mara.do(t, "type", chromedp.SendKeys(chromedp.CSS(`#message`), "Please"))
	allow("mara")
	mara.do(t, "send it", chromedp.Click(chromedp.CSS(`form[action*="/auth/waiting/message"] button`)))
	arrives(mara, "MARA")
	h.signsOut(t, mara)
	mara.quiet(t)

	noor := h.browser(t)
	waits(noor, "noor")
	noor.forgets(t, farApp, "__Host-af_auth_nonce")
	allow("noor")
	arrives(noor, "NOOR")
	noor.quiet(t)
}

// signsOut: the application's link leads to our host, and what is ended there is
// ended in the application.
func (h *hosts) signsOut(t *testing.T, who *browser) {
	t.Helper()
	who.do(t, "sign out", chromedp.Click(chromedp.CSS(`a[href="`+ownOrigin+`/auth/sign-out"]`)))
	who.do(t, "yes", chromedp.Click(chromedp.CSS(`form[action="/auth/sign-out"] button`)))
	who.isAt(t, "that it is done", ownOrigin+"/auth/signed-out", "signed out")
	who.do(t, "open the application", chromedp.Navigate(farApp+"/"))
	who.isAt(t, "the sign-in page", ownOrigin+"/auth/sign-in", "Sign in to The App")
	if who.session(t, ownOrigin) != "" {
		t.Error("the session on our own host is still in the browser")
	}
}

// forgets takes a cookie away, as the browser does when its time is over.
func (b *browser) forgets(t *testing.T, origin, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if _, err := chromedp.Call(ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: origin + "/"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range b.ours(t) {
		if c.Name == name {
			t.Fatalf("%s of %s is still there", name, c.Domain)
		}
	}
}
