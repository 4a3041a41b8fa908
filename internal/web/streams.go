package web

import (
	"sync"

	"github.com/af-auth/af-auth"
)

const (
	// mostStreams bounds what waiting pages may hold open on one server, and
	// mostStreamsEach what one person may.
	mostStreams     = 2000
	mostStreamsEach = 8
)

// streams counts open waiting pages. A page that gets none falls back to
// asking again.
type streams struct {
	mu    sync.Mutex
	total int
	each  map[afauth.ID]int
}

func newStreams() *streams { return &streams{each: map[afauth.ID]int{}} }

func (s *streams) open(user afauth.ID) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= mostStreams || s.each[user] >= mostStreamsEach {
		return nil, false
	}
	s.total++
	s.each[user]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		if s.each[user]--; s.each[user] == 0 {
			delete(s.each, user)
		}
	}, true
}
