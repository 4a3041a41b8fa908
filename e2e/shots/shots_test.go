package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A page with every fault that shots looks for must not pass.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	serve := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; img-src data:")
			_, _ = w.Write([]byte("<!DOCTYPE html><meta name=viewport content='width=device-width'><link rel=icon href='data:,'>" + body))
		})
	}
	serve("GET /{$}", `<a href="/bad">bad</a> <a href="/bad">again</a> <a href="https://elsewhere.test/">elsewhere</a>`)
	serve("GET /bad", `<main><img alt="" width="3000" height="33" src="data:,"><div><svg width="8" height="33"></svg></div><script>alert(1)</script></main>`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	out := t.TempDir()
	found, err := task{base: server.URL + "/", out: out}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// In each view: the scroll, the script that the policy stops, and at least
	// one box of 33 px.
	if found < 3*len(views) {
		t.Errorf("%d findings, want at least %d", found, 3*len(views))
	}
	pictures, err := filepath.Glob(filepath.Join(out, "bad.*.png"))
	if err != nil || len(pictures) != len(views) {
		t.Errorf("pictures %v, %v; want %d of one page", pictures, err, len(views))
	}
	for _, file := range pictures {
		png, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
			t.Errorf("%s is no picture: %v", file, err)
		}
	}
}

func TestFaultsOfTheCallerAreErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, axe string }{{"http://%zz/", ""}, {"http://127.0.0.1/", "/nowhere/axe.min.js"}} {
		if _, err := (task{base: test.base, out: t.TempDir(), axeFile: test.axe, paths: []string{"/"}}).run(t.Context()); err == nil {
			t.Errorf("%+v: no error", test)
		}
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/": "start", "/auth/sign-in?return_to=%2Fx&a=b": "auth-sign-in-return_to--2Fx-a-b", "/page/home": "home",
	} {
		if got := fileName(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
