package web

import (
	"container/list"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// peer is the address that a request comes from. X-Forwarded-For counts only
// as far as it was written by proxies that the operator named: it is read from
// the right, and the first address that is not such a proxy is the peer.
func (s *Server) peer(r *http.Request) netip.Addr {
	socket, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	peer := socket.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(peer); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = next.Unmap()
	}
	return peer
}

func (s *Server) trusted(a netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// peerLimiter gives each peer a bucket. Its memory is bounded: the peer seen
// longest ago is forgotten first.
type peerLimiter struct {
	perMinute int
	now       func() time.Time

	mu     sync.Mutex
	order  *list.List // of *bucket, most recent first
	byPeer map[netip.Prefix]*list.Element
}

type bucket struct {
	peer    netip.Prefix
	limiter *rate.Limiter
}

// mostPeers is enough for a busy office and costs a few megabytes at most.
const mostPeers = 20_000

func newPeerLimiter(perMinute int, now func() time.Time) *peerLimiter {
	return &peerLimiter{perMinute: perMinute, now: now, order: list.New(), byPeer: map[netip.Prefix]*list.Element{}}
}

// allow takes one from the peer's bucket.
func (l *peerLimiter) allow(a netip.Addr) bool {
	key := network(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	element, known := l.byPeer[key]
	if known {
		l.order.MoveToFront(element)
	} else {
		perSecond := rate.Limit(float64(l.perMinute) / 60)
		element = l.order.PushFront(&bucket{peer: key, limiter: rate.NewLimiter(perSecond, l.perMinute)})
		l.byPeer[key] = element
	}
	if l.order.Len() > mostPeers {
		oldest := l.order.Back()
		delete(l.byPeer, oldest.Value.(*bucket).peer)
		l.order.Remove(oldest)
	}
	return element.Value.(*bucket).limiter.AllowN(l.now(), 1)
}
