package cli

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/af-auth/af-auth"
)

// What --host takes could stand in a browser's Host header.
func TestStudioHosts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"db.example.com": true, "db.example.com:8443": true, "localhost": true, "192.0.2.7": true, "192.0.2.7:80": true, "::1": true, "[::1]:5555": true,
		"": false, "evil/x": false, "https://db.example.com": false, "a b": false, "a@b": false, "a:b": false, "a:": false, ".": false, "fe80::1%eth0": false,
	} {
		if got := isHost(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

// A certificate that cannot be loaded is refused, by its flag.
func TestStudioPair(t *testing.T) {
	t.Parallel()
	there, gone := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "gone")
	if err := os.WriteFile(there, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ cert, key, hint string }{
		{gone, there, "see --tls-cert"}, {there, gone, "see --tls-key"}, {there, there, "see --tls-cert and --tls-key"},
	} {
		_, err := (&studioCmd{TLSCert: test.cert, TLSKey: test.key}).pair()
		var e *afauth.Error
		if !errors.As(err, &e) || e.Hint != test.hint {
			t.Errorf("%s, %s: %v", test.cert, test.key, err)
		}
	}
	if pair, err := (&studioCmd{}).pair(); pair != nil || err != nil {
		t.Errorf("without TLS: %v, %v", pair, err)
	}
}
