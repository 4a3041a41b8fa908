package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/gate"
	"github.com/af-auth/af-auth/internal/postgres"
	"github.com/af-auth/af-auth/internal/signin"
	"github.com/af-auth/af-auth/internal/telemetry"
	"github.com/af-auth/af-auth/internal/web"
	"github.com/af-auth/af-auth/internal/web/page"
)

// playAfAuth is af-auth's own server, wired as package cli does it, but for one
// thing: what is in memory stays there for an hour, and not for a minute, so that
// all sessions can be known at once.
func (r role) playAfAuth(ctx context.Context, p *playing) error {
	db, err := openDB(ctx, r.URL, 2*time.Second)
	if err != nil {
		return err
	}
	d, err := dialer(r.URL)
	if err != nil {
		return err
	}
	d.Retry.Base = time.Second
	seen := postgres.NewSeen(db)
	o := gate.Options{DB: db, Seen: seen, Idle: idle, Life: time.Hour, Logger: d.Logger, Now: time.Now}
	if r.Memory {
		o.Memory = r.Sessions
	}
	g := gate.New(o)
	id := afauth.NewID()
	heard := postgres.NewListener(postgres.ListenerOptions{Dialer: d, Instance: id, Hearer: g})
	background, end := context.WithCancel(ctx)
	var loops sync.WaitGroup
	loops.Go(func() { heard.Run(background) })
	loops.Go(func() { seen.Run(background) })
	loops.Go(func() { gate.Frugal(background) })
	loops.Go(func() { db.KeepInstance(background, id, "bench", "127.0.0.1") })
	p.end = func() { end(); loops.Wait(); db.Close() }
	pages, err := page.New()
	if err != nil {
		return err
	}
	origin := &url.URL{Scheme: "https", Host: host}
	limits := afauth.SessionLimits{Idle: idle, Max: maxAge}
	places := signin.NewPlaces(origin, nil)
	flow, err := signin.New(signin.Options{DB: db, Secret: "secret", Places: places, Limits: limits, Logger: d.Logger})
	if err != nil {
		return err
	}
	p.handler = web.New(make(chan struct{}), web.Options{
		Origin: origin, Flow: flow, Places: places, Gate: g, People: access.New(db, nil, limits), Watch: heard.Watch, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Ready: func(context.Context) []web.Check { return nil }, Pages: pages, Metrics: telemetry.NewMetrics("bench"),
		Logger: telemetry.NewLogger(io.Discard, "json", slog.LevelInfo), Release: "bench", Limits: limits, SignInRate: 20,
	})
	p.known = func() int { return g.Stats().Sessions }
	if r.Memory {
		return r.remember(ctx, g)
	}
	return nil
}

// remember lets the gate be asked about each session once.
func (r role) remember(ctx context.Context, g *gate.Gate) error {
	for begun := time.Now(); !g.Stats().Leased; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			return fmt.Errorf("no lease after 10 s")
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for n := 1 + client; n <= r.Sessions && ctx.Err() == nil; n += clients {
				if _, err := g.Check(ctx, token(n), host); err != nil {
					cancel(fmt.Errorf("session %d: %w", n, err))
				}
			}
		})
	}
	all.Wait()
	if known := g.Stats().Sessions; ctx.Err() == nil && known != r.Sessions {
		cancel(fmt.Errorf("%d of %d sessions are in memory: the lease was lost meanwhile", known, r.Sessions))
	}
	return context.Cause(ctx)
}
