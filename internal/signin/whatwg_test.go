package signin_test

import (
	"net/url"
	"strings"
	"testing"
)

// browserHost is the host, with its port, that a browser goes to for an
// address, after the state machine of the URL standard
// (https://url.spec.whatwg.org/#url-parsing) as far as it concerns special
// schemes; "" where the address is relative, and "?" for another scheme.
func browserHost(address string) string {
	// Leading and trailing C0 controls and spaces go; tabs and newlines go
	// wherever they are.
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	address = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address)
	scheme, rest, found := strings.Cut(address, ":")
	switch {
	case !found || strings.ContainsAny(scheme, `/\?#`):
		rest = address
		if !strings.HasPrefix(slashed(rest), "//") {
			return ""
		}
	case strings.EqualFold(scheme, "https"), strings.EqualFold(scheme, "http"):
	default:
		return "?"
	}
	// "special authority ignore slashes": as many slashes of either kind as
	// there are.
	rest = strings.TrimLeft(rest, `/\`)
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 {
		rest = rest[:end]
	}
	// The last @ ends the credentials.
	rest = rest[strings.LastIndex(rest, "@")+1:]
	if plain, err := url.PathUnescape(rest); err == nil {
		rest = plain
	}
	// Domain to ASCII: full-width forms and the ideographic full stops.
	rest = strings.Map(func(r rune) rune {
		switch {
		case r >= 0xff01 && r <= 0xff5e:
			return r - 0xff01 + '!'
		case r == 0x3002 || r == 0xff61:
			return '.'
		case r == 0xad || r == 0x200b || r == 0x2060 || r == 0xfeff:
			return -1
		}
		return r
	}, rest)
	rest = strings.ToLower(rest)
	if strings.EqualFold(scheme, "https") {
		rest = strings.TrimSuffix(rest, ":443")
	}
	return rest
}

func slashed(s string) string { return strings.ReplaceAll(s, `\`, "/") }

// A rule that sees no attack would pass every address.
func TestBrowserHost(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://evil.test/": "evil.test", "//evil.test": "evil.test", `/\evil.test/`: "evil.test", `https:\\evil.test`: "evil.test", "https:evil.test": "evil.test",
		"https:///evil.test": "evil.test", "\thttps:\n//ev\til.test": "evil.test", "https://auth.example.test@evil.test/": "evil.test", `https://evil.test\@auth.example.test`: "evil.test",
		"https://evil%E3%80%82test/": "evil.test", "https://EVIL.test:443": "evil.test", "https://evil.test#@auth.example.test": "evil.test", "/auth/": "", "auth/": "", "?x=https://a": "",
		"javascript:alert(1)": "?", "https://auth.example.test/\\evil.test": "auth.example.test", "https://a:b@auth.example.test:8443/x": "auth.example.test:8443",
	} {
		if got := browserHost(address); got != want {
			t.Errorf("browserHost(%q) = %q, want %q", address, got, want)
		}
	}
}
