package gate

import (
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
//	index:   a token's hash -> entry
//	entries: in chunks without pointers, so that collecting garbage costs the
//	         same with a million of them as with none
//	records: one a person, shared by all of the person's sessions
//
// Two lists run through the entries: all of them by last use, and those of each
// person.
type memory struct {
	life time.Duration
	most int
	base time.Time // moments are kept as distances from here, by the monotonic clock

	mu      sync.Mutex
	drops   uint64 // grows with each change that was heard
	index   index
	entries slab
	people  map[afauth.ID]uint32
	records []record
	free    []uint32 // of records
	hosts   []string
	ends    ends // first: used last
}

func newMemory(most int, life time.Duration, now time.Time) *memory {
	m := &memory{most: most, life: life, base: now}
	m.clear()
	return m
}

func (m *memory) clear() {
	m.index = newIndex(m.most)
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
	user    afauth.User
	session afauth.ID
	// note says that its use should be written down.
	note bool
}

// noteEvery is how long a use may go unwritten, in seconds.
const noteEvery = uint32(postgres.SeenEvery / time.Second)

// recall returns a session that may come in now. It knows nothing else.
func (m *memory) recall(hash afauth.TokenHash, host string, now instant) (recalled, bool) {
	h := shorten(hash)
	m.mu.Lock()
	defer m.mu.Unlock()
	i, _ := m.index.find(&m.entries, &h)
	if i == 0 {
		return recalled{}, false
	}
	e := m.entries.at(i)
	if m.hosts[e.host] != host {
		return recalled{}, false
	}
	r, second := &m.records[e.person], seconds(now.database)
	if now.here.Sub(m.base)-time.Duration(e.filled)*time.Second >= m.life || second >= e.expires || r.until != 0 && now.database >= r.until {
		m.remove(i)
		return recalled{}, false
	}
	m.touch(i, e)
	// Another server may have noted a later use than our clock shows.
	note := second >= e.seen && second-e.seen >= noteEvery
	if note {
		e.seen = second
	}
	return recalled{user: r.user(), session: e.session, note: note}, true
}

// seconds cuts microseconds since 1970 to seconds. It counts until 2106.
func seconds(microseconds int64) uint32 { return uint32(microseconds / 1_000_000) } // #nosec G115 -- see above

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
	h := shorten(hash)
	if old, _ := m.index.find(&m.entries, &h); old != 0 {
		m.remove(old)
	}
	if m.index.used >= m.most {
		m.remove(m.ends.last)
	}
	i := m.entries.take()
	*m.entries.at(i) = entry{
		hash: h, session: v.Session.ID, host: m.hostNumber(v.Session.Host),
		expires: seconds(v.Session.ExpiresAt.UnixMicro()), seen: seconds(v.Session.SeenAt.UnixMicro()),
		filled: uint32(asked.Sub(m.base) / time.Second), // #nosec G115 -- a century
	}
	m.index.put(&m.entries, i)
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
	return m.drops, m.index.used
}

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
	first := r.first
	*r = recordOf(user)
	r.first = first
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
	m.index.cut(&m.entries, i)
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
		delete(m.people, r.id)
		*r = record{}
		m.free = append(m.free, e.person)
	}
	m.entries.give(i)
}
