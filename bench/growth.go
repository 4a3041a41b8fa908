package main

import (
	"context"
	"fmt"
)

// fewPeople is what growth is measured from.
const fewPeople = 10_000

// runGrowth measures how much slower a sign-in and the gate's question become
// with many people, and how much slower pgbench becomes with the same statements
// meanwhile: that much is PostgreSQL's own.
func runGrowth(ctx context.Context, s *site) error {
	few, err := s.crowd(ctx, "few", fewPeople, 1)
	if err != nil {
		return err
	}
	many, err := s.large(ctx)
	if err != nil {
		return err
	}
	var worlds []*world
	for _, c := range []crowd{few, many} {
		w, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer w.close()
		worlds = append(worlds, w)
	}
	title("Growth: from %s people to %s, %d clients", thousands(few.people), thousands(many.people), clients)
	head("what", "few", "many", "growth", "pgbench few", "pgbench many", "pgbench's growth", "min", "median", "max", "goal")
	for _, subject := range []struct {
		what, script string
		of           func(*world) side
	}{
		{"verify on a miss", verifyScript(), func(w *world) side { return rate(w.check) }},
		{"sign-in", signInScript(), func(w *world) side { return rate(w.signIn) }},
	} {
		var sides []side
		for _, w := range worlds {
			sides = append(sides, subject.of(w))
		}
		for _, w := range worlds {
			p, err := s.pgbench(w.crowd, "growth", subject.script)
			if err != nil {
				return err
			}
			sides = append(sides, p.rate)
		}
		got, err := contest(ctx, s.length, sides...)
		if err != nil {
			return fmt.Errorf("%s: %w", subject.what, err)
		}
		// A rate that halves has grown twofold.
		ours, theirs := ratios(got[0], got[1]), ratios(got[2], got[3])
		cells := []string{subject.what, perSecond(median(got[0])), perSecond(median(got[1])), two(median(ours)),
			perSecond(median(got[2])), perSecond(median(got[3])), two(median(theirs))}
		line(append(append(cells, spread(ratios(ours, theirs))...), "≤ 1.15")...)
	}
	return nil
}
