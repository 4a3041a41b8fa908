package main

import (
	"context"
	"fmt"
	"time"
)

// runMemory measures how much memory `af-auth serve` has.
func runMemory(ctx context.Context, s *site) error {
	db, err := s.known(ctx)
	if err != nil {
		return err
	}
	p, err := s.serve(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill(ctx) }()
	if _, err := p.opens(ctx, token(1).Reveal()); err != nil {
		return err
	}
	if err := p.leased(ctx); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // what it needs to start may be given back
	idle, err := p.footprint()
	if err != nil {
		return err
	}
	list, err := dialAll(ctx, p.address, connections)
	if err != nil {
		return err
	}
	defer list.close()
	n := db.sessions()
	if _, err := list.drive(ctx, func(i int) bool { return i <= n }, func(i int) string { return token(i).Reveal() }); err != nil {
		return err
	}
	known, err := p.metric(ctx, "af_auth_gate_memory_sessions")
	if err != nil {
		return err
	}
	filled, err := p.footprint()
	if err != nil {
		return err
	}
	if _, err := list.drive(ctx, lasting(5*s.length), func(int) string { return token(anyOf(n)).Reveal() }); err != nil {
		return err
	}
	loaded, err := p.footprint()
	if err != nil {
		return err
	}
	title("Memory of `af-auth serve`: %s people with %s sessions, %d connections", thousands(db.people), thousands(n), connections)
	head("when", "resident", "of it not of files", "most at any time", "goal for resident")
	for _, l := range []struct {
		when string
		is   footprint
		goal string
	}{
		{"idle", idle, "≤ 25 MB"},
		{fmt.Sprintf("%s sessions known, all just asked for", thousands(int(known))), filled, "≤ 160 MB with 1,000,000 sessions"},
		{fmt.Sprintf("after %s of load", 5*s.length), loaded, "≤ 160 MB with 1,000,000 sessions"},
	} {
		line(l.when, megabytes(l.is.resident), megabytes(l.is.own), megabytes(l.is.most), l.goal)
	}
	return nil
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
