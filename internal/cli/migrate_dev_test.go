package cli

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// folderOf is a new folder with one file.
func folderOf(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runDev runs `db migrate dev` for a folder, and returns what it says.
func runDev(t *testing.T, dir, schema string, more ...string) string {
	t.Helper()
	var out bytes.Buffer
	e := &Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: t.TempDir(), Now: func() time.Time { return noon() }}
	args := append([]string{"db", "migrate", "dev", "--dir", dir, "--schema", schema, "--url", pgtest.Empty(t), "--shadow-url", pgtest.Empty(t),
		"--name", "next", "--create-only", "--yes"}, more...)
	if code := Main(t.Context(), e, args); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, &out)
	}
	return out.String()
}

const firstFile = "20260101000000_first.up.sql"

// Lint says nothing about a contract file, and it was not the reader who made it
// one.
func TestDevSaysWhatIsNoLongerUsed(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, firstFile, "CREATE TABLE users (id int, login text, age int); CREATE TABLE notes (id int, body text); CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1;")
	said := runDev(t, dir, folderOf(t, "schema.sql", "CREATE TABLE users (id int, handle text)"), "--rename", "users.login:handle")
	for _, thing := range []string{"users.login", "users.age", "notes", "f()"} {
		if !strings.Contains(said, "the previous release must no longer use "+thing+"\n") {
			t.Errorf("it does not say so of %s:\n%s", thing, said)
		}
	}
	if n := strings.Count(said, "must no longer use"); n != 4 {
		t.Errorf("%d lines, want 4:\n%s", n, said)
	}
}

// A type that holds more is no contract; that its way back loses values stands in
// the file.
func TestDevWritesWhatTheWayBackLoses(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, firstFile, "CREATE TABLE p (price numeric(10,2));")
	if said := runDev(t, dir, folderOf(t, "schema.sql", "CREATE TABLE p (price numeric(12,4))")); strings.Contains(said, "must no longer use") {
		t.Error(said)
	}
	text := func(pattern string) string {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		b, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if up := text("*next.up.sql"); !strings.Contains(up, "-- kind: expand\n") {
		t.Error(up)
	}
	if down := text("*next.down.sql"); !strings.Contains(down, "-- lost: values of p.price are rounded or cut to numeric(10,2)\n") {
		t.Error(down)
	}
}

// A hint is typed into a shell.
func TestRenameHintIsForAShell(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]diff.Rename{
		"--rename users.login:handle keeps":         {Table: "users", From: "login", To: "handle"},
		`--rename 'users."Log in":"it'\''s"' keeps`: {Table: "users", From: `"Log in"`, To: `"it's"`},
	} {
		var out bytes.Buffer
		(&Env{Stderr: &out}).noteCandidates([]diff.Rename{r})
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
}

// The file system calls the folder ".", which is of no use to anybody.
func TestFolderWithoutRights(t *testing.T) {
	t.Parallel()
	denied := &fs.PathError{Op: "open", Path: ".", Err: fs.ErrPermission}
	for writing, want := range map[bool]string{false: "(r-x)", true: "(rwx)"} {
		err := noRights("/srv/migrations", writing, denied)
		if !strings.Contains(err.Error(), "the folder of migrations /srv/migrations cannot be read") || !strings.Contains(hintOf(err), want) {
			t.Errorf("%v, %q", err, hintOf(err))
		}
	}
	if err := noRights("x", false, nil); err != nil {
		t.Error(err)
	}
}
