package gate

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// life is how long one answer of the database may be repeated, whatever is
// heard: the bound where a change escapes the triggers.
const life = time.Minute

// memory holds sessions of people who may come in; refusals are never kept, so a
// flood of wrong cookies leaves no trace in it. When it is full, the session
// used longest ago goes.
//
//	index:   first 8 bytes of the token's hash -> entry
//	entries: in chunks without pointers, so that collecting garbage costs the
//	         same with a million of them as with none
//	people:  one record a person, shared by all of the person's sessions
//
// Two lists run through the entries: all of them by last use, and those of each
// person.
type memory struct {
	life time.Duration
	most int
	base time.Time // moments are kept as distances from here, by the monotonic clock

	mu      sync.Mutex
	drops   uint64 // grows with each change that was heard
	index   map[uint64]uint32
	entries slab
	people  map[afauth.ID]uint32
	records []record
	free    []uint32 // of records
	hosts   []string
	ends    ends // first: used last
}

// record is a person in memory. The user is never changed, only replaced.
type record struct {
	user  *afauth.User
	until int64 // microseconds; 0: no end
	first uint32
}

func newMemory(most int, life time.Duration, now time.Time) *memory {
	m := &memory{most: most, life: life, base: now}
	m.clear()
	return m
}

func (m *memory) clear() {
	m.index = map[uint64]uint32{}
	m.entries = slab{}
	m.people = map[afauth.ID]uint32{}
	m.records, m.free, m.hosts, m.ends = nil, nil, nil, ends{}
}

// instant is one moment by both clocks.
type instant struct {
	here     time.Time
	database int64 // microseconds, at most
}

// recalled is a session out of memory.
type recalled struct {
	user    *afauth.User
	session afauth.ID
	// note says that its use should be written down.
	note bool
}

// noteEvery is how long a use may go unwritten.
const noteEvery = int64(time.Minute / time.Microsecond)

// recall returns a session that may come in now. It knows nothing else.
func (m *memory) recall(hash afauth.TokenHash, host string, now instant) (recalled, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, known := m.index[keyOf(hash)]
	if !known {
		return recalled{}, false
	}
	e := m.entries.at(i)
	if e.hash != hash || m.hosts[e.host] != host {
		return recalled{}, false
	}
	r := &m.records[e.person]
	if now.here.Sub(m.base)-e.filled >= m.life || now.database >= e.expires || r.until != 0 && now.database >= r.until {
		m.remove(i)
		return recalled{}, false
	}
	m.touch(i, e)
	note := now.database-e.seen >= noteEvery
	if note {
		e.seen = now.database
	}
	return recalled{user: r.user, session: e.session, note: note}, true
}

// fill is the state of memory before the database is asked.
type fill struct{ drops uint64 }

func (m *memory) begin() fill {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fill{m.drops}
}

// keep stores an answer of the database, unless a change was heard since it was
// asked: the answer may be from before that change.
func (m *memory) keep(f fill, hash afauth.TokenHash, v postgres.Visit, asked time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.drops != m.drops || m.most == 0 {
		return
	}
	if old, there := m.index[keyOf(hash)]; there {
		m.remove(old)
	}
	if len(m.index) >= m.most {
		m.remove(m.ends.last)
	}
	i := m.entries.take()
	*m.entries.at(i) = entry{
		hash: hash, session: v.Session.ID, host: m.hostNumber(v.Session.Host),
		expires: v.Session.ExpiresAt.UnixMicro(), seen: v.Session.SeenAt.UnixMicro(), filled: asked.Sub(m.base),
	}
	m.index[keyOf(hash)] = i
	m.enlist(i, v.User)
	m.pushFront(i)
}

// drop forgets all sessions of these people.
func (m *memory) drop(users []afauth.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drops++
	for _, id := range users {
		n, known := m.people[id]
		for known {
			// The record goes with its last session.
			m.remove(m.records[n].first)
			_, known = m.people[id]
		}
	}
}

func (m *memory) dropAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drops++
	m.clear()
}

func (m *memory) size() (drops uint64, sessions int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.drops, len(m.index)
}

// keyOf is the beginning of a hash. It finds an entry; whether it is the one is
// decided by the whole hash.
func keyOf(h afauth.TokenHash) uint64 { return binary.LittleEndian.Uint64(h[:8]) }

// hostNumber finds a host among the few that there are.
func (m *memory) hostNumber(host string) uint32 {
	for n, h := range m.hosts {
		if h == host {
			return uint32(n) // #nosec G115 -- as many as there are applications
		}
	}
	m.hosts = append(m.hosts, host)
	return uint32(len(m.hosts) - 1) // #nosec G115 -- as above
}

// enlist puts an entry among those of its person, and takes over what is known
// of the person now.
func (m *memory) enlist(i uint32, user afauth.User) {
	n, known := m.people[user.ID]
	if !known {
		if last := len(m.free) - 1; last >= 0 {
			n, m.free = m.free[last], m.free[:last]
		} else {
			n = uint32(len(m.records)) // #nosec G115 -- no more people than sessions
			m.records = append(m.records, record{})
		}
		m.people[user.ID] = n
	}
	r := &m.records[n]
	r.user, r.until = &user, 0
	if user.Until != nil {
		r.until = user.Until.UnixMicro()
	}
	e := m.entries.at(i)
	e.person, e.next = n, r.first
	if r.first != 0 {
		m.entries.at(r.first).prev = i
	}
	r.first = i
}

// remove takes an entry out of everything.
func (m *memory) remove(i uint32) {
	e := m.entries.at(i)
	delete(m.index, keyOf(e.hash))
	m.unlink(e)
	r := &m.records[e.person]
	if e.prev != 0 {
		m.entries.at(e.prev).next = e.next
	} else {
		r.first = e.next
	}
	if e.next != 0 {
		m.entries.at(e.next).prev = e.prev
	}
	if r.first == 0 {
		delete(m.people, r.user.ID)
		*r = record{}
		m.free = append(m.free, e.person)
	}
	m.entries.give(i)
}
