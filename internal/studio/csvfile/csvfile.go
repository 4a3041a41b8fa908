// Package csvfile reads and writes CSV as RFC 4180 has it, and two things that
// it leaves open.
//
// NULL is an empty cell without quotes and the empty text one with quotes, as
// in PostgreSQL's COPY. A line with nothing on it is a row whose one cell is
// NULL; in a file of several columns it is passed over.
//
// A cell that a spreadsheet would run is written with an apostrophe before it:
// see [Defuse]. Nothing is lost: [Fuse] takes that apostrophe away, and no other.
package csvfile

import (
	"bytes"
	"regexp"
	"strings"
)

// number is what keeps its minus: a spreadsheet takes it for a number.
var number = regexp.MustCompile(`^-([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// starts are the first characters of what spreadsheets run, as OWASP lists them
// (CSV Injection), those of East Asian widths too; and the mark of a byte order,
// which a reader drops from the beginning of a file.
const starts = "=+-@\t\r\n＝＋－＠\ufeff"

// runs reports whether a spreadsheet would run the text, were it not for
// apostrophes before it.
func runs(s string) bool {
	s = strings.TrimLeft(s, "'")
	if s == "" {
		return false
	}
	for _, r := range starts {
		if strings.HasPrefix(s, string(r)) {
			return r != '-' || !number.MatchString(s)
		}
	}
	return false
}

// Defuse puts an apostrophe before a text that a spreadsheet would run, and
// before one that begins with apostrophes and then with such a text, so that
// Fuse knows its own. A plain number with a minus stays a number.
func Defuse(s string) string {
	if runs(s) {
		return "'" + s
	}
	return s
}

// Fuse takes away what Defuse has put there.
func Fuse(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && runs(rest) {
		return rest
	}
	return s
}

// AppendRow adds a row to b, with its line end. A nil cell is NULL.
func AppendRow(b []byte, cells [][]byte) []byte {
	for i, cell := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		if cell != nil {
			b = appendCell(b, cell)
		}
	}
	return append(b, "\r\n"...)
}

func appendCell(b, cell []byte) []byte {
	if len(cell) > 0 && strings.IndexByte("'=+-@\t\r\n\xef", cell[0]) >= 0 && runs(string(cell)) {
		cell = append([]byte{'\''}, cell...)
	}
	if len(cell) > 0 && !bytes.ContainsAny(cell, "\",;\t\r\n") && cell[0] != ' ' && cell[len(cell)-1] != ' ' && cell[0] != '\\' {
		return append(b, cell...)
	}
	b = append(b, '"')
	for _, c := range cell {
		if c == '"' {
			b = append(b, '"')
		}
		b = append(b, c)
	}
	return append(b, '"')
}
