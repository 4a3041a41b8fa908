package access_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/access"
)

func csvLines(text string) ([]string, []access.Flaw) {
	return access.ReadLines(strings.NewReader(text), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), func(host string) string {
		if strings.ContainsAny(host, "*/ ") {
			return "is no host"
		}
		return ""
	})
}

// What a file may look like, and what is told of one that may not.
func TestReadLines(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text  string
		lines string // of those without flaws
		flaws string
	}{
		"ids":              {"github_user_id\n1\n#2\n", "2:#1 3:#2", ""},
		"mark and CRLF":    {"\ufeffgithub_user_id,login\r\n1,\r\n,octocat\r\n", `2:#1 3:"octocat"`, ""},
		"quoted":           {"login,reason\n\"octocat\",\"a \"\"lead\"\",\nof two lines\"\nhubot,x\n", `2:"octocat" "a \"lead\",\nof two lines" 4:"hubot" "x"`, ""},
		"header's case":    {" Login ,UNTIL\nann,2026-02-01\n", `2:"ann" until 2026-02-02T00:00:00Z`, ""},
		"a moment":         {"login,until\nann,2026-02-01T02:00:00+02:00\n", `2:"ann" until 2026-02-01T00:00:00Z`, ""},
		"apps":             {"login,apps\nann,a.example.com;b.example.com c.example.com; \nbea,\n", `2:"ann" [a.example.com b.example.com c.example.com] 3:"bea"`, ""},
		"separators":       {"login,apps\nann,;\nbea,\" \"\ncleo,; ;\ndora,\t\nedda,\n", `6:"edda"`, "line 2, apps: names no application|line 3, apps|line 4, apps|line 5, apps: names no application; leave"},
		"empty lines":      {"login\n\nann\n\n\n", `3:"ann"`, ""},
		"no last newline":  {"login\nann", `2:"ann"`, ""},
		"nothing":          {"", "", "the file is empty"},
		"a mark alone":     {"\ufeff", "", "the file is empty"},
		"header alone":     {"login\n", "", ""},
		"semicolons":       {"login;until\nann;2026-02-01\n", "", `line 1: there is no column "login;until"`},
		"twice":            {"login,Login\n", "", "line 1, login: is there twice"},
		"no names":         {"reason\nx\n", "", "names neither"},
		"bare quote":       {"login\nann\nb\"ob\ncleo\n", `2:"ann"`, "line 3: a quote stands"},
		"open quote":       {"login\nann\n\"bob\ncleo\n", `2:"ann"`, "line 3: a quote opens here and is not closed"},
		"open, later":      {"login,reason\nann,\"one\ntwo\"\nbea,\"three\n\ncleo,x\ndora,y\n", `2:"ann" "one\ntwo"`, "line 4: a quote opens here and is not closed; what follows was not read"},
		"quote in quotes":  {"login,reason\nann,\"one\ntwo\"x\nbea,\n", "", "line 3: a quote stands where none may"},
		"open, no end":     {"login,reason\nann,\"one\ntwo\",\"x\n", "", "line 3: a quote opens here"},
		"open at the end":  {"login,reason\nann,\"one\ntwo", "", "line 2: a quote opens here"},
		"quote at the end": {"login,reason\nann,\"one\ntwo\"x", "", "line 3: a quote stands where none may"},
		"open header":      {"\"login\nann\n", "", "line 1: a quote opens here and is not closed"},
		"too many fields":  {"login\nann,x\nbea\n", `3:"bea"`, "line 2: has 2 fields, and the header 1"},
		"not UTF-8":        {"login,reason\nann,\xff\nbea,a\x00b\n", "", "line 2, reason: is not text in UTF-8|line 3, reason: is not text in UTF-8"},
		"big id":           {"github_user_id\n9223372036854775808\n", "", "line 2, github_user_id"},
		"zero":             {"github_user_id\n0\n", "", "line 2, github_user_id"},
		"two flaws":        {"login,until,apps\nno one,soon,*.x\n", "", "line 2, login|line 2, until|line 2, apps: is no host"},
		"past":             {"login,until\nann,2025-12-30\n", "", "has passed already"},
		"far":              {"login,until\nann,9999-12-31T23:59:59-10:00\n", "", "is neither a date"},
		"long reason":      {"login,reason\nann," + strings.Repeat("ö", 1001) + "\n", "", "has 1001 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, flaws := csvLines(tt.text)
			if got := strings.Join(lines, " "); got != tt.lines {
				t.Errorf("lines %s\nwant  %s", got, tt.lines)
			}
			var want []string
			if tt.flaws != "" {
				want = strings.Split(tt.flaws, "|")
			}
			if len(flaws) != len(want) {
				t.Fatalf("flaws %v, want %q", flaws, want)
			}
			for i, f := range flaws {
				if !strings.Contains(f.String(), want[i]) {
					t.Errorf("flaw %q, want %q", f, want[i])
				}
			}
		})
	}
}

// endless is a quote that is never closed.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

func TestReadLinesIsBounded(t *testing.T) {
	t.Parallel()
	rest := &endless{}
	lines, flaws := access.ReadLines(io.MultiReader(strings.NewReader("login\nann\n\""), rest), time.Time{}, nil)
	if len(lines) != 1 || len(flaws) != 1 || !strings.HasPrefix(flaws[0].String(), "line 3: the record from here on is longer than 1 MiB") || rest.read > 4<<20 {
		t.Errorf("%v, %v after %d bytes", lines, flaws, rest.read)
	}
}

// Whatever is in a file, it ends, and each line is good or has a flaw that says
// where.
func FuzzReadLines(f *testing.F) {
	for _, seed := range []string{
		"github_user_id,login,until,reason,apps\n1,ann,2027-01-01,\"x\ny\",a;b\n", "\ufefflogin\r\nann\r\n", "login\n\"", "login\n,,,\n", "login,login", "\xff\xfe", "until\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines, flaws := csvLines(text)
		if records := strings.Count(text, "\n") + strings.Count(text, "\r") + 1; len(lines) > records {
			t.Errorf("%d lines out of %d", len(lines), records)
		}
		for _, flaw := range flaws {
			if strings.ContainsAny(flaw.String(), "\n\r\x00\x1b") {
				t.Errorf("%q", flaw)
			}
		}
	})
}
