package csvfile_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/studio/csvfile"
)

// What a spreadsheet would run is defused, numbers stay numbers, and the way
// back leads to the same text.
func TestDefuse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", ""}, {"plain", "plain"}, {"5", "5"}, {"-5", "-5"}, {"-5.25", "-5.25"}, {"-1e-07", "-1e-07"}, {"-.5", "-.5"},
		{`=HYPERLINK("http://evil.test")`, `'=HYPERLINK("http://evil.test")`}, {"+49 30", "'+49 30"}, {"@SUM(A1)", "'@SUM(A1)"},
		{"-5+cmd|' /C calc'!A0", "'-5+cmd|' /C calc'!A0"}, {"-infinity", "'-infinity"}, {"\t=1", "'\t=1"}, {"\r=1", "'\r=1"}, {"\n=1", "'\n=1"},
		{"＝1", "'＝1"}, {"-", "'-"}, {"'", "'"}, {"'quoted'", "'quoted'"}, {"'=1", "''=1"}, {"''=1", "'''=1"}, {"'-5", "'-5"},
	} {
		got := csvfile.Defuse(test.text)
		if got != test.want || csvfile.Fuse(got) != test.text {
			t.Errorf("%q becomes %q, want %q, and comes back as %q", test.text, got, test.want, csvfile.Fuse(got))
		}
	}
}

func read(t *testing.T, text string) (lines [][]string, numbers []int, faults []string) {
	t.Helper()
	r := csvfile.NewReader(strings.NewReader(text), 0)
	for {
		l, err := r.Next()
		var fault *csvfile.Fault
		switch {
		case errors.Is(err, io.EOF):
			return lines, numbers, faults
		case errors.As(err, &fault):
			faults = append(faults, fault.Error())
			continue
		case err != nil:
			t.Fatal(err)
		}
		cells := make([]string, len(l.Cells))
		for i, c := range l.Cells {
			if cells[i] = c.Text; c.Quoted {
				cells[i] = "<" + c.Text + ">"
			}
		}
		lines, numbers = append(lines, cells), append(numbers, l.Number)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       [][]string
		numbers    []int
		faults     []string
	}{
		{name: "nothing", text: ""},
		{name: "plain", text: "a,b\n1,2\n", want: [][]string{{"a", "b"}, {"1", "2"}}, numbers: []int{1, 2}},
		{name: "no line end", text: "a\n1", want: [][]string{{"a"}, {"1"}}, numbers: []int{1, 2}},
		{name: "null and empty", text: "a,b\n,\"\"\n", want: [][]string{{"a", "b"}, {"", "<>"}}, numbers: []int{1, 2}},
		{name: "mark and CRLF", text: "\xef\xbb\xbfa,b\r\n1,2\r\n", want: [][]string{{"a", "b"}, {"1", "2"}}, numbers: []int{1, 2}},
		{name: "old CR", text: "a,b\r1,2\r", want: [][]string{{"a", "b"}, {"1", "2"}}, numbers: []int{1, 2}},
		{name: "quoted line ends", text: "a,b\n\"1\r\n2\",\"x\"\"y\"\n3,4", want: [][]string{{"a", "b"}, {"<1\r\n2>", `<x"y>`}, {"3", "4"}}, numbers: []int{1, 2, 4}},
		{name: "semicolons", text: "a;b\n1,5;2\n", want: [][]string{{"a", "b"}, {"1,5", "2"}}, numbers: []int{1, 2}},
		{name: "tabs", text: "a\tb\n1\t2\n", want: [][]string{{"a", "b"}, {"1", "2"}}, numbers: []int{1, 2}},
		{name: "stray quote", text: "a\nx\"y\nz\n", want: [][]string{{"a"}, {"z"}}, numbers: []int{1, 3}, faults: []string{"line 2: a quote stands inside a cell that does not begin with one"}},
		{name: "text behind", text: "a\n\"x\"y\nz\n", want: [][]string{{"a"}, {"z"}}, numbers: []int{1, 3}, faults: []string{"line 2: text stands behind a closing quote"}},
		{name: "never closed", text: "a\nb\n\"x\ny\n", want: [][]string{{"a"}, {"b"}}, numbers: []int{1, 2}, faults: []string{"line 3: a quote opens here and is never closed"}},
		{name: "not UTF-8", text: "a\n\xff\nz\n", want: [][]string{{"a"}, {"z"}}, numbers: []int{1, 3}, faults: []string{"line 2: it is not UTF-8. Save the file as CSV in UTF-8"}},
		{name: "NUL", text: "a\n\x00\nz\n", want: [][]string{{"a"}, {"z"}}, numbers: []int{1, 3}, faults: []string{"line 2: it holds a NUL, which no text in PostgreSQL can hold"}},
		{name: "UTF-16", text: "\xff\xfea\x00", faults: []string{"line 1: the file is UTF-16. Save it as CSV in UTF-8"}},
		{name: "spreadsheet", text: "PK\x03\x04...", faults: []string{"line 1: the file is a spreadsheet or an archive. Save it as CSV in UTF-8"}},
		{name: "too many cells", text: strings.Repeat(",", 2000) + "\na\n", want: [][]string{{"a"}}, numbers: []int{2}, faults: []string{"line 1: it has more than 1664 cells"}},
		{name: "too long", text: strings.Repeat("x", 9<<20), faults: []string{"line 1: it is longer than 8 MiB; a quote before it may not be closed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lines, numbers, faults := read(t, test.text)
			if !slices.EqualFunc(lines, test.want, slices.Equal[[]string]) || !slices.Equal(numbers, test.numbers) || !slices.Equal(faults, test.faults) {
				t.Errorf("got %q at %v, faults %q", lines, numbers, faults)
			}
		})
	}
}

// FuzzRead: whatever a file holds, reading ends without a fault of ours and
// counts lines upwards.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2", "\"", "\"\"\"", "a\r\r\n\n", "\xef\xbb\xbf", "\xff\xfe", "\x00", "a;b\t\"c\nd\"\n", "'=1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r := csvfile.NewReader(strings.NewReader(string(file)), 0)
		last := 0
		for range len(file) + 2 {
			l, err := r.Next()
			var fault *csvfile.Fault
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &fault):
				l.Number = fault.Line
			case err != nil:
				t.Fatal(err)
			}
			if l.Number < last {
				t.Fatalf("line %d after line %d", l.Number, last)
			}
			last = l.Number
		}
		t.Fatal("reading does not end")
	})
}

// FuzzRoundTrip: what is written is read again as it was, NULL apart from empty.
func FuzzRoundTrip(f *testing.F) {
	f.Add("", "a", true)
	f.Add("=1", "'=1", false)
	f.Add("a\r\n,;\"", " \t", true)
	f.Fuzz(func(t *testing.T, one, two string, null bool) {
		cells := [][]byte{[]byte(one), []byte(two), []byte("z")}
		if null {
			cells[2] = nil
		}
		file := csvfile.AppendRow(nil, cells)
		l, err := csvfile.NewReader(strings.NewReader(string(file)), ',').Next()
		var fault *csvfile.Fault
		if errors.As(err, &fault) { // not UTF-8, NUL, a mark: PostgreSQL sends none
			return
		}
		if err != nil || len(l.Cells) != 3 {
			t.Fatalf("%q is read as %v, %v", file, l, err)
		}
		for i, want := range []string{one, two} {
			if got := csvfile.Fuse(l.Cells[i].Text); got != want && !strings.HasPrefix(one, "\ufeff") {
				t.Errorf("%q comes back as %q", want, got)
			}
		}
		if isNull := l.Cells[2] == (csvfile.Cell{}); isNull != null {
			t.Errorf("NULL %v comes back as %v", null, isNull)
		}
	})
}
