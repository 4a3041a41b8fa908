package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestPlainHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, scheme, want string }{
		{"auth.example.test", "https", "auth.example.test"}, {"AUTH.Example.TEST", "https", "auth.example.test"}, {"auth.example.test:443", "https", "auth.example.test"},
		{"auth.example.test:80", "https", "auth.example.test:80"}, {"127.0.0.1:80", "http", "127.0.0.1"}, {"127.0.0.1:443", "http", "127.0.0.1:443"}, {"127.0.0.1:8080", "http", "127.0.0.1:8080"},
		{"[::1]:443", "https", "[::1]"}, {"[::1]:8443", "https", "[::1]:8443"}, {"[::1]", "https", "[::1]"}, {"", "https", ""}, {":443", "https", ""}, {"a:443:443", "https", "a:443:443"},
		{"auth.example.test.", "https", "auth.example.test."}, {"auth.example.test:0443", "https", "auth.example.test:0443"}, {"auth.example.test:", "https", "auth.example.test:"},
	} {
		if got := plainHost(c.given, c.scheme); got != c.want {
			t.Errorf("plainHost(%q, %s) = %q, want %q", c.given, c.scheme, got, c.want)
		}
	}
}

// FuzzCanonical: a path that passes is read alike by everybody who reads paths.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{
		"/", "//", "///", "/auth/", "/auth/verify", "/auth/%76erify", "//auth", "/auth/../x", "/./a", "/a/.", "/a/..", "/a//", "/a;b=c", "/%2e", "/%00", "/a%2fb", "/a\\b", "/é", "/a b", "/a?b=//", "/a#b",
		"http:/a", "http://h/a", "http:a", "*", "", "a", "/a%", "/%25", "/a\x00", "/A", "/~a!$&'()*+,;=:@", "/%zz", "https://h//a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !canonical(u) {
			return
		}
		p := u.Path
		switch {
		case !strings.HasPrefix(p, "/"), strings.Contains(p, "//"), strings.ContainsAny(p, "%\\\x00?#"):
			t.Errorf("%q passes with the path %q", target, p)
		case p != path.Clean(p) && p != path.Clean(p)+"/":
			t.Errorf("%q passes with dots: %q", target, p)
		case strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
			t.Errorf("%q passes with bytes that need escaping: %q", target, p)
		}
		for segment := range strings.SplitSeq(p, "/") {
			if segment == "." || segment == ".." {
				t.Errorf("%q passes with the segment %q", target, segment)
			}
		}
		// What goes on the wire again is the same path.
		if again, err := url.ParseRequestURI(u.RequestURI()); err != nil || again.Path != p {
			t.Errorf("%q is sent on as %q, %v", target, u.RequestURI(), err)
		}
		// The mux neither cleans it nor redirects to another spelling.
		mux := http.NewServeMux()
		mux.HandleFunc("GET /{rest...}", func(http.ResponseWriter, *http.Request) {})
		if _, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: "h"}); pattern != "GET /{rest...}" {
			t.Errorf("the mux reads %q as %q", target, pattern)
		}
	})
}
