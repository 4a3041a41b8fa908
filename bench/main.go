// Bench measures af-auth beside the plainest thing that does the same work, and
// beside goose for migrations, in one run: both sides alternate, round after
// round after a warm-up, and what counts is their ratio with minimum, median and
// maximum. Absolute figures belong to the machine; ratios travel.
//
//	go run ./bench [-only NAME] [-seconds N] [-people N] [-rows N]
//
// It starts a private PostgreSQL of its own, with fsync on, and talks to
// loopback only. docs/performance.md holds the tables and what was learned.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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

const rounds = 5

// options are what a run is asked for.
type options struct {
	only    string
	length  time.Duration // of one measurement of a rate
	people  int           // in the database of sign-ins
	rows    int           // in the table that gets an index under load
	program string        // af-auth
	goose   string
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "run the lines whose name begins so")
	seconds := flag.Float64("seconds", 2, "length of one measurement of a rate")
	flag.IntVar(&o.people, "people", 100_000, "people in the database, each with a session")
	flag.IntVar(&o.rows, "rows", 1_000_000, "people in the table that gets an index under load; 10,000,000 for the full count")
	flag.StringVar(&o.program, "af-auth", "bin/af-auth", "the program")
	flag.StringVar(&o.goose, "goose", "bin/goose", "goose; its lines are left out where it is not there")
	flag.Parse()
	o.length = time.Duration(*seconds * float64(time.Second))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if err := runRates(ctx, o); err != nil {
		return err
	}
	if err := runTimings(ctx, o); err != nil {
		return err
	}
	return runIndex(ctx, o)
}

// line prints a row of a table in Markdown.
func line(cells ...string) { fmt.Println("| " + strings.Join(cells, " | ") + " |") }

// head prints the head of a table.
func head(cells ...string) {
	line(cells...)
	fmt.Println(strings.Repeat("|---", len(cells)) + "|")
}

// runRates prints how much is done in a second by many clients.
func runRates(ctx context.Context, o options) error {
	chosen := slices.DeleteFunc((&world{}).comparisons(), func(c comparison) bool { return !strings.HasPrefix(c.name, o.only) })
	if len(chosen) == 0 {
		return nil
	}
	w, err := newWorld(ctx, o.people)
	if err != nil {
		return err
	}
	defer w.close()
	head("what", "against", "clients", "ours/s", "plain/s", "min", "median", "max")
	for _, c := range w.comparisons() {
		if !strings.HasPrefix(c.name, o.only) {
			continue
		}
		cells, err := measure(ctx, c, o.length)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		line(cells...)
	}
	fmt.Println()
	return nil
}

// measure interleaves both sides, so that whatever else the machine does
// concerns both alike.
func measure(ctx context.Context, c comparison, length time.Duration) ([]string, error) {
	for _, side := range []func(context.Context, int) error{c.ours, c.plain} {
		if _, err := rate(ctx, c.clients, length/2, side); err != nil {
			return nil, err
		}
	}
	var ratios, ours, plain []float64
	for range rounds {
		a, err := rate(ctx, c.clients, length, c.ours)
		if err != nil {
			return nil, err
		}
		b, err := rate(ctx, c.clients, length, c.plain)
		if err != nil {
			return nil, err
		}
		ratios, ours, plain = append(ratios, a/b), append(ours, a), append(plain, b)
	}
	for _, list := range [][]float64{ratios, ours, plain} {
		slices.Sort(list)
	}
	mid := rounds / 2
	return []string{c.what, c.against, strconv.Itoa(c.clients), fmt.Sprintf("%.0f", ours[mid]), fmt.Sprintf("%.0f", plain[mid]),
		two(ratios[0]), two(ratios[mid]), two(ratios[rounds-1])}, nil
}

func two(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

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
