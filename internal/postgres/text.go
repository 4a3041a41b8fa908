package postgres

import (
	"strings"
	"unicode/utf8"
)

// clean makes a string from outside fit for a text column: PostgreSQL refuses
// NUL and invalid UTF-8, and nobody needs a user agent of a megabyte.
func clean(s string, maxBytes int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= maxBytes {
		return s
	}
	s = s[:maxBytes]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// orNull stores an empty string as NULL: it means that we do not know.
func orNull(s string, maxBytes int) *string {
	if s = clean(s, maxBytes); s == "" {
		return nil
	}
	return &s
}

// orEmpty is the reverse of orNull.
func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
