package schemadoc

import (
	"regexp"
	"strings"
	"unicode"
)

// active are the characters that mean something in the middle of a line. GitHub
// reads $ as the begin of a formula.
const active = "\\`*[]<|~$&!"

// text writes a text so that it stands in a line, or a cell of a table, as it
// is. Line breaks and other white space become a space.
func text(s string) string {
	runes := []rune(strings.Join(strings.FieldsFunc(s, blank), " "))
	var b strings.Builder
	for i, r := range runes {
		if strings.ContainsRune(active, r) || r == '_' && !within(runes, i) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return atBegin.ReplaceAllString(b.String(), `$1\$2`)
}

// atBegin is what makes a heading, a list, a quotation or a rule of a line.
var atBegin = regexp.MustCompile(`^(|\d{1,9})([#>+=-]|[.)](?:$| ))`)

// blank reports whether a character only separates words: white space, control
// characters, and those that turn the direction of a line about.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// within reports whether an underscore stands inside a word, where it is only
// itself.
func within(runes []rune, i int) bool {
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return i > 0 && i+1 < len(runes) && word(runes[i-1]) && word(runes[i+1])
}

// lines is text for a cell, with the line breaks of the text.
func lines(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		if line = text(line); line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "<br>")
}

// prose writes the paragraphs of a text: an empty line parts them.
func prose(s string) string {
	var out []string
	for _, p := range regexp.MustCompile(`\n[ \t\r]*\n`).Split(s, -1) {
		if p = text(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n")
}

// code writes SQL as code within a line, or "" for nothing. The fence is longer
// than any row of backticks inside. A bar is written \| everywhere: in a cell it
// must be, and elsewhere this is not used for SQL.
func code(s string) string {
	s = strings.Join(strings.FieldsFunc(s, blank), " ")
	if s == "" {
		return ""
	}
	longest, run := 0, 0
	for _, r := range s {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " " // one space on each side is taken off again
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}

// heading writes a name as code in a heading, where a bar is only itself.
func heading(s string) string { return strings.ReplaceAll(code(s), `\|`, "|") }
