package catalog

import "github.com/jackc/pgx/v5"

// TypeKind is what can be done with values of a type, and how they are shown.
type TypeKind int

// The kinds of types.
const (
	Other TypeKind = iota
	Text
	Number
	Bool
	Time // dates, times, timestamps
	UUID
	JSON
	Bytes
	Enum
	Array
	Range
)

// Type is a type that is no domain.
type Type struct {
	Schema, Name string
	Kind         TypeKind
	// OpSchema is the schema of its comparisons; "" where it has none, and rows
	// cannot be put in order by it.
	OpSchema string
	// Labels are an enum's, in order.
	Labels []string
	// Element is an array's.
	Element *Type
}

// Identifier is the type's name for SQL, without a modifier: a cast to
// varchar(5) would cut silently.
func (t *Type) Identifier() string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

// Zoned reports whether values are moments, which have a local time too.
func (t *Type) Zoned() bool { return t.Schema == "pg_catalog" && t.Name == "timestamptz" }

// Short reports whether values are never long: they need not be cut.
func (t *Type) Short() bool {
	switch t.Kind {
	case Bool, Time, UUID, Enum:
		return true
	case Number:
		return t.Name != "numeric"
	}
	return false
}

// rawType is a row of pg_type.
type rawType struct {
	schema, name, class, category string
	base, element                 uint32
	opSchema                      string
	resolved                      *Type
}

// types resolves rows of pg_type to types.
type types struct {
	raw    map[uint32]*rawType
	labels map[uint32][]string
}

func (s types) of(oid uint32) *Type {
	r := s.raw[oid]
	if r == nil {
		return &Type{Schema: "pg_catalog", Name: "text", Kind: Other}
	}
	if r.resolved != nil {
		return r.resolved
	}
	if r.base != 0 {
		r.resolved = s.of(r.base)
		return r.resolved
	}
	t := &Type{Schema: r.schema, Name: r.name, OpSchema: r.opSchema, Labels: s.labels[oid]}
	r.resolved = t
	t.Kind = kindOf(r)
	if t.Kind == Array {
		t.Element = s.of(r.element)
	}
	if t.OpSchema == "" {
		t.OpSchema = borrowed(r, t)
	}
	return t
}

func kindOf(r *rawType) TypeKind {
	switch {
	case r.class == "e":
		return Enum
	case r.class == "r" || r.class == "m":
		return Range
	case r.category == "A" && r.element != 0:
		return Array
	case r.category == "S":
		return Text
	case r.category == "B":
		return Bool
	case r.category == "D":
		return Time
	}
	if r.schema != "pg_catalog" {
		return Other
	}
	switch r.name {
	case "int2", "int4", "int8", "float4", "float8", "numeric", "money", "oid":
		return Number
	case "uuid":
		return UUID
	case "json", "jsonb":
		return JSON
	case "bytea":
		return Bytes
	case "xml":
		return Other
	}
	return Other
}

// borrowed is the schema of the comparisons that a type without an operator
// class of its own uses: a varchar those of text, an enum those of all enums.
func borrowed(r *rawType, t *Type) string {
	switch {
	case t.Kind == Enum, t.Kind == Range, r.category == "S", r.category == "I":
		return "pg_catalog"
	case t.Kind == Array && t.Element.OpSchema != "":
		return "pg_catalog"
	}
	return ""
}
