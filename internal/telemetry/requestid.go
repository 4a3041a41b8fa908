package telemetry

import (
	"context"
	"math/rand/v2"
)

// crockford is Douglas Crockford's base32 alphabet. It has no I, L, O and U, so
// that an id survives being read out on the telephone.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewRequestID returns a random id such as 7QX2-M4KD: 40 bits, enough to find
// one request in the log of some days. It is a reference shown to people, not a
// secret, and never taken from a client's header, where a stranger could choose
// what the log says.
func NewRequestID() string {
	bits := rand.Uint64() // #nosec G404 -- a reference; and ChaCha8, seeded by the operating system
	var id [9]byte
	for i := range id {
		if i == 4 {
			id[i] = '-'
			continue
		}
		id[i] = crockford[bits&31]
		bits >>= 5
	}
	return string(id[:])
}

// requestID is the key of the context.
type requestID struct{}

// WithRequestID returns a context that carries id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestID{}, id)
}

// RequestID returns the id that ctx carries, "" where there is none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestID{}).(string)
	return id
}
