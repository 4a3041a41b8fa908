package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errPrivate names no address: the row that keeps it is read by others than the
// log.
var errPrivate = errors.New("the name leads to an address that is not public; AF_AUTH_WEBHOOK_ALLOW_PRIVATE names those that may be")

// transport dials public addresses, and those in allow. The address is looked
// at when it is dialled, behind the resolution of the name: a name that leads
// elsewhere a moment later (rebinding) gains nothing. There is no proxy, which
// would resolve the name again.
func transport(allow []netip.Prefix) *http.Transport {
	dialer := &net.Dialer{
		Timeout: answerWithin / 2,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !reachable(to.Addr(), allow) {
				return errPrivate
			}
			return nil
		},
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    answerWithin / 2,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        time.Minute,
		ForceAttemptHTTP2:      true,
	}
}

// reachable reports whether a webhook may go to an address.
func reachable(a netip.Addr, allow []netip.Prefix) bool {
	a = a.Unmap().WithZone("") // ::ffff:127.0.0.1 is 127.0.0.1
	for _, p := range allow {
		if p.Contains(a) {
			return true
		}
	}
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) {
		// Loopback, link-local, unique local, multicast, and NAT64 (64:ff9b::/96),
		// behind which any IPv4 address may be.
		return false
	}
	for _, p := range notPublic() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// notPublic are the networks that IANA's registries of special purpose addresses
// (RFC 6890) say are not reached through the internet, or stand for others.
func notPublic() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		// Teredo, ORCHID and their kin; documentation; 6to4, which holds an IPv4
		// address; documentation again.
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
