package afauth

import (
	"bytes"
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
)

// ID is a UUID (RFC 9562). They are version 4, most of them made by the
// database with gen_random_uuid(), and reveal neither order nor count.
type ID [16]byte

// NewID makes one: version 4, from the operating system's randomness.
func NewID() (id ID) {
	// crypto/rand.Read never returns an error; it ends the program instead.
	_, _ = rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// ParseID reads the 36-character form, in either letter case.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, fmt.Errorf("%q is not a UUID", s)
	}
	compact := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(id[:], []byte(compact)); err != nil {
		return ID{}, fmt.Errorf("%q is not a UUID", s)
	}
	return id, nil
}

// String returns the 36-character form in lower case.
func (id ID) String() string {
	b, _ := id.MarshalText()
	return string(b)
}

// IsZero reports whether the ID has not been set.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders IDs as PostgreSQL does: byte by byte.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText makes IDs readable in JSON and logs.
func (id ID) MarshalText() ([]byte, error) {
	b := make([]byte, 36)
	hex.Encode(b, id[:4])
	b[8] = '-'
	hex.Encode(b[9:], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:], id[10:])
	return b, nil
}

// UnmarshalText is the reverse of MarshalText.
func (id *ID) UnmarshalText(b []byte) error {
	parsed, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// Value hands the ID to a database driver.
func (id ID) Value() (driver.Value, error) { return id.String(), nil }

// Scan reads a uuid column.
func (id *ID) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return id.UnmarshalText([]byte(v))
	case []byte:
		if len(v) == len(id) {
			copy(id[:], v)
			return nil
		}
		return id.UnmarshalText(v)
	case [16]byte:
		*id = v
		return nil
	default:
		return fmt.Errorf("cannot read a UUID from %T", src)
	}
}
