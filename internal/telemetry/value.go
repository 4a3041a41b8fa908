package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
)

// redactAttr is the ReplaceAttr of every logger. slog calls it for each
// attribute that is not a group, with its value resolved, and for the message.
func redactAttr(groups []string, a slog.Attr) slog.Attr {
	if SecretName(a.Key) {
		return hide(a)
	}
	for _, group := range groups {
		if SecretName(group) {
			return hide(a)
		}
	}
	switch a.Value.Kind() {
	case slog.KindDuration:
		a.Value = readable(a.Value)
	case slog.KindString:
		a.Value = slog.StringValue(Redact(a.Value.String()))
	case slog.KindAny:
		a.Value = redactAny(a.Value.Any())
	}
	return a
}

// hide replaces the values that can carry a secret. Counts and times under a
// secret's name (tokens=3, token_expires_at) tell nothing and help the reader.
func hide(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString, slog.KindAny:
		a.Value = slog.StringValue(Redacted)
	case slog.KindDuration:
		a.Value = readable(a.Value)
	}
	return a
}

// readable writes a duration as Go does ("1.5s") in both formats: slog's JSON
// would be a bare number of nanoseconds, and nobody knows the unit of it.
func readable(v slog.Value) slog.Value { return slog.StringValue(v.Duration().String()) }

// redactAny turns a value of any type into text or plain JSON values without
// secrets.
func redactAny(v any) (clean slog.Value) {
	// An Error or String method of a nil pointer may panic. A log line must not
	// end the program, and slog's own guard does not cover ReplaceAttr.
	defer func() {
		if r := recover(); r != nil {
			clean = slog.StringValue(fmt.Sprintf("[%T that cannot be shown]", v))
		}
	}()
	switch v := v.(type) {
	case nil:
		return slog.AnyValue(nil)
	case slog.Level:
		return slog.AnyValue(v)
	case *url.Userinfo:
		return slog.StringValue(Redacted) // its String is user:password
	case error:
		return slog.StringValue(OneLine(Redact(v.Error())))
	case json.RawMessage:
		return redactJSON(v, v)
	case []byte:
		return slog.StringValue(fmt.Sprintf("[%d bytes]", len(v)))
	case fmt.Stringer:
		return slog.StringValue(Redact(v.String()))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return slog.StringValue(fmt.Sprintf("[%T that cannot be shown]", v))
	}
	return redactJSON(text, v)
}

// redactJSON reads text, the JSON form of v, and returns it without secrets.
func redactJSON(text []byte, v any) slog.Value {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return slog.StringValue(fmt.Sprintf("[%T that cannot be shown]", v))
	}
	if s, ok := tree.(string); ok {
		return slog.StringValue(Redact(s))
	}
	return slog.AnyValue(jsonTree{redactTree(tree)})
}

// redactTree replaces the secrets in a decoded JSON value.
func redactTree(v any) any {
	switch v := v.(type) {
	case string:
		return Redact(v)
	case []any:
		for i := range v {
			v[i] = redactTree(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, value := range v {
			if SecretName(name) {
				value = Redacted
			}
			clean[Redact(name)] = redactTree(value)
		}
		return clean
	}
	return v
}

// jsonTree shows a decoded JSON value as JSON in both formats.
type jsonTree struct{ value any }

// MarshalJSON is for the JSON format.
func (t jsonTree) MarshalJSON() ([]byte, error) { return json.Marshal(t.value) }

// MarshalText is for the text format.
func (t jsonTree) MarshalText() ([]byte, error) { return json.Marshal(t.value) }
