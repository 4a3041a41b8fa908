// Command shots takes pictures of pages, wide and narrow, light and dark, and
// checks what a picture does not show.
//
//	go run ./internal/web/page/preview &
//	go run ./e2e/shots -base http://127.0.0.1:8090/ -out shots
//	go run ./e2e/shots -base http://127.0.0.1:8080/ -out shots -axe axe.min.js /auth/ /auth/about
//
// Without paths it takes every page of the same origin that the base page links
// to. For each page it reports a sideways scroll, everything that the console
// says (violations of the Content-Security-Policy among it), boxes that stand
// off the 4-px grid, and, with -axe FILE, what axe-core finds; axe.min.js comes
// from npm's axe-core and is not part of this repository. The exit code is 1
// when anything was reported.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// pageTimeout bounds everything done with one page in one view.
const pageTimeout = 30 * time.Second

func main() {
	base := flag.String("base", "http://127.0.0.1:8090/", "address that paths are relative to")
	out := flag.String("out", "shots", "folder for the pictures; made when missing")
	axe := flag.String("axe", "", "path of axe.min.js; empty: no check with axe")
	flag.Parse()
	found, err := run(*base, *out, *axe, flag.Args())
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
func run(base, out, axeFile string, paths []string) (int, error) {
	home, err := url.Parse(base)
	if err != nil {
		return 0, fmt.Errorf("read -base: %w", err)
	}
	var axe string
	if axeFile != "" {
		source, err := os.ReadFile(filepath.Clean(axeFile))
		if err != nil {
			return 0, fmt.Errorf("read -axe: %w", err)
		}
		axe = string(source)
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return 0, fmt.Errorf("make the folder for pictures: %w", err)
	}
	ctx, cancel := browser()
	defer cancel()
	console, err := listen(ctx)
	if err != nil {
		return 0, fmt.Errorf("start the browser: %w", err)
	}
	if len(paths) == 0 {
		if paths, err = links(ctx, home); err != nil {
			return 0, err
		}
	}
	found := 0
	for _, path := range paths {
		for _, v := range views {
			s := shot{ctx: ctx, url: home.JoinPath("/").ResolveReference(ref(path)).String(), view: v, axe: axe, console: console}
			findings, picture, err := s.take()
			if err != nil {
				return found, fmt.Errorf("%s %s: %w", path, v.name, err)
			}
			file := filepath.Join(out, fileName(path)+"."+v.name+".png")
			if err := os.WriteFile(file, picture, 0o600); err != nil {
				return found, fmt.Errorf("keep a picture: %w", err)
			}
			for _, f := range findings {
				fmt.Printf("%s %s: %s\n", path, v.name, f)
			}
			found += len(findings)
		}
	}
	fmt.Printf("%d pages, %d pictures in %s\n", len(paths), len(paths)*len(views), out)
	return found, nil
}

// browser returns a context whose first use starts Chromium. Chromium refuses
// to run as root inside its sandbox.
func browser() (context.Context, context.CancelFunc) {
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.Headless, chromedp.Flag("disable-background-networking", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
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
