package cli

import (
	"errors"
	"net"
	"os"
	"testing"
)

// A server that listens everywhere is named by its host, or all containers
// would have one name.
func TestPlaceOf(t *testing.T) {
	t.Parallel()
	named := func() (string, error) { return "3f9c1b2a", nil }
	for listening, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", "[::1]:8080": "[::1]:8080", "[fe80::1%eth0]:80": "[fe80::1%eth0]:80",
		"0.0.0.0:8080": "3f9c1b2a:8080", "[::]:80": "3f9c1b2a:80",
	} {
		a, err := net.ResolveTCPAddr("tcp", listening)
		if err != nil {
			t.Fatal(err)
		}
		if got := placeOf(a, named); got != want {
			t.Errorf("%s: %q, want %q", listening, got, want)
		}
	}
	everywhere := &net.TCPAddr{IP: net.IPv6unspecified, Port: 8080}
	for _, nameless := range []func() (string, error){
		func() (string, error) { return "", errors.New("no name") }, func() (string, error) { return "", nil },
	} {
		if got := placeOf(everywhere, nameless); got != "[::]:8080" {
			t.Errorf("without a name: %q", got)
		}
	}
	if got := placeOf(&net.UnixAddr{Name: "/run/af-auth", Net: "unix"}, os.Hostname); got != "/run/af-auth" {
		t.Errorf("a socket: %q", got)
	}
}
