package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/af-auth/af-auth"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"Mona Octocat", "Mona Octocat"},
		{"Zoë 🐙 李雷 O'Neill", "Zoë 🐙 李雷 O'Neill"},
		{"نعم", "نعم"}, // written from the right by itself
		{"\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?"},
		{"two\nlines\r\nand\ta tab", "two?lines??and?a tab"},
		{"\u009b31mred", "?31mred"}, // CSI as one character
		{"\x7f\x00", "??"},
		{"a\u202Eb\u2066c\u2069d\u200Ee\u200Ff\u061Cg", "a?b?c?d?e?f?g"},
		{"a\u2028b\u2029c", "a?b?c"},
		{"\xff\xfe", "\uFFFD\uFFFD"},
	} {
		if got := printable(test.in); got != test.want {
			t.Errorf("printable(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "Mona", "\x1b[0m", "\u202E", "\xff", "a\tb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("printable(%q) = %q", s, got)
		}
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(s) || printable(got) != got {
			t.Errorf("printable(%q) = %q, which is not its length, or not printable", s, got)
		}
	})
}

// A name cannot reach out of its column, or make a second line.
func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := &Env{Stdout: &out}
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "LOGIN\tNAME\tACCESS")
		for _, name := range []string{"", "Ann", "Mallory\tallowed\nroot", "Zoë"} {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", "login", dash(printable(name)), "waiting")
		}
	})
	want := `LOGIN  NAME                  ACCESS
login  -                     waiting
login  Ann                   waiting
login  Mallory?allowed?root  waiting
login  Zoë                   waiting
`
	if got := out.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	until := time.Date(2027, 2, 1, 1, 0, 0, 999, time.FixedZone("CET", 3600))
	for _, test := range []struct{ got, want string }{
		{count(0, "session"), "no session"},
		{count(1, "session"), "1 session"},
		{count(12, "session"), "12 sessions"},
		{moment(nil), "-"},
		{moment(&until), "2027-02-01T00:00:00Z"},
		{untilText(nil), ""},
		{untilText(&until), " until 2027-02-01T00:00:00Z"},
		{describe(afauth.User{GitHubID: 1}), "GitHub id 1"},
		{describe(afauth.User{GitHubID: 1, Login: "mona"}), "mona (GitHub id 1)"},
		{describe(afauth.User{GitHubID: 1, Login: "mona", Name: "Mona\x1b[m"}), "mona (Mona?[m, GitHub id 1)"},
		{describe(afauth.User{GitHubID: 1, Login: "mo\u202Ena"}), "mo?na (GitHub id 1)"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// What people read of an error: what happened, the cause on one line, what next.
func TestReport(t *testing.T) {
	t.Parallel()
	known := &afauth.Error{Code: afauth.CodeUnavailable, Message: "nothing listens", Hint: "start it",
		Err: errors.New("failed to connect:\n\ttry one: refused\n\ttry one: refused\n\ttry two: refused\n")}
	for _, test := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{exit{3}, 3, ""},
		{errors.New("plain"), 1, "af-auth: plain\n"},
		{known, 1, "af-auth: nothing listens\ncause: failed to connect: try one: refused; try two: refused\nhint: start it\n"},
		{fmt.Errorf("opening: %w", known), 1, "af-auth: opening: nothing listens\ncause: failed to connect: try one: refused; try two: refused\nhint: start it\n"},
		{&afauth.Error{Code: afauth.CodeNotFound, Message: "nobody"}, 3, "af-auth: nobody\n"},
		{&afauth.Error{Code: afauth.CodeAmbiguous, Message: "two"}, 3, "af-auth: two\n"},
		{&afauth.Error{Code: afauth.CodeInvalid, Message: "no time", Hint: "30d"}, 2, "af-auth: no time\nhint: 30d\n"},
		{errors.Join(known, fs.ErrClosed), 1, "af-auth: " + strings.TrimSpace(errors.Join(known, fs.ErrClosed).Error()) + "\nhint: start it\n"},
	} {
		var out bytes.Buffer
		e := &Env{Stderr: &out}
		if code := e.report(test.err); code != test.code || out.String() != test.want {
			t.Errorf("report(%v) = %d, wrote:\n%swant %d and:\n%s", test.err, code, &out, test.code, test.want)
		}
	}
}

// What a stranger wrote steers no terminal by way of --json either, and is still
// the same text to a program.
func TestJSONIsPrintable(t *testing.T) {
	t.Parallel()
	const text = "Zoë 🐙 <&> نعم \x1b[2J \x7f \u009b31m \u0085 \u202Eb\u2066c\u2069 \u200E\u200F\u061C \u2028\u2029\n\t\x00 é"
	type person struct {
		Agent string          `json:"agent"`
		Raw   json.RawMessage `json:"raw"`
	}
	raw, err := json.Marshal(map[string]string{text: text})
	if err != nil {
		t.Fatal(err)
	}
	in := person{text, raw}
	var whole bytes.Buffer
	if err := (&Env{Stdout: &whole}).printJSON(in); err != nil {
		t.Fatal(err)
	}
	line, err := oneLineJSON(in)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"printJSON": whole.String(), "oneLineJSON": string(line)} {
		if bad := strings.IndexFunc(got, func(r rune) bool {
			return r != '\n' && unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
		}); bad >= 0 {
			t.Errorf("%s: %q comes out as it is", name, got[bad:])
		}
		for _, want := range []string{"Zoë 🐙 <&> نعم", `\u007f`, `\u009b31m`, `\u202eb\u2066c\u2069`} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s in %s", name, want, got)
			}
		}
		var out person
		if err := json.Unmarshal([]byte(got), &out); err != nil || out.Agent != text {
			t.Errorf("%s: read as %q, %v", name, out.Agent, err)
		}
	}
}
