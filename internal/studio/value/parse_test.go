package value_test

import (
	"testing"

	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// What is typed is read by its column's type, or refused in words; an empty text
// is never NULL.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, shown string
		kind        catalog.TypeKind
		typed, want string
		ok          bool
	}{
		{"text", "text", catalog.Text, "", "", true},
		{"varchar", "character varying(3)", catalog.Text, "äöü ", "äöü ", true},
		{"varchar", "character varying(3)", catalog.Text, "abcd", "", false},
		{"text", "text", catalog.Text, "a\x00b", "", false},
		{"text", "text", catalog.Text, "\xff", "", false},
		{"bool", "boolean", catalog.Bool, "TRUE", "t", true},
		{"bool", "boolean", catalog.Bool, "", "", false},
		{"int8", "bigint", catalog.Number, "9223372036854775807", "9223372036854775807", true},
		{"int8", "bigint", catalog.Number, "9223372036854775808", "", false},
		{"int4", "integer", catalog.Number, "1e3", "", false},
		{"numeric", "numeric(10,2)", catalog.Number, "1.500", "1.500", true},
		{"numeric", "numeric(10,2)", catalog.Number, "1.505", "", false},
		{"uuid", "uuid", catalog.UUID, "0193a1f2-7c3e-7d40-8a51-2f6b0c9d1e73", "0193a1f2-7c3e-7d40-8a51-2f6b0c9d1e73", true},
		{"uuid", "uuid", catalog.UUID, "0193", "", false},
		{"jsonb", "jsonb", catalog.JSON, `{"a": 12345678901234567890}`, `{"a": 12345678901234567890}`, true},
		{"jsonb", "jsonb", catalog.JSON, `{a}`, "", false},
		{"bytea", "bytea", catalog.Bytes, `\x1F8b`, `\x1F8b`, true},
		{"bytea", "bytea", catalog.Bytes, `\x1`, "", false},
		{"bytea", "bytea", catalog.Bytes, `abc`, "", false},
	} {
		c := &catalog.Column{Name: "c", Shown: tt.shown, Type: &catalog.Type{Schema: "pg_catalog", Name: tt.name, Kind: tt.kind}}
		got, err := value.Parse(c, tt.typed)
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("%s %q: %q, %v", tt.shown, tt.typed, got, err)
		}
	}
}
