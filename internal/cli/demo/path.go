package demo

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// canonicalTarget reports whether the request names its path in the one form
// that every reader understands alike. Gates have been walked around with
// /public/../admin, %2e%2e, ..;/, //admin and their relatives, wherever gate and
// application normalise differently. Nothing is normalised here: what is not
// canonical is refused.
//
// Only the origin form (RFC 9112, section 3.2.1) is accepted: "/path?query". A
// fragment never belongs in it, and the query holds printable ASCII only.
func canonicalTarget(r *http.Request) bool {
	if r.URL.Host != "" || r.URL.Opaque != "" || !strings.HasPrefix(r.RequestURI, "/") {
		return false
	}
	for i := range len(r.RequestURI) {
		if c := r.RequestURI[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	raw, _, _ := strings.Cut(r.RequestURI, "?")
	return canonicalPath(raw)
}

// canonicalPath is the rule for the path alone, as it stood on the wire:
//
//   - characters of RFC 3986's pchar, and '/', stand as they are;
//   - everything else is percent-encoded with upper-case digits, and nothing
//     that may stand as it is, nor '/', '\', '%' or a control character, is;
//   - the decoded path is UTF-8;
//   - no segment is empty, "." or "..", with or without ";parameters", except
//     that the path may end in '/'.
func canonicalPath(raw string) bool {
	if raw == "" || raw[0] != '/' {
		return false
	}
	decoded := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if i+2 >= len(raw) {
				return false
			}
			hi, lo := upperHex(raw[i+1]), upperHex(raw[i+2])
			if hi < 0 || lo < 0 {
				return false
			}
			c = byte(hi<<4 | lo)
			if unreserved(c) || c < ' ' || c == 0x7f || strings.IndexByte(`/\%`, c) >= 0 {
				return false
			}
			i += 2
		} else if !pchar(c) && c != '/' {
			return false
		}
		decoded = append(decoded, c)
	}
	return utf8.Valid(decoded) && plainSegments(raw)
}

func plainSegments(raw string) bool {
	segments := strings.Split(raw[1:], "/")
	for i, s := range segments {
		name, _, _ := strings.Cut(s, ";")
		if name == "." || name == ".." || (s == "" && i != len(segments)-1) {
			return false
		}
	}
	return true
}

func upperHex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("-._~", c) >= 0
}

func pchar(c byte) bool {
	return unreserved(c) || strings.IndexByte("!$&'()*+,;=:@", c) >= 0
}
