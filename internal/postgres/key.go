package postgres

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/af-auth/af-auth"
)

// Key is a place in a list that is newest first: when the row there was made,
// and its id, which tells apart those made in the same microsecond. In a list by
// login it is the login and the id. It stays good when that row is gone.
type Key struct {
	At time.Time
	ID afauth.ID
	// Login is set in lists by login, and At then is not.
	Login string
}

// keyBytes are the microseconds since 1970, big-endian, and the id.
const keyBytes = 8 + len(afauth.ID{})

// byLogin begins a place in a list by login: a dot is not of base64url.
const byLogin = "l."

// String writes the place down, for whoever wants to go on there later: 32
// characters of base64url, or "l." and the id and login in base64url.
func (k Key) String() string {
	if k.Login != "" {
		return byLogin + base64.RawURLEncoding.EncodeToString(append(k.ID[:], k.Login...))
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, keyBytes), uint64(k.At.UnixMicro())) // #nosec G115 -- its bits, there and back
	return base64.RawURLEncoding.EncodeToString(append(b, k.ID[:]...))
}

// ParseKey reads what String wrote.
func ParseKey(s string) (Key, error) {
	if rest, ok := strings.CutPrefix(s, byLogin); ok {
		b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
		if n := len(afauth.ID{}); err == nil && len(b) > n && utf8.Valid(b[n:]) && !bytes.Contains(b[n:], []byte{0}) {
			return Key{ID: afauth.ID(b[:n]), Login: string(b[n:])}, nil
		}
		return Key{}, fmt.Errorf("%q is not a place in a list", s)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != keyBytes {
		return Key{}, fmt.Errorf("%q is not a place in a list", s)
	}
	at := int64(binary.BigEndian.Uint64(b)) // #nosec G115 -- its bits, there and back
	return Key{At: time.UnixMicro(at).UTC(), ID: afauth.ID(b[8:])}, nil
}
