package lint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
)

// allowance is one comment that makes an exception:
//
//	-- lint:allow RULE because REASON
//
// In the header, which is the lines with -- that a file begins with, it holds
// for the whole file. Elsewhere it holds for the statement that follows it, with
// nothing but comments between.
type allowance struct {
	line      int    // from 1
	rule      string // its ID
	statement int    // its number; 0: the whole file
	fault     string // what is wrong with it; it suppresses nothing then
	used      bool
}

var (
	allowLine = regexp.MustCompile(`^\s*--\s*lint\s*:\s*allow\b(.*)$`)
	allowForm = regexp.MustCompile(`^\s+([a-z][a-z-]*)\s+because\s+(\S.*)$`)
)

// allowances reads the exceptions of a text, in order.
func allowances(text string, statements []migrate.Statement) []*allowance {
	lines := strings.Split(text, "\n")
	header := 0 // how many lines it has
	for header < len(lines) && strings.HasPrefix(lines[header], "--") {
		header++
	}
	var out []*allowance
	for i, line := range lines {
		m := allowLine.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		a := &allowance{line: i + 1}
		a.rule, a.fault = readAllowance(m[1])
		if i >= header && a.fault == "" {
			a.statement, a.fault = target(lines, i, statements)
		}
		out = append(out, a)
	}
	return out
}

// readAllowance reads what follows "lint:allow".
func readAllowance(rest string) (id, fault string) {
	m := allowForm.FindStringSubmatch(rest)
	if m == nil {
		return "", "gives no reason: write -- lint:allow RULE because REASON"
	}
	switch _, ok := rule(m[1]); {
	case !ok:
		return "", fmt.Sprintf("names the rule %q, and there is none", m[1])
	case m[1] == Suppression:
		return "", "cannot allow what is wrong with itself"
	}
	return m[1], ""
}

// target finds the statement that a comment on a line, counted from 0, stands
// before.
func target(lines []string, at int, statements []migrate.Statement) (number int, fault string) {
	for _, s := range statements {
		first, last := span(s)
		switch {
		case last < at+1:
			continue
		case first <= at+1:
			return 0, "stands inside a statement: put it on the line before"
		}
		for i := at + 1; i < first-1; i++ {
			if !strings.HasPrefix(strings.TrimSpace(lines[i]), "--") {
				return 0, "is not directly before its statement: nothing but comments may stand between"
			}
		}
		return s.Number, ""
	}
	return 0, "stands before no statement"
}

// span returns the lines that a statement begins and ends on, from 1.
func span(s migrate.Statement) (first, last int) {
	return s.Line, s.Line + strings.Count(s.SQL, "\n")
}
