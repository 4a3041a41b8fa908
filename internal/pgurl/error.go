package pgurl

import (
	"fmt"
	"slices"
	"strings"
)

// Error says what is wrong with a URL and what to do about it. Neither text
// ever holds a password, nor a piece of the URL that may be one.
type Error struct {
	Problem string
	Hint    string
}

// Error returns the problem followed by the hint, on one line.
func (e *Error) Error() string { return e.Problem + " (hint: " + e.Hint + ")" }

func fault(hint, format string, args ...any) *Error {
	return &Error{Problem: fmt.Sprintf(format, args...), Hint: hint}
}

// Nearest returns the one of known that takes the fewest edits to become name;
// among equals the first in alphabetical order; "" where the nearest is far: a
// guess that changes more than a third of a name helps nobody.
func Nearest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's, over bytes, with one row of memory. The first
// string is cut: a hostile name must not cost quadratic time.
func distance(a, b string) int {
	a = a[:min(len(a), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
