package access_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/githubsim"
)

const byLogin = "/api/v3/users/{login}"

// file is a file of people, and where GitHub's answers are kept.
func file(t *testing.T, text string) access.ImportFile {
	t.Helper()
	return access.ImportFile{
		Open:     func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		Host:     func(string) string { return "" },
		Resolved: filepath.Join(t.TempDir(), "resolved.csv"),
		Now:      time.Now,
	}
}

func agreed(access.ImportPlan) error { return nil }

// imports reads and runs a file.
func (w *world) imports(f access.ImportFile) (*access.Import, access.ImportPlan, error) {
	im, err := w.people.ReadImport(w.t.Context(), f)
	if err != nil {
		return nil, access.ImportPlan{}, err
	}
	plan, err := im.Run(w.t.Context(), ada(), agreed)
	return im, plan, err
}

// GitHub's limit stops the resolving; the next run goes on behind what is known.
func TestImportResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := file(t, "login\noctocat\nHubot\nnobody-here\n")
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	f.Now = func() time.Time { return now }
	var told []string
	f.Progress = func(done, all int) {
		told = append(told, fmt.Sprintf("%d/%d", done, all))
		if done == 1 {
			w.github.Fault(1, githubsim.Fault{Kind: githubsim.RateLimited, RetryAfter: 90 * time.Second})
		}
	}
	_, _, err := w.imports(f)
	fails(t, "limited", err, afauth.CodeGitHubLimited, "wait 1m30s; 1 of 3 logins are resolved, and kept in "+f.Resolved, "nothing was imported", "run the same command again after 2026-03-04T05:07:37Z")
	if n := w.count("SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d people", n)
	}
	if info, err := os.Stat(f.Resolved); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// A process that is killed leaves part of a line.
	kept, err := os.OpenFile(f.Resolved, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.WriteString("hubot,1"); err != nil || kept.Close() != nil {
		t.Fatal(err)
	}
	calls := w.github.Calls(byLogin)
	f.Progress = nil
	im, plan, err := w.imports(f)
	if err != nil || plan.New != 2 || im.People != 3 || len(im.Unknown) != 1 || im.Unknown[0].Login != "nobody-here" || im.Unknown[0].Line != 4 {
		t.Fatalf("%+v, %+v, %v", im, plan, err)
	}
	if n := w.github.Calls(byLogin) - calls; n != 2 {
		t.Errorf("GitHub was asked %d times more", n)
	}
	if n := w.count("SELECT count(*) FROM users WHERE is_whitelisted AND (github_user_id, login) IN ((583231, 'octocat'), (480938, 'hubot'))"); n != 2 {
		t.Errorf("%d are allowed", n)
	}
	// Old answers are asked for again, of nobody first.
	w.run("DELETE FROM users")
	for _, step := range []struct {
		later time.Duration
		asked int
	}{{time.Hour, 0}, {25 * time.Hour, 1}, {8 * 24 * time.Hour, 3}} {
		calls, now = w.github.Calls(byLogin), now.Add(step.later)
		if _, err := w.people.ReadImport(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if n := w.github.Calls(byLogin) - calls; n != step.asked {
			t.Errorf("after %v GitHub was asked %d times, want %d", step.later, n, step.asked)
		}
	}
	if err := im.Forget(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.Resolved); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the answers are still there: %v", err)
	}
}

// Whoever is let in by a login is who has it today. Who is allowed already is not
// asked for.
func TestImportLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(`INSERT INTO users (github_user_id, login, is_whitelisted) VALUES (583231, 'octocat', false), (77, 'gone', true), (78, 'twice', true), (79, 'Twice', true)`)
	im, plan, err := w.imports(file(t, "login\nOctoCat\nGONE\ntwice\n"))
	if err != nil || plan.Waiting != 1 || plan.Same != 1 || len(im.Unknown) != 1 || im.Unknown[0].Login != "twice" {
		t.Errorf("%+v, %+v, %v", im, plan, err)
	}
	if n := w.github.Calls(byLogin); n != 2 {
		t.Errorf("GitHub was asked %d times", n)
	}
	w.run("UPDATE users SET is_whitelisted = false")
	thief, err := w.github.Reclaim("octocat")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = w.imports(file(t, "login\noctocat\n"))
	var flaws *access.FlawsError
	if want := fmt.Sprintf("here it is #583231, and at GitHub today #%d", thief.ID); !errors.As(err, &flaws) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if n := w.count("SELECT count(*) FROM users WHERE is_whitelisted"); n != 0 {
		t.Errorf("%d are allowed", n)
	}
}

// Answers that somebody else may have written let nobody in.
func TestImportForeignAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := file(t, "login\noctocat\n")
	if err := os.WriteFile(f.Resolved, []byte("octocat,666,"+time.Now().UTC().Format(time.RFC3339)+",\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := f.Resolved
	for _, mode := range []os.FileMode{0o660, 0o602, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, _, err := w.imports(f)
		fails(t, mode.String(), err, afauth.CodeInvalid, "others may read or write it", "remove it")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if why := access.WhyForeign(info, os.Geteuid()); why != "" {
		t.Errorf("our own file: %q", why)
	}
	if why := access.WhyForeign(info, os.Geteuid()+1); why != "it is another user's" {
		t.Errorf("another user's file: %q", why)
	}
	f.Resolved = path + ".link"
	if err := os.Symlink(path, f.Resolved); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.imports(f)
	fails(t, "a link", err, afauth.CodeInvalid, "it is a link", "remove it")
	f.Resolved = t.TempDir()
	_, _, err = w.imports(f)
	fails(t, "a folder", err, afauth.CodeInvalid, "it is no file", "remove it")
	f.Resolved = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(f.Resolved, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.imports(f)
	fails(t, "a pipe", err, afauth.CodeInvalid, "it is no file", "remove it")
	if n := w.count("SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d people", n)
	}
}

// Stopped by Ctrl-C, GitHub's answers so far are kept and the error says so.
func TestImportStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := file(t, "login\noctocat\nhubot\n")
	ctx, stop := context.WithCancel(t.Context())
	f.Progress = func(int, int) { stop() }
	_, err := w.people.ReadImport(ctx, f)
	var hinted interface{ Hint() string }
	if !errors.Is(err, context.Canceled) || !errors.As(err, &hinted) || !strings.Contains(err.Error(), "1 of 2 logins are resolved") {
		t.Errorf("%v", err)
	}
	f.Progress = nil
	w.github.Fault(1, githubsim.Fault{Kind: githubsim.ServerError})
	_, err = w.people.ReadImport(t.Context(), f)
	fails(t, "GitHub is away", err, afauth.CodeGitHubDown, "1 of 2 logins are resolved", "run the same command again")
}

// What is no list of people is not read to its end.
func TestImportOfSomethingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.imports(file(t, "login\n"+strings.Repeat("not a login\n", 100_000)))
	var flaws *access.FlawsError
	if !errors.As(err, &flaws) || len(flaws.Flaws) != 1001 || flaws.Flaws[1000].String() != "what follows was not read" {
		t.Errorf("%.100v", err)
	}
}

// A file that changes between its check and its import imports nothing.
func TestImportFileChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, second := range map[string]string{"longer": "github_user_id\n1\n2\n", "shorter": "github_user_id\n", "broken": "github_user_id\nx\n", "a login": "login\noctocat\n"} {
		text := "github_user_id\n1\n"
		f := file(t, "")
		f.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		im, err := w.people.ReadImport(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		text = second
		if _, err := im.Run(t.Context(), ada(), agreed); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n := w.count("SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d people", n)
	}
}
