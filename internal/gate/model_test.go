package gate

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// naive is memory as one would write it without a thought for its size.
type naive struct {
	base   time.Time
	most   int
	life   time.Duration
	byHash map[short]*naiveEntry
	used   []short // by last use, the oldest first
}

type naiveEntry struct {
	hash   afauth.TokenHash
	visit  postgres.Visit
	filled time.Time
}

func (n *naive) forget(key short) {
	delete(n.byHash, key)
	n.used = slices.DeleteFunc(n.used, func(k short) bool { return k == key })
}

func (n *naive) keep(hash afauth.TokenHash, v postgres.Visit, at time.Time) {
	n.forget(shorten(hash))
	if len(n.byHash) >= n.most {
		n.forget(n.used[0])
	}
	n.byHash[shorten(hash)] = &naiveEntry{hash, v, n.base.Add(at.Sub(n.base).Truncate(time.Second))}
	n.used = append(n.used, shorten(hash))
	// All sessions of a person tell what is known of the person now.
	for _, e := range n.byHash {
		if e.visit.User.ID == v.User.ID {
			e.visit.User = v.User
		}
	}
}

func (n *naive) recall(hash afauth.TokenHash, host string, now instant) (session afauth.ID, login string, ok bool) {
	e := n.byHash[shorten(hash)]
	if e == nil || e.visit.Session.Host != host {
		return afauth.ID{}, "", false
	}
	until := e.visit.User.Until
	if now.here.Sub(e.filled) >= n.life || now.database/1_000_000 >= e.visit.Session.ExpiresAt.Unix() || until != nil && now.database >= until.UnixMicro() {
		n.forget(shorten(hash))
		return afauth.ID{}, "", false
	}
	n.used = append(slices.DeleteFunc(n.used, func(k short) bool { return k == shorten(hash) }), shorten(hash))
	return e.visit.Session.ID, e.visit.User.Login, true
}

func (n *naive) drop(user afauth.ID) {
	for key, e := range n.byHash {
		if e.visit.User.ID == user {
			n.forget(key)
		}
	}
}

// check fails unless all that memory holds hangs together.
func (m *memory) check(t *testing.T) {
	t.Helper()
	seen, last := map[uint32]bool{}, uint32(0)
	for i := m.ends.first; i != 0; i = m.entries.at(i).older {
		e := m.entries.at(i)
		if found, _ := m.index.find(&m.entries, &e.hash); seen[i] || e.newer != last || found != i {
			t.Fatalf("entry %d in the list by use: seen %v, newer %d, want %d", i, seen[i], e.newer, last)
		}
		seen[i], last = true, i
	}
	if m.ends.last != last || len(seen) != m.index.used {
		t.Fatalf("%d entries by use, which end with %d; %d in the index, %d is the last", len(seen), last, m.index.used, m.ends.last)
	}
	mine := 0
	for id, n := range m.people {
		before := uint32(0)
		r := m.records[n]
		if r.first == 0 || r.id != id {
			t.Fatalf("record %d: first %d, of %s and not %s", n, r.first, r.id, id)
		}
		for i := r.first; i != 0; i = m.entries.at(i).next {
			e := m.entries.at(i)
			if !seen[i] || e.person != n || e.prev != before {
				t.Fatalf("entry %d of record %d: %+v", i, n, e)
			}
			before = i
			mine++
		}
	}
	free := 0
	for i := m.entries.free; i != 0; i = m.entries.at(i).next {
		free++
	}
	if mine != m.index.used || free+m.index.used != int(m.entries.used) || len(m.free)+len(m.people) != len(m.records) {
		t.Fatalf("%d entries of people and %d free of %d handed out, %d in the index; %d people and %d free of %d records",
			mine, free, m.entries.used, m.index.used, len(m.people), len(m.free), len(m.records))
	}
}

// hashFor is the hash of session n. Every seventh shares its first eight bytes
// with the one before.
func hashFor(n int) (h afauth.TokenHash) {
	binary.LittleEndian.PutUint64(h[:], uint64(n-n%7/6)) // #nosec G115 -- small
	h[23] = byte(n)
	return h
}

// Whatever is done to memory, it answers as a plain map would, and its lists
// stay whole.
func TestMemoryAgainstAMap(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 7)) // #nosec G404 -- a test's
		base := time.Now()
		database := base.UnixMicro()
		most := 1 + random.IntN(40)
		m := newMemory(most, life, base)
		n := &naive{base: base, most: most, life: life, byHash: map[short]*naiveEntry{}}
		passed := time.Duration(0)
		for step := range 5000 {
			passed += time.Duration(random.IntN(200)) * time.Millisecond
			now := instant{base.Add(passed), database + passed.Microseconds()}
			session, person := random.IntN(60), byte(random.IntN(9))
			host := []string{"a.example.com", "b.example.com"}[random.IntN(2)]
			switch random.IntN(10) {
			case 0, 1, 2:
				v := visit(session, person, host, now.database+int64(random.IntN(90_000_000)))
				v.User.Login = string(rune('a' + random.IntN(26)))
				if random.IntN(3) == 0 {
					until := time.UnixMicro(now.database + int64(random.IntN(60_000_000)))
					v.User.Until = &until
				}
				f := m.begin()
				m.keep(f, hashFor(session), v, now.here)
				n.keep(hashFor(session), v, now.here)
			case 3:
				m.drop([]afauth.ID{{person}, {99}})
				n.drop(afauth.ID{person})
			case 4:
				if random.IntN(40) == 0 {
					m.dropAll()
					n.byHash, n.used = map[short]*naiveEntry{}, nil
				}
			case 5:
				f := m.begin()
				m.drop([]afauth.ID{{98}})
				m.keep(f, hashFor(session), visit(session, person, host, now.database+1_000_000), now.here)
			default:
				got, ok := m.recall(hashFor(session), host, now)
				id, login, want := n.recall(hashFor(session), host, now)
				if ok != want || ok && (got.session != id || got.user.Login != login) {
					t.Fatalf("seed %d, step %d: %v %+v, want %v %s %s", seed, step, ok, got, want, id, login)
				}
			}
			m.check(t)
		}
	}
}

func visit(session int, person byte, host string, expires int64) postgres.Visit {
	return postgres.Visit{
		Session: afauth.Session{ID: afauth.ID{1, byte(session)}, UserID: afauth.ID{person}, Host: host, ExpiresAt: time.UnixMicro(expires)},
		User:    afauth.User{ID: afauth.ID{person}, Whitelist: afauth.Whitelist{IsWhitelisted: true}},
	}
}

// C33: two tokens whose hashes begin alike are two tokens: neither is answered with
// the other's session.
func TestEqualBeginnings(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := newMemory(10, life, now)
	at := instant{now, now.UnixMicro()}
	one, two := hashFor(5), hashFor(6)
	if binary.LittleEndian.Uint64(one[:]) != binary.LittleEndian.Uint64(two[:]) || one == two {
		t.Fatal("they do not begin alike")
	}
	m.keep(m.begin(), one, visit(5, 1, "a.example.com", at.database+1_000_000), now)
	if got, ok := m.recall(two, "a.example.com", at); ok {
		t.Errorf("a stranger is %+v", got)
	}
	if got, ok := m.recall(one, "a.example.com", at); !ok || got.session != (afauth.ID{1, 5}) {
		t.Errorf("%+v, %v", got, ok)
	}
	m.keep(m.begin(), two, visit(6, 2, "a.example.com", at.database+1_000_000), now)
	if got, ok := m.recall(one, "a.example.com", at); !ok || got.session != (afauth.ID{1, 5}) || got.user.ID != (afauth.ID{1}) {
		t.Errorf("the first one is %+v, %v", got, ok)
	}
	if got, ok := m.recall(two, "a.example.com", at); !ok || got.session != (afauth.ID{1, 6}) || got.user.ID != (afauth.ID{2}) {
		t.Errorf("%+v, %v", got, ok)
	}
	m.drop([]afauth.ID{{1}})
	if _, ok := m.recall(two, "a.example.com", at); !ok {
		t.Error("the second one went with the first one's person")
	}
	m.check(t)
}
