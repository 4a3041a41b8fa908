package web_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/web"
)

// front is a world on a real port, with an application behind it.
type front struct {
	*world
	server *httptest.Server
}

// newFront serves handler as the application. The deadlines are shorter than
// what some tests do, so that it shows where one still counts.
func newFront(t *testing.T, handler http.HandlerFunc, settings ...setting) *front {
	t.Helper()
	application := httptest.NewServer(handler)
	t.Cleanup(application.Close)
	behind, err := url.Parse(application.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{world: newWorld(t, append([]setting{func(o *web.Options) { o.Upstream = behind }}, settings...)...)}
	f.server = httptest.NewUnstartedServer(f.world)
	f.server.Config.ReadTimeout, f.server.Config.WriteTimeout = 250*time.Millisecond, 250*time.Millisecond
	f.server.Start()
	t.Cleanup(f.server.Close)
	return f
}

// member is the browser of somebody who may come in.
func (f *front) member(t *testing.T) *browser {
	t.Helper()
	f.allow(t)
	b := f.browser()
	b.signIn(t, "octocat", "")
	return b
}

// send asks over the wire. The answer's body is closed with the test.
func (f *front) send(t *testing.T, b *browser, method, path string, body io.Reader, change func(*http.Request)) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = own
	for _, c := range b.jar[own] {
		r.AddCookie(c)
	}
	if change != nil {
		change(r)
	}
	client := &http.Client{Transport: f.server.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err == nil {
		t.Cleanup(func() { _ = res.Body.Close() })
	}
	return res, err
}

func (f *front) get(t *testing.T, b *browser, path string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	res, err := f.send(t, b, http.MethodGet, path, nil, change)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func heading(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		for i := 0; i < len(pairs); i += 2 {
			r.Header[pairs[i]] = append(r.Header[pairs[i]], pairs[i+1])
		}
	}
}

// TestUpstreamWays: which requests reach the application, and what the others
// are told.
func TestUpstreamWays(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "app "+r.RequestURI) })
	member, stranger, waiting := f.member(t), f.browser(), f.browser()
	waiting.signIn(t, "hubot", "")
	page := []string{"Sec-Fetch-Mode", "navigate", "Accept", "text/html"}
	back := func(way, path string) string {
		return way + "?return_to=" + url.QueryEscape("https://"+own+path)
	}
	for name, c := range map[string]struct {
		who    *browser
		method string
		path   string
		header []string
		status int
		want   string // of the body, or the Location
	}{
		"front page":              {member, "GET", "/", page, 200, "app /"},
		"query as it came":        {member, "GET", "/x?a=1;b=%zz&c=//../%2f", nil, 200, "app /x?a=1;b=%zz&c=//../%2f"},
		"any method":              {member, "PROPFIND", "/dav/", nil, 200, "app /dav/"},
		"escaped names":           {member, "GET", "/caf%C3%A9/a%20b/100%25.txt", nil, 200, "app /caf%C3%A9/a%20b/100%25.txt"},
		"escapes in lower case":   {member, "GET", "/caf%c3%a9", nil, 200, "app /caf%c3%a9"},
		"another case of ours":    {member, "GET", "/AUTH/verify", nil, 200, "app /AUTH/verify"},
		"below a health path":     {member, "GET", "/live/x", nil, 200, "app /live/x"},
		"encoded slash":           {member, "GET", "/a%2Fb", nil, 400, "invalid"},
		"encoded backslash":       {member, "GET", "/a%5Cb", nil, 400, "invalid"},
		"encoded letter of ours":  {member, "GET", "/%61uth/verify", nil, 400, "invalid"},
		"encoded letter":          {member, "GET", "/%78", nil, 400, "invalid"},
		"encoded dots":            {member, "GET", "/a/%2e%2e/b", nil, 400, "invalid"},
		"escaped twice":           {member, "GET", "/a%252fb", nil, 400, "invalid"},
		"dots":                    {member, "GET", "/a/../auth/x", nil, 400, "invalid"},
		"two slashes":             {member, "GET", "//auth/", nil, 400, "invalid"},
		"control byte":            {member, "GET", "/a%00b", nil, 400, "invalid"},
		"ours stays ours":         {member, "GET", "/auth/nothing", nil, 404, "not_found"},
		"ours, another method":    {member, "POST", "/auth/verify", nil, 405, "method_not_allowed"},
		"health, another method":  {member, "POST", "/live", nil, 405, "method_not_allowed"},
		"tickets are for others":  {member, "GET", "/.af-auth/x", nil, 404, "not_found"},
		"metrics":                 {member, "GET", "/metrics", nil, 401, "not_signed_in"},
		"nobody, a page":          {stranger, "GET", "/x?y=1", page, 303, back("/auth/sign-in", "/x?y=1")},
		"nobody, an old browser":  {stranger, "GET", "/", []string{"Accept", "text/html,*/*"}, 303, back("/auth/sign-in", "/")},
		"nobody, a script":        {stranger, "GET", "/api", []string{"Sec-Fetch-Mode", "cors", "Accept", "text/html"}, 401, "not_signed_in"},
		"nobody, a program":       {stranger, "GET", "/api", nil, 401, "not_signed_in"},
		"nobody, a form":          {stranger, "POST", "/x", page, 401, "not_signed_in"},
		"nobody, HEAD":            {stranger, "HEAD", "/x", page, 401, ""},
		"waiting, a page":         {waiting, "GET", "/x", page, 303, back("/auth/continue", "/x")},
		"waiting, a script":       {waiting, "GET", "/x", nil, 403, "not_whitelisted"},
		"open path, as it claims": {stranger, "GET", "/x", []string{"X-Forwarded-Uri", "/live", "X-Original-Url", "/live"}, 401, "not_signed_in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := f.send(t, c.who, c.method, c.path, nil, heading(c.header...))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			got := string(body)
			if res.StatusCode == http.StatusSeeOther {
				got = res.Header.Get("Location")
			}
			if res.StatusCode != c.status || !strings.Contains(got, c.want) {
				t.Errorf("%d %q, want %d %q", res.StatusCode, got, c.status, c.want)
			}
		})
	}
}

// TestUpstreamForOthers: a permission for other applications is none for this
// one, and nobody is sent in a circle.
func TestUpstreamForOthers(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "app") })
	b := f.member(t)
	f.exec(t, "UPDATE users SET apps = '{other.example.test}'")
	out := b.ask("GET", "/x", asking("Sec-Fetch-Mode", "navigate"))
	for _, way := range []string{"/auth/continue?", "/auth/refused?"} {
		if out.Code != http.StatusSeeOther || !strings.HasPrefix(to(out), way) {
			t.Fatalf("a page: %d to %q, not %s", out.Code, to(out), way)
		}
		out = b.get(to(out))
	}
	if out.Code != http.StatusForbidden {
		t.Errorf("in the end: %d to %q", out.Code, to(out))
	}
	if res, body := f.get(t, b, "/x", nil); res.StatusCode != http.StatusForbidden || !strings.Contains(body, "not_for_this_app") {
		t.Errorf("a script: %d %s", res.StatusCode, body)
	}
	if res, _ := f.get(t, b, "/auth/", heading("Accept", "text/html")); res.StatusCode != http.StatusOK {
		t.Errorf("our own page: %d", res.StatusCode)
	}
	f.exec(t, "UPDATE users SET apps = ARRAY[$1]", own)
	if res, body := f.get(t, b, "/x", nil); res.StatusCode != http.StatusOK || body != "app" {
		t.Errorf("with this one: %d %s", res.StatusCode, body)
	}
}

// TestUpstreamHears: what the application is told, and what it is not.
func TestUpstreamHears(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	f := newFront(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r
	})
	b := f.member(t)
	lies := heading("X-Auth-Request-User", "root", "x_auth_request_user", "root", "X_Auth-Request_User", "root", "XAuthRequestEmail", "root", "x-auth-request-groups", "root",
		"Remote-User", "root", "X-Webauth-User", "root", "Forwarded", "for=root", "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Host", "evil", "X-Forwarded-Proto", "gopher",
		"X-Forwarded-User", "root", "X-Real-Ip", "6.6.6.6", "X-Request-Id", "root", "Connection", "X-Auth-Request-User, x-auth-request-name, X-Forwarded-For, Cookie",
		"Cookie", `theirs="a b"; af_auth_8080=root; __Host-AF_AUTH=root; =af_auth=root; af_author=kept`, "Authorization", "Basic kept", "Accept-Encoding", "br")
	res, err := f.send(t, b, http.MethodPost, "/x", io.MultiReader(strings.NewReader("body")), func(r *http.Request) {
		lies(r)
		r.Trailer = http.Header{"X-Auth-Request-User": {"root"}}
	})
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", res, err)
	}
	r := <-got
	for name, want := range map[string]string{
		"X-Auth-Request-User": "octocat", "X-Auth-Request-Github-Id": "583231", "X-Auth-Request-Email": "",
		"X-Forwarded-Host": own, "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1",
		"X-Request-Id": res.Header.Get("X-Request-Id"), "Authorization": "Basic kept", "Accept-Encoding": "br",
	} {
		if values := r.Header.Values(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
	if r.Host != own {
		t.Errorf("Host %q", r.Host)
	}
	for name, values := range r.Header {
		if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "root") || strings.Contains(v, "6.6.6.6") }) {
			t.Errorf("%s: %q came through", name, values)
		}
	}
	if len(r.Trailer) != 0 {
		t.Errorf("trailers %v came through", r.Trailer)
	}
}

// TestUpstreamCookies: the application's cookies and ours, up and down.
func TestUpstreamCookies(t *testing.T) {
	t.Parallel()
	up := make(chan string, 1)
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		up <- strings.Join(r.Header.Values("Cookie"), " | ")
		for _, c := range []string{"theirs=1; Path=/", "__Host-af_auth=stolen; Secure; Path=/", "af_auth_state_x=1", "=__Host-af_auth=stolen", " AF_AUTH_notice =1", "af_author=2"} {
			w.Header().Add("Set-Cookie", c)
		}
		w.Header().Set("X-Request-Id", "theirs")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
	}, trusting("127.0.0.1/32"))
	b := f.member(t)
	res, _ := f.get(t, b, "/x", heading("Cookie", `theirs="a b"; af_auth_8080=x; other=%20`, "X-Forwarded-For", "198.51.100.7"))
	if sent := <-up; sent != `theirs="a b"; other=%20` {
		t.Errorf("up: %q", sent)
	}
	if set := res.Header["Set-Cookie"]; !slices.Equal(set, []string{"theirs=1; Path=/", "af_author=2"}) {
		t.Errorf("down: %q", set)
	}
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'self'", "X-Request-Id": "theirs", "Cache-Control": "", "Strict-Transport-Security": "",
		"Cross-Origin-Opener-Policy": "", "Cross-Origin-Resource-Policy": "", "X-Content-Type-Options": "", "Referrer-Policy": ""} {
		if got := strings.Join(res.Header.Values(name), "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestUpstreamForwardedFor: only proxies that the operator named may say where a
// request comes from.
func TestUpstreamForwardedFor(t *testing.T) {
	t.Parallel()
	for proxies, want := range map[string]string{"10.0.0.0/8": "127.0.0.1", "127.0.0.0/8": "198.51.100.7, 127.0.0.1"} {
		f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-For"))
		}, trusting(proxies))
		if _, got := f.get(t, f.member(t), "/", heading("X-Forwarded-For", "198.51.100.7")); got != want {
			t.Errorf("trusting %s: %q, want %q", proxies, got, want)
		}
	}
}

// TestUpstreamAway: the application, and the database.
func TestUpstreamAway(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	b := f.member(t)
	res, body := f.get(t, b, "/x", heading("Accept", "text/html", "Sec-Fetch-Mode", "navigate"))
	if res.StatusCode != http.StatusBadGateway || !strings.Contains(body, "The application is not answering") || res.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("a page: %d %s", res.StatusCode, body)
	}
	res, body = f.get(t, b, "/x", nil)
	if res.StatusCode != http.StatusBadGateway || !strings.Contains(body, `"upstream_unavailable"`) || strings.Contains(body, "EOF") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a program: %d %s", res.StatusCode, body)
	}
	if log := f.log.String(); !strings.Contains(log, `"upstream_unavailable"`) || !strings.Contains(log, `"route":"upstream"`) {
		t.Errorf("the log does not tell:\n%s", log)
	}
	f.exec(t, "ALTER TABLE sessions RENAME TO gone")
	res, body = f.get(t, b, "/x", heading("Accept", "text/html", "Sec-Fetch-Mode", "navigate"))
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(body, "<html") {
		t.Errorf("without the database, a page: %d %s", res.StatusCode, body)
	}
	if res, _ = f.get(t, b, "/x", nil); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("without the database, a program: %d", res.StatusCode)
	}
}

// TestUpstreamHost: the application stands on our own host only.
func TestUpstreamHost(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(http.ResponseWriter, *http.Request) { t.Error("reached the application") })
	b := f.member(t)
	for host, want := range map[string]int{app: http.StatusMisdirectedRequest, "evil.test": http.StatusMisdirectedRequest} {
		if res, _ := f.get(t, b, "/x", func(r *http.Request) { r.Host = host }); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, res.StatusCode, want)
		}
	}
}

// TestUpstreamStreams: a line arrives when it is written, and later than the
// server's own deadlines.
func TestUpstreamStreams(t *testing.T) {
	t.Parallel()
	write := make(chan string)
	f := newFront(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for line := range write {
			_, _ = io.WriteString(w, line+"\n")
			_ = http.NewResponseController(w).Flush()
			<-time.After(300 * time.Millisecond) // longer than both deadlines
		}
	})
	b := f.member(t)
	go func() { write <- "one" }()
	res, err := f.send(t, b, http.MethodGet, "/events", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(res.Body)
	for _, want := range []string{"one", "two", "three"} {
		if want != "one" {
			write <- want
		}
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("%q, %v; want %q", lines.Text(), lines.Err(), want)
		}
	}
	close(write)
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("the end: %q, %v", lines.Text(), lines.Err())
	}
}

// TestUpstreamPublic: what the operator opened is open, and tells of nobody.
func TestUpstreamPublic(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "user="+strings.Join(r.Header.Values("X-Auth-Request-User"), ","))
	}, func(o *web.Options) { o.Public = web.PublicPaths{own: {"/hooks/"}} })
	for path, want := range map[string]int{"/hooks/x": 200, "/hooks/x?y=/../": 200, "/hooks": 401, "/hooksx": 401, "/hooks/%78": 400, "/hooks/;x": 401, "/hooks/caf%C3%A9": 401} {
		for _, b := range []*browser{f.browser(), f.member(t)} {
			if len(b.jar[own]) > 0 && want == 401 {
				continue
			}
			res, body := f.get(t, b, path, heading("X-Auth-Request-User", "root"))
			if res.StatusCode != want || want == 200 && body != "user=" {
				t.Errorf("%s: %d %s, want %d", path, res.StatusCode, body, want)
			}
		}
	}
}
