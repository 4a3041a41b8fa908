package webhook

import (
	"net/netip"
	"testing"
)

func TestReachable(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true, "::ffff:93.184.216.34": true,
		"127.0.0.1": false, "127.8.8.8": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false,
		"0.0.0.0": false, "::": false, "10.1.2.3": false, "172.31.255.255": false, "172.32.0.1": true, "192.168.1.1": false,
		"100.64.0.1": false, "100.127.255.255": false, "100.128.0.1": true, "169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false,
		"fd00::1": false, "fec0::1": false, "224.0.0.1": false, "239.1.1.1": false, "ff02::1": false, "240.0.0.1": false, "255.255.255.255": false,
		"64:ff9b::7f00:1": false, "64:ff9b::5db8:d822": false, "64:ff9b:1::1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false,
		"192.0.0.8": false, "198.18.0.1": false, "203.0.113.9": false, "198.51.100.9": false, "192.0.2.9": false,
	} {
		if got := reachable(netip.MustParseAddr(address), nil); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	allow := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/8")}
	for address, want := range map[string]bool{"10.0.0.7": true, "::ffff:10.0.0.7": true, "fd00::1": true, "10.0.1.7": false, "127.0.0.1": false, "fe80::1": false} {
		if got := reachable(netip.MustParseAddr(address), allow); got != want {
			t.Errorf("allowed %v, %s: %v, want %v", allow, address, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	longest := firstWait
	for attempts := range 100 {
		d := backoff(attempts)
		if d < longest/2 || d > longest {
			t.Errorf("after try %d: %v, want up to %v", attempts, d, longest)
		}
		if attempts > 0 {
			longest = min(2*longest, longestWait)
		}
	}
}
