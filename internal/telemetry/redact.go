package telemetry

import (
	"regexp"
	"strings"
)

// Redacted stands where a secret stood.
const Redacted = "[redacted]"

// pattern finds one shape of secret in free text. Expressions are slow next to
// a search for a fixed piece of the shape, and most texts hold none of them, so
// needles, in lower case, are looked for first.
type pattern struct {
	needles []string
	find    *regexp.Regexp
	replace string
}

// secretNames are the fields, form values and connection parameters whose value
// is a secret wherever they are spelled out in a text.
const secretNames = `(?:[a-z_]*(?:password|passwd|passphrase|secret|token|verifier))`

// patterns are applied in this order. Where a shape has no certain end the
// expression takes too much rather than too little.
var patterns = newPatterns()

func newPatterns() []pattern {
	names := []string{"passw", "passphrase", "secret", "token", "verifier"}
	return []pattern{
		// GitHub: gho_, ghu_, ghr_, ghs_, ghp_. Lengths vary and grow, up to about
		// 520 characters, dots included.
		{[]string{"gh"}, regexp.MustCompile(`gh[a-z]_[A-Za-z0-9._-]{36,}`), Redacted},
		{[]string{"github_pat_"}, regexp.MustCompile(`github_pat_[A-Za-z0-9_]{20,}`), Redacted},
		// postgres://user:password@host. A password that holds an unescaped @, / or
		// ? is a common mistake and just then gets into error messages, so
		// everything up to the last @ goes.
		{[]string{"postgres"}, regexp.MustCompile("(?i)(postgres(?:ql)?://[^:@/\\s\"<>`]*):[^\\s\"<>`]*@"), "${1}:" + Redacted + "@"},
		// Any other URL with a password, up to the end of its authority (RFC 3986,
		// 3.2).
		{[]string{"://"}, regexp.MustCompile("([A-Za-z][A-Za-z0-9+.-]*://[^:@/?#\\s\"<>`]*):[^/?#\\s\"<>`]*@"), "${1}:" + Redacted + "@"},
		// password=… and password='…' of libpq's connection strings, where & is a
		// letter like others; client_secret=… and the like in forms and queries.
		{names, regexp.MustCompile(`(?i)\b(` + secretNames + `\s*=\s*)'(?:[^'\\]|\\.)*'`), "${1}" + Redacted},
		{names, regexp.MustCompile(`(?i)\b(` + secretNames + `\s*=\s*)[^\s"]+`), "${1}" + Redacted},
		// {Password:… Token:…}, a struct printed with %+v.
		{names, regexp.MustCompile(`(?i)\b(` + secretNames + `):[^\s}\]]+`), "${1}:" + Redacted},
		// "access_token":"…" in JSON, and the same after %q.
		{names, regexp.MustCompile(`(?i)("` + secretNames + `"\s*:\s*)"(?:[^"\\]|\\.)*"?`), `${1}"` + Redacted + `"`},
		{names, regexp.MustCompile(`(?i)(\\"` + secretNames + `\\"\s*:\s*)\\"[^"]*"?`), `${1}\"` + Redacted + `\"`},
		// These are plain words elsewhere, and secrets in a query or a form.
		{[]string{"code=", "state=", "ticket=", "nonce="},
			regexp.MustCompile(`(?i)(^|[?&])(code|state|ticket|nonce)=[^&\s"']+`), "${1}${2}=" + Redacted},
		// Headers, written out to the end of the line or alone.
		{[]string{"authorization:", "cookie:"},
			regexp.MustCompile(`(?i)\b((?:proxy-)?authorization|(?:set-)?cookie):[^\r\n]*`), "${1}: " + Redacted},
		{[]string{"bearer ", "basic "},
			regexp.MustCompile(`(?i)\b(bearer|basic) +[A-Za-z0-9._~+/=-]{16,}`), "${1} " + Redacted},
	}
}

// in reports whether one of the needles is in text, which is in lower case.
func (p pattern) in(text string) bool {
	for _, needle := range p.needles {
		if strings.Contains(text, needle) {
			return true
		}
	}
	return false
}

// Redact returns text with everything that looks like a secret replaced:
// GitHub's tokens, passwords in URLs and connection strings, secret parameters
// of queries, forms and JSON, and authorization and cookie headers.
//
// Session tokens and tickets of af-auth are 43 characters without a mark of
// their own and look like many harmless values; they are known by their names
// only, see SecretName.
func Redact(text string) string {
	lower := strings.ToLower(text)
	for _, p := range patterns {
		if p.in(lower) {
			text = p.find.ReplaceAllString(text, p.replace)
		}
	}
	return text
}

// SecretName reports whether a value under that name is a secret whatever it
// looks like. Names are compared by their words, in snake_case, kebab-case,
// dotted or camelCase, in any case: client_secret, Set-Cookie, accessToken.
//
// "code" and "state" are secrets when they stand alone or next to OAuth's
// words, and not in status_code or pool_state.
func SecretName(name string) bool {
	words := nameWords(name)
	for _, w := range words {
		switch w {
		case "password", "passwd", "passphrase", "token", "secret", "cookie",
			"authorization", "ticket", "nonce", "verifier":
			return true
		}
	}
	switch strings.Join(words, "_") {
	case "code", "oauth_code", "auth_code", "device_code", "user_code", "state", "oauth_state":
		return true
	}
	return false
}

// nameWords splits a name into lower-case words, without a plural's s.
func nameWords(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if lower && 'A' <= r && r <= 'Z' {
			b.WriteByte(' ')
		}
		lower = 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
		if strings.ContainsRune("_-. /:", r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	words := strings.Fields(strings.ToLower(b.String()))
	for i, w := range words {
		words[i] = strings.TrimSuffix(w, "s")
	}
	return words
}
