package postgres

import (
	"context"
	"errors"
	"slices"
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
	return persons(rows, asUser[query.FindUsersByLoginRow]), nil
}

// loginsAtOnce bounds the argument of one query.
const loginsAtOnce = 10_000

// KnownLogins returns everybody whose last known login, in lower case, is one of
// these, by it.
func (db *DB) KnownLogins(ctx context.Context, logins []string) (map[string][]Person, error) {
	out := map[string][]Person{}
	for some := range slices.Chunk(logins, loginsAtOnce) {
		rows, err := db.queries.FindUsersByLogins(ctx, some)
		if err != nil {
			return nil, fault(err, "looking up logins")
		}
		for _, p := range persons(rows, asUser[query.FindUsersByLoginsRow]) {
			name := strings.ToLower(p.Login)
			out[name] = append(out[name], p)
		}
	}
	return out, nil
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
