package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/postgres"
)

type usersCmd struct {
	Waiting bool   `xor:"access" help:"Only those about whom nobody has decided."`
	Allowed bool   `xor:"access" help:"Only those who may come in."`
	Refused bool   `xor:"access" help:"Only those who were refused or whose permission has run out."`
	Search  string `help:"Only those whose login or name contains this, or whose GitHub id it is." placeholder:"TEXT"`
	pageFlags
}

// Run lists people.
func (c *usersCmd) Run(ctx context.Context, e *Env) error {
	if err := c.check(); err != nil {
		return err
	}
	filter := access.Filter{Search: c.Search}
	if c.After != nil {
		key, err := postgres.ParseKey(*c.After)
		if err != nil {
			return noPlace(*c.After)
		}
		filter.After = &key
	}
	switch {
	case c.Waiting:
		filter.Access = afauth.Waiting
	case c.Allowed:
		filter.Access = afauth.Allowed
	case c.Refused:
		filter.Access = afauth.Refused
	}
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	return list[access.Person]{
		noun: "users",
		fetch: func(behind *access.Person, n int) ([]access.Person, error) {
			if behind != nil {
				filter.After = &access.Key{At: behind.CreatedAt, ID: behind.ID}
			}
			filter.Limit = n
			return people.List(ctx, filter)
		},
		cursor: func(p access.Person) string { return access.Key{At: p.CreatedAt, ID: p.ID}.String() },
		json:   func(p access.Person) any { return userRowOf(p) },
		table: e.newTable(false, column{"LOGIN", 8}, column{"GITHUB ID", 0}, column{"NAME", 8},
			column{"ACCESS", 0}, column{"UNTIL", 0}, column{"LAST SIGN-IN", 0}),
		cells: func(p access.Person) []string {
			return []string{
				dash(printable(p.Login)), strconv.FormatInt(p.GitHubID, 10), dash(printable(p.Name)),
				string(p.Access()), briefly(p.Until), briefly(p.LastSignInAt),
			}
		},
		empty: c.nobody(),
	}.print(e, c.pageFlags)
}

func (c *usersCmd) nobody() string {
	switch {
	case c.After != nil:
		return "nobody else"
	case c.Search != "":
		return "nobody matches"
	case c.Waiting:
		return "nobody is waiting"
	case c.Allowed:
		return "nobody is allowed; af-auth allow LOGIN lets somebody in"
	case c.Refused:
		return "nobody is refused"
	default:
		return "nobody has signed in yet; af-auth allow LOGIN lets somebody in beforehand"
	}
}

// userRow is a person in JSON.
type userRow struct {
	ID           afauth.ID     `json:"id"`
	GitHubID     int64         `json:"github_user_id"`
	Login        string        `json:"login"`
	Name         string        `json:"name"`
	Email        string        `json:"email"`
	Access       afauth.Access `json:"access"`
	Until        *time.Time    `json:"until"`
	DecidedAt    *time.Time    `json:"decided_at"`
	LastSignInAt *time.Time    `json:"last_sign_in_at"`
	CreatedAt    time.Time     `json:"created_at"`
}

func userRowOf(p access.Person) userRow {
	return userRow{
		ID: p.ID, GitHubID: p.GitHubID, Login: p.Login, Name: p.Name, Email: p.Email, Access: p.Access(),
		Until: utc(p.Until), DecidedAt: utc(p.DecidedAt), LastSignInAt: utc(p.LastSignInAt), CreatedAt: p.CreatedAt.UTC(),
	}
}
