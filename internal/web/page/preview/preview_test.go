package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/af-auth/af-auth/internal/web/page"
)

func TestEverySampleIsServed(t *testing.T) {
	t.Parallel()
	handler, err := newPreview()
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	links := regexp.MustCompile(`<a href="([^"]+)"`).FindAllStringSubmatch(get("/").Body.String(), -1)
	if len(links) != len(samples(page.Chrome{})) {
		t.Errorf("the start page links to %d pages, want %d", len(links), len(samples(page.Chrome{})))
	}
	for _, link := range links {
		if w := get(link[1]); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", link[1], w.Code)
		}
	}
}
