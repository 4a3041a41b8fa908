package telemetry

import (
	"slices"
	"strings"
)

// OneLine joins the lines of a text, and leaves out those that say again what an
// earlier one said: a driver reports each try at each address on a line of its
// own, and a log has one line for one thing.
func OneLine(text string) string {
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	var out strings.Builder
	var seen []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		if line == "" || slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, line) }) {
			continue
		}
		switch {
		case len(seen) == 0:
		case strings.HasSuffix(seen[len(seen)-1], ":"):
			out.WriteByte(' ')
		default:
			out.WriteString("; ")
		}
		out.WriteString(line)
		seen = append(seen, line)
	}
	return out.String()
}
