package cli

import (
	"context"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
)

// tellConfirmed waits for the servers to hear of a change that has been made, and says
// who has. The change stands whatever comes of it: no server decides from memory
// for longer than a lease without hearing.
func (e *Env) tellConfirmed(ctx context.Context, people *access.People) {
	c, err := people.Confirm(ctx)
	if err != nil {
		e.complain("warning: the servers could not be asked to confirm it", "the change itself is made; servers hear of it, or ask the database, within "+afauth.Lease.String())
		return
	}
	heard := len(c.Servers) - len(c.Silent)
	switch {
	case len(c.Servers) == 0:
		e.say("No server is running.")
	case heard > 0:
		e.say("Confirmed by %s after %s.", count(heard, "server"), c.Took.Round(100*time.Microsecond))
	}
	if len(c.Silent) == 0 {
		return
	}
	names := make([]string, 0, len(c.Silent))
	for _, i := range c.Silent {
		names = append(names, i.Address)
	}
	e.complain("warning: not confirmed within "+c.Took.Round(10*time.Millisecond).String()+" by "+printable(strings.Join(names, ", ")),
		"their lease is over: without hearing changes they decide nothing from memory and ask the database for each request; their log says why they do not hear")
}
