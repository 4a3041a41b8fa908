package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// closedWithin is how long one may hold a connection without using it.
	closedWithin = 10*time.Second + 500*time.Millisecond
	// mostGrowth is how much memory a flood may cost, in bytes.
	mostGrowth = 64 << 20
)

// TestSoakSlowClients (C40): who sends slowly is hung up on, and keeps nobody else
// waiting.
func TestSoakSlowClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	heads := []string{
		"", "G", "GET /live HTTP/1.1\r\n", "GET /live HTTP/1.1\r\nHost: auth.example.test\r\nX-A: ",
		"POST /auth/theme HTTP/1.1\r\nHost: auth.example.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ntheme=",
		"POST /auth/theme HTTP/1.1\r\nHost: auth.example.test\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthe",
		"POST /auth/sign-out HTTP/1.1\r\nHost: auth.example.test\r\nContent-Length: 1000000\r\n\r\n",
	}
	var all sync.WaitGroup
	for _, head := range heads {
		for range rounds(t, 8, 100) {
			all.Go(func() {
				took, err := trickle(w.doors[0].address, head)
				if err != nil || took > closedWithin {
					t.Errorf("%q: hung up on after %v, %v", head, took, err)
				}
			})
		}
	}
	s := w.stranger(w.doors[0])
	for range 20 {
		if got := s.get(t, ownOrigin+"/auth/sign-in"); got.status != http.StatusOK || got.took > time.Second {
			t.Errorf("somebody else is answered %d after %v", got.status, got.took)
		}
	}
	all.Wait()
}

// trickle sends a beginning, then a byte each 200 ms, and returns how long the
// server bore it.
func trickle(address, head string) (time.Duration, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	begun := time.Now()
	if _, err := io.WriteString(conn, head); err != nil {
		return 0, err
	}
	gone := make(chan error, 1)
	go func() {
		_ = conn.SetReadDeadline(begun.Add(20 * time.Second))
		_, err := io.Copy(io.Discard, conn)
		gone <- err
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-gone:
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				return time.Since(begun), err
			}
			return time.Since(begun), nil
		case <-tick.C:
			if head != "" {
				_, _ = io.WriteString(conn, "a")
			}
		}
	}
}

// TestSoakGiantInput (C40): what is too large is refused before it is read.
func TestSoakGiantInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	s := w.stranger(w.doors[0])
	before := w.metric(t, w.doors[0], "process_resident_memory_bytes")
	line := "GET /auth/verify HTTP/1.1\r\nHost: auth.example.test\r\nConnection: close\r\n"
	post := "POST /auth/theme HTTP/1.1\r\nHost: auth.example.test\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	million := strings.Repeat(".", 1<<20)
	for _, c := range []struct {
		name, sent string
		status     []int
	}{
		{"a header of 1 MiB", line + "X-A: " + million + "\r\n\r\n", []int{431}},
		{"100,000 headers", line + strings.Repeat("X-A: b\r\n", 100_000) + "\r\n", []int{431}},
		{"a million dots as cookie", line + "Cookie: __Host-af_auth=" + million + "\r\n\r\n", []int{431}},
		{"a million dots as bearer", strings.Replace(line, "/auth/verify", "/metrics", 1) + "Authorization: Bearer " + million + "\r\n\r\n", []int{431}},
		{"30,000 dots as bearer", strings.Replace(line, "/auth/verify", "/metrics", 1) + "Authorization: Bearer " + million[:30_000] + "\r\n\r\n", []int{401}},
		{"5,000 cookies", line + "Cookie: " + strings.Repeat("a=b; ", 5000) + "\r\n\r\n", []int{401}},
		{"an address of 1 MiB", "GET /" + million + " HTTP/1.1\r\nHost: auth.example.test\r\n\r\n", []int{431, 414}},
		{"a query of 30,000", "GET /auth/continue?return_to=/" + million[:30_000] + " HTTP/1.1\r\nHost: auth.example.test\r\nConnection: close\r\n\r\n", []int{303}},
		{"a method of 30,000", strings.Repeat("A", 30_000) + " / HTTP/1.1\r\nHost: auth.example.test\r\nConnection: close\r\n\r\n", []int{405}},
		{"a form of 1 MiB", post + "Content-Length: 1048582\r\n\r\ntheme=" + million, []int{413}},
		{"a form of 1 MiB in chunks", post + "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + million + "\r\n0\r\n\r\n", []int{413}},
		{"a form that says 1 GiB", post + "Content-Length: 1073741824\r\n\r\ntheme=" + million, []int{413}},
		{"a negative length", post + "Content-Length: -1\r\n\r\n", []int{400}},
		{"a form of 60,000 fields", post + "Content-Length: 60000\r\n\r\n" + strings.Repeat("a&", 30_000), []int{400}},
	} {
		got := w.doors[0].raw(t, c.sent)
		ok := false
		for _, status := range c.status {
			ok = ok || got.status == status
		}
		if !ok || got.took > closedWithin {
			t.Errorf("%s: %d after %v, want %v", c.name, got.status, got.took, c.status)
		}
	}
	for range rounds(t, 1, 20) {
		if sent := w.pour(t, post+"Content-Length: 1073741824\r\n\r\n", 1<<30); sent > 16<<20 {
			t.Errorf("%d MiB of 1 GiB were taken", sent>>20)
		}
	}
	w.grewLittle(t, before)
	if got := s.get(t, ownOrigin+"/auth/about"); got.status != http.StatusOK {
		t.Errorf("afterwards: %d", got.status)
	}
}

// pour sends a body until the server hangs up, and returns how much it took.
func (w *world) pour(t *testing.T, head string, size int) (sent int) {
	t.Helper()
	conn, err := net.Dial("tcp", w.doors[0].address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(closedWithin)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(conn, 1<<20)
	for chunk := make([]byte, 1<<20); sent < size; sent += len(chunk) {
		if _, err := out.Write(chunk); err != nil {
			return sent
		}
	}
	return sent
}

func (w *world) grewLittle(t *testing.T, before float64) {
	t.Helper()
	grew := w.metric(t, w.doors[0], "process_resident_memory_bytes") - before
	t.Logf("%.1f MiB more memory", grew/(1<<20))
	if grew > mostGrowth {
		t.Errorf("the server grew by %.0f MiB", grew/(1<<20))
	}
}

// TestSoakSignInsThatNeverEnd (C40): sign-ins that are begun and left cost neither
// memory nor a row, nor a browser its way in.
func TestSoakSignInsThatNeverEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, map[string]string{"AF_AUTH_TRUSTED_PROXIES": "127.0.0.1"})
	s := w.stranger(w.doors[0])
	s.begin(t, "")
	before := w.metric(t, w.doors[0], "process_resident_memory_bytes")
	n := rounds(t, 3000, 1_000_000)
	var all sync.WaitGroup
	for range 4 {
		one := w.stranger(w.doors[0])
		all.Go(func() {
			for range n / 4 {
				got, err := one.try(t.Context(), request{method: http.MethodGet, url: ownOrigin + "/auth/github?return_to=/" + fmt.Sprint(rand.Uint64()),
					header: http.Header{"X-Forwarded-For": {randomAddress()}, "Cookie": {""}}})
				if err != nil || got.status != http.StatusFound {
					t.Errorf("%v %v", got.status, err)
					return
				}
			}
		})
	}
	all.Wait()
	w.grewLittle(t, before)
	if rows := w.value(t, `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM tickets) + (SELECT count(*) FROM events)`); rows != "0" {
		t.Errorf("%s rows", rows)
	}
	// One browser, sent round by somebody else's page.
	long := "?return_to=" + url.QueryEscape(appOrigin+"/"+strings.Repeat("a&\"", 600))
	for range 60 {
		s.begin(t, long)
		size := 0
		for name, value := range s.jar[hostOf(ownOrigin)] {
			size += len(name) + len(value)
		}
		if size > 8000 {
			t.Fatalf("the browser sends %d bytes of cookies", size)
		}
	}
	if got := s.signIn(t, "octocat", long); got.status != http.StatusSeeOther {
		t.Errorf("the sign-in that counts: %d", got.status)
	}
}

// TestNamesThatNobodyKnows (C40): invented methods, paths, hosts and codes make
// no new series.
func TestNamesThatNobodyKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	s := w.stranger(w.doors[0])
	round := func() {
		for range 300 {
			name := fmt.Sprintf("x%d", rand.Uint64())
			for _, r := range []request{
				{method: "GET", url: ownOrigin + "/" + name}, {method: strings.ToUpper(name), url: ownOrigin + "/auth/"}, {method: "GET", url: ownOrigin + "/auth/assets/" + name},
				{method: "GET", url: ownOrigin + "/", host: name + ".test"}, {method: "GET", url: ownOrigin + "/auth/github/callback?error=" + name + "&state=" + name},
				{method: "GET", url: appOrigin + "/.af-auth/enter?ticket=" + name}, {method: "GET", url: ownOrigin + "/auth/verify", header: http.Header{"Cookie": {name + "=" + name}}},
			} {
				s.send(t, r)
			}
		}
	}
	round()
	first := w.series(t)
	round()
	if second := w.series(t); second > first {
		t.Errorf("%d series became %d", first, second)
	}
}

// series counts the lines of our own metrics.
func (w *world) series(t *testing.T) int {
	t.Helper()
	got := w.stranger(w.doors[0]).send(t, request{method: http.MethodGet, url: ownOrigin + "/metrics", header: http.Header{"Authorization": {"Bearer " + w.metricsToken}}})
	n := 0
	for line := range strings.Lines(got.body) {
		// This very request is counted from the next one on.
		if strings.HasPrefix(line, "af_auth_") && !strings.Contains(line, "/metrics") {
			n++
		}
	}
	return n
}
