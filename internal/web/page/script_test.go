package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/af-auth/af-auth/internal/web/page"
)

// browser starts Chromium in the zone of Tokyo. Without one the test fails.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.Headless)
	if os.Geteuid() == 0 {
		// Chromium refuses to run as root inside its sandbox.
		options = append(options, chromedp.NoSandbox)
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// stage serves a waiting page whose events the test writes one by one.
type stage struct {
	*httptest.Server
	// events are written to the open stream as they are; an empty one ends it.
	events chan string
	// went is told when the page goes on.
	went chan struct{}
	// refusing answers the stream with an error, decided the page with a
	// redirect.
	refusing, decided atomic.Bool
	// refused is told of each stream that was refused.
	refused chan struct{}
}

// newStage comes before browser in a test, so that the browser is gone first:
// a server does not close while a stream is open.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{events: make(chan string), went: make(chan struct{}, 1), refused: make(chan struct{}, 1)}
	pages := renderer(t)
	now := time.Date(2026, time.November, 23, 14, 4, 11, 0, time.UTC)
	mux := http.NewServeMux()
	mux.Handle("/auth/assets/", page.Assets())
	mux.HandleFunc("GET /auth/waiting", func(w http.ResponseWriter, r *http.Request) {
		if s.decided.Load() {
			http.Redirect(w, r, "/auth/elsewhere", http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", page.CSP())
		_ = pages.Render(w, page.Waiting{
			Chrome: page.Chrome{Host: "auth.example.com"}, SignedInAt: now, Now: now,
			CheckURL: "/auth/continue?return_to=x", AnotherURL: "/auth/github", EventsURL: "/auth/waiting/events",
		})
	})
	mux.HandleFunc("GET /auth/waiting/events", func(w http.ResponseWriter, r *http.Request) {
		if s.refusing.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			select {
			case s.refused <- struct{}{}:
			default:
			}
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case event := <-s.events:
				if event == "" {
					return
				}
				_, _ = fmt.Fprint(w, event)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("GET /auth/continue", func(http.ResponseWriter, *http.Request) { s.went <- struct{}{} })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func access(to string) string { return fmt.Sprintf("event: access\ndata: {\"access\":%q}\n\n", to) }

func (s *stage) send(t *testing.T, ctx context.Context, event string) {
	t.Helper()
	select {
	case s.events <- event:
	case <-ctx.Done():
		t.Fatal("nobody listens to the events")
	}
}

func (s *stage) waitUntilGone(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-s.went:
	case <-ctx.Done():
		t.Fatal("the page did not go on")
	}
}

func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

const (
	// watching resolves once the script has said that it watches.
	watching = `new Promise(done => {
		const status = document.getElementById("watch");
		const look = () => { if (status.textContent === "Watching for the decision.") { observer.disconnect(); done(true); } };
		const observer = new MutationObserver(look);
		observer.observe(status, { childList: true });
		look();
	})`
	// count counts the changes of the live region and of the clock from now on.
	count = `window.spoken = 0; window.ticks = 0;
		new MutationObserver(() => spoken++).observe(document.getElementById("watch"), { childList: true, characterData: true, subtree: true });
		new MutationObserver(() => ticks++).observe(document.getElementById("checked"), { attributes: true, attributeFilter: ["title"] });
		true`
	ticked = `new Promise(done => {
		const look = () => window.ticks > 0 ? done(true) : requestAnimationFrame(look);
		look();
	})`
)

func TestWaitingPageGoesOnByItself(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+"/auth/waiting")); err != nil {
		t.Fatal(err)
	}
	eval[bool](t, ctx, watching)

	// News that is no news moves the clock, which is not read out, and leaves
	// the live region alone.
	eval[bool](t, ctx, count)
	s.send(t, ctx, access("waiting"))
	eval[bool](t, ctx, ticked)
	if spoken := eval[int](t, ctx, `spoken`); spoken != 0 {
		t.Errorf("the live region changed %d times without news", spoken)
	}
	if hidden := eval[bool](t, ctx, `document.getElementById("checked").closest("[aria-hidden=true]") !== null`); !hidden {
		t.Error("the clock is read out")
	}

	// A stream that ends is opened again, and the decision found then.
	s.send(t, ctx, "retry: 10\n\n")
	s.send(t, ctx, "")
	s.send(t, ctx, access("allowed"))
	s.waitUntilGone(t, ctx)
}

// Refused is a decision too: the server says so on the page it leads to.
func TestWaitingPageGoesOnWhenRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+"/auth/waiting")); err != nil {
		t.Fatal(err)
	}
	s.send(t, ctx, access("refused"))
	s.waitUntilGone(t, ctx)
}

// A stream that is refused for good must not leave a page that waits for ever:
// it asks by itself, as a reload would.
func TestWaitingPageAsksWhereThereIsNoStream(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ctx := browser(t)
	s.refusing.Store(true)
	// The page's seconds pass a hundred times as fast.
	hurry := cdppage.AddScriptToEvaluateOnNewDocumentParams{
		Source: `{ const real = setTimeout; window.setTimeout = (f, ms) => real(f, ms / 100); }`,
	}
	if _, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, hurry); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+"/auth/waiting")); err != nil {
		t.Fatal(err)
	}
	// Refused twice: it has asked in between, was told to wait, and went on.
	for range 2 {
		select {
		case <-s.refused:
		case <-ctx.Done():
			t.Fatal("the page does not try the stream again")
		}
	}
	s.decided.Store(true)
	s.waitUntilGone(t, ctx)
}

func TestTimesAreInTheReadersZone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+"/auth/waiting")); err != nil {
		t.Fatal(err)
	}
	const first = `document.querySelector("time")`
	if got := eval[string](t, ctx, first+`.textContent`); got != "23 Nov 2026, 23:04" {
		t.Errorf("the time is %q", got)
	}
	if got := eval[string](t, ctx, first+`.title`); got != "23 Nov 2026, 14:04:11 UTC" {
		t.Errorf("the title is %q", got)
	}
}
