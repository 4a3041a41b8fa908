package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestBrowserConsole: an administrator lets somebody in and puts them out again,
// in two windows of Chromium. The administrator's page hears of who waits, and
// the page of who waits goes on by itself.
func TestBrowserConsole(t *testing.T) {
	t.Parallel()
	p := start(t, "AF_AUTH_ADMINS=hubot")
	p.run(t, "allow", "hubot")
	admin, them := newBrowser(t), newBrowser(t)
	const loaded = ` && document.readyState === "complete"`
	on := func(path string) string { return `location.href.startsWith(` + quote(p.AuthURL+path) + `)` + loaded }

	admin.do(t, "open the list", chromedp.Navigate(p.AuthURL+"/auth/people"))
	admin.do(t, "continue with GitHub", chromedp.Click(chromedp.CSS(`a[href*="/auth/github"]`)))
	admin.do(t, "pick hubot", chromedp.Click(chromedp.CSS(`button[name=login][value=hubot]`)))
	admin.waitFor(t, "the list, to begin with", 20*time.Second, on("/auth/people")+` && document.body.innerText.includes("Nobody is waiting")`)

	them.do(t, "open the application", chromedp.Navigate(p.AppURL+"/"))
	them.do(t, "continue with GitHub", chromedp.Click(chromedp.CSS(`a[href*="/auth/github"]`)))
	them.do(t, "pick octocat", chromedp.Click(chromedp.CSS(`button[name=login][value=octocat]`)))
	them.waitFor(t, "the waiting page", 20*time.Second, on("/auth/waiting"))

	admin.waitFor(t, "the news", 10*time.Second, `document.getElementById("news").textContent === "octocat is waiting."`)
	admin.do(t, "show them", chromedp.Click(chromedp.CSS(`#reload`)))
	admin.do(t, "allow", chromedp.Click(chromedp.CSS(`form[action$="/allow"] button`)))
	them.waitFor(t, "the application, without a click", promise+4*time.Second, `location.href.startsWith(`+quote(p.AppURL+"/")+`) && document.body.innerText.includes("Hello, Mona Octocat")`)
	admin.waitFor(t, "what was done", 20*time.Second, on("/auth/people")+` && document.querySelector(".toast")?.textContent.includes("Mona Octocat is allowed")`)

	// The newest stands first.
	admin.do(t, "revoke", chromedp.Click(chromedp.CSS(`a[href$="/revoke"]`)))
	admin.waitFor(t, "the question", 20*time.Second, `location.pathname.endsWith("/revoke")`+loaded)
	admin.do(t, "type another login", chromedp.SendKeys(chromedp.CSS(`#typed`), "octopus\r"))
	admin.waitFor(t, "the question again", 20*time.Second, `document.getElementById("typed-error") !== null && document.getElementById("typed").value === "octopus"`+loaded)
	admin.do(t, "cancel", chromedp.Click(chromedp.CSS(`.actions a`)))
	admin.waitFor(t, "the person", 20*time.Second, `document.getElementById("record") !== null`+loaded)
	admin.do(t, "revoke", chromedp.Click(chromedp.CSS(`a[href$="/revoke"]`)))
	admin.waitFor(t, "the question anew", 20*time.Second, `document.getElementById("typed")?.value === ""`+loaded)
	admin.do(t, "type the login", chromedp.SendKeys(chromedp.CSS(`#typed`), "octocat\r"))
	admin.waitFor(t, "what was done", 20*time.Second, `document.querySelector(".toast")?.textContent.includes("Access of Mona Octocat is revoked")`+loaded)
	them.do(t, "go on in the application", chromedp.Click(chromedp.CSS(`main a[href="/"]`)))
	them.waitFor(t, "the refused page", 20*time.Second, on("/auth/refused")+` && document.body.innerText.includes("not open to")`)
	admin.complaints(t)
	them.complaints(t)
}
