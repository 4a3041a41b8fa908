// Package gate answers one question: may this session pass, to this host?
//
// A cookie's token and a host come in; a Decision comes out. It asks the
// database for each request, so that a revocation counts from the moment it is
// committed, and an expiry from the moment the database's clock reaches it.
// It never writes: that a session was used is noted in memory and written in
// batches by postgres.Seen.
package gate

import (
	"context"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// Deadline is how long one check may take. Behind it the answer is an error,
// and whoever asked must treat that as no.
const Deadline = 2 * time.Second

// Gate decides. It is safe for concurrent use.
type Gate struct {
	db   *postgres.DB
	seen *postgres.Seen
	idle time.Duration
}

// New makes a Gate. Sessions unused for longer than idle do not count.
func New(db *postgres.DB, seen *postgres.Seen, idle time.Duration) *Gate {
	return &Gate{db: db, seen: seen, idle: idle}
}

// Decision is who stands before the gate, and whether they may pass.
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
	d, err := g.Who(ctx, token, host)
	if err == nil && !d.User.Opens(host) {
		return d, afauth.ErrNotForApp
	}
	return d, err
}

// Who is Check for af-auth's own pages, where it does not matter which
// applications a permission is for.
func (g *Gate) Who(ctx context.Context, token afauth.Token, host string) (Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	visit, err := g.db.FindSession(ctx, token.Hash(), host, g.idle)
	if err != nil {
		return Decision{}, err
	}
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
