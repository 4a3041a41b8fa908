package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// TestBrowserNewcomer is TestNewcomer in Chromium, where the waiting page goes
// on by itself: after "allow" nothing is clicked.
func TestBrowserNewcomer(t *testing.T) {
	t.Parallel()
	p := start(t)
	b := newBrowser(t)

	b.do(t, "open the application", chromedp.Navigate(p.AppURL+"/"))
	b.do(t, "continue with GitHub", chromedp.Click(chromedp.CSS(`a[href*="/auth/github"]`)))
	b.do(t, "pick octocat", chromedp.Click(chromedp.CSS(`button[name=login][value=octocat]`)))
	b.waitFor(t, "the waiting page", 20*time.Second, `location.href.startsWith(`+quote(p.AuthURL+"/auth/waiting")+`) && document.readyState === "complete" && document.body.innerText.includes("octocat")`)

	p.run(t, "allow", "octocat")
	ended := time.Now()
	// The promise is a second for the news to arrive; the rest is a slow
	// machine's time to load two redirects and a page.
	b.waitFor(t, "the application, without a click", promise+4*time.Second, `location.href.startsWith(`+quote(p.AppURL+"/")+`) && document.body.innerText.includes("Hello, Mona Octocat")`)
	t.Logf("the application is open %v after the command's end", time.Since(ended).Round(time.Millisecond))
	b.do(t, "check again", chromedp.Click(chromedp.CSS(`main a[href="/"]`)))
	b.waitFor(t, "the application again", 20*time.Second, `document.readyState === "complete" && document.body.innerText.includes("Hello, Mona Octocat")`)

	p.run(t, "revoke", "octocat")
	b.do(t, "check again", chromedp.Click(chromedp.CSS(`main a[href="/"]`)))
	b.waitFor(t, "af-auth instead of the application", 20*time.Second, `location.href.startsWith(`+quote(p.AuthURL+"/auth/")+`) && document.readyState === "complete"`)
	b.complaints(t)
}

// browser is one tab of a Chromium of its own.
type browser struct {
	ctx  context.Context
	mu   sync.Mutex
	said []string // what the console and the policy complained of
}

// newBrowser starts one, with options beside those that every test needs.
func newBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Headless,
		// As root, Chromium does not start with its sandbox; it loads our pages only.
		chromedp.NoSandbox)
	options = append(options, more...)
	alloc, endAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(func() { end(); endAlloc() })
	b := &browser{ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("start Chromium: %v\nhint: install it; on Debian: apt-get install chromium", err)
	}
	return b
}

func (b *browser) listen(ev any) {
	var text string
	switch e := ev.(type) {
	case *log.EventEntryAdded:
		text = e.Entry.Text + " (" + e.Entry.URL + ")"
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, text)
}

// do runs one step, with a deadline of its own.
func (b *browser) do(t *testing.T, what string, step chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, step); err != nil {
		t.Fatalf("%s: %v%s", what, err, b.where())
	}
}

// waitFor waits until the expression is true on whatever page is open then.
func (b *browser) waitFor(t *testing.T, what string, within time.Duration, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	// Asked from outside, because chromedp.Poll makes a function of the text
	// inside the page, which the page's policy forbids.
	look := time.NewTicker(25 * time.Millisecond)
	defer look.Stop()
	for {
		// An error is a page that goes away under the question: the next one is
		// asked anew.
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if yes && err == nil {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%s: not there after %v (%v)%s", what, within, err, b.where())
		}
	}
}

// where is the address and the text of the open page, for failures.
func (b *browser) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	page, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	if err != nil {
		return ""
	}
	return "\nopen is " + page
}

// complaints fails for each report of the content security policy and each
// error of a script on the way.
func (b *browser) complaints(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		// A refused page is a 403, which Chromium notes as a failed load. Of a form
		// that opens in place it notes that the focus was elsewhere before.
		if !strings.HasPrefix(text, "Failed to load resource") && !strings.HasPrefix(text, "Autofocus processing was blocked") {
			t.Errorf("Chromium says: %s", text)
		}
	}
}

// quote writes s as a string of JavaScript.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
