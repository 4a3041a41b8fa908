package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// cases is what every proxy is held to. They follow one another: the first signs
// somebody in, and the last ends it.
func (f *front) cases(t *testing.T) {
	in := f.visitor(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *visitor)
	}{
		{"sign-in over two hosts", f.signsIn},
		{"the demo application", f.opensDemo},
		{"who is not signed in", f.tellsStrangers},
		{"identity from outside (C07, C08, C09)", f.takesNoIdentity},
		{"cookies", f.keepsItsCookies},
		{"paths (C03, C04, C05)", f.guardsPaths},
		{"hosts (C10)", f.keepsHostsApart},
		{"tickets", f.redeemsOnce},
		{"long addresses", f.comesBackToLongAddresses},
		{"WebSocket", f.passesWebSocket},
		{"uploads and events", f.streams},
		{"access by application", f.keepsToSomeApplications},
		{"revoke", f.closes},
		{"af-auth is gone", f.failsClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, in) })
	}
}

// ask sends one request of a browser and follows nothing.
func (f *front) ask(t *testing.T, v *visitor, r request) reply {
	t.Helper()
	client := *v.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(t.Context(), r.method, r.url, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.url, err)
	}
	return reply{status: res.StatusCode, header: res.Header, body: body(t, res)}
}

func navigation() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}
}
func script() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"application/json"}}
}

// cookies is the Cookie header that a browser sends to an origin.
func (v *visitor) cookies(t *testing.T, origin string) string {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range v.client.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// head is a request for the application, as bytes. With a visitor it brings the
// visitor's cookies.
func head(t *testing.T, v *visitor, target string, lines ...string) string {
	t.Helper()
	text := "GET " + target + " HTTP/1.1\r\nHost: " + hostOf(appOrigin) + "\r\n"
	if v != nil {
		text += "Cookie: " + v.cookies(t, appOrigin) + "\r\n"
	}
	for _, l := range lines {
		text += l + "\r\n"
	}
	return text + "\r\n"
}

// isOctocat fails unless the application was told who it is, by af-auth alone.
func isOctocat(t *testing.T, r reflection) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Auth-Request-User": "octocat", "X-Auth-Request-Github-Id": fmt.Sprint(octocat),
		"X-Auth-Request-Name": "Mona%20Octocat", "X-Auth-Request-Email": "",
	} {
		if all := r.Header.Values(name); len(all) > 1 || r.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q once", name, all, want)
		}
	}
	if id := r.Header.Values("X-Auth-Request-User-Id"); len(id) != 1 || len(id[0]) != 36 {
		t.Errorf("X-Auth-Request-User-Id is %q", id)
	}
	if strings.Contains(fmt.Sprint(r.Header), "admin") {
		t.Errorf("the application was told of an admin: %v", r.Header)
	}
}

// signsIn: a page of the application leads to GitHub, to the waiting page, and
// after an allow back to itself.
func (f *front) signsIn(t *testing.T, v *visitor) {
	page := appOrigin + "/inside?x=1"
	v.open(t, page)
	v.isOn(t, ownOrigin+"/auth/sign-in", http.StatusOK)
	v.follow(t, "Continue with GitHub")
	v.press(t, "login", "octocat")
	v.isOn(t, ownOrigin+"/auth/waiting", http.StatusOK)
	v.open(t, page)
	v.isOn(t, ownOrigin+"/auth/waiting", http.StatusOK)

	events := v.events(t, ownOrigin+"/auth/waiting/events")
	await(t, events, `{"access":"waiting"}`, 5*time.Second)
	if out, err := f.command(t, "allow", "octocat"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	await(t, events, `{"access":"allowed"}`, promise)
	v.follow(t, "Check now")
	v.isOn(t, appOrigin+"/inside", http.StatusOK)
	seen := reflected(t, v.status, v.page)
	isOctocat(t, seen)
	if seen.URI != "/inside?x=1" || seen.Host != hostOf(appOrigin) {
		t.Errorf("the application was asked for %s on %s", seen.URI, seen.Host)
	}
}

// comesBackToLongAddresses: the longest that docs/proxies.md promises, and those
// that grow most on the way, arrive; what is longer leads to the front page.
func (f *front) comesBackToLongAddresses(t *testing.T, _ *visitor) {
	longest := "/inside?" + strings.Repeat("a", 4096-len("/inside?"))
	for address, want := range map[string]string{
		longest: longest, longest + "a": "/",
		"/inside?" + strings.Repeat("&", 2380): "/inside?" + strings.Repeat("&", 2380), "/inside?" + strings.Repeat("%22", 1100): "/inside?" + strings.Repeat("%22", 1100),
	} {
		v := f.visitor(t)
		v.open(t, appOrigin+address)
		v.isOn(t, ownOrigin+"/auth/sign-in", http.StatusOK)
		v.follow(t, "Continue with GitHub")
		v.press(t, "login", "octocat")
		if seen := reflected(t, v.status, v.page); seen.URI != want {
			t.Errorf("%d bytes, %.20s…: came back to %d bytes, %.20s…", len(address), address, len(seen.URI), seen.URI)
		}
	}
}

// opensDemo: the next application opens without another sign-in.
func (f *front) opensDemo(t *testing.T, v *visitor) {
	v.open(t, elseApp+"/")
	v.isOn(t, elseApp+"/", http.StatusOK)
	v.shows(t, "Hello, Mona Octocat", "583231")
}

// tellsStrangers: a person is led to sign in, with the nonce; a script, a form
// and a socket are told 401.
func (f *front) tellsStrangers(t *testing.T, _ *visitor) {
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Fetch-Mode": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	for _, c := range []struct {
		name, method string
		header       http.Header
		status       int
	}{
		{"a page", http.MethodGet, navigation(), http.StatusFound},
		{"a page of an old browser", http.MethodGet, http.Header{"Accept": {"text/html,*/*"}}, http.StatusFound},
		{"a script", http.MethodGet, script(), http.StatusUnauthorized},
		{"a script that accepts pages", http.MethodGet, http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"text/html"}}, http.StatusUnauthorized},
		{"a program", http.MethodGet, http.Header{"Accept": {"*/*"}}, http.StatusUnauthorized},
		{"a form", http.MethodPost, navigation(), http.StatusUnauthorized},
		{"a script that sends", http.MethodPost, script(), http.StatusUnauthorized},
		{"a socket", http.MethodGet, upgrade, http.StatusUnauthorized},
	} {
		got := f.ask(t, f.visitor(t), request{method: c.method, url: appOrigin + "/inside?x=1", header: c.header})
		if got.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, got.status, got.body, c.status)
			continue
		}
		if c.status == http.StatusFound {
			to, cookie := got.to(), got.header.Get("Set-Cookie")
			if !strings.HasPrefix(to, ownOrigin+"/auth/continue?") || !strings.Contains(to, url.QueryEscape(appOrigin+"/inside?x=1")) {
				t.Errorf("%s leads to %s", c.name, to)
			}
			if !strings.HasPrefix(cookie, "__Host-af_auth_nonce=") {
				t.Errorf("%s leaves the cookie %q", c.name, cookie)
			}
			continue
		}
		media := got.header.Get("Content-Type")
		if got.to() != "" || !strings.HasPrefix(media, "application/problem+json") || !strings.Contains(got.body, `"code":"not_signed_in"`) {
			t.Errorf("%s: to %q, %s: %s", c.name, got.to(), media, got.body)
		}
	}
}

// keepsToSomeApplications: who may open one application only is refused at the
// other, and a page there leads to an explanation and not round.
func (f *front) keepsToSomeApplications(t *testing.T, v *visitor) {
	// The command returns when every server has heard of it.
	if out, err := f.command(t, "revoke", "octocat", "--app", hostOf(elseApp)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := f.ask(t, v, request{method: http.MethodGet, url: elseApp + "/", header: script()}); got.status != http.StatusForbidden && got.status != http.StatusUnauthorized {
		t.Errorf("the other application: %d %.300s", got.status, got.body)
	}
	v.open(t, elseApp+"/")
	if v.at.Scheme+"://"+v.at.Host != ownOrigin || v.status != http.StatusForbidden {
		t.Errorf("the other application leads to %s with %d:\n%s", v.at, v.status, v.page)
	}
	v.open(t, appOrigin+"/inside")
	v.isOn(t, appOrigin+"/inside", http.StatusOK)
	isOctocat(t, reflected(t, v.status, v.page))
}

// closes: the request after a revocation is refused, and its page says why.
func (f *front) closes(t *testing.T, v *visitor) {
	if out, err := f.command(t, "revoke", "octocat"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := f.ask(t, v, request{method: http.MethodGet, url: appOrigin + "/", header: script()}); got.status != http.StatusUnauthorized && got.status != http.StatusForbidden {
		t.Errorf("after the revocation: %d %s", got.status, got.body)
	}
	v.open(t, appOrigin+"/")
	v.isOn(t, ownOrigin+"/auth/refused", http.StatusForbidden)
}

// failsClosed: nobody comes in while af-auth cannot be asked.
func (f *front) failsClosed(t *testing.T, v *visitor) {
	f.doors[0].kill()
	for _, h := range []http.Header{script(), navigation()} {
		if got := f.ask(t, v, request{method: http.MethodGet, url: appOrigin + "/", header: h}); got.status < 500 || strings.Contains(got.body, "URI") {
			t.Errorf("without af-auth: %d %s", got.status, got.body)
		}
	}
}

// passesWebSocket: a socket passes with the identity, and no other upgrade does.
func (f *front) passesWebSocket(t *testing.T, v *visitor) {
	c, err := f.dial(t.Context(), hostOf(appOrigin))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(15 * time.Second))
	_, _ = io.WriteString(c, head(t, v, "/socket", "Connection: Upgrade, X-Auth-Request-User", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
	lines := newLines(c)
	if status := lines.next(t); !strings.HasPrefix(status, "HTTP/1.1 101 ") {
		t.Fatalf("the socket is answered %q", status)
	}
	for lines.next(t) != "" {
	}
	for _, word := range []string{"hello", "again"} {
		_, _ = io.WriteString(c, word+"\n")
		if got := lines.next(t); got != "octocat: "+word {
			t.Errorf("back came %q", got)
		}
	}

	got := f.raw(t, appOrigin, head(t, v, "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"))
	if seen := reflected(t, got.status, got.body); seen.Header.Get("Upgrade") != "" {
		t.Errorf("another upgrade passes: %v", seen.Header)
	}
	// Behind two lines one reader takes the first and another one any of them.
	for _, lines := range [][]string{{"Upgrade: h2c", "Upgrade: websocket"}, {"Upgrade: websocket", "Upgrade: h2c"}, {"Upgrade: h2c, websocket"}} {
		got := f.raw(t, appOrigin, head(t, v, "/", append(lines, "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")...))
		if got.status == http.StatusSwitchingProtocols {
			if to := got.header.Get("Upgrade"); to != "websocket" {
				t.Errorf("%q is switched to %q", lines, to)
			}
			continue
		}
		if seen := reflected(t, got.status, got.body); len(seen.Header.Values("Upgrade")) > 0 {
			t.Errorf("%q passes as %q", lines, seen.Header.Values("Upgrade"))
		}
	}
}

// streams: an upload is there before its end is sent, an event before the next.
func (f *front) streams(t *testing.T, v *visitor) {
	const chunk, chunks = 1 << 20, 8 // nginx's own limit is 1 MiB
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	content, upload := io.Pipe()
	go func() {
		block := make([]byte, chunk)
		_, _ = upload.Write(block)
		select {
		case <-f.arrived:
		case <-ctx.Done():
			_ = upload.CloseWithError(errors.New("the upload does not begin at the application before it ends here"))
			return
		}
		for range chunks - 1 {
			_, _ = upload.Write(block)
		}
		_ = upload.Close()
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, appOrigin+"/upload", content)
	if err != nil {
		t.Fatal(err)
	}
	res, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if seen := reflected(t, res.StatusCode, body(t, res)); seen.Bytes != chunk*chunks-1 || seen.Method != http.MethodPut {
		t.Errorf("%s of %d bytes arrived, want %d", seen.Method, seen.Bytes+1, chunk*chunks)
	}

	events := v.events(t, appOrigin+"/events")
	await(t, events, "one", 5*time.Second)
	close(f.goOn)
	await(t, events, "two", 5*time.Second)
}
