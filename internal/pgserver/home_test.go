package pgserver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	for name, below := range map[string]string{
		"long":  strings.Repeat("long/", 40) + ".af-auth",
		"odd":   `it's "100%" ünusual [a+b&c=d?#]` + "/.af-auth",
		"comma": `a, b/.af-auth`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(folder(t), "..", below)
			s := start(t, Options{Dir: dir, Ephemeral: true})
			socket := s.socket
			if got := query(t, s.URL("postgres"), "select 'well'"); got != "well" {
				t.Errorf("got %q", got)
			}
			if len(socket) > maxSocketPath-len("/.s.PGSQL.65535") {
				t.Errorf("the socket's folder %s is too long", socket)
			}
			info, err := os.Stat(socket)
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the socket's folder: %v, %v", info.Mode(), err)
			}
			if _, err := Lookup(dir); err != nil {
				t.Errorf("Lookup: %v", err)
			}
			stop(t, s)
			if _, err := os.Stat(socket); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the socket's folder is left after Stop: %v", err)
			}
		})
	}
}

// TestClosedParent has a tree that only we can enter. Root's server account
// cannot, so the data goes elsewhere; anybody else's server runs as themselves.
func TestClosedParent(t *testing.T) {
	t.Parallel()
	outer := folder(t)
	if err := os.Mkdir(outer, 0o700); err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(outer, ".af-auth")
	elsewhere := filepath.Join(filepath.Dir(outer), "elsewhere")
	var log strings.Builder
	o := Options{Dir: tree, Ephemeral: true, closedRoot: elsewhere, Logger: textLogger(&log)}

	s := start(t, o)
	execute(t, s.URL("postgres"), "create table kept as select 'yes' as answer")
	moved := strings.HasPrefix(s.Dir(), elsewhere+"/")
	if root := os.Geteuid() == 0; moved != root {
		t.Fatalf("root: %v; files in %s", root, s.Dir())
	}
	if moved && !strings.Contains(log.String(), s.Dir()) {
		t.Errorf("the log does not say where the files are: %s", log.String())
	}
	if a, err := lookup(tree, elsewhere); err != nil || a != s.Address {
		t.Errorf("lookup by the tree: %v, %v", a, err)
	}
	checkModes(t, s.Dir())
	stop(t, s)

	// Opened later, the tree still means the same data.
	if err := os.Chmod(outer, 0o755); err != nil { // #nosec G302 -- the point of the test
		t.Fatal(err)
	}
	again := start(t, o)
	if got := query(t, again.URL("postgres"), "select answer from kept"); got != "yes" {
		t.Errorf("kept: %q", got)
	}
}

// TestStartDoesNotFollowLinks plants a link where root would write.
func TestStartDoesNotFollowLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lock", "password"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			victim := filepath.Join(filepath.Dir(dir), "victim")
			if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(victim, []byte("untouched"), 0o600),
				os.Symlink(victim, filepath.Join(dir, name))); err != nil {
				t.Fatal(err)
			}
			if s, err := Start(t.Context(), Options{Dir: dir, Ephemeral: true}); err == nil {
				stop(t, s)
				t.Error("it starts")
			}
			if content, err := os.ReadFile(victim); err != nil || string(content) != "untouched" {
				t.Errorf("the link was followed: %q, %v", content, err)
			}
		})
	}
}

// checkModes looks at every file that a running server has: nobody but its
// owner, and root, may look into any of them.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return ignoreNotExist(err) // the server's own files come and go
		}
		info, err := entry.Info()
		if err != nil {
			return ignoreNotExist(err)
		}
		mode, limit := info.Mode(), fs.FileMode(0o700)
		if path == dir && os.Geteuid() == 0 {
			limit = 0o710 // the server's group passes through, and that is all
		}
		if mode.Perm()&^limit != 0 {
			t.Errorf("%s has mode %v", path, mode)
		}
		if mode.IsRegular() && mode.Perm()&0o111 != 0 {
			t.Errorf("%s has mode %v", path, mode)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if owner, ok := ownerOf(filepath.Join(dir, "postgres")); !ok || owner.uid == 0 {
		t.Errorf("the data belongs to user id %d", owner.uid)
	}
}
