package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"
)

// notePaint runs before a page's own scripts and notes when the page with all of
// its rows, of a grid or of the list of tables, has been painted: the frame that
// holds them has begun, and what is posted in it comes behind it.
const notePaint = `(() => {
	const look = new MutationObserver(() => {
		if (!document.querySelector("#grid tbody tr:nth-child(50), main .list ~ aside")) return;
		look.disconnect();
		requestAnimationFrame(() => {
			const { port1, port2 } = new MessageChannel();
			port1.onmessage = () => { window.benchPainted = performance.timeOrigin + performance.now(); };
			port2.postMessage(null);
		});
	});
	look.observe(document, { childList: true, subtree: true });
})()`

// wideColumns is how many columns the wide table has.
const wideColumns = 100

// runStudioBrowser measures what somebody sees in Chromium.
func runStudioBrowser(ctx context.Context, s *site) error {
	o, err := s.orders(ctx)
	if err != nil {
		return err
	}
	if err := o.with(ctx, fillWide); err != nil {
		return fmt.Errorf("making a table of %d columns: %w", wideColumns, err)
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Headless, chromedp.WindowSize(1366, 768),
		chromedp.NoSandbox) // as root, Chromium does not start with its sandbox; it loads our pages only
	alloc, endAlloc := chromedp.NewExecAllocator(ctx, flags...)
	defer endAlloc()
	browser, end := chromedp.NewContext(alloc)
	defer end()
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); errors.Is(err, exec.ErrNotFound) {
		fmt.Printf("\nChromium is not installed here: what it shows of studio is left out.\n")
		return nil
	} else if err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	const times = 10
	var took [4][]time.Duration
	for n := -1; n < times; n++ {
		opened, err := s.openInBrowser(ctx, browser, o)
		if err != nil {
			return err
		}
		for i := range took {
			if n >= 0 {
				took[i] = append(took[i], opened[i])
			}
		}
	}
	title("Studio in Chromium, started anew and with an empty cache each time, %d times", times)
	head("what", "min", "median", "max", "goal")
	for i, l := range []struct{ what, goal string }{
		{"from the link to the list of tables, painted", ""},
		{fmt.Sprintf("from a click there to the first rows of %s, painted", thousands(o.rows)), ""},
		{"both: from the link to the first grid", "≤ 300 ms"},
		{fmt.Sprintf("from a click to 50 rows of %d columns, painted", wideColumns), ""},
	} {
		slices.Sort(took[i])
		line(l.what, long(took[i][0]), long(took[i][times/2]), long(took[i][times-1]), l.goal)
	}
	return s.studioSmooth(ctx, browser, o)
}

// fillWide makes the table of many columns: a quarter of each type.
func fillWide(ctx context.Context, conn *pgx.Conn) error {
	columns, values := []string{"id bigint PRIMARY KEY"}, []string{"n"}
	for i := 1; i < wideColumns; i++ {
		kind, value := "text", "left(md5((n + %d)::text), 24)"
		switch i % 4 {
		case 1:
			kind, value = "bigint", "n * 7919 + %d"
		case 2:
			kind, value = "timestamptz", "timestamptz '2021-01-01 UTC' + (n * 86399 + %d) * interval '1 second'"
		case 3:
			kind, value = "boolean", "(n + %d) %% 3 > 0"
		}
		columns, values = append(columns, fmt.Sprintf("column_%d %s", i, kind)), append(values, fmt.Sprintf(value, i))
	}
	_, err := conn.Exec(ctx, "CREATE TABLE wide ("+strings.Join(columns, ", ")+"); INSERT INTO wide SELECT "+strings.Join(values, ", ")+
		" FROM generate_series(1, 1000) n; ANALYZE wide")
	return err
}

// tab is a tab of Chromium with nothing in its cache and no cookies.
func tab(browser context.Context) (context.Context, context.CancelFunc, error) {
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	err := chromedp.Do(ctx, chromedp.Navigate("about:blank"), func(ctx context.Context, t *chromedp.Target) (v chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: notePaint})
		return v, err
	})
	return ctx, end, err
}

// openInBrowser starts studio, opens its link, and a table from the list.
func (s *site) openInBrowser(ctx, browser context.Context, o orders) (took [4]time.Duration, err error) {
	p, err := s.openStudio(ctx, o.url)
	if err != nil {
		return took, err
	}
	defer p.end()
	in, leave, err := tab(browser)
	if err != nil {
		return took, err
	}
	defer leave()
	if err := chromedp.Do(in, chromedp.Navigate(p.link)); err != nil {
		return took, err
	}
	painted, err := paintedAt(in, "/")
	if err != nil {
		return took, err
	}
	begun, err := chromedp.Run(in, chromedp.Evaluate[float64]("performance.timeOrigin"))
	if err != nil {
		return took, err
	}
	took[0] = between(begun, painted)
	if took[1], err = clickTable(in, "orders"); err != nil {
		return took, err
	}
	took[2] = took[0] + took[1]
	if err := chromedp.Do(in, chromedp.Navigate(p.at("/"))); err != nil {
		return took, err
	}
	took[3], err = clickTable(in, "wide")
	return took, err
}

// between is the time between two of JavaScript's moments, in ms.
func between(begun, ended float64) time.Duration {
	return time.Duration((ended - begun) * float64(time.Millisecond))
}

// clickTable opens a table from the list and returns the time until its rows are
// painted.
func clickTable(in context.Context, table string) (time.Duration, error) {
	path := "/t/public/" + table
	begun, err := chromedp.Run(in, chromedp.Evaluate[float64](`(() => {
	const at = performance.timeOrigin + performance.now();
	document.querySelector('th[scope=row] a[href="`+path+`"]').click();
	return at;
})()`))
	if err != nil {
		return 0, err
	}
	painted, err := paintedAt(in, path)
	return between(begun, painted), err
}

// paintedAt waits until the page of that path is painted, and returns when.
func paintedAt(in context.Context, path string) (float64, error) {
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		// An error is a page that goes away under the question.
		at, err := chromedp.Run(in, chromedp.Evaluate[float64](`location.pathname === "`+path+`" && document.readyState === "complete" && window.benchPainted || 0`))
		if err == nil && at > 0 {
			return at, nil
		}
	}
	return 0, fmt.Errorf("%s is not painted after 20 s", path)
}
