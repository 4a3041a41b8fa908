package e2e

import (
	"bytes"
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// injectable are addresses of studio, each with a mark where sqlmap tries what it
// knows.
var injectable = []string{
	"/t/public/users?f=login.starts.user*", "/t/public/users?f=github_user_id.in.1001,1002*", "/t/public/users?sort=login*", "/t/public/users?q=user0*",
	"/t/public/users?from=0*", "/t/public/users?cols=id,login*", "/t/public/users/row/1*", "/t/public/users*", "/?q=users*",
}

// TestStudioSqlmap lets sqlmap try every parameter that reaches a query. It knows
// PostgreSQL's errors, delays and unions; a finding of any kind fails.
func TestStudioSqlmap(t *testing.T) {
	t.Parallel()
	sqlmap, err := exec.LookPath("sqlmap")
	if err != nil {
		t.Fatalf("%v; make setup brings it", err)
	}
	database := pgtest.New(t)
	studioReader(t, database)
	cookie, origin := studioCookie(t, startStudio(t, database))
	if status := statusWith(t, origin+"/t/public/users?q=user0", cookie); status != http.StatusOK {
		t.Fatalf("studio is not open to sqlmap: %d", status)
	}
	for _, target := range injectable {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, sqlmap, "-u", origin+target, "--cookie", cookie, "--batch", "--dbms", "PostgreSQL", "--level", "2", "--risk", "1",
				"--flush-session", "--output-dir", t.TempDir(), "--disable-coloring", "--ignore-code", "404,422", "--technique", "BEUS", "--skip-waf", "--retries", "0")
			cmd.Dir = t.TempDir()
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &said)
			}
			if !strings.Contains(said.String(), "do not appear to be injectable") || strings.Contains(said.String(), "identified the following injection point") {
				t.Errorf("sqlmap says:\n%s", &said)
			}
		})
	}
}

// studioCookie opens the link and returns what opens studio from then on.
func studioCookie(t *testing.T, link string) (cookie, origin string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Jar: jar}).Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range jar.Cookies(u) {
		cookie += c.Name + "=" + c.Value + "; "
	}
	return strings.TrimSuffix(cookie, "; "), u.Scheme + "://" + u.Host
}

func statusWith(t *testing.T, address, cookie string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
