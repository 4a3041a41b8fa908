package page

import (
	"strings"
	"unicode"
)

// Plain takes from a stranger's words what would change how the words of others
// look: control characters, and those that turn the direction of text around
// (UAX #9, section 2) or are not to be seen at all. Line ends stay.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u206f', r == '\u200e', r == '\u200f', r == '\u061c',
			r == '\u200b', r == '\u2060', r == '\ufeff', r >= '\ufff9' && r <= '\ufffb', r >= '\U000e0000' && r <= '\U000e007f':
			return -1
		default:
			return r
		}
	}, s)
}
