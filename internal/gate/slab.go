package gate

import "github.com/af-auth/af-auth"

// entry is one session, 76 bytes without a pointer. Moments are kept in whole
// seconds, cut off: what ends, ends a little early and is asked about anew.
type entry struct {
	hash    short
	session afauth.ID
	expires uint32 // last moment by the database's clock, seconds since 1970
	seen    uint32 // last use that was noted, likewise
	filled  uint32 // when the database was asked, seconds since memory's base
	person  uint32
	host    uint32
	// neighbours: by last use, and among the person's own; 0: none
	newer, older uint32
	prev, next   uint32
}

// chunk is how many entries are made at once.
const chunk = 1024

// slab hands out entries by number, from 1.
type slab struct {
	chunks [][]entry
	used   uint32 // highest number handed out
	free   uint32 // first of the given back, which are linked by next
}

func (s *slab) at(i uint32) *entry { return &s.chunks[i/chunk][i%chunk] }

func (s *slab) take() uint32 {
	if i := s.free; i != 0 {
		s.free = s.at(i).next
		return i
	}
	s.used++
	if int(s.used/chunk) == len(s.chunks) {
		s.chunks = append(s.chunks, make([]entry, chunk))
	}
	return s.used
}

func (s *slab) give(i uint32) {
	*s.at(i) = entry{next: s.free}
	s.free = i
}

// ends are both ends of the list by last use.
type ends struct{ first, last uint32 }

func (m *memory) pushFront(i uint32) {
	e := m.entries.at(i)
	e.newer, e.older = 0, m.ends.first
	if m.ends.first != 0 {
		m.entries.at(m.ends.first).newer = i
	} else {
		m.ends.last = i
	}
	m.ends.first = i
}

func (m *memory) unlink(e *entry) {
	if e.newer != 0 {
		m.entries.at(e.newer).older = e.older
	} else {
		m.ends.first = e.older
	}
	if e.older != 0 {
		m.entries.at(e.older).newer = e.newer
	} else {
		m.ends.last = e.newer
	}
}

// touch makes an entry the one used last.
func (m *memory) touch(i uint32, e *entry) {
	if m.ends.first == i {
		return
	}
	m.unlink(e)
	m.pushFront(i)
}
