package access

import (
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/af-auth/af-auth"
)

// ParseRef reads a person as somebody wrote it.
func ParseRef(s string) (login string, githubID int64, id afauth.ID, err error) {
	r, err := parseRef(s)
	return r.login, r.githubID, r.id, err
}

// WhyForeign says why somebody else may have written the answers of GitHub.
func WhyForeign(info fs.FileInfo, uid int) string { return whyForeign(info, uid) }

// ReadLines reads a file of people: each line without flaws in words, and all
// flaws.
func ReadLines(r io.Reader, now time.Time, host func(string) string) (lines []string, flaws []Flaw) {
	f, flaw := readHeader(r, csvChecks{now, host})
	if flaw != nil {
		return nil, []Flaw{*flaw}
	}
	for l, wrong := range f.lines() {
		flaws = append(flaws, wrong...)
		if len(wrong) > 0 {
			continue
		}
		s := fmt.Sprintf("%d:%s", l.number, l.called())
		if l.until != nil {
			s += " until " + l.until.Format(time.RFC3339)
		}
		if l.apps != nil {
			s += fmt.Sprint(" ", l.apps)
		}
		if l.reason != "" {
			s += fmt.Sprintf(" %q", l.reason)
		}
		lines = append(lines, s)
	}
	return lines, flaws
}
