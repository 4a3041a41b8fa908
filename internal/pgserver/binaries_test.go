package pgserver

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestFind(t *testing.T) {
	t.Parallel()
	b, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if b.Major < MinMajor || !strings.HasPrefix(b.Version, fmt.Sprint(b.Major)) || !filepath.IsAbs(b.Dir) {
		t.Errorf("found %+v", b)
	}
	if _, err := os.Stat(b.Path("initdb")); err != nil {
		t.Error(err)
	}
}

// programs makes a folder whose postgres says the given line.
func programs(t *testing.T, dir, says string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		script := "#!/bin/sh\necho '" + says + "'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil { // #nosec G306 -- a program
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindPicksTheNewest(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	v13 := programs(t, filepath.Join(root, "lib/13/bin"), "postgres (PostgreSQL) 13.22")
	v15 := programs(t, filepath.Join(root, "lib/15/bin"), "postgres (PostgreSQL) 15.9 (Debian 15.9-1)")
	v15new := programs(t, filepath.Join(root, "lib/15n/bin"), "postgres (PostgreSQL) 15.18")
	v9 := programs(t, filepath.Join(root, "lib/9/bin"), "postgres (PostgreSQL) 9.6.24")
	broken := programs(t, filepath.Join(root, "lib/broken/bin"), "segmentation fault")
	links := filepath.Join(root, "links")
	alone := filepath.Join(root, "alone")
	for _, dir := range []string{links, alone} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		os.Symlink(filepath.Join(v15new, "postgres"), filepath.Join(links, "postgres")),
		os.WriteFile(filepath.Join(alone, "postgres"), []byte("#!/bin/sh\n"), 0o700),               // #nosec G306 -- a program
		os.WriteFile(filepath.Join(root, "pg_config"), []byte("#!/bin/sh\necho "+v15+"\n"), 0o700), // #nosec G306 -- a program
	); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		places places
		want   string // folder; empty: none found
		tooOld int
	}{
		{name: "nothing anywhere", places: places{path: []string{root, "", "/nonexistent"}, globs: []string{root + "/none/*"}}},
		{name: "newest by number, not by text", places: places{path: []string{v15, v15new}}, want: v15new},
		{name: "a glob", places: places{globs: []string{root + "/lib/*/bin"}}, want: v15new, tooOld: 0},
		{name: "a link in PATH", places: places{path: []string{links}}, want: v15new},
		{name: "pg_config", places: places{pgConfig: filepath.Join(root, "pg_config")}, want: v15},
		{name: "pg_config broken", places: places{pgConfig: filepath.Join(root, "none"), path: []string{v15}}, want: v15},
		{name: "too old", places: places{path: []string{v13, v9}}, tooOld: 2},
		{name: "broken", places: places{path: []string{broken}}},
		{name: "without initdb", places: places{path: []string{alone}}},
		{name: "relative", places: places{path: []string{".", "testdata"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found, err := test.places.find(t.Context())
			if test.want != "" {
				if err != nil {
					t.Fatal(err)
				}
				if got := newest(found).Dir; got != test.want {
					t.Errorf("found %s, want %s", got, test.want)
				}
				return
			}
			var none *NotFoundError
			if !errors.As(err, &none) {
				t.Fatalf("found %v, error %v; want a NotFoundError", found, err)
			}
			if len(none.TooOld) != test.tooOld || none.Hint() == "" || !strings.Contains(none.Error(), "pg_config --bindir") {
				t.Errorf("%v; hint: %s", none, none.Hint())
			}
		})
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		out, version string
		major        int
	}{
		{"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18", 15},
		{"postgres (PostgreSQL) 14.0", "14.0", 14},
		{"postgres (PostgreSQL) 18beta1", "18beta1", 18},
		{"postgres (PostgreSQL) 19devel", "19devel", 19},
		{"postgres (PostgreSQL) 9.6.24", "9.6.24", 9},
		{"postgres (PostgreSQL) ", "", 0},
		{"postgres (PostgreSQL) devel", "", 0},
		{"mysqld 8.0", "", 0},
		{"", "", 0},
	} {
		version, major, ok := parseVersion(test.out)
		if ok != (test.major != 0) || ok && (version != test.version || major != test.major) {
			t.Errorf("%q: %q, %d, %v", test.out, version, major, ok)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)")
	f.Add("postgres (PostgreSQL) 99999999999999999999.1")
	f.Add("(PostgreSQL) .")
	f.Fuzz(func(t *testing.T, out string) {
		if version, major, ok := parseVersion(out); ok && (version == "" || major < 0) {
			t.Errorf("%q: %q, %d", out, version, major)
		}
	})
}

func TestInstallCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		goos, release string
		root          bool
		want          string // part of it
	}{
		{"linux", "ID=debian\nVERSION_ID=\"12\"\n", true, "create_main_cluster = false"},
		{"linux", "PRETTY_NAME=x\nID=debian\n", false, "sudo sh -c"},
		{"linux", "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", false, "apt-get"},
		{"linux", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", true, "dnf install"},
		{"linux", "ID=alpine\n", true, "apk add"},
		{"linux", "ID=arch\n", true, "pacman"},
		{"linux", "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", true, "zypper"},
		{"linux", "", true, "install PostgreSQL 14 or later"},
		{"linux", "ID\n=\n\x00", true, "install PostgreSQL 14 or later"},
		{"freebsd", "", true, "install PostgreSQL 14 or later"},
		{"darwin", "", false, "brew install"},
	} {
		got := installFor(test.goos, test.release, test.root)
		if !strings.Contains(got, test.want) {
			t.Errorf("%s, %q: %s", test.goos, test.release, got)
		}
		if test.root && strings.Contains(got, "sudo") {
			t.Errorf("root needs no sudo: %s", got)
		}
	}
}

func major(t *testing.T) int {
	t.Helper()
	b, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	return b.Major
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func pingURL(t *testing.T, url string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	return conn.Close(t.Context())
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
