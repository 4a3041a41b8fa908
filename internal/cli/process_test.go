package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// Two signals close together are one: timeout tells the process and its group.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after []time.Duration // when each signal comes, since the first
		child bool
		cut   bool
	}{
		"one":                  {after: []time.Duration{0}},
		"two at once":          {after: []time.Duration{0, time.Millisecond}},
		"many at once":         {after: []time.Duration{0, 0, time.Millisecond, 499 * time.Millisecond}},
		"two":                  {after: []time.Duration{0, 500 * time.Millisecond}, cut: true},
		"two at once, a third": {after: []time.Duration{0, time.Millisecond, time.Second}, cut: true},
		"meant for psql":       {after: []time.Duration{0, time.Second, 2 * time.Second}, child: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			asked, heard := 0, 0
			e := &Env{Stderr: &said, Now: func() time.Time {
				heard++
				return noon().Add(c.after[heard-1])
			}}
			e.signalsAreForChild.Store(c.child)
			ended, signals, code := make(chan int), make(chan os.Signal), make(chan int, 1)
			go func() { code <- e.await(ended, signals, func(error) { asked++ }) }()
			for range c.after {
				signals <- os.Interrupt // unbuffered: each is taken before the next
			}
			want := 1
			if !c.cut {
				want = 0
				ended <- want
			}
			if got := <-code; got != want || asked != 1 {
				t.Errorf("exit code %d, want %d; asked to end %d times", got, want, asked)
			}
			if strings.Contains(said.String(), "stopped at once by a second signal (interrupt)") != c.cut {
				t.Errorf("it says %q", said.String())
			}
		})
	}
}
