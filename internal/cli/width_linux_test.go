package cli

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A terminal says itself how wide it is, and COLUMNS says it better.
func TestColumnsOfATerminal(t *testing.T) {
	t.Parallel()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	for _, size := range []uint16{0, 72, 5} {
		if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: size}); err != nil {
			t.Fatal(err)
		}
		want := map[uint16]int{0: 0, 72: 72, 5: narrowest}[size]
		if got := columnsOf("", terminal); got != want {
			t.Errorf("a terminal of %d columns: %d, want %d", size, got, want)
		}
		if got := columnsOf("60", terminal); got != 60 {
			t.Errorf("COLUMNS=60 on a terminal of %d columns: %d", size, got)
		}
	}
}
