package gate

import (
	"encoding/binary"
	"math/bits"

	"github.com/af-auth/af-auth"
)

// short is the hash of a token as memory keeps it: the first 192 bits of its
// SHA-256. Nobody finds two tokens that share them.
type short [24]byte

func shorten(h afauth.TokenHash) short { return short(h[:len(short{})]) }

// index finds entries by their hash: open addressing with linear probing, made
// for as many entries as there may be at once, so that it never grows. Pages of
// it that nobody has touched cost nothing.
type index struct {
	slots []uint32 // numbers of entries; 0: none. Their count is a power of two.
	used  int
}

func newIndex(most int) index {
	return index{slots: make([]uint32, 1<<bits.Len(uint(most+most/2)))} // #nosec G115 -- a number of sessions
}

// home is the slot in which a hash is looked for first.
func (x *index) home(h *short) int {
	return int(binary.LittleEndian.Uint32(h[:])) & (len(x.slots) - 1)
}

// find returns the number of the entry with this hash, or 0, and the slot.
func (x *index) find(s *slab, h *short) (i uint32, slot int) {
	for slot = x.home(h); ; slot = x.next(slot) {
		i = x.slots[slot]
		if i == 0 || s.at(i).hash == *h {
			return i, slot
		}
	}
}

func (x *index) next(slot int) int { return (slot + 1) & (len(x.slots) - 1) }

// put adds an entry that is not there.
func (x *index) put(s *slab, i uint32) {
	_, slot := x.find(s, &s.at(i).hash)
	x.slots[slot] = i
	x.used++
}

// cut takes an entry out. What stands behind it moves up where its way from home
// leads across the gap; so no slot has to be marked as once used.
func (x *index) cut(s *slab, i uint32) {
	_, gap := x.find(s, &s.at(i).hash)
	x.used--
	mask := len(x.slots) - 1
	for slot := x.next(gap); x.slots[slot] != 0; slot = x.next(slot) {
		home := x.home(&s.at(x.slots[slot]).hash)
		if (slot-home)&mask >= (slot-gap)&mask {
			x.slots[gap] = x.slots[slot]
			gap = slot
		}
	}
	x.slots[gap] = 0
}
