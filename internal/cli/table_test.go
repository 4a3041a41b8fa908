package cli

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A list stays within any terminal on which its titles and one word fit, and is
// whole where the width is unknown.
func TestTableFits(t *testing.T) {
	t.Parallel()
	long := strings.TrimSpace(strings.Repeat("left the team ", 40))
	rows := [][]string{
		{"2026-01-02T03:04:05Z", "access.revoked", "octocat", "cli:mona", long},
		{"2026-01-02T03:04:05Z", "sign_in.succeeded", "octocat-has-a-very-long-login-indeed-39", "octocat-has-a-very-long-login-indeed-39", "-"},
		{"2026-01-02T03:04:05Z", "session.ended", "6d0c1a9e-6f5b-4c7e-9a53-2b1f00000003", "user:6d0c1a9e-6f5b-4c7e-9a53-2b1f00000003", "李雷 " + strings.Repeat("x", 300)},
	}
	for columns := narrowest; columns <= 200; columns++ {
		out := draw(columns, rows)
		for line := range strings.Lines(out) {
			if line = strings.TrimSuffix(line, "\n"); columns >= 45 && width(line) > columns {
				t.Fatalf("%d columns: %d in %q", columns, width(line), line)
			}
		}
		if !strings.Contains(out, "octocat") || !strings.Contains(out, "session.ended") {
			t.Fatalf("%d columns: something is missing in\n%s", columns, out)
		}
	}
	if out := draw(0, rows); !strings.Contains(out, long+"\n") || strings.Contains(out, "…") || strings.Count(out, "\n") != 4 {
		t.Errorf("without a terminal:\n%s", out)
	}
}

func draw(columns int, rows [][]string) string {
	var out bytes.Buffer
	e := &Env{Stdout: &out, Columns: columns}
	table := e.newTable(true, column{"WHEN", 0}, column{"WHAT", 0}, column{"WHOM", 8}, column{"BY", 8}, column{"WHY", 0})
	for _, row := range rows {
		table.add(row...)
	}
	table.flush()
	return out.String()
}

// Titles stand once, and columns do not get narrower from page to page.
func TestTablePages(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := (&Env{Stdout: &out}).newTable(false, column{"LOGIN", 8}, column{"ACCESS", 0})
	table.add("a-long-login", "allowed")
	table.flush()
	table.add("mona", "waiting")
	table.flush()
	want := "LOGIN         ACCESS\na-long-login  allowed\nmona          waiting\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", &out, want)
	}
}

func TestWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "Mona": 4, "Zoë": 3, "Zoe\u0308": 3, "李雷": 4, "한글": 4, "🐙": 2, "ｆｕｌｌ": 8, "a\u200bb": 2, "نعم": 3, "…": 1,
	} {
		if got := width(text); got != want {
			t.Errorf("width(%q) = %d, want %d", text, got, want)
		}
	}
	for _, test := range []struct {
		in   string
		n    int
		want string
	}{{"Mozilla", 7, "Mozilla"}, {"Mozillaé", 7, "Mozill…"}, {"李雷", 3, "李…"}, {"李雷", 2, "…"}, {"a", 1, "a"}, {"ab", 1, "…"}} {
		if got := clipped(test.in, test.n); got != test.want {
			t.Errorf("clipped(%q, %d) = %q, want %q", test.in, test.n, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in      string
		n, most int
		want    []string
	}{
		{"", 10, 3, []string{""}},
		{"one two three", 20, 3, []string{"one two three"}},
		{"one two three", 7, 3, []string{"one two", "three"}},
		{"one two three four", 5, 3, []string{"one", "two", "thre…"}},
		{"one two three four", 5, 0, []string{"one", "two", "three", "four"}},
		{"abcdefghij", 4, 3, []string{"abcd", "efgh", "ij"}},
		{"abcdefghijklm", 4, 3, []string{"abcd", "efgh", "ijk…"}},
		{"李雷李雷", 5, 3, []string{"李雷", "李雷"}},
		{"李", 1, 3, []string{"李"}},
	} {
		if got := wrap(test.in, test.n, test.most); !slices.Equal(got, test.want) {
			t.Errorf("wrap(%q, %d, %d) = %q, want %q", test.in, test.n, test.most, got, test.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("left the team; is=refused", 10, 3)
	f.Add("李雷 \xff", 1, 1)
	f.Fuzz(func(t *testing.T, s string, n, most int) {
		n, most = 2+(n&0xff), most&7
		lines := wrap(printable(s), n, most)
		if most > 0 && len(lines) > most {
			t.Errorf("%d lines, want %d at most", len(lines), most)
		}
		for _, line := range lines {
			if width(line) > n || !utf8.ValidString(line) {
				t.Errorf("%q is wider than %d", line, n)
			}
		}
		if joined := strings.Join(lines, ""); most == 0 && strings.Join(strings.Fields(printable(s)), "") != strings.ReplaceAll(joined, " ", "") {
			t.Errorf("%q became %q", s, lines)
		}
	})
}

// COLUMNS counts, as elsewhere; a pipe or a file has no width.
func TestColumns(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	for setting, want := range map[string]int{"": 0, "60": 60, "1": narrowest, "0": 0, "-5": 0, "wide": 0} {
		if got := columnsOf(setting, file); got != want {
			t.Errorf("COLUMNS=%q: %d, want %d", setting, got, want)
		}
	}
	if got := columnsOf("", &bytes.Buffer{}); got != 0 {
		t.Errorf("of a buffer: %d", got)
	}
}

// What is printed to be typed is read by a shell as it was meant.
func TestAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"users"}, "users --after X"},
		{[]string{"users", "--after", "W", "--limit", "2"}, "users --limit 2 --after X"},
		{[]string{"users", "--after=W", "--search", "it's $HOME"}, `users --search 'it'\''s $HOME' --after X`},
		{[]string{"sessions", "--", "#583231"}, "sessions --after X -- '#583231'"},
		{[]string{"events", "--user", ""}, "events --user '' --after X"},
	} {
		e := &Env{Args: test.args, Dir: "/"}
		if got := e.again("X"); got != fmt.Sprintf("%s %s", shellWords([]string{e.program()}), test.want) {
			t.Errorf("%q: %s, want … %s", test.args, got, test.want)
		}
	}
}
