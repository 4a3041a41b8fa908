package afauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
)

// Token is the secret half of a session, ticket or nonce: 256 random bits,
// written as 43 characters of unpadded base64url. It never prints itself.
type Token string

// TokenHash is the SHA-256 of a Token, which is what gets stored. A slow hash
// would add nothing: 256 random bits cannot be guessed.
type TokenHash [sha256.Size]byte

// NewToken makes a token from the operating system's randomness.
func NewToken() Token {
	var b [32]byte
	// crypto/rand.Read never returns an error; it ends the program instead.
	_, _ = rand.Read(b[:])
	return Token(base64.RawURLEncoding.EncodeToString(b[:]))
}

// ParseToken checks the form of a token that came from outside, so that what
// cannot be one of ours costs no query.
func ParseToken(s string) (Token, bool) {
	if len(s) != 43 {
		return "", false
	}
	var bits [32]byte
	if _, err := strict.Decode(bits[:], []byte(s)); err != nil {
		return "", false
	}
	return Token(s), true
}

// strict refuses the second spelling of the last character, so that one token has
// one form only.
var strict = base64.RawURLEncoding.Strict()

// Hash returns what the database keeps.
func (t Token) Hash() TokenHash { return sha256.Sum256([]byte(t)) }

// Reveal returns the token itself, for the one cookie or link it is meant for.
func (t Token) Reveal() string { return string(t) }

// String, GoString, LogValue and MarshalText hide the token from every way of
// printing it by accident.
func (t Token) String() string { return "[token]" }

// GoString hides the token from %#v.
func (t Token) GoString() string { return "[token]" }

// LogValue hides the token from slog.
func (t Token) LogValue() slog.Value { return slog.StringValue("[token]") }

// MarshalText hides the token from JSON.
func (t Token) MarshalText() ([]byte, error) { return []byte("[token]"), nil }
