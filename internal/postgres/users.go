package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Person is a user and the database's time when the row was read.
type Person struct {
	afauth.User
	Now time.Time
}

// Access says what the whitelist says, at the moment of reading.
func (p Person) Access() afauth.Access { return afauth.Decide(p.Whitelist, p.Now) }

// person reads the row that all queries on users return.
func person(r query.GetUserRow) Person {
	return Person{
		User: afauth.User{
			ID: r.ID, GitHubID: r.GithubUserID,
			Login: orEmpty(r.Login), Name: orEmpty(r.Name), Email: orEmpty(r.Email), AvatarURL: orEmpty(r.AvatarUrl),
			Whitelist:    afauth.Whitelist{IsWhitelisted: r.IsWhitelisted, Until: r.WhitelistUntil, DecidedAt: r.WhitelistDecidedAt, Apps: r.Apps},
			LastSignInAt: r.LastSignInAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		},
		Now: r.Now,
	}
}

// User returns one person by our id, or ErrNotFound.
func (db *DB) User(ctx context.Context, id afauth.ID) (Person, error) {
	row, err := db.queries.GetUser(ctx, id)
	return one(row, err)
}

// UserByGitHubID returns one person by GitHub's id, or ErrNotFound.
func (db *DB) UserByGitHubID(ctx context.Context, id int64) (Person, error) {
	row, err := db.queries.GetUserByGitHubID(ctx, id)
	return one(query.GetUserRow(row), err)
}

// UsersByLogin returns everybody whose last known login is this one, in any
// letter case. More than one is possible: logins change hands.
func (db *DB) UsersByLogin(ctx context.Context, login string) ([]Person, error) {
	rows, err := db.queries.FindUsersByLogin(ctx, clean(login, 100))
	if err != nil {
		return nil, fault(err, "looking up the login")
	}
	out := make([]Person, 0, len(rows))
	for _, row := range rows {
		out = append(out, person(query.GetUserRow(row)))
	}
	return out, nil
}

// UserFilter picks people. The zero value picks everybody.
type UserFilter struct {
	// Access narrows to one state; Refused includes Expired.
	Access afauth.Access
	// Search is part of a login or name, or a whole GitHub id.
	Search string
	// After continues a list behind this person; nil begins it.
	After *Key
	// Limit is the number of rows at most.
	Limit int
}

// Users lists people, newest first.
func (db *DB) Users(ctx context.Context, f UserFilter) ([]Person, error) {
	params := query.ListUsersParams{Access: string(f.Access), MaxRows: int32(f.Limit)} // #nosec G115 -- a page's size
	if search := clean(f.Search, 200); search != "" {
		params.Search = "%" + escapeLike(search) + "%"
		params.Exact = strings.TrimPrefix(search, "#")
	}
	if f.After != nil {
		params.AfterCreatedAt, params.AfterID = &f.After.At, &f.After.ID
	}
	rows, err := db.queries.ListUsers(ctx, params)
	if err != nil {
		return nil, fault(err, "listing people")
	}
	out := make([]Person, 0, len(rows))
	for _, row := range rows {
		out = append(out, person(query.GetUserRow(row)))
	}
	return out, nil
}

// escapeLike takes the meaning from LIKE's own characters.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
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

// Allow puts a GitHub id on the whitelist, until a moment or (nil) for good.
// Login is kept only for a person who has no row yet.
func (db *DB) Allow(ctx context.Context, actor Actor, githubID int64, login string, until *time.Time) (Change, error) {
	var c Change
	err := db.InTx(ctx, actor, func(q *query.Queries) error {
		before, err := q.GetUserByGitHubID(ctx, githubID)
		switch {
		case err == nil:
			p := person(query.GetUserRow(before))
			c.Before = &p
			if c.Already = p.allowedUntil(until); c.Already {
				c.After = p
				return nil
			}
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		}
		after, err := q.AllowUser(ctx, query.AllowUserParams{GithubUserID: githubID, Login: orNull(login, 100), Until: until})
		c.After = person(query.GetUserRow(after))
		return err
	})
	return c, fault(err, "allowing GitHub id "+strconv.FormatInt(githubID, 10))
}

// allowedUntil reports whether the person is allowed, and just so long.
func (p Person) allowedUntil(until *time.Time) bool {
	if p.Access() != afauth.Allowed || p.Until == nil || until == nil {
		return p.Access() == afauth.Allowed && p.Until == nil && until == nil
	}
	// PostgreSQL keeps microseconds.
	return p.Until.Equal(until.Truncate(time.Microsecond))
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

func one(row query.GetUserRow, err error) (Person, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return Person{}, afauth.ErrNotFound
	}
	if err != nil {
		return Person{}, fault(err, "looking up the person")
	}
	return person(row), nil
}
