package main

import (
	"context"
	"fmt"
	"time"
)

// connections is how many a proxy keeps to af-auth.
const connections = 64

// known returns the database of so many sessions, ten a person.
func (s *site) known(ctx context.Context) (crowd, error) {
	const each = 10
	return s.crowd(ctx, "known", s.size(1_000_000)/each, each)
}

// contender is a server, and the connections that ask it.
type contender struct {
	*child
	form     string // of its questions; empty: plainly
	callers  callers
	dialed   bool
	sessions int
	asked    int    // in all rounds
	swept    uint32 // collections of garbage meanwhile
}

func newContender(r role) (*contender, error) {
	c, err := startChild(r)
	if err != nil {
		return nil, err
	}
	return &contender{child: c, sessions: r.Sessions}, nil
}

// as returns the same server, asked in another form.
func (c *contender) as(form string) *contender {
	return &contender{child: c.child, sessions: c.sessions, form: form}
}

func (c *contender) close() {
	c.callers.close()
	c.end()
}

// cost is a side: microseconds of processor time a request.
func (c *contender) cost(ctx context.Context, length time.Duration) (float64, error) {
	if !c.dialed {
		// Not before its first turn: a server waits five seconds for the first
		// request of a connection, and the turns of the others may take longer.
		list, err := dialAll(ctx, c.Address, connections)
		if err != nil {
			return 0, err
		}
		c.callers, c.dialed = list, true
		for _, one := range list {
			if c.form != "" {
				one.form = c.form
			}
		}
	}
	if err := c.ask(struct{}{}); err != nil {
		return 0, err
	}
	before := c.report
	asked, err := c.callers.drive(ctx, lasting(length), func(int) string {
		if c.Cookie != "" {
			return c.Cookie
		}
		return token(anyOf(c.sessions)).Reveal()
	})
	if err != nil {
		return 0, err
	}
	if err := c.ask(struct{}{}); err != nil {
		return 0, err
	}
	c.asked += asked
	c.swept += c.Collections - before.Collections
	return float64((c.CPU - before.CPU).Nanoseconds()) / 1000 / float64(asked), nil
}

// runVerify measures what the gate's answer costs: the processor time of the
// whole server, whatever it does meanwhile, for a request.
func runVerify(ctx context.Context, s *site) error {
	db, err := s.known(ctx)
	if err != nil {
		return err
	}
	n := db.sessions()
	memory, err := newContender(role{Name: "af-auth", URL: db.url, Sessions: n, Memory: true, Profile: s.profile})
	if err != nil {
		return err
	}
	defer memory.close()
	heap := memory.Heap
	list := []*contender{memory}
	for _, r := range []role{
		{Name: "bare", Ballast: heap, Sessions: n},
		{Name: "af-auth", URL: db.url, Sessions: n},
		{Name: "HS256"}, {Name: "RS256"},
	} {
		c, err := newContender(r)
		if err != nil {
			return err
		}
		defer c.close()
		list = append(list, c)
	}
	for _, form := range []string{asNginx, asCaddy} {
		for _, c := range list[:2] {
			other := c.as(form)
			defer func() { other.callers.close() }()
			list = append(list, other)
		}
	}
	var sides []side
	for _, c := range list {
		sides = append(sides, c.cost)
	}
	got, err := contest(ctx, s.length, sides...)
	if err != nil {
		return err
	}
	if memory.Known != n {
		return fmt.Errorf("%d of %d sessions were in memory at the end", memory.Known, n)
	}
	title("Verify: processor time a request, %s sessions known, %d connections, heap %d MB each", thousands(n), connections, heap>>20)
	comparisonHead()
	bare := "a bare net/http handler"
	row("verify from memory", bare, got[0], got[1], microseconds, "≤ 1.20")
	row("the same, asked as nginx asks", "the same question to it", got[5], got[6], microseconds, "≤ 1.20")
	row("the same, asked as Caddy and Traefik ask", "the same question to it", got[7], got[8], microseconds, "≤ 1.20")
	row("verify by the database", bare, got[2], got[1], microseconds, "")
	row("a JWT check, HS256", bare, got[3], got[1], microseconds, "")
	row("a JWT check, RS256", bare, got[4], got[1], microseconds, "")
	fmt.Printf("\nRequests and collections of garbage: from memory %s and %d, bare %s and %d.\n",
		thousands(memory.asked), memory.swept, thousands(list[1].asked), list[1].swept)
	return nil
}

func microseconds(f float64) string { return fmt.Sprintf("%.1f µs", f) }
