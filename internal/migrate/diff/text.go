package diff

import "strings"

// SQL writes steps as the text of a migration. Notes are comments before their
// statements.
func SQL(steps []Step) string {
	var b strings.Builder
	for i, s := range steps {
		if i > 0 && (strings.Contains(s.SQL, "\n") || strings.Contains(steps[i-1].SQL, "\n") || s.Note != "") {
			b.WriteByte('\n')
		}
		switch {
		case s.Destructive:
			b.WriteString("-- Loses data: " + oneLine(s.Note) + ".\n")
		case s.Note != "":
			b.WriteString("-- " + oneLine(s.Note) + ".\n")
		}
		b.WriteString(s.SQL + ";\n")
	}
	return b.String()
}

// oneLine keeps a text within a comment: a name with a line break in it must not
// become a statement.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
