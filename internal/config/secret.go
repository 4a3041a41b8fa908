package config

import (
	"fmt"
	"log/slog"
)

// hidden is what is shown in place of a secret.
const hidden = "***"

// Secret is a value that shows itself to nobody but those who call Reveal.
// The zero value is "not set".
//
// The text stands behind a pointer because package fmt calls no methods on
// unexported fields: inside somebody's private struct it prints what it finds,
// and of a pointer it finds an address.
type Secret struct{ text *string }

// NewSecret hides s; "" gives the zero value.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal returns the secret in clear, "" where it is not set.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether there is a secret.
func (s Secret) IsSet() bool { return s.text != nil }

// String returns ***, or "" where the secret is not set.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return hidden
}

// GoString returns what String does, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue returns what String does.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns what String does.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns what String does, quoted.
func (s Secret) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", s.String()), nil }
