package postgres

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/af-auth/af-auth"
)

// Key is a place in a list that is newest first: when the row there was made,
// and its id, which tells apart those made in the same microsecond. It stays
// good when that row is gone.
type Key struct {
	At time.Time
	ID afauth.ID
}

// keyBytes are the microseconds since 1970, big-endian, and the id.
const keyBytes = 8 + len(afauth.ID{})

// String writes the place down, for whoever wants to go on there later: 32
// characters of base64url.
func (k Key) String() string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, keyBytes), uint64(k.At.UnixMicro())) // #nosec G115 -- its bits, there and back
	return base64.RawURLEncoding.EncodeToString(append(b, k.ID[:]...))
}

// ParseKey reads what String wrote.
func ParseKey(s string) (Key, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != keyBytes {
		return Key{}, fmt.Errorf("%q is not a place in a list", s)
	}
	at := int64(binary.BigEndian.Uint64(b)) // #nosec G115 -- its bits, there and back
	return Key{At: time.UnixMicro(at).UTC(), ID: afauth.ID(b[8:])}, nil
}
