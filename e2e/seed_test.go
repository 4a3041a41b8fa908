package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/githubsim"
	"github.com/af-auth/af-auth/internal/pgserver"
)

// seedURL is the address in the seed's documentation and in .env.example.
const seedURL = "postgresql://postgres:postgres@localhost:5432/af_auth"

// TestSeedsOwnWay goes the way of the documentation that af-auth grew from: a
// local PostgreSQL with a database af_auth, a copy of .env.example, migrations,
// GitHub credentials, the server. Only what says where things listen is changed
// in .env, so that the test does not meet others on the usual ports.
func TestSeedsOwnWay(t *testing.T) {
	t.Parallel()
	port := localPostgres(t, "af_auth", "af_auth_production")
	github := httptest.NewUnstartedServer(nil)
	sim := githubsim.New(githubsim.Options{ClientID: "Iv1.seed", ClientSecret: "seed-client-secret",
		RedirectURIs: []string{"http://127.0.0.1:8080/auth/github/callback"}})
	github.Config.Handler = sim
	github.Start()
	t.Cleanup(github.Close)
	sim.SetURL(github.URL)

	s := &seedTree{dir: openFolder(t)}
	s.copyEnv(t, map[string]string{
		"DATABASE_URL=" + seedURL:           "DATABASE_URL=" + strings.Replace(seedURL, "5432", fmt.Sprint(port), 1),
		"GITHUB_CLIENT_ID=":                 "GITHUB_CLIENT_ID=Iv1.seed",
		"GITHUB_CLIENT_SECRET=":             "GITHUB_CLIENT_SECRET=seed-client-secret",
		"# GITHUB_URL=https://github.com":   "GITHUB_URL=" + github.URL,
		"# AF_AUTH_LISTEN=127.0.0.1:8080":   "AF_AUTH_LISTEN=127.0.0.1:0",
		"AF_AUTH_URL=http://127.0.0.1:8080": "AF_AUTH_URL=http://127.0.0.1:8080", // as it stands
		"# DB_POOL_MIN=2":                   "DB_POOL_MIN=2",
		"# DB_POOL_MAX=10":                  "DB_POOL_MAX=10",
		"# DB_CONNECTION_TIMEOUT_MS=5000":   "DB_CONNECTION_TIMEOUT_MS=5000",
		"# DB_MAX_RETRIES=3":                "DB_MAX_RETRIES=3",
		"# DB_RETRY_DELAY_MS=1000":          "DB_RETRY_DELAY_MS=1000",
		"# GITHUB_SCOPES=user:email":        "GITHUB_SCOPES=user:email",
		"# AF_AUTH_SESSION_IDLE=24h":        "AF_AUTH_SESSION_IDLE=24h",
	})

	s.says(t, 2, "pending; apply: af-auth db migrate deploy", "db", "migrate", "status")
	s.says(t, 0, "the schema is at", "db", "migrate", "dev")
	s.says(t, 0, "nothing to do", "db", "migrate", "dev")
	s.says(t, 0, "in sync", "db", "migrate", "status")
	s.servesASignIn(t)

	// In production .env is not read: the environment says all.
	s.settings = []string{"AF_AUTH_ENV=production", "AF_AUTH_URL=https://auth.example.com",
		fmt.Sprintf("DATABASE_URL=postgresql://postgres:postgres@localhost:%d/af_auth_production", port)}
	s.says(t, 2, "is for development", "db", "migrate", "dev")
	s.says(t, 2, "there is no terminal to ask on", "db", "migrate", "deploy")
	s.says(t, 0, "the schema is at", "db", "migrate", "deploy", "--yes")
	s.says(t, 0, "nothing to do", "db", "migrate", "deploy")
	s.says(t, 0, "nobody has signed in yet", "users")
	// A database with rows: an upgrade says that there is a backup elsewhere.
	s.says(t, 0, "rolled back 1 migration", "db", "migrate", "rollback", "--yes")
	s.says(t, 0, "allowed", "allow", "#583231")
	s.says(t, 2, "--no-backup", "db", "migrate", "deploy", "--yes")
	s.says(t, 0, "applied 1 migration", "db", "migrate", "deploy", "--yes", "--no-backup")
}

// localPostgres is what the seed's container or `createdb` gives: a server on a
// TCP port of this machine, user and password postgres, and the databases.
func localPostgres(t *testing.T, databases ...string) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	server, err := pgserver.Start(t.Context(), pgserver.Options{Dir: filepath.Join(openFolder(t), "pg"), Port: port, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	statements := []string{"ALTER ROLE postgres PASSWORD 'postgres'"}
	for _, name := range databases {
		statements = append(statements, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	return port
}

// seedTree is the folder that somebody works in.
type seedTree struct {
	dir      string
	settings []string // environment, beside .env
}

// copyEnv is `cp .env.example .env`, `chmod 600 .env`, and some lines edited.
func (s *seedTree) copyEnv(t *testing.T, edits map[string]string) {
	t.Helper()
	text, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for from, to := range edits {
		i := slices.Index(lines, from)
		if i < 0 {
			t.Fatalf(".env.example has no line %q", from)
		}
		lines[i] = to
	}
	if err := os.WriteFile(filepath.Join(s.dir, ".env"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *seedTree) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = s.dir, append(cleanEnv(), s.settings...)
	return cmd
}

// says runs a command and wants an exit code and words on either output.
func (s *seedTree) says(t *testing.T, code int, words string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	cmd := s.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(string(out), words) {
		t.Fatalf("af-auth %s: exit code %d, want %d and %q:\n%s", strings.Join(args, " "), got, code, words, out)
	}
}

// servesASignIn runs `af-auth serve`, signs octocat in, lets them in, and reads
// what the gate says.
func (s *seedTree) servesASignIn(t *testing.T) {
	t.Helper()
	const origin = "http://127.0.0.1:8080"
	address := s.serve(t)
	v := newVisitor(t)
	v.client.Transport = &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		if "http://"+to == origin {
			to = address
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}}
	t.Cleanup(v.client.CloseIdleConnections)

	v.open(t, origin+"/auth/sign-in")
	v.follow(t, "Continue with GitHub")
	v.press(t, "login", "octocat")
	v.isOn(t, origin+"/auth/waiting", http.StatusOK)
	if status, answer := v.fetch(t, origin+"/auth/verify", nil); status != http.StatusForbidden {
		t.Errorf("the gate answers somebody who waits with %d %s", status, answer)
	}
	s.says(t, 0, "allowed octocat (Mona Octocat, GitHub id 583231)", "allow", "octocat")

	res, err := v.client.Get(origin + "/auth/verify")
	if err != nil {
		t.Fatal(err)
	}
	if answer := body(t, res); res.StatusCode != http.StatusOK {
		t.Fatalf("the gate answers %d %s", res.StatusCode, answer)
	}
	for name, want := range map[string]string{
		"X-Auth-Request-User": "octocat", "X-Auth-Request-Github-Id": "583231",
		"X-Auth-Request-Name": "Mona%20Octocat", "X-Auth-Request-Email": "octocat@example.com",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.says(t, 0, "1 session ended", "revoke", "octocat")
	if status, answer := v.fetch(t, origin+"/auth/verify", nil); status != http.StatusUnauthorized {
		t.Errorf("after revoke, the gate answers %d %s", status, answer)
	}
}

// serve starts the server, returns where it listens, and stops it at the end.
func (s *seedTree) serve(t *testing.T) (address string) {
	t.Helper()
	cmd := s.command(context.Background(), "serve")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, listens, done := &syncBuffer{}, make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		line := regexp.MustCompile(`msg=serving .*listen=(\S+)`)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			_, _ = fmt.Fprintln(said, scan.Text())
			if m := line.FindStringSubmatch(scan.Text()); m != nil {
				listens <- m[1]
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-done:
		case <-time.After(stopWithin):
			_ = cmd.Process.Kill()
			<-done
		}
		if code := cmd.ProcessState.ExitCode(); code != 0 || t.Failed() {
			t.Errorf("af-auth serve: exit code %d, wrote:\n%s", code, lastLines(said.String(), 12))
		}
	})
	select {
	case address = <-listens:
	case <-done:
		t.Fatalf("af-auth serve ended:\n%s", said)
	case <-time.After(startWithin):
		t.Fatalf("af-auth serve does not listen after %v", startWithin)
	}
	return address
}

// TestMakeTargets: the targets that the documents name exist, the seed's ones
// run what they promise, and no target calls a command that af-auth has not.
func TestMakeTargets(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"help", "setup", "run", "test", "check", "bench", "soak", "generate",
		"db-generate", "db-migrate", "db-migrate-dev", "db-studio", "migration"} {
		for line := range strings.Lines(dryRun(t, target, "NAME=add_team")) {
			args, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(line), "exec "), "bin/af-auth ")
			if !ok {
				continue
			}
			words := strings.Fields(strings.ReplaceAll(args, "'", ""))
			if out, err := exec.CommandContext(t.Context(), program, append(words, "--help")...).CombinedOutput(); err != nil {
				t.Errorf("make %s calls af-auth %s: %v\n%s", target, args, err, out)
			}
		}
	}
	for target, want := range map[string]string{
		"db-generate":    "scripts/generate.sh\n",
		"db-migrate":     "bin/af-auth db migrate deploy --yes\n",
		"db-migrate-dev": "bin/af-auth db migrate dev --name 'add_team'\n",
	} {
		got := dryRun(t, target, "NAME=add_team")
		if !strings.HasSuffix(got, want) {
			t.Errorf("make %s would run:\n%swant at its end %s", target, got, want)
		}
		if build := "-o bin/af-auth ./cmd/af-auth"; target != "db-generate" && !strings.Contains(got, build) {
			t.Errorf("make %s does not build first (%s):\n%s", target, build, got)
		}
	}
	if got := dryRun(t, "db-migrate-dev"); !strings.HasSuffix(strings.TrimSpace(got), "bin/af-auth db migrate dev") {
		t.Errorf("make db-migrate-dev without a name would run:\n%s", got)
	}
}

// dryRun is `make -n`, apart from a make that may be running this test.
func dryRun(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"-n"}, args...)...)
	cmd.Dir = ".."
	cmd.Env = slices.DeleteFunc(cleanEnv(), func(pair string) bool {
		return strings.HasPrefix(pair, "MAKE") || strings.HasPrefix(pair, "MFLAGS=")
	})
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make -n %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
