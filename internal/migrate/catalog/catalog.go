package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Catalog is what one schema holds.
type Catalog struct {
	Schema string // its name, as it is
	// Objects are in the order of their kinds, then by what they are of, then by
	// name.
	Objects []Object
}

// Of returns a catalogue of the given objects, each of which may be there once.
func Of(schema string, objects ...Object) Catalog {
	return Catalog{Schema: schema, Objects: slices.SortedFunc(slices.Values(objects), order)}
}

// Object is one thing with a name.
type Object struct {
	Kind Kind
	// Of is the table, view or domain that it is part of, else "". Both names are
	// quoted where SQL needs it.
	Of   string
	Name string // of a function with the types of its arguments: f(integer, text)
	// Attributes say what it is. One that has PostgreSQL's default is left out.
	Attributes []Attribute
	Position   int     // of a column, from 1 without gaps; else 0
	Owner      string  // quoted where SQL needs it; "" where it has none of its own
	Grants     []Grant // sorted; PostgreSQL's default rights are written out
}

// Attribute is one property of an object.
type Attribute struct{ Name, Value string }

// Grant is one right of one role.
type Grant struct {
	Privilege string // such as SELECT
	// Role is quoted where SQL needs it; PUBLIC for all, OWNER for whoever owns
	// the object. A role of that very name would be quoted.
	Role   string
	Option bool   // WITH GRANT OPTION
	By     string // who granted it; "" for the owner
}

// String writes a grant as SQL would.
func (g Grant) String() string {
	s := g.Privilege + " TO " + g.Role
	if g.Option {
		s += " WITH GRANT OPTION"
	}
	if g.By != "" {
		s += " GRANTED BY " + g.By
	}
	return s
}

// Get returns the value of an attribute, and whether it has one.
func (o Object) Get(attribute string) (string, bool) {
	for _, a := range o.Attributes {
		if a.Name == attribute {
			return a.Value, true
		}
	}
	return "", false
}

// Value returns the value of an attribute, or "".
func (o Object) Value(attribute string) string {
	v, _ := o.Get(attribute)
	return v
}

// Path names the object within its kind: users, users.login, f(integer).
func (o Object) Path() string {
	if o.Of == "" {
		return o.Name
	}
	return o.Of + "." + o.Name
}

// Find returns an object.
func (c Catalog) Find(kind Kind, of, name string) (Object, bool) {
	i, ok := slices.BinarySearchFunc(c.Objects, Object{Kind: kind, Of: of, Name: name}, order)
	if !ok {
		return Object{}, false
	}
	return c.Objects[i], true
}

// order is the order of objects: no two objects of a schema are equal in it.
func order(a, b Object) int {
	if a.Kind != b.Kind {
		return cmp.Or(cmp.Compare(a.Kind.rank(), b.Kind.rank()), strings.Compare(string(a.Kind), string(b.Kind)))
	}
	return cmp.Or(strings.Compare(a.Of, b.Of), strings.Compare(a.Name, b.Name))
}

// Fingerprint returns the SHA-256 of [Catalog.Text] in lower-case hexadecimal.
func (c Catalog) Fingerprint(with ...Part) string {
	sum := sha256.Sum256([]byte(c.Text(with...)))
	return hex.EncodeToString(sum[:])
}
