package cli

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// narrowest bounds what is believed of a terminal.
const narrowest = 20

// columnsOf is the width that output may have: COLUMNS where it is set, as other
// programs have it, else that of the terminal; 0 for a file or a pipe.
func columnsOf(setting string, out io.Writer) int {
	if n, err := strconv.Atoi(setting); err == nil && n > 0 {
		return max(n, narrowest)
	}
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) { // #nosec G115 -- a small number
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd())) // #nosec G115 -- a small number
	if err != nil || n <= 0 {
		return 0
	}
	return max(n, narrowest)
}

// width is how many columns of a terminal a text takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += widthOf(r)
	}
	return n
}

// widthOf follows Unicode's East Asian Width (UAX #11), coarsely: what is wide
// there, and pictures, take two columns; marks on other letters take none.
func widthOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r < 0x1100:
		return 1
	case r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF01 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6,
		r >= 0x1F300 && r <= 0x1FAFF, r >= 0x20000 && r <= 0x3FFFD:
		return 2
	default:
		return 1
	}
}

// clipped cuts a text to n columns, and shows by … that it did.
func clipped(s string, n int) string {
	if width(s) <= n {
		return s
	}
	head, _ := split(s, n-1)
	return head + "…"
}

// split cuts a text behind n columns.
func split(s string, n int) (head, rest string) {
	for i, r := range s {
		if n -= widthOf(r); n < 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// wrap breaks a text at its spaces into lines of n columns; a word that is
// longer is broken too. Where more than most lines would be needed, the last of
// them ends in …; most 0 takes as many as it needs.
func wrap(s string, n, most int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= n:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
		for width(line) > n {
			head, rest := split(line, n)
			if head == "" { // one letter is wider than a line
				break
			}
			lines, line = append(lines, head), rest
		}
	}
	lines = append(lines, line)
	if most > 0 && len(lines) > most {
		lines = append(lines[:most-1], clipped(lines[most-1]+" "+lines[most], n))
	}
	return lines
}
