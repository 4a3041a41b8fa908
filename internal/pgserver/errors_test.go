package pgserver

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// A port that somebody has is said in our words, before a cluster is made.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("%T", l.Addr())
	}
	dir := folder(t)
	_, err = Start(t.Context(), Options{Dir: dir, Port: address.Port})
	var taken *PortError
	if !errors.As(err, &taken) || taken.Port != address.Port || taken.Hint() == "" {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a cluster was made: %v", err)
	}
}

// A file is no folder, here or above.
func TestNoFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "x"), filepath.Join(file, "x", "y")} {
		_, err := Start(t.Context(), Options{Dir: dir})
		var folder *FolderError
		if want := "the private PostgreSQL cannot have the folder " + dir + ": " + file + " is not a folder"; !errors.As(err, &folder) || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
