// Bench measures af-auth beside the plainest thing that does the same work, in
// one run: A B A B, three rounds after a warm-up, as ratios with minimum,
// median and maximum. Absolute figures belong to the machine; ratios travel.
//
//	go run ./bench [-only NAME] [-seconds N] [-people N]
//
// It starts a private PostgreSQL of its own, with fsync on, and talks to
// loopback only. docs/performance.md holds a table and what was learned.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// comparison is one line of the table. Both sides do one unit of work for a
// client, and are told which client they work for.
type comparison struct {
	name    string
	clients int
	what    string
	against string
	ours    func(ctx context.Context, client int) error
	plain   func(ctx context.Context, client int) error
}

const rounds = 3

func main() {
	only := flag.String("only", "", "run the comparisons whose name begins so")
	seconds := flag.Float64("seconds", 2, "length of one measurement")
	people := flag.Int("people", 100_000, "people in the database, each with a session")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *only, time.Duration(*seconds*float64(time.Second)), *people)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, length time.Duration, people int) error {
	w, err := newWorld(ctx, people)
	if err != nil {
		return err
	}
	defer w.close()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "what\tagainst\tclients\tours/s\tplain/s\tratio min\tmedian\tmax")
	for _, c := range w.comparisons() {
		if !strings.HasPrefix(c.name, only) {
			continue
		}
		line, err := measure(ctx, c, length)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		_, _ = fmt.Fprintln(table, line)
	}
	return table.Flush()
}

// measure interleaves both sides, so that whatever else the machine does
// concerns both alike.
func measure(ctx context.Context, c comparison, length time.Duration) (string, error) {
	for _, side := range []func(context.Context, int) error{c.ours, c.plain} {
		if _, err := rate(ctx, c.clients, length/2, side); err != nil {
			return "", err
		}
	}
	var ratios, ours, plain []float64
	for range rounds {
		a, err := rate(ctx, c.clients, length, c.ours)
		if err != nil {
			return "", err
		}
		b, err := rate(ctx, c.clients, length, c.plain)
		if err != nil {
			return "", err
		}
		ratios, ours, plain = append(ratios, a/b), append(ours, a), append(plain, b)
	}
	for _, list := range [][]float64{ratios, ours, plain} {
		slices.Sort(list)
	}
	mid := rounds / 2
	return fmt.Sprintf("%s\t%s\t%d\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f",
		c.what, c.against, c.clients, ours[mid], plain[mid], ratios[0], ratios[mid], ratios[rounds-1]), nil
}

// rate runs work by so many clients for a while and returns units a second.
func rate(ctx context.Context, clients int, length time.Duration, work func(context.Context, int) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for client := range clients {
		all.Go(func() {
			for time.Since(begun) < length && ctx.Err() == nil {
				if err := work(ctx, client); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return float64(done.Load()) / time.Since(begun).Seconds(), nil
}
