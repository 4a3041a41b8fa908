package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// watchFrames puts the page's rows below themselves once more, so that there are
// 100, and begins to note: how long frames take, which tasks take longer than
// 50 ms, and how long each key takes until what it does is painted.
const watchFrames = `(async () => {
	const body = document.querySelector("#grid tbody");
	for (const row of [...body.rows]) body.append(row.cloneNode(true));
	const frame = () => new Promise(requestAnimationFrame);
	await frame(); await frame();
	const seen = window.benchSeen = { frames: [], tasks: [], keys: [], rows: body.rows.length, columns: body.rows[0].cells.length };
	new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
	new PerformanceObserver((list) => seen.keys.push(...list.getEntries().filter((e) => e.name === "keydown").map((e) => e.duration)))
		.observe({ type: "event", durationThreshold: 16 });
	let last = await frame();
	(async () => { for (;;) { const now = await frame(); seen.frames.push(now - last); last = now; } })();
	return seen.rows * seen.columns;
})()`

// scrollAround scrolls to the bottom, to the right, and back, as fast as a
// thumb is drawn: a second for each.
const scrollAround = `(async () => {
	const sheet = document.querySelector(".sheet"), down = sheet.scrollHeight - sheet.clientHeight, right = sheet.scrollWidth - sheet.clientWidth;
	for (const [top, left] of [[down / 60, 0], [0, right / 60], [-down / 60, 0], [0, -right / 60]])
		for (let n = 0; n < 60; n++) {
			sheet.scrollBy({ top, left, behavior: "instant" });
			await new Promise(requestAnimationFrame);
		}
	return sheet.scrollWidth;
})()`

// watched is what was noted, in ms.
type watched struct {
	Frames  []float64 `json:"frames"`
	Tasks   []float64 `json:"tasks"`
	Keys    []float64 `json:"keys"` // those of 16 ms and more
	Rows    int       `json:"rows"`
	Columns int       `json:"columns"`
}

const (
	// keyPresses is how often the cursor is moved.
	keyPresses = 200
	// keysPerSecond is how fast a key repeats that is held.
	keysPerSecond = 30
)

// studioSmooth measures whether a large grid moves smoothly: no frame and no key
// takes longer than 50 ms, but for one of a hundred.
func (s *site) studioSmooth(ctx, browser context.Context, o orders) error {
	p, err := s.openStudio(ctx, o.url)
	if err != nil {
		return err
	}
	defer p.end()
	in, leave, err := tab(browser)
	if err != nil {
		return err
	}
	defer leave()
	scrolled, err := watchWide(in, p, chromedp.Evaluate[float64](scrollAround, chromedp.EvalAwaitPromise))
	if err != nil {
		return fmt.Errorf("scrolling: %w", err)
	}
	// Down the rows and right through the columns: the view follows the cursor.
	moves := strings.Repeat(kb.ArrowDown, keyPresses/4) + strings.Repeat(kb.ArrowRight, keyPresses/4) +
		strings.Repeat(kb.ArrowUp, keyPresses/4) + strings.Repeat(kb.ArrowLeft, keyPresses/4)
	moved, err := watchWide(in, p, func(ctx context.Context, t *chromedp.Target) (float64, error) {
		pace := time.NewTicker(time.Second / keysPerSecond)
		defer pace.Stop()
		for _, key := range moves {
			if _, err := chromedp.KeyEvent(string(key))(ctx, t); err != nil {
				return 0, err
			}
			<-pace.C
		}
		return 0, nil
	})
	if err != nil {
		return fmt.Errorf("moving the cursor: %w", err)
	}
	for len(moved.Keys) < keyPresses {
		moved.Keys = append(moved.Keys, 0) // not told of: less than 16 ms
	}
	title("A grid of %d columns and %d rows in Chromium without a graphics card", scrolled.Columns, scrolled.Rows)
	head("what", "how many", "p50", "p99", "longest", "tasks over 50 ms", "goal for p99")
	for _, l := range []struct {
		what  string
		took  []float64
		tasks int
	}{
		{"frames while scrolling down, right, and back, a second each", scrolled.Frames, len(scrolled.Tasks)},
		{fmt.Sprintf("arrow keys, %d a second, from the key to what it paints", keysPerSecond), moved.Keys, len(moved.Tasks)},
		{"frames while they are pressed", moved.Frames, len(moved.Tasks)},
	} {
		slices.Sort(l.took)
		line(l.what, thousands(len(l.took)), frame(share(l.took, 0.5)), frame(share(l.took, 0.99)), frame(share(l.took, 1)), fmt.Sprint(l.tasks), "≤ 50 ms")
	}
	return nil
}

func frame(took float64) string {
	if took == 0 {
		return "< 16 ms"
	}
	return ms(took)
}

// watchWide opens the wide table with the focus in its first cell, and returns
// what was noted while something was done.
func watchWide(in context.Context, p *studio, do chromedp.Action[float64]) (w watched, err error) {
	const path = "/t/public/wide"
	if err := chromedp.Do(in, chromedp.Navigate(p.link), chromedp.Navigate(p.at(path))); err != nil {
		return w, err
	}
	if _, err := paintedAt(in, path); err != nil {
		return w, err
	}
	cells, err := chromedp.Run(in, chromedp.Evaluate[float64](watchFrames, chromedp.EvalAwaitPromise))
	if err != nil {
		return w, err
	}
	if cells < 100*wideColumns {
		return w, fmt.Errorf("the grid has %.0f cells", cells)
	}
	if err := chromedp.Do(in, chromedp.Evaluate[chromedp.Void](`document.querySelector("#grid td").focus()`)); err != nil {
		return w, err
	}
	if _, err := chromedp.Run(in, do); err != nil {
		return w, err
	}
	time.Sleep(200 * time.Millisecond) // observers are told of a frame behind it
	return chromedp.Run(in, chromedp.Evaluate[watched]("window.benchSeen"))
}
