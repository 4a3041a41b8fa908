package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/af-auth/af-auth"
)

// describe names a person so that nobody mistakes one for another.
func describe(u afauth.User) string {
	if u.Login == "" {
		return fmt.Sprintf("GitHub id %d", u.GitHubID)
	}
	if u.Name == "" {
		return fmt.Sprintf("%s (GitHub id %d)", printable(u.Login), u.GitHubID)
	}
	return fmt.Sprintf("%s (%s, GitHub id %d)", printable(u.Login), printable(u.Name), u.GitHubID)
}

func untilText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return " until " + stamp(*t)
}

func (e *Env) printJSON(v any) error {
	enc := json.NewEncoder(e.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// brief is a moment to the minute, for lists: --json has all of it.
func brief(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }

func briefly(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return brief(*t)
}

func moment(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return stamp(*t)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printable keeps what strangers wrote from steering a terminal, breaking a
// line, or turning the direction in which the rest of it is read.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return '?'
		}
		return r
	}, s)
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	default:
		return fmt.Sprintf("%d %ss", n, noun)
	}
}
