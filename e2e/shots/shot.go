package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// view is one way of looking at a page.
type view struct {
	name          string
	width, height int64
	scale         float64
	touch         bool
	scheme        string
}

// A narrow window is emulated: headless Chromium lays a window of 390 px out at
// 500 and cuts the picture.
var views = []view{
	{name: "light", width: 1280, height: 800, scale: 1, scheme: "light"},
	{name: "dark", width: 1280, height: 800, scale: 1, scheme: "dark"},
	{name: "390.light", width: 390, height: 844, scale: 2, touch: true, scheme: "light"},
	{name: "390.dark", width: 390, height: 844, scale: 2, touch: true, scheme: "dark"},
}

// docViews are those that the documentation shows.
var docViews = []view{
	{name: "light", width: 1280, height: 800, scale: 1, scheme: "light"},
	{name: "dark", width: 1280, height: 800, scale: 1, scheme: "dark"},
	{name: "narrow", width: 390, height: 844, scale: 1, touch: true, scheme: "light"},
}

// shot is one page in one view.
type shot struct {
	ctx     context.Context
	url     string
	then    string // script that runs on the page; may be empty
	shows   string // selector of what it leads to
	view    view
	axe     string
	small   bool // WebP of what the window shows; else PNG of the whole page
	console *console
}

// take opens the page and returns what is wrong with it and its picture.
func (s shot) take() (findings []string, picture []byte, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, pageTimeout)
	defer cancel()
	s.console.take()
	if err := s.open(ctx); err != nil {
		return nil, nil, err
	}
	if s.small {
		picture, err = smallPicture(ctx)
	} else {
		picture, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("take the picture: %w", err)
	}
	for _, check := range []string{sidewaysScroll, offGrid, sticksOut} {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](check))
		if err != nil {
			return nil, nil, fmt.Errorf("check the layout: %w", err)
		}
		findings = append(findings, found...)
	}
	if s.axe != "" {
		found, err := s.runAxe(ctx)
		if err != nil {
			return nil, nil, err
		}
		findings = append(findings, found...)
	}
	return append(findings, s.console.take()...), picture, nil
}

func (s shot) open(ctx context.Context) error {
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(s.view.scale)}
	if s.view.touch {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: s.view.scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	err := chromedp.Do(ctx, chromedp.EmulateViewport(s.view.width, s.view.height, options...))
	if err != nil {
		return fmt.Errorf("set the window: %w", err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return fmt.Errorf("set the colour scheme: %w", err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(s.url)); err != nil {
		return fmt.Errorf("open the page: %w", err)
	}
	if s.then == "" {
		return nil
	}
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void]("(() => {"+helpers+s.then+"})()")); err != nil {
		return fmt.Errorf("go on from the page: %w", err)
	}
	for s.shows != "" {
		// An error is a page that goes away under the question.
		if there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && document.querySelector("`+s.shows+`") !== null`)); there && err == nil {
			break
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s is not there: %w", s.shows, err)
		}
	}
	return nil
}

func (s shot) runAxe(ctx context.Context) ([]string, error) {
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](s.axe)); err != nil {
		return nil, fmt.Errorf("load axe: %w", err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("run axe: %w", err)
	}
	return found, nil
}

const sidewaysScroll = `(() => {
	const width = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
	return width > room ? ["scrolls sideways: " + width + " px of content in " + room] : [];
})()`

// offGrid names boxes whose height is no multiple of 4 px. Lines of 1 px belong
// to the box that draws them, and text inside a line is not a box.
const offGrid = `(() => {
	const found = [];
	for (const el of document.querySelectorAll("main *, footer *")) {
		const display = getComputedStyle(el).display;
		if (el.closest("svg") && el.tagName !== "svg" || el.closest(".sr") || el.tagName === "I") continue;
		if (display.startsWith("inline") && display !== "inline-flex" || display === "none" || display === "contents") continue;
		const height = el.getBoundingClientRect().height;
		if (Math.abs(height - 4 * Math.round(height / 4)) > 0.05)
			found.push("off the grid: " + el.tagName.toLowerCase() + "." + el.getAttribute("class") + " is " + height + " px high");
	}
	return found;
})()`

const runAxe = `axe.run({ runOnly: { type: "tag", values:
	["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } })
	.then(r => r.violations.flatMap(v => v.nodes.map(n => "axe: " + v.id + ": " + v.help + ": " + n.target.join(" "))))`

// console collects what pages write to the console. Chromium sends it while
// pages load, so it is read beside everything else.
type console struct {
	mu       sync.Mutex
	messages []string
}

// listen starts the browser and begins to collect.
func listen(ctx context.Context) (*console, error) {
	if err := chromedp.Do(ctx); err != nil {
		return nil, err
	}
	c := &console{}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			c.mu.Lock()
			c.messages = append(c.messages, "console: "+strings.TrimSpace(m.String()))
			c.mu.Unlock()
		}
	}()
	return c, nil
}

// take returns what has come since the last call.
func (c *console) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.messages
	c.messages = nil
	return taken
}

// sticksOut lists tables that are wider than the card they stand in.
const sticksOut = `Array.from(document.querySelectorAll(".panel > table"))
	.map(t => [t, t.getBoundingClientRect().right - t.parentElement.getBoundingClientRect().right])
	.filter(([, px]) => px > 0.5).map(([t, px]) => "a table (" + t.className + ") sticks " + px.toFixed(1) + " px out of its card")`

// smallPicture is what the window shows.
func smallPicture(ctx context.Context) ([]byte, error) {
	quality := int64(50)
	got, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality})
	if err != nil {
		return nil, err
	}
	return got.Data, nil
}
