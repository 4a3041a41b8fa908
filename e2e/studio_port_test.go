package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// TestStudioTakenPort: where another program holds the port, studio names it, as
// far as the system tells, takes the next free one and prints that.
func TestStudioTakenPort(t *testing.T) {
	t.Parallel()
	database := pgtest.Empty(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken := l.Addr().(*net.TCPAddr).Port
	link, said := startStudioAt(t, database, strconv.Itoa(taken))
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	holder := ""
	if runtime.GOOS == "linux" {
		holder = fmt.Sprintf(` by %s \(process %d\)`, regexp.QuoteMeta(comm(t)), os.Getpid())
	}
	m := regexp.MustCompile(fmt.Sprintf(`port %d is taken%s; studio is on port (\d+)\n`, taken, holder)).FindStringSubmatch(said())
	if m == nil || m[1] != u.Port() || u.Port() == strconv.Itoa(taken) {
		t.Fatalf("the link is %s, and said was: %s", link, said())
	}
	if on, err := strconv.Atoi(m[1]); err != nil || on <= taken || on >= taken+64 {
		t.Errorf("port %s is not the next free one behind %d", m[1], taken)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		t.Errorf("the link: %s", res.Status)
	}
}

// comm is this process as Linux calls it.
func comm(t *testing.T) string {
	t.Helper()
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(name))
}
