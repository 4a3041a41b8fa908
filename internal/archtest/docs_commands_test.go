package archtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/cli"
	"github.com/af-auth/af-auth/internal/web"
)

// commands returns what a page tells people to type into a shell: inline code,
// the lines of sh blocks, and what follows the prompt in console blocks.
func (d document) commands() []string {
	found := d.spans()
	for _, b := range d.blocks {
		text := strings.ReplaceAll(strings.Join(b.lines, "\n"), "\\\n", " ")
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			typed, prompt := strings.CutPrefix(line, "$ ")
			if b.language == "sh" && !strings.HasPrefix(line, "#") || b.language == "console" && prompt {
				found = append(found, typed)
			}
		}
	}
	return found
}

// product runs a command of af-auth that needs nothing, and returns its stdout.
func product(t *testing.T, args ...string) string {
	t.Helper()
	var out, errors bytes.Buffer
	e := &cli.Env{Stdin: &out, Stdout: &out, Stderr: &errors, Dir: t.TempDir(), Now: time.Now, Version: "test"}
	if code := cli.Main(t.Context(), e, args); code != 0 {
		t.Fatalf("af-auth %s: exit code %d\n%s", strings.Join(args, " "), code, &errors)
	}
	return out.String()
}

// vocabulary is the command line: for each command the names of those below it,
// and its flags.
func vocabulary(t *testing.T) map[string][]string {
	t.Helper()
	line := regexp.MustCompile(`__af_auth_at '([^']*)'" -([al]) (\S+)`)
	words := map[string][]string{}
	for _, m := range line.FindAllStringSubmatch(product(t, "completion", "fish"), -1) {
		name := m[3]
		if m[2] == "l" {
			name = "--" + name
		}
		words[m[1]] = append(words[m[1]], name)
	}
	if len(words) < 5 {
		t.Fatalf("read only %d commands from the completion script", len(words))
	}
	return words
}

// misused says what is wrong with the arguments of an af-auth command as a page
// has them, "" where nothing is.
func misused(words map[string][]string, args []string) string {
	path := ""
	for _, arg := range args {
		arg = strings.Trim(arg, "[]()'\"")
		for _, option := range strings.Split(arg, "|") {
			flag, _, _ := strings.Cut(option, "=")
			known := slices.Contains(words[path], flag) || slices.Contains(words[""], flag)
			if strings.HasPrefix(flag, "--") && flag != "--" && !known {
				return fmt.Sprintf("af-auth %s has no flag %s", path, flag)
			}
		}
		below := slices.DeleteFunc(slices.Clone(words[path]), func(w string) bool { return strings.HasPrefix(w, "--") })
		if strings.HasPrefix(arg, "-") || len(below) == 0 || arg == strings.ToUpper(arg) {
			continue
		}
		if !slices.Contains(below, arg) {
			return fmt.Sprintf("there is no command af-auth %s", strings.TrimSpace(path+" "+arg))
		}
		path = strings.TrimSpace(path + " " + arg)
	}
	return ""
}

var (
	afAuthCommand = regexp.MustCompile(`^(?:\S+=\S+\s+)*(?:\S*/)?af-auth((?:\s+[^\s;&|]+(?:\|[^\s;&|]+)*)+)`)
	makeCommand   = regexp.MustCompile(`^make((?:\s+\S+)+)`)
	makeTarget    = regexp.MustCompile(`(?m)^([a-z-]+):.*## `)
)

func TestDocumentedCommandsExist(t *testing.T) {
	t.Parallel()
	words := vocabulary(t)
	makefile, err := os.ReadFile(filepath.Join(root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	seen := 0
	for _, d := range manual(t) {
		for _, command := range d.commands() {
			if m := afAuthCommand.FindStringSubmatch(command); m != nil {
				seen++
				if fault := misused(words, strings.Fields(m[1])); fault != "" {
					t.Errorf("%s: %s: %s", d.path, command, fault)
				}
			}
			if m := makeCommand.FindStringSubmatch(command); m != nil {
				seen++
				if target := strings.Fields(m[1])[0]; !targets[target] {
					t.Errorf("%s: %s: the Makefile has no target %s", d.path, command, target)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("found only %d commands: does this test still read the pages?", seen)
	}
}

// A check that finds nothing would pass every page.
func TestMisused(t *testing.T) {
	t.Parallel()
	words := vocabulary(t)
	for _, test := range []struct {
		command string
		fault   bool
	}{
		{"allow octocat --until 30d", false},
		{"allow USER [--until 30d|DATE] [--reason TEXT]", false},
		{"allow octocat --forever", true},
		{"users [--waiting|--allowed|--refused]", false},
		{"users [--waiting|--wanted]", true},
		{"db migrate deploy --config /etc/af-auth.env", false},
		{"db migrate status", false},
		{"db migrate undo", true},
		{"db backup", true},
		{"--version", false},
		{"COMMAND --help", false},
		{"permit octocat", true},
	} {
		if got := misused(words, strings.Fields(test.command)); got != "" != test.fault {
			t.Errorf("af-auth %s: %q", test.command, got)
		}
	}
}

var documentedRoute = regexp.MustCompile(`^(?:(GET|POST) )?(?:https?://[^/\s]+|[A-Z_]+)?(/(?:auth|\.af-auth|live|ready|health|metrics)(?:/[^\s?#]*)?)(?:[?#]\S*)?$`)

func TestDocumentedRoutesExist(t *testing.T) {
	t.Parallel()
	table := http.NewServeMux()
	var paths []string
	for _, r := range web.Routes() {
		table.Handle(r.Method+" "+r.Path, http.NotFoundHandler())
		paths = append(paths, r.Path)
	}
	exists := func(method, path string) bool {
		for _, m := range []string{"GET", "POST"} {
			_, pattern := table.Handler(httptest.NewRequest(m, path, nil))
			if pattern != "" && (method == m || method == "") {
				return true
			}
		}
		// A folder may be named for all that is in it.
		return method == "" && strings.HasSuffix(path, "/") &&
			slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, path) })
	}
	seen := 0
	for _, d := range manual(t) {
		for _, span := range d.spans() {
			if m := documentedRoute.FindStringSubmatch(span); m != nil {
				seen++
				if !exists(m[1], m[2]) {
					t.Errorf("%s: %s is no route; af-auth routes lists them", d.path, span)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("found only %d routes: does this test still read the pages?", seen)
	}
}

func TestDocumentedSettingsExist(t *testing.T) {
	t.Parallel()
	var entries []struct{ Name string }
	if err := json.Unmarshal([]byte(product(t, "config", "--json")), &entries); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, e := range entries {
		known[e.Name], known[e.Name+"_FILE"] = true, true
	}
	name := regexp.MustCompile(`^(?:AF_AUTH|DB|GITHUB)_[A-Z_]+$`)
	for _, d := range manual(t) {
		for _, span := range d.spans() {
			span, _, _ = strings.Cut(span, "=")
			if name.MatchString(span) && span != "AF_AUTH_" && !known[span] {
				t.Errorf("%s: there is no setting %s", d.path, span)
			}
		}
	}
}
