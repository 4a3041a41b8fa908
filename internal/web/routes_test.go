package web

import (
	"net/url"
	"strings"
	"testing"
)

func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	s := &Server{Options: Options{MetricsToken: "x", Upstream: &url.URL{}}}
	for _, rt := range s.table() {
		switch {
		case rt.guard.String() == "closed":
			t.Errorf("%s %s has no guard", rt.method, rt.path)
		case rt.handle == nil:
			t.Errorf("%s %s has no handler", rt.method, rt.path)
		case rt.method == "POST" && rt.guard != ownHostPost:
			t.Errorf("POST %s is not held to its own origin", rt.path)
		case strings.HasPrefix(rt.path, "/.af-auth/") != (rt.guard == appHost):
			t.Errorf("%s has the guard %q", rt.path, rt.guard)
		}
	}
}
