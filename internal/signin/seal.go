package signin

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// sealer encrypts small values that a browser carries for us between two
// requests. Nothing is stored on the server for a stranger, so strangers cannot
// fill a table.
//
// A sealed value is base64url( nonce[12] | AES-256-GCM ciphertext | tag[16] ).
// The purpose is the associated data: a value sealed for one cookie does not
// open as another.
type sealer struct{ aead cipher.AEAD }

// newSealer derives the key from a secret that all instances have already, the
// GitHub client secret, so that an answer may come back to another instance
// than the one that asked. HKDF: RFC 5869.
func newSealer(secret string) (sealer, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "af-auth browser state v1", 32)
	if err != nil {
		return sealer{}, fmt.Errorf("deriving the cookie key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("deriving the cookie key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("deriving the cookie key: %w", err)
	}
	return sealer{aead: aead}, nil
}

func (s sealer) seal(purpose string, v any) (string, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	// An & of an address must not become six letters: cookies are short.
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", fmt.Errorf("sealing %s: %w", purpose, err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain.Bytes(), []byte(purpose))), nil
}

var errSealed = errors.New("not a value of ours")

func (s sealer) open(purpose, sealed string, v any) error {
	if len(sealed) > maxSealed {
		return errSealed
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return errSealed
	}
	plain, err := s.aead.Open(nil, nil, raw, []byte(purpose))
	if err != nil {
		return errSealed
	}
	return json.Unmarshal(plain, v)
}

// maxSealed is the largest value, in bytes, that is given to a browser. It keeps
// 4096 in one cookie, name included, so whoever sets a longer one cuts it in two;
// and a proxy takes 8 KiB of cookies in all.
const maxSealed = 6000
