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
		case rt.method == "POST" && rt.guard != ownHostPost && rt.guard != ownHostAdminPost:
			t.Errorf("POST %s is not held to its own origin", rt.path)
		case rt.method == "GET" && rt.guard == ownHostPost, rt.method == "GET" && rt.guard == ownHostAdminPost:
			t.Errorf("GET %s is held to an origin, which links do not have", rt.path)
		case strings.HasPrefix(rt.path, "/auth/people") != rt.guard.admins():
			t.Errorf("%s %s has the guard %q", rt.method, rt.path, rt.guard)
		case strings.HasPrefix(rt.path, "/.af-auth/") != (rt.guard == appHost):
			t.Errorf("%s has the guard %q", rt.path, rt.guard)
		}
	}
}
