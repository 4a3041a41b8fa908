package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// running is a studio that somebody has started and opened.
type running struct {
	origin string
	client *http.Client
	cmd    *exec.Cmd
	stderr *strings.Builder
}

// startStudio runs af-auth db studio and opens its link.
func startStudio(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	r, link := launchStudio(t, env, args...)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.client = &http.Client{Jar: jar}
	r.origin, _, _ = strings.Cut(link, "/open?")
	if status, _ := r.ask(t, link, nil); status != http.StatusOK {
		t.Fatalf("the link: %d", status)
	}
	return r
}

// launchStudio runs af-auth db studio and returns its link, which is not opened.
func launchStudio(t *testing.T, env []string, args ...string) (r *running, link string) {
	t.Helper()
	r = &running{cmd: exec.Command("af-auth", append([]string{"db", "studio", "--no-open"}, args...)...), stderr: &strings.Builder{}}
	r.cmd.Dir, r.cmd.Env, r.cmd.Stderr = t.TempDir(), env, r.stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); _ = r.cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	link, ok := strings.CutPrefix(strings.TrimSpace(line), "studio: ")
	if err != nil || !ok {
		t.Fatalf("the first line is %q (%v)\n%s", line, err, r.stderr)
	}
	return r, link
}

// ask gets an address, or posts a form.
func (r *running) ask(t *testing.T, address string, form url.Values) (int, string) {
	t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", r.origin)
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// interrupt is Ctrl-C, which ends studio with success.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(20*time.Second, func() { _ = r.cmd.Process.Kill() })
	defer late.Stop()
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, r.stderr)
	}
}

// TestStudioReads does what docs/database.md says of roles: as the application's
// role the SQL box is off and says why; as the role that reads it works.
func TestStudioReads(t *testing.T) {
	t.Parallel()
	address, as, after := deployedByRoles(t)
	runSQL(t, as("owner"), after)
	env := []string{"DATABASE_URL=" + as("app")}

	off := startStudio(t, env, "--port", "0")
	_, body := off.ask(t, off.origin+"/sql", nil)
	for _, want := range []string{"The SQL box is off", "the user af_auth_app may read what is masked: sessions.token_hash", "users.github_access_token",
		"CREATE ROLE &#34;af_auth_read&#34; LOGIN", "--sql-url &#39;postgres://af_auth_read@/af_auth?host="} {
		if !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
			t.Errorf("as af_auth_app the page does not say %q", want)
		}
	}
	if status, _ := off.ask(t, off.origin+"/sql", url.Values{"statement": {"SELECT 1"}}); status != http.StatusForbidden {
		t.Errorf("as af_auth_app: %d", status)
	}
	off.interrupt(t)

	// The role that reads is not there yet.
	early := exec.Command("af-auth", "db", "studio", "--no-open", "--port", "0", "--sql-url", as("read"))
	early.Dir, early.Env = t.TempDir(), env
	if out, err := early.CombinedOutput(); err == nil || !strings.Contains(string(out), "af-auth: --sql-url: ") {
		t.Errorf("as nobody: %v\n%s", err, out)
	}

	runSQL(t, databaseURL(t, address), readingRole(t))
	on := startStudio(t, env, "--port", "0", "--sql-url", as("read"))
	for sql, want := range map[string]int{
		"SELECT login, is_whitelisted FROM users": http.StatusOK, "SELECT kind FROM events": http.StatusOK, "SELECT host FROM sessions": http.StatusOK,
		"SELECT version FROM af_auth_migrations": http.StatusOK, "SELECT session_id FROM tickets": http.StatusOK,
		"SELECT github_access_token FROM users": http.StatusUnprocessableEntity, "SELECT * FROM sessions": http.StatusUnprocessableEntity,
		"SELECT nonce_hash FROM tickets": http.StatusUnprocessableEntity, "SET ROLE af_auth_app": http.StatusUnprocessableEntity,
		"UPDATE users SET is_whitelisted = true": http.StatusUnprocessableEntity,
	} {
		if status, body := on.ask(t, on.origin+"/sql", url.Values{"statement": {sql}}); status != want {
			t.Errorf("as af_auth_read, %s: %d, want %d\n%s", sql, status, want, body)
		}
	}
	on.interrupt(t)
}

// readingRole is the SQL of docs/database.md's section on the role that reads.
func readingRole(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "database.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n### A role that reads\n")
	parts := strings.Split(section, "```")
	if len(parts) < 2 || !strings.HasPrefix(parts[1], "sql\n") {
		t.Fatal("the section has no block of SQL")
	}
	return strings.TrimPrefix(parts[1], "sql\n")
}

// TestStudioPortAndEnd: a taken port is told, with who has it where Linux says,
// and the next free one is used; Ctrl-C ends studio with open connections too.
func TestStudioPortAndEnd(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := startStudio(t, []string{"DATABASE_URL=" + pgtest.New(t)}, "--port", port)
	if strings.HasSuffix(r.origin, ":"+port) || !strings.HasPrefix(r.origin, "http://127.0.0.1:") {
		t.Errorf("studio is at %s", r.origin)
	}
	open, err := net.Dial("tcp", strings.TrimPrefix(r.origin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	r.interrupt(t)
	if said := r.stderr.String(); !strings.Contains(said, "port "+port+" is taken") || !strings.Contains(said, "studio is on port") {
		t.Errorf("stderr: %q", said)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(r.origin, "http://")); err == nil {
		t.Error("something listens after the end")
	}
}
