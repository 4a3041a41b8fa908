package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// rounds is how often the sides of a line about the gate take turns.
const rounds = 3

// side is one way to do what is measured: it returns a rate, or a cost. A
// warm-up may be shorter.
type side func(ctx context.Context, length time.Duration) (float64, error)

// contest lets all sides take turns, so that whatever else the machine does
// concerns all alike, after a warm-up that does not count. It returns what each
// side measured in each round.
func contest(ctx context.Context, length time.Duration, sides ...side) ([][]float64, error) {
	all := make([][]float64, len(sides))
	for round := -1; round < rounds; round++ {
		for i, measure := range sides {
			span := length
			if round < 0 {
				span = length / 2
			}
			got, err := measure(ctx, span)
			if err != nil {
				return nil, err
			}
			if round >= 0 {
				all[i] = append(all[i], got)
			}
		}
	}
	return all, nil
}

// ratios divides what two sides measured in the same rounds.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

func sorted(list []float64) []float64 { return slices.Sorted(slices.Values(list)) }

func median(list []float64) float64 { return sorted(list)[len(list)/2] }

// spread are the cells for minimum, median and maximum.
func spread(list []float64) []string {
	l := sorted(list)
	return []string{two(l[0]), two(l[len(l)/2]), two(l[len(l)-1])}
}

// row prints a line of a table that compares two sides; of each, the median.
func row(what, against string, ours, theirs []float64, unit func(float64) string, goal string) {
	cells := []string{what, against, unit(median(ours)), unit(median(theirs))}
	line(append(append(cells, spread(ratios(ours, theirs))...), goal)...)
}

func comparisonHead() { head("what", "against", "ours", "theirs", "min", "median", "max", "goal") }

// title prints what a table is about, and how busy the machine is.
func title(format string, args ...any) {
	fmt.Printf("\n%s (load of the machine: %s)\n\n", fmt.Sprintf(format, args...), load())
}

// perSecond writes a rate.
func perSecond(f float64) string { return thousands(int(f+0.5)) + "/s" }

func thousands(n int) string {
	s := fmt.Sprint(n)
	var parts []string
	for len(s) > 3 {
		s, parts = s[:len(s)-3], append([]string{s[len(s)-3:]}, parts...)
	}
	return strings.Join(append([]string{s}, parts...), ",")
}

// rate is a side: so many clients do units of work, as many as they can.
func rate(work func(ctx context.Context, client int) error) side {
	return func(ctx context.Context, length time.Duration) (float64, error) {
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
}

// share returns the value of a sorted list that a share of it does not exceed.
func share[T any](list []T, of float64) (v T) {
	if len(list) == 0 {
		return v
	}
	return list[min(len(list)-1, int(of*float64(len(list))))]
}

func two(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
