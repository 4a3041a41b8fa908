package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// timing is one line of the table of migrations: how long something takes that happens
// now and then. A ratio is our time divided by theirs: less is better.
type timing struct {
	name    string
	what    string
	against string
	goal    string // of the median ratio, if there is one
	// times is how often each side runs in a round, alternating.
	times  int
	ours   task
	theirs task
}

// task is one side: work is timed, before is not.
type task struct {
	before func(ctx context.Context) error
	work   func(ctx context.Context) error
}

// run runs the task once and returns how long the work took.
func (t task) run(ctx context.Context) (time.Duration, error) {
	if t.before != nil {
		if err := t.before(ctx); err != nil {
			return 0, err
		}
	}
	begun := time.Now()
	err := t.work(ctx)
	return time.Since(begun), err
}

// turns is how many rounds migrations are measured in.
const turns = 5

// runTimings prints the table of migrations, and reports whether a line of it was
// asked for.
func runTimings(ctx context.Context, o options) (bool, error) {
	m := &migrations{options: o}
	chosen := slices.DeleteFunc(m.timings(), func(t timing) bool { return !o.wants(t.name) })
	if len(chosen) == 0 {
		return false, nil
	}
	if err := m.start(ctx); err != nil {
		return true, err
	}
	defer m.shut()
	fmt.Printf("\nMigrations (load of the machine before: %s)\n\n", load())
	head("what", "against", "ours", "theirs", "min", "median", "max", "goal")
	for _, t := range m.timings() {
		if !o.wants(t.name) {
			continue
		}
		cells, err := t.measure(ctx)
		if errors.Is(err, errLeftOut) {
			cells = []string{t.what, t.against, "left out", "", "", "", "", ""}
		} else if err != nil {
			return true, fmt.Errorf("%s: %w", t.name, err)
		}
		line(cells...)
	}
	fmt.Printf("\nload of the machine after: %s\n\n", load())
	return true, nil
}

// measure alternates both sides within a round. A round's ratio is that of its
// sums.
func (t timing) measure(ctx context.Context) ([]string, error) {
	var ratios, ours, theirs []float64
	for round := -1; round < turns; round++ {
		var a, b time.Duration
		for range t.times {
			d, err := t.ours.run(ctx)
			if err != nil {
				return nil, err
			}
			e, err := t.theirs.run(ctx)
			if err != nil {
				return nil, err
			}
			a, b = a+d, b+e
		}
		if round < 0 {
			continue // warm-up
		}
		ratios = append(ratios, float64(a)/float64(b))
		ours, theirs = append(ours, a.Seconds()*1000/float64(t.times)), append(theirs, b.Seconds()*1000/float64(t.times))
	}
	for _, list := range [][]float64{ratios, ours, theirs} {
		slices.Sort(list)
	}
	mid := turns / 2
	return []string{t.what, t.against, ms(ours[mid]), ms(theirs[mid]), two(ratios[0]), two(ratios[mid]), two(ratios[turns-1]), t.goal}, nil
}

// ms writes milliseconds.
func ms(f float64) string {
	if f < 100 {
		return fmt.Sprintf("%.1f ms", f)
	}
	return fmt.Sprintf("%.0f ms", f)
}

// load is what else the machine does: the three averages, where the system tells.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 2 {
		return strings.Join(fields[:3], " ")
	}
	return "not known"
}
