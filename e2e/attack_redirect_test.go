package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// openRedirects are shapes that some parser, somewhere, has read as a way to
// another host. %s is where the host stands.
func openRedirects(t *testing.T) []string {
	shapes := []string{
		"//%s", "///%s", "////%s", "/////%s", `\\%s`, `/\%s`, `\/%s`, `/\/%s`, `\/\/%s`, `//\%s`, `/\\%s`, `\\\%s`, "/.//%s", "/..//%s", "/./\\%s", "/%%2f/%s",
		"/%%2f%%2f%s", "/%%5c%s", "/%%5c%%5c%s", "/%%09/%s", "/%%0d/%s", "/%%0a//%s", "/%%00/%s", "/%%20//%s", "/%%2e%%2e//%s", "/%%252f%s", "//%s/%%2f..", "//%s/..;/", ";//%s", "?//%s", "#//%s",
		"/\t/%s", "/\n/%s", "/\r/%s", "/\v/%s", "/\x00/%s", "\t//%s", " //%s", "\x01//%s", "/ /%s", "\u00a0//%s", "\u3000//%s", "/\u2028/%s", "\ufeff//%s", "/\u200b/%s", "／／%s", "/\x7f/%s", "/\x80/%s",
		"http:%s", "http:/%s", "http://%s", "https:%s", "https:/%s", "https://%s", "https:///%s", "https:////%s", `https:\\%s`, `https:/\%s`, `https:\/%s`, "HTTPS://%s", "hTTps:%s", "https:\t//%s", "https:\n//%s", "h\nttps://%s",
		"ftp://%s", "ws://%s", "file://%s", "//https:%s", "https:https://%s", "https://https://%s", "view-source:https://%s", "blob:https://%s", "data:text/html,<script>location='https://%s'</script>",
		"javascript:location='//%s'", "JaVaScRiPt://%s/%%0aalert(1)", "java\nscript:alert('%s')", "\x01javascript:alert('%s')", "vbscript:%s", "mailto:a@%s",
		"https://auth.example.test@%s", "https://auth.example.test:443@%s", "https://auth.example.test%%40%s", "https://auth.example.test%%2f@%s", "https://a:b@%s", "https://@%s", "https://:@%s", "//@%s", "//auth.example.test@%s",
		"https://auth.example.test.%s", "https://auth.example.test%%2e%s", "https://auth.example.test%%00.%s", "https://auth.example.test\\.%s", `https://auth.example.test\@%s`, `https://%s\auth.example.test`, `https://%s\@auth.example.test`, "https://auth.example.test#@%s", "https://auth.example.test?@%s", "https://auth.example.test;@%s", "https://auth.example.test&@%s",
		"https://%s#auth.example.test", "https://%s#.auth.example.test/", "https://%s?auth.example.test", "https://%s/auth.example.test", "https://%s%%23.auth.example.test", "https://%s%%2fauth.example.test", "https://%s;auth.example.test", "https://%s%%5cauth.example.test", "https://%s\x00.auth.example.test", "https://%s\t.auth.example.test",
		"https://[auth.example.test]@%s", "https://[::1]@%s", "https://%s:443\\@auth.example.test", "https://auth.example.test:%s", "https://auth.example.test:443:%s", "https://auth.example.test:\\@%s", "https://auth.example.test:https://%s", "https://auth。example.test.%s", "https://ⓐuth.example.test/%s@%s", "https://auth.example.test\u3002%s",
		"https://app.example.test@%s", "https://app.example.test.%s", "https://app.example.test:8443@%s", "https://xapp.example.test.%s", "https://app.example.test\t@%s", "//app.example.test\\@%s",
		"/auth/github?return_to=https://%s", "/auth/continue?return_to=//%s", "/auth/sign-in?return_to=https://%s", "<>//%s", "'//%s", "\"//%s", "{//%s}", "|//%s", "^//%s", "`//%s", "$//%s", "*//%s", "~//%s", "..//%s", "./\\/%s", "//%s%%3f@auth.example.test",
	}
	var all []string
	for _, shape := range shapes {
		hosts := []string{"evil.test", "0x08080808", "evil%E3%80%82test", "134744072", "[::ffff:8.8.8.8]", "evil.test:443"}
		for _, host := range hosts[:rounds(t, 2, len(hosts))] {
			all = append(all, strings.ReplaceAll(strings.ReplaceAll(shape, "%s", host), "%%", "%"))
		}
	}
	return append(all, "", "/", "//", "///", `\`, ".", "..", "#", "?", ":", "https:", "https://", "https:///", "%", "%2f%2f", "https://auth.example.test:99999/", "https://auth.example.test:0/",
		"http://auth.example.test/", "https://auth.example.test:80/", "https://AUTH.example.test/", "https://auth.example.test./", "http://app.example.test/", "https://app.example.test:443/", "/"+strings.Repeat("a", 4096), "/"+strings.Repeat("&", 2000), strings.Repeat("/", 2000))
}

// TestSoakNobodyIsSentElsewhere (C12) carries each shape, as it is and decoded
// once, through every door that takes one.
func TestSoakNobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	out, in, waits := w.stranger(w.doors[0]), w.stranger(w.doors[0]), w.stranger(w.doors[0])
	in.signIn(t, "octocat", "")
	waits.signIn(t, "hubot", "")
	doors := []struct {
		who  *stranger
		path string
	}{
		{in, ownOrigin + "/auth/sign-in?return_to="}, {in, ownOrigin + "/auth/continue?return_to="}, {in, ownOrigin + "/auth/waiting?return_to="},
		{in, ownOrigin + "/auth/refused?return_to="}, {out, ownOrigin + "/auth/continue?return_to="}, {out, ownOrigin + "/auth/waiting?return_to="},
		{waits, ownOrigin + "/auth/sign-in?return_to="}, {waits, ownOrigin + "/auth/refused?return_to="},
		{out, appOrigin + "/.af-auth/start?return_to="},
	}
	for _, shape := range decodedToo(openRedirects(t)) {
		for _, door := range doors {
			got := door.who.get(t, door.path+url.QueryEscape(shape))
			if got.status != http.StatusSeeOther && got.status != http.StatusFound {
				t.Errorf("%s%q: %d", door.path, shape, got.status)
			}
			door.who.staysHere(t, door.path+fmt.Sprintf("%.80q", shape), got.to())
		}
	}
	for _, shape := range openRedirects(t) {
		if strings.ContainsFunc(shape, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			continue // net/http refuses to send it
		}
		got := out.send(t, request{method: http.MethodGet, url: appOrigin + "/.af-auth/start", header: http.Header{"X-Original-Uri": {shape}}})
		out.staysHere(t, fmt.Sprintf("X-Original-URI %.80q", shape), got.to())
	}
}

func decodedToo(shapes []string) []string {
	all := shapes
	for _, s := range shapes {
		if plain, err := url.QueryUnescape(s); err == nil && plain != s {
			all = append(all, plain)
		}
	}
	return all
}

// staysHere goes on as the browser would, as long as our own pages lead on, and
// fails where they lead to somebody else.
func (s *stranger) staysHere(t *testing.T, what, to string) {
	t.Helper()
	for range 5 {
		if to == "" || strings.HasPrefix(to, s.w.github.URL+"/login/oauth/authorize?") {
			return
		}
		if !leadsToUs(to) {
			t.Errorf("%s leads to %.200q", what, to)
			return
		}
		if strings.HasPrefix(to, "/") {
			to = ownOrigin + to
		}
		if !strings.HasPrefix(to, ownOrigin+"/auth/") {
			return
		}
		to = s.get(t, to).to()
	}
}

// TestSoakSignInEndsHere (C12) takes shapes through a whole sign-in, where they
// travel sealed, and through the theme form.
func TestSoakSignInEndsHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	shapes := openRedirects(t)
	for i := 0; i < len(shapes); i += rounds(t, 17, 1) {
		s := w.stranger(w.doors[0])
		got := s.signIn(t, "octocat", "?return_to="+url.QueryEscape(shapes[i]))
		if got.status != http.StatusSeeOther {
			t.Errorf("%.80q: %d %.200s", shapes[i], got.status, got.body)
		}
		s.staysHere(t, fmt.Sprintf("sign-in with %.80q", shapes[i]), got.to())
		got = s.send(t, request{method: http.MethodPost, url: ownOrigin + "/auth/theme", body: url.Values{"theme": {"dark"}, "back": {shapes[i]}}.Encode(),
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {ownOrigin}}})
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.to(), ownOrigin+"/auth/") {
			t.Errorf("theme with %.80q: %d to %q", shapes[i], got.status, got.to())
		}
	}
}

// TestDoorsThatLeadToThemselves: af-auth's own folder on an application's host
// is nowhere to go on to. A link to it would send a browser round for ever, and
// write a session each time.
func TestDoorsThatLeadToThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	w.allow(t, octocat)
	for _, back := range []string{"/.af-auth/start", "/.af-auth/enter", "/.af-auth/", "/.af-auth/start?return_to=/.af-auth/start", "/x/../.af-auth/start", "/%2eaf-auth/start"} {
		s := w.stranger(w.doors[0])
		s.signIn(t, "octocat", "")
		// nginx sets X-Original-URI to what the browser asked for.
		got := s.send(t, request{method: http.MethodGet, url: appOrigin + "/.af-auth/start", header: http.Header{"X-Original-Uri": {back}}})
		hops := 1
		for strings.Contains(got.to(), "/.af-auth/") || strings.HasPrefix(got.to(), ownOrigin) {
			if hops++; hops > 9 {
				t.Errorf("%s goes round and round", back)
				break
			}
			got = s.send(t, request{method: http.MethodGet, url: got.to(), header: http.Header{"X-Original-Uri": {strings.TrimPrefix(got.to(), appOrigin)}}})
		}
	}
}
