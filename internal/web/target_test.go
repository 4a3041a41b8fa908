package web

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"/", "/a", "/a/", "/a?b=c", "/?//", "/a?x=/../..;/%2e%zz", "/a?b?c", "/d/latency/my-board", "/wiki/Caf%C3%A9", "/wiki/caf%c3%a9", "/src/My%20File.md",
		"/~ann/x", "/%7Eann", "/a;b=c", "/a;b/c", "/a:b@c,d=e+f", "/a%3Ab", "/C%23", "/what%3F", "/100%25%20sure", "/[x]|y", "/a...b", "/.well-known/x", "/a/..b", "/%F0%9F%91%A9", "/" + strings.Repeat("a", longestTarget-1),
	} {
		if u, ok := target(good); !ok || u.RequestURI() != good && u.Path == "" {
			t.Errorf("%.80q is refused", good)
		}
	}
	for _, bad := range []string{
		"", "a", "*", "?", "http://evil.test/", "http:/a", "//", "//a", "/a//b", "/a//", "/.", "/..", "/./a", "/a/.", "/a/..", "/a/../b", "/public/../admin",
		"/public/%2e%2e/admin", "/public/%2E%2E/admin", "/public/%2e/admin", "/public/..%2fadmin", "/public/..%2Fadmin", "/public/%2e%2e%2fadmin", "/a%2fb", "/a%5cb", "/a%5Cb", `/a\b`, `/..\admin`,
		"/public/..;/admin", "/public/.;/admin", "/public/;/admin", "/;x/admin", "/public/..;a=b/admin", "/public/..%3b/admin", "/public/..%3B/admin",
		"/%00", "/a%00b", "/a%0a", "/a%0D%0Ab", "/a%7f", "/a\x00", "/a\tb", "/a b", "/a\r\nb", "/a\x7f", "/é", "/a\xff", "/a#b", "/a?b#c", "/foo/secret#/bar",
		"/%252e%252e/admin", "/%252fadmin", "/%25%32%65", "/a%2561", "/%61dmin", "/%41", "/%2d", "/%2e", "/%5f", "/%30", "/%", "/%zz", "/a%2", "/%u002e", "/" + strings.Repeat("a", longestTarget), "/?" + strings.Repeat("a", 64<<10),
	} {
		if _, ok := target(bad); ok {
			t.Errorf("%.80q is taken", bad)
		}
	}
}

func TestPublicPaths(t *testing.T) {
	t.Parallel()
	open := PublicPaths{app: {"/api/hooks/", "/healthz"}, own: {"/hooks"}}
	for _, c := range []struct {
		host, uri string
		want      bool
	}{
		{app, "/healthz", true}, {app, "/healthz?x=/admin", true}, {app, "/healthz/", true}, {app, "/healthz/deep/er", true}, {app, "/api/hooks/", true}, {app, "/api/hooks/x?y", true},
		{app, "/healthzx", false}, {app, "/healthz.json", false}, {app, "/healthz-admin", false}, {app, "/Healthz", false}, {app, "/HEALTHZ", false}, {app, "/", false}, {app, "/x/healthz", false},
		{app, "/api/hooks", false}, {app, "/api/hooksx", false}, {app, "/api", false}, {app, "/admin?x=/healthz", false}, {app, "/admin?/healthz", false},
		{app, "/hooks", false}, {own, "/hooks", true}, {own, "/hooks/x", true}, {own, "/healthz", false}, {"", "/healthz", false}, {app + ":443", "/healthz", false}, {"x" + app, "/healthz", false},
		// What the application might read as another path is not public, even where the gate takes it.
		{app, "/healthz/a%20b", false}, {app, "/healthz/%C3%A9", false}, {app, "/healthz;x", false}, {app, "/healthz/;x", false}, {app, "/healthz/C%23", false}, {app, "/healthz%23/x", false}, {app, "/healthz%3Fx", false},
	} {
		u, ok := target(c.uri)
		if got := ok && open.Open(c.host, u); got != c.want {
			t.Errorf("%s%s: %v", c.host, c.uri, got)
		}
	}
	if u, _ := target("/x"); (PublicPaths{}).Open(app, u) || PublicPaths(nil).Open(app, u) {
		t.Error("open without an entry")
	}
}

const (
	own = "auth.example.test"
	app = "app.example.test"
)

// FuzzTarget: however an application reads a path that passes, it reads the
// path that the gate has seen; and what is public is so letter by letter.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"/", "/hooks", "/hooks/x?y", "/hooks/../admin", "/hooks/..;/admin", "/hooks/%2e%2e/admin", "/hooks/%252e%252e/admin", "/hooks%2f..%2fadmin", "/hooks/a%20b", "/hooks/%C3%A9",
		"/hooks/100%25%20", "/a#b", "//hooks", "/hooks/%00", "/hooks/;/..;x/admin", `/hooks\..\admin`, "/hooks/%zz", "/a?%zz", "/%25%32%65",
	} {
		f.Add(seed)
	}
	open := PublicPaths{app: {"/hooks", "/api/x/"}}
	f.Fuzz(func(t *testing.T, uri string) {
		u, ok := target(uri)
		if !ok {
			return
		}
		raw, _, _ := strings.Cut(uri, "?")
		if u.Host != "" || u.Scheme != "" || u.User != nil || u.Fragment != "" || len(uri) > longestTarget {
			t.Fatalf("%q is read as %+v", uri, u)
		}
		once, err := url.PathUnescape(raw)
		if err != nil || once != u.Path {
			t.Fatalf("%q is read as %q and %q", uri, once, u.Path)
		}
		for reader, seen := range map[string]string{"raw": raw, "decoded": once, "decoded twice": twice(once), "without parameters": bare(once), "with backslashes": strings.ReplaceAll(once, `\`, "/")} {
			if clean := path.Clean(seen); seen != clean && (clean == "/" || seen != clean+"/") {
				t.Errorf("%q, %s, leads to %q", uri, reader, clean)
			}
			if strings.Count(seen, "/") != strings.Count(raw, "/") {
				t.Errorf("%q, %s, has other segments: %q", uri, reader, seen)
			}
			if strings.ContainsFunc(seen, isControl) {
				t.Errorf("%q, %s, holds a control character", uri, reader)
			}
		}
		if open.Open(app, u) && raw != "/hooks" && !strings.HasPrefix(raw, "/hooks/") && !strings.HasPrefix(raw, "/api/x/") {
			t.Errorf("%q is public", uri)
		}
	})
}

func twice(once string) string {
	if again, err := url.PathUnescape(once); err == nil {
		return again
	}
	return once
}

func bare(p string) string {
	segments := strings.Split(p, "/")
	for i := range segments {
		segments[i], _, _ = strings.Cut(segments[i], ";")
	}
	return strings.Join(segments, "/")
}
