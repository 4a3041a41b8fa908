package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	text, err := encodeJSON(v, "  ")
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(text)
	return err
}

// encodeJSON is every --json of ours, with a newline behind it. Strangers choose
// names and user agents, and JSON lets DEL, the controls of C1 (U+009B begins a
// terminal's sequence) and those that turn text around stand as they are: they
// are written as escapes, which any reader takes for the same text.
func encodeJSON(v any, indent string) ([]byte, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetIndent("", indent)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	out := make([]byte, 0, plain.Len())
	for _, r := range plain.String() {
		// They stand inside of strings alone, and all are below U+10000. The
		// newlines are our own.
		if r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Bidi_Control) {
			out = fmt.Appendf(out, `\u%04x`, r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
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
