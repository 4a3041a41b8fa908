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
	Waiting bool   `xor:"access,app" help:"Only those about whom nobody has decided."`
	Allowed bool   `xor:"access" help:"Only those who may come in."`
	Refused bool   `xor:"access,app" help:"Only those who were refused or whose permission has run out."`
	App     string `xor:"app" help:"Only those who may open the application on this host." placeholder:"HOST"`
	Search  string `xor:"find" help:"Only those whose login or name contains this, three letters or more, or whose GitHub id it is." placeholder:"TEXT|#ID"`
	Login   string `xor:"find" help:"Only those whose login begins with this, in the order of logins." placeholder:"PREFIX"`
	pageFlags
}

// Help is shown by --help.
func (usersCmd) Help() string {
	return `Newest first, or with --login in the order of logins. Parts of names are found by
an index that knows three letters in a row, so --search takes no fewer; one or two
letters are a beginning, for --login.`
}

// filter is what the flags ask for.
func (c *usersCmd) filter() (access.Filter, error) {
	filter := access.Filter{Search: c.Search, Prefix: c.Login, App: c.App}
	if c.After != nil {
		key, err := postgres.ParseKey(*c.After)
		if err != nil || (key.Login != "") != (c.Login != "") {
			return filter, noPlace(*c.After)
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
	return filter, nil
}

// Run lists people.
func (c *usersCmd) Run(ctx context.Context, e *Env) error {
	if err := c.check(); err != nil {
		return err
	}
	filter, err := c.filter()
	if err != nil {
		return err
	}
	if c.App != "" {
		if err := e.checkApps([]string{c.App}); err != nil {
			return err
		}
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
				place := filter.Place(*behind)
				filter.After = &place
			}
			filter.Limit = n
			return people.List(ctx, filter)
		},
		cursor: func(p access.Person) string { return filter.Place(p).String() },
		json:   func(p access.Person) any { return userRowOf(p) },
		table: e.newTable(false, column{"LOGIN", 8}, column{"GITHUB ID", 0}, column{"NAME", 6},
			column{"ACCESS", 0}, column{"APPS", 4}, column{"UNTIL", 0}, column{"LAST SIGN-IN", 0}),
		cells: func(p access.Person) []string {
			return []string{
				dash(printable(p.Login)), strconv.FormatInt(p.GitHubID, 10), dash(printable(p.Name)),
				string(p.Access()), appsCell(p.Whitelist, p.Access()), briefly(p.Until), briefly(p.LastSignInAt),
			}
		},
		empty: c.nobody(),
	}.print(e, c.pageFlags)
}

func (c *usersCmd) nobody() string {
	switch {
	case c.After != nil:
		return "nobody else"
	case c.Search != "" || c.Login != "":
		return "nobody matches"
	case c.App != "":
		return "nobody may open " + c.App
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
	Apps         []string      `json:"apps"`
	Until        *time.Time    `json:"until"`
	DecidedAt    *time.Time    `json:"decided_at"`
	LastSignInAt *time.Time    `json:"last_sign_in_at"`
	CreatedAt    time.Time     `json:"created_at"`
}

func userRowOf(p access.Person) userRow {
	return userRow{
		ID: p.ID, GitHubID: p.GitHubID, Login: p.Login, Name: p.Name, Email: p.Email, Access: p.Access(), Apps: p.Apps,
		Until: utc(p.Until), DecidedAt: utc(p.DecidedAt), LastSignInAt: utc(p.LastSignInAt), CreatedAt: p.CreatedAt.UTC(),
	}
}
