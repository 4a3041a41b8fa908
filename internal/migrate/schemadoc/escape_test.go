package schemadoc

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"Who changed what, when; af-auth's, it's 100% plain (really).", "Who changed what, when; af-auth's, it's 100% plain (really)."},
		{"a | b", `a \| b`},
		{`a \| b`, `a \\\| b`},
		{"`code` *strong* _soft_ is_whitelisted", "\\`code\\` \\*strong\\* \\_soft\\_ is_whitelisted"},
		{"<script>alert(1)</script> &lt; $x$ ~~no~~", `\<script>alert(1)\</script> \&lt; \$x\$ \~\~no\~\~`},
		{"[x](javascript:1) ![y](z)", `\[x\](javascript:1) \!\[y\](z)`},
		{"two\nlines\r\n\tand \u202emore\x00", "two lines and more"},
		{"# heading", `\# heading`},
		{"- list", `\- list`},
		{"12. list", `12\. list`},
		{"1.1.0 stays", "1.1.0 stays"},
		{"===", `\===`},
		{"> quoted", `\> quoted`},
		{" \n ", ""},
	} {
		if got := text(test.in); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"users", "`users`"},
		{"a|b", "`a\\|b`"},
		{"a`b", "``a`b``"},
		{"``", "``` `` ```"},
		{"a\n  b", "`a b`"},
		{"", ""},
	} {
		if got := code(test.in); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
	}
	if got := heading("a|b"); got != "`a|b`" {
		t.Error(got)
	}
}

func TestReadKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, kind, columns, table string
		ok                       bool
	}{
		{"PRIMARY KEY (id)", "PRIMARY KEY", "id", "", true},
		{`UNIQUE (a, "b, ""c)") INCLUDE (d)`, "UNIQUE", `a+"b, ""c)"`, "", true},
		{"UNIQUE NULLS NOT DISTINCT (a)", "UNIQUE", "a", "", true},
		{`FOREIGN KEY (a, b) REFERENCES "x (y"(c, d) ON DELETE CASCADE`, "FOREIGN KEY", "a+b", `"x (y"`, true},
		{`FOREIGN KEY (a) REFERENCES other."T"(c)`, "FOREIGN KEY", "a", `other."T"`, true},
		{"CHECK ((a > 0))", "", "", "", false},
		{"EXCLUDE USING gist (a WITH &&)", "", "", "", false},
	} {
		k, ok := readKey(test.in)
		if ok != test.ok || k.kind != test.kind || strings.Join(k.columns, "+") != test.columns || k.table != test.table {
			t.Errorf("%s: %+v, %t", test.in, k, ok)
		}
	}
}

// FuzzText: whatever somebody writes into a comment is one line, and read by
// GitHub it is what they wrote.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a | b", "\\", "`", "_x_", "1. x", "\n# x", "<b>", "\u2028|"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text(s)
		if strings.ContainsAny(got, "\n\r") {
			t.Fatalf("%q has several lines", got)
		}
		var plain strings.Builder
		escaped := false
		for _, r := range got {
			switch {
			case escaped:
				escaped = false
			case r == '\\':
				escaped = true
				continue
			case strings.ContainsRune(active, r):
				t.Fatalf("%q: %q is not escaped", got, r)
			}
			plain.WriteRune(r)
		}
		want := strings.Join(strings.FieldsFunc(s, blank), " ")
		if escaped || plain.String() != string([]rune(want)) {
			t.Fatalf("%q reads as %q, want %q", got, plain.String(), want)
		}
	})
}
