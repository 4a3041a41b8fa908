package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/postgres"
)

const (
	// atOnce is how many people the load asks about: those who are revoked next,
	// and those who have just been.
	atOnce = 200
	// perSecondEach is how many requests a second each server answers, where it
	// has time left.
	perSecondEach = 2_000
)

// revoking is two servers, people who lose their access one by one, and a load
// that asks both servers about these.
type revoking struct {
	crowd
	*access.People
	db      *postgres.DB
	servers []*program
	sends   *pgx.Conn     // bare notifications
	hears   *pgx.Conn     // and this one hears them
	last    atomic.Int64  // who was revoked last
	revoked []atomic.Bool // by person: the command has returned
	asked   counted
}

// counted is what the load met: yes, no after a revocation, no before it had been
// confirmed, neither yes nor no, and yes after it.
type counted struct{ opened, refused, early, faults, wrong atomic.Int64 }

// confirmation is one revocation: what was waited for the servers, in all, and
// how long a bare notification took meanwhile.
type confirmation struct{ confirmed, whole, raw time.Duration }

// runRevoke measures how long a revocation takes until two servers have confirmed
// it, and that neither lets the person in afterwards.
func runRevoke(ctx context.Context, s *site) error {
	times := 200
	if s.full {
		times = 2_000
	}
	c, err := s.crowd(ctx, "revoke", max(3*times+2*atOnce, fewPeople), 1)
	if err != nil {
		return err
	}
	r, err := s.newRevoking(ctx, c)
	if err != nil {
		return err
	}
	defer r.close(ctx)
	title("Revocation over two servers, %d of each kind", times)
	head("load", "requests/s", "confirmed p50", "p99", "goal for p99", "with the command's own work p50", "p99", "bare NOTIFY p50", "p99", "200 afterwards", "refusals afterwards")
	for _, l := range []struct {
		what, goal string
		pace       time.Duration // between two requests of a connection
		busy       bool
	}{
		{what: "none", goal: "≤ 10 ms"},
		{what: fmt.Sprintf("%s requests a second, %d connections", thousands(2*perSecondEach), connections), goal: "≤ 25 ms", busy: true, pace: time.Second * connections / (2 * perSecondEach)},
		{what: fmt.Sprintf("as many as there is time for, %d connections", connections), busy: true},
	} {
		if err := r.measure(ctx, l.what, l.goal, times, l.busy, l.pace); err != nil {
			return err
		}
	}
	return nil
}

func (r *revoking) measure(ctx context.Context, what, goal string, times int, busy bool, pace time.Duration) error {
	r.asked.reset()
	loading, end := context.WithCancel(ctx)
	defer end()
	loaded := make(chan error, 1)
	go func() {
		if !busy {
			loaded <- nil
			return
		}
		loaded <- r.load(loading, pace)
	}()
	if busy {
		time.Sleep(time.Second) // memory fills
	}
	begun, before := time.Now(), r.asked.all()
	var list []confirmation
	for range times {
		c, err := r.once(ctx)
		if err != nil {
			return err
		}
		list = append(list, c)
	}
	rate := float64(r.asked.all()-before) / time.Since(begun).Seconds()
	end()
	if err := <-loaded; err != nil {
		return err
	}
	cells := []string{what, perSecond(rate)}
	for i, of := range []func(confirmation) time.Duration{
		func(c confirmation) time.Duration { return c.confirmed },
		func(c confirmation) time.Duration { return c.whole },
		func(c confirmation) time.Duration { return c.raw },
	} {
		var took []time.Duration
		for _, c := range list {
			took = append(took, of(c))
		}
		slices.Sort(took)
		cells = append(cells, long(share(took, 0.5)), long(share(took, 0.99)))
		if i == 0 {
			cells = append(cells, goal)
		}
	}
	line(append(cells, strconv.Itoa(int(r.asked.wrong.Load())), thousands(int(r.asked.refused.Load())))...)
	if wrong, faults := r.asked.wrong.Load(), r.asked.faults.Load(); wrong > 0 || faults > 0 {
		return fmt.Errorf("%d people were let in after their revocation had been confirmed, and %d answers were neither yes nor no", wrong, faults)
	}
	return nil
}

func (c *counted) all() int64 {
	return c.opened.Load() + c.refused.Load() + c.early.Load() + c.faults.Load() + c.wrong.Load()
}

func (c *counted) reset() {
	for _, n := range []*atomic.Int64{&c.opened, &c.refused, &c.early, &c.faults, &c.wrong} {
		n.Store(0)
	}
}

// once revokes the next person as the command does, and then asks both servers.
func (r *revoking) once(ctx context.Context) (c confirmation, err error) {
	if c.raw, err = r.notify(ctx); err != nil {
		return c, err
	}
	n := int(r.last.Add(1))
	begun := time.Now()
	if _, err := r.People.Revoke(ctx, access.Actor{Name: "bench"}, "#"+strconv.Itoa(n)); err != nil {
		return c, err
	}
	confirmed, err := r.People.Confirm(ctx)
	if err != nil {
		return c, err
	}
	r.revoked[n].Store(true)
	c.whole, c.confirmed = time.Since(begun), confirmed.Took
	if len(confirmed.Servers) != len(r.servers) || len(confirmed.Silent) > 0 {
		return c, fmt.Errorf("%d servers were asked, and %d of them did not answer", len(confirmed.Servers), len(confirmed.Silent))
	}
	for _, s := range r.servers {
		one, err := dial(ctx, s.address)
		if err != nil {
			return c, err
		}
		if err := r.ask(one, n); err != nil {
			return c, err
		}
		_ = one.conn.Close()
	}
	return c, nil
}

// notify is the least that any such confirmation could take: a notification sent
// on one connection and heard on another.
func (r *revoking) notify(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	if _, err := r.sends.Exec(ctx, "NOTIFY bench"); err != nil {
		return 0, err
	}
	_, err := r.hears.WaitForNotification(ctx)
	return time.Since(begun), err
}

// ask asks about person n and counts the answer. A yes is wrong where the
// question began after the revocation had been confirmed.
func (r *revoking) ask(c *caller, n int) error {
	revoked := r.revoked[n].Load() // before the question
	status, err := c.verify(token(n).Reveal())
	switch {
	case err != nil:
		return err
	case status == 200 && revoked:
		r.asked.wrong.Add(1)
	case status == 200:
		r.asked.opened.Add(1)
	case (status == 401 || status == 403) && revoked:
		r.asked.refused.Add(1)
	case status == 401 || status == 403:
		r.asked.early.Add(1)
	default:
		r.asked.faults.Add(1)
	}
	return nil
}

// load asks both servers until ctx ends, each connection once in a pace; without
// one, as often as there are answers.
func (r *revoking) load(ctx context.Context, pace time.Duration) error {
	var all errgroup.Group
	for i := range connections {
		one, err := dial(ctx, r.servers[i%len(r.servers)].address)
		if err != nil {
			return err
		}
		all.Go(func() error {
			defer func() { _ = one.conn.Close() }()
			time.Sleep(pace * time.Duration(i) / connections) // not all at once
			for due := time.Now(); ctx.Err() == nil; due = due.Add(pace) {
				time.Sleep(time.Until(due))
				n := int(r.last.Load()) + anyOf(atOnce) - atOnce/4
				if err := r.ask(one, max(1, n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

func (s *site) newRevoking(ctx context.Context, c crowd) (_ *revoking, err error) {
	r := &revoking{crowd: c, revoked: make([]atomic.Bool, c.people+1)}
	defer func() {
		if err != nil {
			r.close(ctx)
		}
	}()
	for range 2 {
		p, err := s.serve(ctx, c)
		if err != nil {
			return nil, err
		}
		r.servers = append(r.servers, p)
		if err := p.leased(ctx); err != nil {
			return nil, err
		}
	}
	if r.db, err = openDB(ctx, c.url, 2*time.Second); err != nil {
		return nil, err
	}
	r.People = access.New(r.db, nil, afauth.SessionLimits{Idle: idle, Max: maxAge})
	if r.sends, err = pgx.Connect(ctx, c.url); err != nil {
		return nil, err
	}
	if r.hears, err = pgx.Connect(ctx, c.url); err != nil {
		return nil, err
	}
	_, err = r.hears.Exec(ctx, "LISTEN bench")
	return r, err
}

func (r *revoking) close(ctx context.Context) {
	for _, p := range r.servers {
		_ = p.kill(ctx)
	}
	for _, conn := range []*pgx.Conn{r.sends, r.hears} {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}
	if r.db != nil {
		r.db.Close()
	}
}
