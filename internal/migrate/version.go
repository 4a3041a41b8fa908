package migrate

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// semantic is MAJOR.MINOR.PATCH without leading zeros (semver.org, rule 2).
// Eight digits a part are plenty, and keep the numbers within an int.
var semantic = regexp.MustCompile(`^(0|[1-9]\d{0,7})\.(0|[1-9]\d{0,7})\.(0|[1-9]\d{0,7})$`)

// CompareSchema orders two schema versions ("1.10.0" after "1.9.0"): negative
// where a is older, 0 where they are equal, positive where a is newer. The
// empty string, which is the version of an empty database, is older than all.
func CompareSchema(a, b string) int {
	x, y := parts(a), parts(b)
	for i := range x {
		if c := cmp.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return 0
}

// parts returns the three numbers of a version, and -1s for what is none.
func parts(version string) [3]int {
	if !semantic.MatchString(version) {
		return [3]int{-1, -1, -1}
	}
	var out [3]int
	for i, s := range strings.Split(version, ".") {
		out[i], _ = strconv.Atoi(s) // the pattern lets numbers through only
	}
	return out
}

// nextMinor is the version that an expanding migration leads to.
func nextMinor(version string) string {
	if !semantic.MatchString(version) {
		return "1.0.0"
	}
	p := parts(version)
	return fmt.Sprintf("%d.%d.0", p[0], p[1]+1)
}

// Fit is how a database's schema stands to a release. The zero value is none of
// them, and serves nobody.
type Fit string

const (
	Served  Fit = "served"
	NoneYet Fit = "none yet" // no migration has run
	TooOld  Fit = "too old"
	TooNew  Fit = "too new"
)

// FitOf says whether a release can serve the schema that was found: its own
// version, and newer ones that begin with the same number. A second number rises
// with what the release before does not mind, the first with what it does. own
// is the version that the release's newest migration leads to.
func FitOf(own, found string) Fit {
	switch {
	case found == "":
		return NoneYet
	case CompareSchema(found, own) < 0:
		return TooOld
	case parts(found)[0] != parts(own)[0]:
		return TooNew
	default:
		return Served
	}
}

// ServedRange puts into words what FitOf lets a release serve.
func ServedRange(own string) string {
	return fmt.Sprintf("%s and newer %d.x", own, parts(own)[0])
}
