package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axe-core, which looks for what keeps people from using a page, as scripts/setup.sh
// gets it from npm: see docs/dependencies.md.
const (
	axeFile = "../bin/axe-4.14.1.min.js"
	axeSum  = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

var axeCore = sync.OnceValues(func() (string, error) {
	source, err := os.ReadFile(axeFile)
	if err != nil {
		return "", fmt.Errorf("%w; make setup gets it", err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(source)); sum != axeSum {
		return "", fmt.Errorf("%s is not the file that it was: SHA-256 %s", axeFile, sum)
	}
	return string(source), nil
})

// runAxe also finds what a narrow window would cut off.
const runAxe = `axe.run({ runOnly: { type: "tag", values:
	["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } }).then(r => [
	...r.violations.flatMap(v => v.nodes.map(n => v.impact + ": " + v.id + ": " + v.help + ": " + n.target.join(" ") + ": " + n.html.slice(0, 200))),
	...(document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways: " + document.documentElement.scrollWidth + " px"] : [])])`

// accessible looks at the page as it stands, with whatever is open on it: light,
// dark and in a narrow window that is touched.
func (s studioTab) accessible(what string) {
	s.t.Helper()
	source, err := axeCore()
	if err != nil {
		s.t.Fatalf("axe-core: %v", err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe === "object"`))
	if err == nil && !there {
		err = chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](source))
	}
	if err != nil {
		s.t.Fatalf("%s: load axe-core: %v", what, err)
	}
	for _, v := range []struct {
		name, scheme  string
		width, height int64
		options       []chromedp.EmulateViewportOption
	}{
		{"dark", "dark", 1280, 800, nil},
		{"narrow", "light", 390, 844, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch}},
		{"light", "light", 1280, 800, nil},
	} {
		s.do(s.t, "the window", chromedp.EmulateViewport(v.width, v.height, v.options...))
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
		if err != nil {
			s.t.Fatalf("%s, %s: run axe-core: %v", what, v.name, err)
		}
		for _, f := range found {
			s.t.Errorf("%s, %s: %s", what, v.name, f)
		}
	}
}

// TestBrowserStudioAccessible: every page that is there before anything is
// changed, and what opens on it. The other tests look at theirs.
func TestBrowserStudioAccessible(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	s.accessible("the tables")
	for _, page := range []struct{ name, path, sees string }{
		{"tables that were looked for", "/?q=secret", `document.body.innerText.includes("has secret")`},
		{"no table found", "/?q=nothing-like-it", `document.body.innerText.includes("No table")`},
		{"the diagram", "/diagram", `document.querySelector("svg.drawing a") !== null`},
		{"the rows", "/t/public/people", `document.querySelectorAll("#grid tbody tr").length === 12`},
		{"sorted rows", "/t/public/people?sort=name", `document.querySelector("th[aria-sort]") !== null`},
		{"columns to filter by", "/t/public/people?open=filter", `document.querySelector(".pick") !== null`},
		{"a filter's form", "/t/public/people?open=filter:age", `document.querySelector("#filter-value") !== null`},
		{"a filter's choice", "/t/public/people?open=filter:mood", `document.querySelector("#filter-value") !== null`},
		{"the columns", "/t/public/people?open=columns", `document.querySelector("#columns-apply") !== null`},
		{"no rows", "/t/public/people?f=name.is.nobody", `document.body.innerText.includes("No rows match")`},
		{"a table without rows", "/t/public/empty", `document.body.innerText.includes("empty has no rows yet")`},
		{"a table without a key", "/t/public/keyless", `document.body.innerText.includes("can be read and not edited")`},
		{"a view", "/t/public/busy", `document.querySelector("#grid") !== null`},
		{"a value that is no number", "/t/public/people?f=age.is.old", `document.querySelector('[role="alert"]') !== null`},
		{"a masked filter", "/t/public/people?f=secret.is.x", `document.body.innerText.includes("masked")`},
		{"the row at the side", "/t/public/people/row/1", `document.querySelector("#panel .related") !== null`},
		{"a row that has gone", "/t/public/people/row/99", `document.body.innerText.includes("no such row")`},
		{"no such page", "/nothing", `document.querySelector("main.door") !== null`},
		{"no such table", "/t/public/nothing", `document.querySelector("main.door") !== null`},
		{"a box that is off", "/sql", `document.body.innerText.includes("The SQL box is off")`},
	} {
		s.visit(page.path)
		s.sees(page.name, page.sees)
		s.accessible(page.name)
	}
	s.do(t, "a low window", chromedp.EmulateViewport(1280, 400))
	s.visit("/t/public/people/row/1")
	s.sees("a row that scrolls by itself", `document.querySelector("#panel").scrollHeight > 400 && document.documentElement.scrollHeight <= innerHeight`)
	s.do(t, "the window", chromedp.EmulateViewport(1280, 800))
	s.visit("/t/public/people")
	s.click("the theme", `.theme summary`)
	s.sees("the themes", `document.querySelector(".theme").open`)
	s.accessible("the themes")
	s.click("export", `#export summary`)
	s.sees("the formats", `document.querySelector("#export").open`)
	s.accessible("the menu of files")
	s.visit("/t/public/people")
	s.tab("the grid", `document.activeElement.matches("#grid td")`)
	s.keys("the keys", "?")
	s.sees("the list of keys", `document.querySelector("#keys").open`)
	s.accessible("the list of keys")
	s.complaints(t)

	stranger := studioTab{newBrowser(t), t}
	stranger.do(t, "come without the key", chromedp.Navigate(s.origin()+"/"))
	stranger.sees("a closed door", `document.body.innerText.includes("Not open to this browser")`)
	stranger.accessible("the closed door")
	stranger.complaints(t)
}
