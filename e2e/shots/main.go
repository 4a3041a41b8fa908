// Command shots takes pictures of pages, wide and narrow, light and dark, and
// checks what a picture does not show.
//
//	go run ./internal/web/page/preview &
//	go run ./e2e/shots -base http://127.0.0.1:8090/ -out shots
//	go run ./e2e/shots -base http://127.0.0.1:8080/ -out shots -axe axe.min.js /auth/ /auth/about
//	go run ./e2e/shots -studio -out shots -axe axe.min.js
//	go run ./e2e/shots -studio -docs
//
// With -studio it takes studio in many states, on a demonstration database in a
// private PostgreSQL (it needs make build), and paths are the names of states.
// -docs writes what docs/studio.md shows: small files in docs/images.
//
// Without paths it takes every page of the same origin that the base page links
// to. For each page it reports a sideways scroll, everything that the console
// says (violations of the Content-Security-Policy among it), boxes that stand
// off the 4-px grid, and, with -axe FILE, what axe-core finds: make
// setup leaves its file in bin. The exit code is 1 when anything was reported.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chromedp/chromedp"
)

// pageTimeout bounds everything done with one page in one view.
const pageTimeout = 30 * time.Second

// task is what a call asks for.
type task struct {
	base, out, axeFile string
	studio, docs       bool
	paths              []string // names of states, with studio
}

func main() {
	var t task
	flag.StringVar(&t.base, "base", "http://127.0.0.1:8090/", "address that paths are relative to")
	flag.StringVar(&t.out, "out", "shots", "folder for the pictures; made when missing")
	flag.StringVar(&t.axeFile, "axe", "", "path of axe.min.js; empty: no check with axe")
	flag.BoolVar(&t.studio, "studio", false, "take studio on a demonstration database")
	flag.BoolVar(&t.docs, "docs", false, "with -studio: write the pictures of docs/studio.md")
	flag.Parse()
	t.paths = flag.Args()
	if t.docs {
		t.out = "docs/images"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	found, err := t.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	if found > 0 {
		fmt.Fprintf(os.Stderr, "%d findings\n", found)
		os.Exit(1)
	}
}

// run takes all pictures and returns how many findings it printed.
func (t task) run(ctx context.Context) (int, error) {
	home, err := url.Parse(t.base)
	if err != nil {
		return 0, fmt.Errorf("read -base: %w", err)
	}
	c := camera{out: t.out, views: views}
	if t.docs {
		c.views, c.small = docViews, true
	}
	if t.axeFile != "" {
		source, err := os.ReadFile(filepath.Clean(t.axeFile))
		if err != nil {
			return 0, fmt.Errorf("read -axe: %w", err)
		}
		c.axe = string(source)
	}
	if err := os.MkdirAll(t.out, 0o750); err != nil {
		return 0, fmt.Errorf("make the folder for pictures: %w", err)
	}
	var cancel context.CancelFunc
	c.ctx, cancel = browser(ctx)
	defer cancel()
	if c.console, err = listen(c.ctx); err != nil {
		return 0, fmt.Errorf("start the browser: %w", err)
	}
	if t.studio {
		err = c.takeStudio(ctx, t.paths)
	} else {
		err = c.takePaths(home, t.paths)
	}
	if err == nil {
		fmt.Printf("%d pictures in %s\n", c.taken, t.out)
	}
	return c.found, err
}

// camera takes pictures and counts them, and what is wrong with the pages.
type camera struct {
	ctx          context.Context
	console      *console
	axe, out     string
	views        []view
	small        bool // WebP, and no more of a page than a window shows
	taken, found int
}

// takePaths takes pages of one origin; without paths all that its first page
// links to.
func (c *camera) takePaths(home *url.URL, paths []string) (err error) {
	if len(paths) == 0 {
		if paths, err = links(c.ctx, home); err != nil {
			return err
		}
	}
	for _, path := range paths {
		if err := c.take(path, fileName(path), home.JoinPath("/").ResolveReference(ref(path)).String(), "", ""); err != nil {
			return err
		}
	}
	return nil
}

// take takes one page in all views, after a script if there is one, and prints
// what is wrong with it.
func (c *camera) take(name, file, url, then, shows string) error {
	for _, v := range c.views {
		s := shot{ctx: c.ctx, url: url, then: then, shows: shows, view: v, axe: c.axe, small: c.small, console: c.console}
		findings, picture, err := s.take()
		if err != nil {
			return fmt.Errorf("%s %s: %w", name, v.name, err)
		}
		kind := ".png"
		if c.small {
			kind = ".webp"
		}
		if err := os.WriteFile(filepath.Join(c.out, file+"."+v.name+kind), picture, 0o644); err != nil { // #nosec G306 -- as the rest of the tree
			return fmt.Errorf("keep a picture: %w", err)
		}
		for _, f := range findings {
			fmt.Printf("%s %s: %s\n", name, v.name, f)
		}
		c.taken++
		c.found += len(findings)
	}
	return nil
}

// browser returns a context whose first use starts Chromium. Chromium refuses
// to run as root inside its sandbox.
func browser(parent context.Context) (context.Context, context.CancelFunc) {
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.Headless, chromedp.Flag("disable-background-networking", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	alloc, stop := chromedp.NewExecAllocator(parent, options...)
	ctx, cancel := chromedp.NewContext(alloc)
	return ctx, func() { cancel(); stop() }
}

// links returns the paths that the base page links to on its own origin.
func links(ctx context.Context, home *url.URL) ([]string, error) {
	if err := chromedp.Do(ctx, chromedp.Navigate(home.String())); err != nil {
		return nil, fmt.Errorf("open %s: %w", home, err)
	}
	paths, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...new Set([...document.links]
		.filter(a => a.origin === location.origin).map(a => a.pathname + a.search))]`))
	if err != nil {
		return nil, fmt.Errorf("read the links of %s: %w", home, err)
	}
	return paths, nil
}

func ref(path string) *url.URL {
	u, err := url.Parse(path)
	if err != nil {
		return &url.URL{Path: path}
	}
	return u
}

// fileName makes one word of a path: "/auth/sign-in?x=y" is "auth-sign-in-x-y".
func fileName(path string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune("/?&=%:", r) {
			return '-'
		}
		return r
	}, path), "-")
	if name == "" {
		return "start"
	}
	name = strings.TrimPrefix(name, "page-")
	// File systems end at 255 bytes, and a page is known by its beginning.
	return name[:min(len(name), 100)]
}
