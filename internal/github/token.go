package github

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const redacted = "[redacted]"

// Token is what GitHub gives for a code or for a refresh token.
//
// It prints, logs and marshals as "[redacted]" plus its scopes and lifetimes.
// fmt does not call methods on unexported fields, so do not keep a Token in an
// unexported field of something that may be printed.
type Token struct {
	// AccessToken is opaque, up to some 520 characters. Its prefix says
	// nothing about its lifetime.
	AccessToken string
	// Scopes are what was granted, which may be less than what was asked;
	// empty for a GitHub App.
	Scopes []string
	// ExpiresIn is the lifetime from now on; 0 means that it does not expire.
	ExpiresIn time.Duration
	// RefreshToken can be used once; "" where the token does not expire.
	RefreshToken string
	// RefreshExpiresIn is the refresh token's lifetime; 0 where there is none.
	RefreshExpiresIn time.Duration
}

// String says what kind of token this is, without the token.
func (t Token) String() string {
	life := "does not expire"
	if t.ExpiresIn > 0 {
		life = "expires in " + t.ExpiresIn.String()
	}
	return fmt.Sprintf("github token %s (scopes %q, %s)", redacted, strings.Join(t.Scopes, " "), life)
}

// GoString is String, for %#v.
func (t Token) GoString() string { return t.String() }

// Format writes String for each verb, also for those, such as %d, for which
// fmt would print the fields.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is what slog writes.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON writes String as a JSON string.
func (t Token) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// MarshalText writes String, for XML and other encoders.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
