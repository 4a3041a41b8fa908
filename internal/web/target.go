package web

import (
	"encoding/hex"
	"net/url"
	"path"
	"strings"
)

// longestTarget bounds what a proxy may say in one header. nginx takes request
// lines of 8 KiB, and a path that is longer than that is no path of a browser's.
const longestTarget = 8 << 10

// target reads path and query as a proxy hands them on in a header (the origin
// form of RFC 9112, section 3.2.1). ok is false where they cannot be read, or
// where the path is not plain.
func target(uri string) (u *url.URL, ok bool) {
	raw, _, _ := strings.Cut(uri, "?")
	if len(uri) > longestTarget || strings.ContainsFunc(uri, isControl) || strings.Contains(uri, "#") || !plain(raw) {
		return nil, false
	}
	u, err := url.ParseRequestURI(uri)
	return u, err == nil
}

// plain reports whether everybody reads this raw path alike, whether they decode
// it once, twice or not at all, strip parameters (";x") or take "\" for "/". It
// is wider than canonical, which our own paths are held to: an application's
// paths hold spaces and letters of all languages, and these have one spelling
// too.
func plain(raw string) bool {
	decoded, err := url.PathUnescape(raw)
	if err != nil || !strings.HasPrefix(raw, "/") || strings.ContainsFunc(raw, alien) || strings.ContainsFunc(decoded, isControl) {
		return false
	}
	for i := range len(raw) {
		if raw[i] != '%' {
			continue
		}
		if b, err := hex.DecodeString(raw[i+1 : i+3]); err != nil || idle(b[0]) {
			return false
		}
	}
	for i := range len(decoded) {
		if _, err := url.PathUnescape(decoded[i:min(i+3, len(decoded))]); decoded[i] == '%' && err == nil {
			return false // decoded twice, it is another path
		}
	}
	return !wanders(decoded)
}

// alien holds for what no browser sends in a path unescaped, and for "\", which
// some servers take for "/".
func alien(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }

// idle holds for bytes whose escape is a second spelling (RFC 3986, section
// 2.3), and for those that separate segments. "~" was escaped by everybody once.
func idle(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte(`-._/\`, b) >= 0
}

// wanders reports whether a path has segments that lead elsewhere: "..", ".",
// none between two slashes, or one of these with a parameter ("..;x").
func wanders(decoded string) bool {
	segments := strings.Split(decoded, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	bare := strings.Join(segments, "/")
	clean := path.Clean(bare)
	return bare != clean && (clean == "/" || bare != clean+"/")
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
