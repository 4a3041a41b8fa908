package gate

import "testing"

func TestPercent(t *testing.T) {
	t.Parallel()
	for inUse, want := range map[uint64]int{0: 100, 5 << 20: 100, 24 << 20: 100, 25 << 20: 95, 48 << 20: 50, 110 << 20: 20, 1 << 40: 5} {
		if got := percent(inUse); got != want {
			t.Errorf("%d bytes in use: GOGC %d, want %d", inUse, got, want)
		}
	}
}
