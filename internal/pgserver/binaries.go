package pgserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MinMajor is the oldest major version of PostgreSQL that is used.
const MinMajor = 14

// Binaries are the PostgreSQL server programs of one folder.
type Binaries struct {
	Dir     string // absolute, holds at least postgres and initdb
	Version string // as the server says it: "15.18", "18beta1"
	Major   int    // 15
}

// Path returns the absolute path of a program such as "pg_dump". It need not
// exist: server packages may leave the client's programs out.
func (b Binaries) Path(program string) string { return filepath.Join(b.Dir, program) }

// Find returns the newest PostgreSQL server programs of this machine that are
// of version 14 or later. It looks through PATH, asks pg_config, and then tries
// the folders of Debian, Fedora, Alpine, Homebrew, Postgres.app and of a build
// by hand. Without any the error is a [*NotFoundError].
func Find() (Binaries, error) {
	found, err := systemPlaces().find(context.Background())
	if err != nil {
		return Binaries{}, err
	}
	return newest(found), nil
}

// places are where programs are looked for.
type places struct {
	path     []string // folders, in order
	pgConfig string   // program asked for --bindir; empty: none
	globs    []string // patterns of folders
}

func systemPlaces() places {
	p := places{
		path: filepath.SplitList(os.Getenv("PATH")),
		globs: []string{
			"/usr/lib/postgresql/*/bin",
			"/usr/pgsql-*/bin",
			"/usr/libexec/postgresql*",
			"/usr/local/pgsql/bin",
			"/opt/homebrew/opt/postgresql*/bin",
			"/usr/local/opt/postgresql*/bin",
			"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		},
	}
	if program, err := exec.LookPath("pg_config"); err == nil {
		p.pgConfig = program
	}
	return p
}

// find returns what the places hold, each folder once, without versions that
// are too old.
func (p places) find(ctx context.Context) ([]Binaries, error) {
	var found, tooOld []Binaries
	seen := map[string]bool{}
	for _, dir := range p.folders(ctx) {
		dir = serverFolder(dir)
		if dir == "" || seen[dir] {
			continue
		}
		seen[dir] = true
		b, err := inspect(ctx, dir)
		switch {
		case err != nil: // broken programs are as good as none
		case b.Major < MinMajor:
			tooOld = append(tooOld, b)
		default:
			found = append(found, b)
		}
	}
	if err := ctx.Err(); err != nil { // programs that had no time are not missing
		return nil, err
	}
	if len(found) == 0 {
		return nil, &NotFoundError{Searched: p.names(), TooOld: tooOld, install: installCommand()}
	}
	return found, nil
}

func (p places) folders(ctx context.Context) []string {
	dirs := slices.Clone(p.path)
	if p.pgConfig != "" {
		if out, err := run(ctx, p.pgConfig, "--bindir"); err == nil {
			dirs = append(dirs, out)
		}
	}
	for _, pattern := range p.globs {
		// The patterns are constants; Glob fails on a malformed one alone.
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	return dirs
}

func (p places) names() []string {
	names := []string{"PATH", "pg_config --bindir"}
	return append(names, p.globs...)
}

// serverFolder returns the folder that really holds the programs found through
// dir (in PATH there are often links only), or "" when there are none. A
// relative folder is never used: it would run whatever lies where we stand.
func serverFolder(dir string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	program, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return ""
	}
	real := filepath.Dir(program)
	for _, name := range []string{"postgres", "initdb"} {
		info, err := os.Stat(filepath.Join(real, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return ""
		}
	}
	return real
}

// inspect asks the programs in dir for their version.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	out, err := run(ctx, filepath.Join(dir, "postgres"), "--version")
	if err != nil {
		return Binaries{}, err
	}
	version, major, ok := parseVersion(out)
	if !ok {
		return Binaries{}, fmt.Errorf("%s/postgres does not say its version: %q", dir, out)
	}
	return Binaries{Dir: dir, Version: version, Major: major}, nil
}

// parseVersion reads "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
func parseVersion(out string) (version string, major int, ok bool) {
	_, rest, ok := strings.Cut(out, "(PostgreSQL) ")
	if !ok {
		return "", 0, false
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return "", 0, false
	}
	major, _, ok = splitVersion(fields[0])
	return fields[0], major, ok
}

// splitVersion splits "15.18" into 15 and 18, and "16beta2" into 16 and 0.
func splitVersion(version string) (major, minor int, ok bool) {
	digits := func(s string) string {
		return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	}
	head := digits(version)
	major, err := strconv.Atoi(head)
	if err != nil {
		return 0, 0, false
	}
	if tail, dotted := strings.CutPrefix(version[len(head):], "."); dotted {
		minor, _ = strconv.Atoi(digits(tail)) // no minor number counts as 0
	}
	return major, minor, true
}

// newest returns the newest of found, which must not be empty; among equals the
// first.
func newest(found []Binaries) Binaries {
	return slices.MaxFunc(found, func(a, b Binaries) int {
		if a.Major != b.Major {
			return a.Major - b.Major
		}
		_, x, _ := splitVersion(a.Version)
		_, y, _ := splitVersion(b.Version)
		return x - y
	})
}

// run returns what a program prints, trimmed. It gets ten seconds.
func run(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...) // #nosec G204 -- a program of a known place
	cmd.Env = environment()
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
