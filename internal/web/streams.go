package web

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/af-auth/af-auth"
)

const (
	// mostStreams bounds what waiting pages may hold open on one server, and
	// mostStreamsEach what one person may.
	mostStreams     = 2000
	mostStreamsEach = 8
	// mostOpen and mostOpenEach bound the requests that are open at the
	// application behind this server, WebSockets among them: of people, and once
	// more of strangers on public paths, who so take nobody's place. Each costs
	// two connections and a few tens of kilobytes. A browser has six connections
	// to a host, or a hundred requests on one.
	mostOpen     = 10_000
	mostOpenEach = 200
)

// places counts what is open, in all and for each who opened it.
type places[K comparable] struct {
	most, mostEach int

	mu    sync.Mutex
	total int
	each  map[K]int
}

func newPlaces[K comparable](most, mostEach int) *places[K] {
	return &places[K]{most: most, mostEach: mostEach, each: map[K]int{}}
}

// open takes a place until release is called, once. Where there is none, ok is
// false.
func (p *places[K]) open(who K) (release func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= p.most || p.each[who] >= p.mostEach {
		return nil, false
	}
	p.total++
	p.each[who]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.total--
		if p.each[who]--; p.each[who] == 0 {
			delete(p.each, who)
		}
	}, true
}

// occupy takes a place for a request to the application: of a person, or of a
// peer where nobody is known.
func (s *Server) occupy(r *http.Request, user afauth.ID) (leave func(), err error) {
	var ok bool
	if user != (afauth.ID{}) {
		leave, ok = s.insiders.open(user)
	} else {
		leave, ok = s.strangers.open(network(s.peer(r)))
	}
	if !ok {
		return nil, detour{&afauth.Error{Code: afauth.CodeTooManyOpen, Message: "too many requests to the application are open", RetryAfter: 5 * time.Second}, here(r)}
	}
	return leave, nil
}

// network is whom a peer's address stands for: one IPv6 customer has a /64 at
// least. All without an address are one.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	prefix, _ := a.Prefix(bits)
	return prefix
}
