package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Process is the whole of a real process: it runs one command and returns the
// exit code.
//
// The first SIGINT or SIGTERM asks the command to end, which it does in its own
// time. The second one is from somebody who will not wait: nothing is waited
// for, and the exit code is 1. What was acknowledged is in the database already.
func Process(version string, args []string) int {
	e := OS(version)
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ended := make(chan int, 1)
	go func() { ended <- Main(ctx, e, args) }()
	for {
		select {
		case code := <-ended:
			return code
		case got := <-signals:
			if ctx.Err() != nil && !e.signalsAreForChild.Load() {
				e.complain("stopped at once by a second signal ("+got.String()+"); requests under way were cut off", "")
				return 1
			}
			stop(signalled{got})
		}
	}
}

// signalled is why a context ended.
type signalled struct{ os.Signal }

// Error names the signal.
func (s signalled) Error() string { return "asked by a signal (" + s.String() + ")" }

// Unwrap makes it a cancellation to whoever asks for that.
func (signalled) Unwrap() error { return context.Canceled }
