// Package gate answers one question: may this session pass, to this host?
//
// A cookie's token and a host come in; a Decision comes out. Where this server
// holds the lease (see lease), a decision that was made before is repeated from
// memory; otherwise, and for whatever is not in memory, the database is asked. So
// a revocation counts from the moment it is committed where the database is
// asked, and from the moment it is heard where memory is; a server that cannot
// hear for a second asks the database. An expiry counts from the moment the
// database's clock reaches it, in either case.
//
// It never writes: that a session was used is noted in memory and written in
// batches by postgres.Seen.
package gate

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Deadline is how long one check may take. Behind it the answer is an error,
// and whoever asked must treat that as no.
const Deadline = 2 * time.Second

// Options is what New needs.
type Options struct {
	DB   *postgres.DB
	Seen *postgres.Seen
	// Idle is how long a session counts without being used.
	Idle time.Duration
	// Memory is how many sessions are remembered at most; 0: none.
	Memory int
	// Life is how long an answer of the database may be repeated, whatever is
	// heard; 0: a minute, which is what the product promises.
	Life   time.Duration
	Logger *slog.Logger
	// Now is this machine's clock, with its monotonic reading.
	Now func() time.Time
}

// Gate decides. It is safe for concurrent use.
type Gate struct {
	db     *postgres.DB
	seen   *postgres.Seen
	idle   time.Duration
	logger *slog.Logger
	now    func() time.Time
	tenure tenure
	memory *memory
	counts counts
}

// New makes a Gate. It decides from memory once a postgres.Listener tells it of
// changes; until then each question goes to the database.
func New(o Options) *Gate {
	return &Gate{
		db: o.DB, seen: o.Seen, idle: o.Idle, logger: o.Logger, now: o.Now,
		memory: newMemory(o.Memory, min(cmp.Or(o.Life, life), o.Idle), o.Now()),
	}
}

// Decision is who stands before the gate, and whether they may pass.
//
// In an answer of Check, User holds what applications are told and what the
// permission is, and Session its id, person and host; the times and the picture
// are known to Who alone.
type Decision struct {
	User    afauth.User
	Session afauth.Session
	Access  afauth.Access
	// Now is the database's time of the decision.
	Now time.Time
}

// Check decides whether the browser with this cookie may open the application on
// this host. The errors are ErrNotSignedIn where there is no such live session on
// the host; ErrNotWhitelisted or ErrNotForApp, together with the Decision, where
// somebody is signed in who may not come in, or not to this application; and
// otherwise CodeUnavailable or CodeSchema, which are a no.
func (g *Gate) Check(ctx context.Context, token afauth.Token, host string) (Decision, error) {
	hash, asked := token.Hash(), g.now()
	// The lease first: what memory says afterwards is at least as new.
	database, held := g.tenure.held(asked)
	if held {
		if d, ok := g.recall(hash, host, instant{asked, database}); ok {
			g.counts.memory.Add(1)
			return d, opens(d)
		}
	}
	g.counts.database.Add(1)
	f := g.memory.begin()
	visit, err := g.find(ctx, hash, host)
	if err != nil {
		return Decision{}, err
	}
	d, err := g.decide(visit)
	if err == nil && held {
		g.memory.keep(f, hash, visit, asked)
	}
	if err == nil {
		err = opens(d)
	}
	return d, err
}

// opens is the last question: is the permission for this application?
func opens(d Decision) error {
	if !d.User.Opens(d.Session.Host) {
		return afauth.ErrNotForApp
	}
	return nil
}

// Recall is Check for whoever is in memory and may come in; false: Check knows.
// It waits for nothing.
func (g *Gate) Recall(token afauth.Token, host string) (Decision, bool) {
	asked := g.now()
	database, held := g.tenure.held(asked)
	if !held {
		return Decision{}, false
	}
	d, ok := g.recall(token.Hash(), host, instant{asked, database})
	if !ok || opens(d) != nil {
		return Decision{}, false
	}
	g.counts.memory.Add(1)
	return d, true
}

func (g *Gate) recall(hash afauth.TokenHash, host string, now instant) (Decision, bool) {
	found, ok := g.memory.recall(hash, host, now)
	if !ok {
		return Decision{}, false
	}
	if found.note {
		g.seen.Add(found.session)
	}
	return Decision{
		User:    found.user,
		Session: afauth.Session{ID: found.session, UserID: found.user.ID, Host: host},
		Access:  afauth.Allowed,
		Now:     time.UnixMicro(now.database),
	}, true
}

// Who is Check for af-auth's own pages: it always asks the database, and it does
// not matter there which applications a permission is for.
func (g *Gate) Who(ctx context.Context, token afauth.Token, host string) (Decision, error) {
	visit, err := g.find(ctx, token.Hash(), host)
	if err != nil {
		return Decision{}, err
	}
	return g.decide(visit)
}

// find asks the database. Once changes are heard, and until they are lost, the
// word of the server that tells of them is the only one that counts: a connection
// that leads to another one, such as a former primary, may be behind it, and then
// somebody would be let in whose revocation was confirmed.
func (g *Gate) find(ctx context.Context, hash afauth.TokenHash, host string) (postgres.Visit, error) {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	return g.db.FindSessionOn(ctx, g.tenure.heard(), hash, host, g.idle)
}

func (g *Gate) decide(visit postgres.Visit) (Decision, error) {
	g.seen.Note(visit)
	d := Decision{
		User:    visit.User,
		Session: visit.Session,
		Access:  afauth.Decide(visit.User.Whitelist, visit.Now),
		Now:     visit.Now,
	}
	if !d.Access.MayEnter() {
		return d, afauth.ErrNotWhitelisted
	}
	return d, nil
}

// counts is how often memory knew the answer, and how often it was the database's.
type counts struct{ memory, database atomic.Uint64 }

// Stats is what a Gate knows of itself, for metrics.
type Stats struct {
	// FromMemory and FromDatabase count answers since the start.
	FromMemory, FromDatabase uint64
	// Drops counts changes of access that were heard.
	Drops uint64
	// Sessions is how many are in memory now.
	Sessions int
	// Leased says that memory may be trusted now.
	Leased bool
}

// Stats returns the numbers of this moment.
func (g *Gate) Stats() Stats {
	_, held := g.tenure.held(g.now())
	drops, sessions := g.memory.size()
	return Stats{g.counts.memory.Load(), g.counts.database.Load(), drops, sessions, held}
}
