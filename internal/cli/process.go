package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// oneSignal is how long signals count as the first one: timeout and some
// supervisors tell the process and then its group, which it is in too.
const oneSignal = 500 * time.Millisecond

// Process is the whole of a real process: it runs one command and returns the
// exit code.
//
// The first SIGINT or SIGTERM asks the command to end, which it does in its own
// time. A second one, some moments later, is from somebody who will not wait:
// nothing is waited for, and the exit code is 1. What was acknowledged is in the
// database already.
func Process(version string, args []string) int {
	e := OS(version)
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ended := make(chan int, 1)
	go func() { ended <- Main(ctx, e, args) }()
	return e.await(ended, signals, stop)
}

// await waits for the end of a command, and hands on the signal that asks for it.
func (e *Env) await(ended <-chan int, signals <-chan os.Signal, stop func(cause error)) int {
	var first time.Time
	for {
		select {
		case code := <-ended:
			return code
		case got := <-signals:
			now := e.Now()
			switch {
			case first.IsZero():
				first = now
				stop(signalled{got})
			case now.Sub(first) >= oneSignal && !e.signalsAreForChild.Load():
				e.complain("stopped at once by a second signal ("+got.String()+"); requests under way were cut off", "")
				return 1
			}
		}
	}
}

// signalled is why a context ended.
type signalled struct{ os.Signal }

// Error names the signal.
func (s signalled) Error() string { return "asked by a signal (" + s.String() + ")" }

// Unwrap makes it a cancellation to whoever asks for that.
func (signalled) Unwrap() error { return context.Canceled }
