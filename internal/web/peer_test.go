package web

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth"
)

func proxied(trusted ...string) *Server {
	s := &Server{}
	for _, p := range trusted {
		s.TrustedProxies = append(s.TrustedProxies, netip.MustParsePrefix(p))
	}
	return s
}

func from(socket string, chain ...string) *http.Request {
	return &http.Request{RemoteAddr: socket, Header: http.Header{"X-Forwarded-For": chain}}
}

func TestPeer(t *testing.T) {
	t.Parallel()
	behind := proxied("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")
	for _, c := range []struct {
		name   string
		server *Server
		r      *http.Request
		want   string
	}{
		{"nobody is trusted", proxied(), from("192.0.2.1:5", "203.0.113.9"), "192.0.2.1"},
		{"a stranger", behind, from("192.0.2.1:5", "203.0.113.9"), "192.0.2.1"},
		{"a proxy that says nothing", behind, from("10.0.0.1:5"), "10.0.0.1"},
		{"one hop", behind, from("10.0.0.1:5", "203.0.113.9"), "203.0.113.9"},
		{"a lie on the left", behind, from("10.0.0.1:5", "1.1.1.1, 203.0.113.9"), "203.0.113.9"},
		{"a lie in a line of its own", behind, from("10.0.0.1:5", "1.1.1.1", "203.0.113.9"), "203.0.113.9"},
		{"two hops", behind, from("10.0.0.1:5", "1.1.1.1, 203.0.113.9, 10.2.3.4"), "203.0.113.9"},
		{"all hops are ours", behind, from("10.0.0.1:5", "10.0.0.9,10.2.3.4"), "10.0.0.9"},
		{"no spaces", behind, from("10.0.0.1:5", "1.1.1.1,203.0.113.9"), "203.0.113.9"},
		{"tabs", behind, from("10.0.0.1:5", "\t203.0.113.9\t"), "203.0.113.9"},
		{"empty", behind, from("10.0.0.1:5", ""), "10.0.0.1"}, {"commas", behind, from("10.0.0.1:5", ",,,"), "10.0.0.1"},
		{"unknown", behind, from("10.0.0.1:5", "203.0.113.9, unknown"), "10.0.0.1"},
		{"with a port", behind, from("10.0.0.1:5", "203.0.113.9:99"), "10.0.0.1"},
		{"IPv6", behind, from("[fd00::1]:5", "2001:db8::7"), "2001:db8::7"},
		{"IPv4 in IPv6", behind, from("[::ffff:10.0.0.1]:5", "::ffff:203.0.113.9"), "203.0.113.9"},
		{"a trusted one in IPv6's clothes", behind, from("10.0.0.1:5", "203.0.113.9, ::ffff:10.0.0.2"), "203.0.113.9"},
		{"no socket address", behind, from("@", "203.0.113.9"), "invalid IP"},
		{"leading zeros", behind, from("10.0.0.1:5", "010.0.0.1"), "10.0.0.1"}, {"octal", behind, from("10.0.0.1:5", "0177.0.0.1"), "10.0.0.1"},
	} {
		if got := c.server.peer(c.r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// FuzzPeer: without trust nothing that is written counts; with it, the peer is
// the socket's, or an address that somebody trusted wrote.
func FuzzPeer(f *testing.F) {
	for _, seed := range []string{"", "1.1.1.1", "1.1.1.1, 10.0.0.1", "unknown", "::1%eth0", "[::1]:80", ",", "10.0.0.1,10.0.0.2,10.0.0.3", "::ffff:10.0.0.1", "\x00", strings.Repeat("10.0.0.1,", 3000)} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, chain string, trusted bool) {
		s, socket := proxied("10.0.0.0/8"), "192.0.2.1"
		if trusted {
			socket = "10.0.0.1"
		}
		got := s.peer(from(socket+":5", chain))
		if !got.IsValid() || got.Is4In6() {
			t.Fatalf("%q makes the peer %v", chain, got)
		}
		if got.String() == socket {
			return
		}
		if !trusted {
			t.Errorf("a stranger is believed: %q makes %v", chain, got)
		}
		// All that stands to the right of the peer is trusted.
		hops := strings.Split(chain, ",")
		for i := len(hops) - 1; i >= 0; i-- {
			a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				t.Fatalf("%q: %v is behind what is no address", chain, got)
			}
			if a.Unmap() == got {
				return
			}
			if !s.trusted(a.Unmap()) {
				t.Fatalf("%q: %v stands behind the stranger %v", chain, got, a)
			}
		}
		t.Errorf("%q does not hold %v", chain, got)
	})
}

func TestPeerLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	l := newPeerLimiter(5, func() time.Time { return now })
	taken := func(address string, tries int) (passed int) {
		for range tries {
			if l.allow(netip.MustParseAddr(address)) {
				passed++
			}
		}
		return passed
	}
	if n := taken("192.0.2.1", 50); n != 5 {
		t.Errorf("%d of 50 pass", n)
	}
	if n := taken("192.0.2.2", 50); n != 5 {
		t.Errorf("a neighbour: %d", n)
	}
	now = now.Add(30 * time.Second)
	if n := taken("192.0.2.1", 50); n != 2 {
		t.Errorf("after half a minute: %d", n)
	}
	now = now.Add(time.Hour)
	if n := taken("192.0.2.1", 50); n != 5 {
		t.Errorf("after an hour: %d", n)
	}
	// One IPv6 customer has a /64 at least.
	if n := taken("2001:db8::1", 8) + taken("2001:db8::ffff:2", 8) + taken("2001:db8::3%eth1", 8); n != 5 {
		t.Errorf("one /64: %d", n)
	}
	if n := taken("2001:db8:0:1::1", 50); n != 5 {
		t.Errorf("the next /64: %d", n)
	}
	for i := range mostPeers + 5000 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(i))
		l.allow(netip.AddrFrom4(b))
	}
	if l.order.Len() != mostPeers || len(l.byPeer) != mostPeers {
		t.Errorf("%d and %d peers are remembered", l.order.Len(), len(l.byPeer))
	}
	if !l.allow(netip.Addr{}) {
		t.Error("a peer without an address has no bucket")
	}
}

func TestStreamsLimits(t *testing.T) {
	t.Parallel()
	s := newPlaces[afauth.ID](mostStreams, mostStreamsEach)
	var release []func()
	for i := range mostStreams {
		done, ok := s.open(personNumber(i / mostStreamsEach))
		if !ok {
			t.Fatalf("stream %d is refused", i)
		}
		release = append(release, done)
	}
	if _, ok := s.open(personNumber(mostStreams)); ok {
		t.Error("one more than all")
	}
	for _, done := range release[:mostStreamsEach-1] {
		done()
	}
	if _, ok := s.open(personNumber(1)); ok {
		t.Error("one more than a person may")
	}
	for range mostStreamsEach - 1 {
		if _, ok := s.open(personNumber(0)); !ok {
			t.Error("a place that was given back is not there")
		}
	}
	for _, done := range release[mostStreamsEach-1:] {
		done()
	}
	if s.total != mostStreamsEach-1 || len(s.each) != 1 {
		t.Errorf("%d streams of %d people are left", s.total, len(s.each))
	}
}

func personNumber(n int) (id [16]byte) {
	copy(id[:], fmt.Sprintf("%016d", n))
	return id
}
