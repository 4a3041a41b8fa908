package gate

import (
	"context"

	"github.com/af-auth/af-auth"
)

// Fresh is Who by the database alone, whatever is remembered: for those who
// change what others are allowed.
func (g *Gate) Fresh(ctx context.Context, token afauth.Token, host string) (Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	visit, err := g.db.FindSession(ctx, token.Hash(), host, g.idle)
	if err != nil {
		return Decision{}, err
	}
	g.seen.Note(visit)
	d := Decision{User: visit.User, Session: visit.Session, Access: afauth.Decide(visit.User.Whitelist, visit.Now), Now: visit.Now}
	if !d.Access.MayEnter() {
		return d, afauth.ErrNotWhitelisted
	}
	return d, nil
}
