package demo

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPathsThatAreNotCanonical(t *testing.T) {
	t.Parallel()
	auth := newAuthServer(t)
	d := newDemoServer(t, auth, nil)
	for _, target := range []string{
		"/public/../echo", "/..", "/./echo", "/.", "/echo/.", "/echo/..", "//echo", "/a//b", "///",
		"/%2e%2e/echo", "/%2E%2E/echo", "/public/..%2fecho", "/public%2Fecho", "/a%2fb",
		"/public/..;/echo", "/..;a=b/echo", "/.;/echo", "/%5cecho", "/%5Cecho", `/a\b`, "/a%00b", "/a%0Ab", "/a%7F",
		"/%252e%252e/echo", "/%25", "/%65cho", "/%7Euser", "/caf%c3%a9", "/%C3%28", "/%FF", "/é", "/a|b", `/a"b`, "/<b>", "/a{b}", "/a^b",
		"/echo#x", "/echo?a#b", "/echo?\x01", "/echo?é",
		"http://evil.test/echo", "http://app.test:8081/echo", "/.af-auth/../echo", "/.af-auth/%2e%2e/echo", "/.af-auth//start", "/.af-auth/..;/echo",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			if res, _ := d.get(t, target); res.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
	t.Cleanup(func() {
		if a, f, s := len(auth.asked()), len(auth.folderRequests()), d.served.Load(); a+f != 0 || s != 0 {
			t.Errorf("af-auth was asked %d times, its folder saw %d requests, the application %d", a, f, s)
		}
	})
}

func TestCanonicalPathsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	seen := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.RequestURI)) })
	d := newDemoServer(t, newAuthServer(t), seen)
	for _, target := range []string{
		"/", "/a", "/a/", "/a/b/", "/a.b/..c/d..", "/.well-known/x", "/...", "/a%20b", "/caf%C3%A9", "/a;v=1/b", "/~user/@me:x/(1)'!*$&+,=",
		"/%22%3C%3E%7C", "/?a=/../b", "/a?b=%2e%2e&c=//d", "/a?", "/.AF-AUTH/start", "/.af-auth",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			if res, body := d.get(t, target); res.StatusCode != http.StatusOK || body != target {
				t.Errorf("status %d, the application saw %q", res.StatusCode, body)
			}
		})
	}
}

func TestBadTargetIsExplained(t *testing.T) {
	t.Parallel()
	res, body := newDemoServer(t, newAuthServer(t), nil).get(t, "//evil.test/..", "Accept: text/html")
	if res.StatusCode != 400 || !strings.Contains(body, "not in its plain form") || strings.Contains(body, "evil") {
		t.Errorf("status %d: %s", res.StatusCode, body)
	}
}

// What passes is read alike by everybody: decoding it, cleaning it and decoding
// it again change nothing.
func FuzzCanonicalPath(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "/a%20b/", "/%2e%2e", "/..;/x", "//", "/caf%C3%A9", "/a%", "/%25%32%65", "/%00", "a", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if !canonicalPath(raw) {
			return
		}
		decoded, err := url.PathUnescape(raw)
		if err != nil {
			t.Fatalf("%q passed and does not decode: %v", raw, err)
		}
		if twice, err := url.PathUnescape(decoded); err != nil || twice != decoded {
			t.Errorf("%q decodes twice: %q", raw, twice)
		}
		clean := path.Clean(decoded)
		if strings.HasSuffix(decoded, "/") && clean != "/" {
			clean += "/"
		}
		if clean != decoded || strings.Count(raw, "/") != strings.Count(decoded, "/") {
			t.Errorf("%q is cleaned to %q", raw, clean)
		}
		if strings.ContainsAny(decoded, "\\\x00\r\n\x7f") || !utf8.ValidString(decoded) {
			t.Errorf("%q decodes to %q", raw, decoded)
		}
		if u, err := url.ParseRequestURI(raw); err != nil || u.EscapedPath() != raw {
			t.Errorf("%q is parsed to %v, %v", raw, u, err)
		}
	})
}

func FuzzDropAuthCookies(f *testing.F) {
	for _, s := range []string{"a=1", "af_auth_8081=x; a=1", "__Host-af_auth=x", `a="b; af_auth_1=2"`, ";;=;", "a\t=1; af_auth_\t=2"} {
		f.Add(s, "b=2")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		r := &http.Request{Header: http.Header{"Cookie": {one, two}}}
		before := r.Cookies()
		dropAuthCookies(r.Header)
		after := r.Cookies()
		for _, c := range after {
			if authCookie(c.Name) {
				t.Errorf("%q kept %s", one, c.Name)
			}
		}
		var others int
		for _, c := range before {
			if !authCookie(c.Name) {
				others++
			}
		}
		if len(after) != others {
			t.Errorf("%q, %q: %d other cookies became %d", one, two, others, len(after))
		}
	})
}
