package gate

import (
	"sync/atomic"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// lease is the right to decide from memory. It begins when a heartbeat is asked
// for, and is granted when the heartbeat is heard back over the connection that
// hears changes: then every change committed before it has been heard too,
// because PostgreSQL delivers notifications in the order of commits. It ends
// afauth.Lease later, whatever happened to the connection meanwhile.
type lease struct {
	asked  time.Time
	wall   int64 // asked by the wall clock, in nanoseconds
	now    int64 // the database's time, at asked or later, in microseconds
	server postgres.Server
}

// tenure is the lease in force; nil before the first and after a loss.
type tenure struct{ current atomic.Pointer[lease] }

// held reports whether memory may be trusted at t, and how late it is by the
// database's clock at most: an expiry is rather seen a round trip early than
// late. The monotonic clock stands still while a virtual machine is paused; the
// wall clock is put right afterwards, so whichever says more is believed.
func (n *tenure) held(t time.Time) (database int64, ok bool) {
	l := n.current.Load()
	if l == nil {
		return 0, false
	}
	passed := max(t.Sub(l.asked), time.Duration(t.UnixNano()-l.wall))
	return l.now + passed.Microseconds(), passed < afauth.Lease
}

// heard is which run of the server tells of changes; 0: none does. It counts
// longer than the lease: a connection that listens may be of use, though its
// heartbeats give no lease.
func (n *tenure) heard() int64 {
	l := n.current.Load()
	if l == nil || l.asked.IsZero() {
		return 0
	}
	return l.server.Started
}

// Renewed implements postgres.Hearer.
func (g *Gate) Renewed(b postgres.Beat) {
	before := g.tenure.current.Load()
	_, unbroken := g.tenure.held(g.now())
	switch {
	case before != nil && before.server != b.Server:
		// A standby that was promoted, or a server that was started again: it may
		// not have all that was committed before, and what connections to the
		// former one say counts no more.
		g.logger.Warn("the database is another server or timeline than before: memory dropped, connections opened anew")
		g.memory.dropAll()
		g.db.Reset()
	case !unbroken:
		g.memory.dropAll()
	}
	g.tenure.current.Store(&lease{asked: b.Asked, wall: b.Asked.UnixNano(), now: b.Now.UnixMicro(), server: b.Server})
}

// Changed implements postgres.Hearer.
func (g *Gate) Changed(users []afauth.ID) {
	if len(users) == 0 {
		g.memory.dropAll()
		return
	}
	g.memory.drop(users)
}

// Lost implements postgres.Hearer. What the former server was is kept in mind:
// the next one may be another.
func (g *Gate) Lost() {
	if l := g.tenure.current.Load(); l != nil {
		g.tenure.current.Store(&lease{server: l.server})
	}
	g.memory.dropAll()
}
