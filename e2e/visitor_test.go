package e2e

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// visitor is a browser without a window: it keeps cookies by host, follows
// redirects, and can follow a link or press a button. It runs no script.
type visitor struct {
	client *http.Client
	at     *url.URL // the page that is open
	status int
	page   string
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// open goes to an address, as by the address bar or a link.
func (v *visitor) open(t *testing.T, address string) {
	t.Helper()
	v.navigate(t, http.MethodGet, address, nil)
}

func (v *visitor) navigate(t *testing.T, method, address string, form url.Values) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	v.at, v.status, v.page = res.Request.URL, res.StatusCode, body(t, res)
}

// fetch asks as a script on the page would, and returns status and body.
func (v *visitor) fetch(t *testing.T, address string, headers http.Header) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range headers {
		r.Header[name] = values
	}
	r.Header.Set("Sec-Fetch-Mode", "cors")
	res, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body(t, res)
}

// follow opens the link whose text contains the words.
func (v *visitor) follow(t *testing.T, words string) {
	t.Helper()
	link := regexp.MustCompile(`(?s)<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)</a>`)
	tag := regexp.MustCompile(`<[^>]*>`)
	for _, m := range link.FindAllStringSubmatch(v.page, -1) {
		if strings.Contains(html.UnescapeString(tag.ReplaceAllString(m[2], "")), words) {
			to, err := v.at.Parse(html.UnescapeString(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			v.open(t, to.String())
			return
		}
	}
	t.Fatalf("no link %q on %s:\n%s", words, v.at, v.page)
}

// press sends the form of the open page with the button name=value.
func (v *visitor) press(t *testing.T, name, value string) {
	t.Helper()
	button := regexp.MustCompile(`<button[^>]*\sname="` + regexp.QuoteMeta(name) + `"\s+value="` + regexp.QuoteMeta(value) + `"`)
	if !button.MatchString(v.page) {
		t.Fatalf("no button %s=%s on %s:\n%s", name, value, v.at, v.page)
	}
	v.navigate(t, http.MethodPost, v.at.String(), url.Values{name: {value}})
}

// isOn fails unless the open page is at the given origin and path.
func (v *visitor) isOn(t *testing.T, address string, status int) {
	t.Helper()
	if got := v.at.Scheme + "://" + v.at.Host + v.at.Path; got != address || v.status != status {
		t.Fatalf("on %s with status %d, want %s with %d\n%s", v.at, v.status, address, status, v.page)
	}
}

// shows fails unless the open page contains each of the words.
func (v *visitor) shows(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(v.page, w) {
			t.Errorf("%s does not show %q:\n%s", v.at, w, v.page)
		}
	}
}

// event is one server-sent event and when it arrived.
type event struct {
	name, data string
	at         time.Time
}

// events opens an event stream and hands over its events until it ends.
func (v *visitor) events(t *testing.T, address string) <-chan event {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	// A stream has no end to wait for: its own client, without a timeout.
	stream := &http.Client{Jar: v.client.Jar, Transport: v.client.Transport}
	res, err := stream.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if media := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || !strings.HasPrefix(media, "text/event-stream") {
		t.Fatalf("%s: status %d, %s", address, res.StatusCode, media)
	}
	found := make(chan event, 16)
	go func() {
		defer close(found)
		var e event
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			switch line := lines.Text(); {
			case line == "" && e.name != "":
				e.at = time.Now()
				found <- e
				e = event{}
			case strings.HasPrefix(line, "event: "):
				e.name = strings.TrimPrefix(line, "event: ")
			case strings.HasPrefix(line, "data: "):
				e.data = strings.TrimPrefix(line, "data: ")
			}
		}
	}()
	return found
}

// await returns the first event with the data, or fails at the deadline.
func await(t *testing.T, events <-chan event, data string, within time.Duration) event {
	t.Helper()
	deadline := time.After(within)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %s", data)
			}
			if e.name == "access" && e.data == data {
				return e
			}
		case <-deadline:
			t.Fatalf("no %s within %v", data, within)
		}
	}
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
