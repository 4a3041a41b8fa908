package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Grant is what somebody is allowed.
type Grant struct {
	// Until ends the permission at that moment; nil: it does not end.
	Until *time.Time
	// Apps are the hosts of the applications that it is for; nil: all of them.
	Apps []string
	// Add joins Apps to those that the person may open already, if allowed now.
	// What is for all applications stays for all.
	Add bool
	// KeepEnd leaves the end of somebody who is allowed now as it is, where Until
	// is nil.
	KeepEnd bool
	// Check is asked before somebody who has a row is changed, as the row stands
	// while nobody else can change it; nil: nobody asks. Its error, which is an
	// *afauth.Error, is returned, and nothing is changed.
	Check func(before Person) error
}

// Change is a decision carried out: the person before and after it.
type Change struct {
	// Before is nil for somebody who had no row yet.
	Before *Person
	After  Person
	// Already says that the decision was in force: nothing was written, and the
	// record has no line of it.
	Already bool
	// SessionsEnded counts the live sessions that the decision ended.
	SessionsEnded int
}

// Allow puts a GitHub id on the whitelist. Login is kept only for a person who
// has no row yet.
func (db *DB) Allow(ctx context.Context, actor Actor, githubID int64, login string, g Grant) (Change, error) {
	var c Change
	err := db.InTx(ctx, actor, func(q *query.Queries) error {
		for {
			before, err := q.LockUserByGitHubID(ctx, githubID)
			if err == nil {
				return c.allow(ctx, q, person(query.GetUserRow(before)), g)
			}
			if !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			after, err := q.AddAllowedUser(ctx, query.AddAllowedUserParams{GithubUserID: githubID, Login: orNull(login, 100), Until: g.Until, Apps: hosts(g.Apps)})
			if !errors.Is(err, pgx.ErrNoRows) {
				c.After = person(query.GetUserRow(after))
				return err
			}
			// Somebody has added the row in between, and it is there now.
		}
	})
	return c, fault(err, "allowing GitHub id "+strconv.FormatInt(githubID, 10))
}

// allow changes the row of somebody who has one, unless all is so already.
func (c *Change) allow(ctx context.Context, q *query.Queries, before Person, g Grant) error {
	c.Before = &before
	until, apps := g.Until, hosts(g.Apps)
	allowed := before.Access() == afauth.Allowed
	if g.KeepEnd && allowed && until == nil {
		until = before.Until
	}
	if g.Add && allowed {
		if before.Apps == nil || apps == nil {
			apps = nil
		} else {
			apps = hosts(append(apps, before.Apps...))
		}
	}
	if allowed && sameMoment(before.Until, until) && sameHosts(before.Apps, apps) {
		c.Already, c.After = true, before
		return nil
	}
	if g.Check != nil {
		if err := g.Check(before); err != nil {
			return err
		}
	}
	after, err := q.AllowUser(ctx, query.AllowUserParams{ID: before.ID, Until: until, Apps: apps})
	c.After = person(query.GetUserRow(after))
	return err
}

// hosts is a list of hosts as it is stored: sorted, each once. nil, which is all
// of them, stays nil.
func hosts(list []string) []string {
	if list == nil {
		return nil
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// sameHosts does not take nil, all applications, for an empty list, none. A list
// written by hand is in any order.
func sameHosts(stored, sorted []string) bool {
	return (stored == nil) == (sorted == nil) && slices.Equal(hosts(stored), sorted)
}

// sameMoment compares as PostgreSQL keeps moments: in microseconds.
func sameMoment(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b.Truncate(time.Microsecond))
}

// RevokeApps takes the applications on some hosts away from somebody who is
// allowed. all is what remains, with these or without them, of a permission for
// all applications. The triggers end the sessions there; this counts them.
// Already says that none of them was open to the person.
func (db *DB) RevokeApps(ctx context.Context, actor Actor, id afauth.ID, gone, all []string, idle time.Duration) (Change, error) {
	var c Change
	err := db.InTx(ctx, actor, func(q *query.Queries) error {
		row, err := q.LockUser(ctx, id)
		if err != nil {
			return err
		}
		before := person(query.GetUserRow(row))
		c.Before = &before
		if before.Access() != afauth.Allowed || !slices.ContainsFunc(gone, before.Opens) {
			c.Already, c.After = true, before
			return nil
		}
		left := before.Apps
		if left == nil {
			left = all
		}
		left = slices.DeleteFunc(hosts(left), func(h string) bool { return slices.Contains(gone, h) })
		if left == nil {
			left = []string{}
		}
		live, err := q.CountLiveSessions(ctx, query.CountLiveSessionsParams{UserID: id, Idle: idle})
		if err != nil {
			return err
		}
		after, err := q.SetUserApps(ctx, query.SetUserAppsParams{ID: id, Apps: left})
		if err != nil {
			return err
		}
		c.After = person(query.GetUserRow(after))
		still, err := q.CountLiveSessions(ctx, query.CountLiveSessionsParams{UserID: id, Idle: idle})
		c.SessionsEnded = int(live - still)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Change{}, afauth.ErrNotFound
	}
	return c, fault(err, "taking an application away")
}

// Revoke takes a person off the whitelist and ends all sessions. The triggers
// end them; this counts them.
func (db *DB) Revoke(ctx context.Context, actor Actor, id afauth.ID, idle time.Duration) (Change, error) {
	var c Change
	err := db.InTx(ctx, actor, func(q *query.Queries) error {
		before, err := q.GetUser(ctx, id)
		if err != nil {
			return err
		}
		p := person(before)
		c.Before = &p
		live, err := q.CountLiveSessions(ctx, query.CountLiveSessionsParams{UserID: id, Idle: idle})
		if err != nil {
			return err
		}
		c.SessionsEnded = int(live)
		after, err := q.RevokeUser(ctx, id)
		c.After = person(query.GetUserRow(after))
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Change{}, afauth.ErrNotFound
	}
	return c, fault(err, "revoking")
}
