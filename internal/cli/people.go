package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
)

// userArg names a person.
type userArg struct {
	User string `arg:"" help:"Login, '#github-id' or our UUID."`
}

type allowCmd struct {
	userArg
	Until  *string `help:"End the permission then: 30d, 12h, 2027-01-31 (that day included, UTC), or a moment in ISO 8601." placeholder:"30d|DATE"`
	Reason string  `help:"Why; kept in the record." placeholder:"TEXT"`
}

// Help is shown by --help.
func (allowCmd) Help() string {
	return `Acts at once. Somebody who has not signed in yet is looked up at GitHub; what is
waited for is the numeric id, not the name. Without --until the permission does
not end, also where it had an end before.`
}

// Run allows.
func (c *allowCmd) Run(ctx context.Context, e *Env) error {
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	until, err := parseUntil(c.Until, db.Now())
	if err != nil {
		return err
	}
	change, err := people.Allow(ctx, access.Actor{Name: e.whoAmI(), Reason: c.Reason}, c.User, until)
	if err != nil {
		return err
	}
	e.say("allowed %s%s", describe(change.After.User), untilText(change.After.Until))
	switch {
	case change.Before == nil:
		e.say("They have not signed in yet; access is ready for GitHub id %d.", change.After.GitHubID)
	case change.Before.Access() == afauth.Waiting:
		e.say("They had been waiting since %s; their page goes on by itself.", stamp(change.Before.CreatedAt))
	case change.Before.Access() == afauth.Allowed && change.Before.Until == nil:
		e.say("They were allowed before, without an end.")
	case change.Before.Access() == afauth.Allowed:
		e.say("They were allowed before%s.", untilText(change.Before.Until))
	case change.Before.Access() == afauth.Expired:
		e.say("Their permission had ended on %s; they have to sign in again.", moment(change.Before.Until))
	default:
		e.say("They had been refused; they have to sign in again.")
	}
	return nil
}

type revokeCmd struct {
	userArg
	Reason string `help:"Why; kept in the record." placeholder:"TEXT"`
}

// Help is shown by --help.
func (revokeCmd) Help() string {
	return `Acts at once: the next request is refused, all sessions end, and a later
"allow" does not bring them back. Somebody who is waiting is refused by this.`
}

// Run revokes.
func (c *revokeCmd) Run(ctx context.Context, e *Env) error {
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	change, err := people.Revoke(ctx, access.Actor{Name: e.whoAmI(), Reason: c.Reason}, c.User)
	if err != nil {
		return err
	}
	verb := "revoked"
	if change.Before.Access() == afauth.Waiting {
		verb = "refused"
	}
	e.say("%s %s: %s ended", verb, describe(change.After.User), count(change.SessionsEnded, "session"))
	if change.Before.Access() == afauth.Refused {
		e.say("They had no access before either.")
	}
	return nil
}

type signOutCmd struct {
	userArg
	Reason string `help:"Why; kept in the record." placeholder:"TEXT"`
}

// Run ends a person's sessions.
func (c *signOutCmd) Run(ctx context.Context, e *Env) error {
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	person, n, err := people.SignOut(ctx, access.Actor{Name: e.whoAmI(), Reason: c.Reason}, c.User)
	if err != nil {
		return err
	}
	e.say("signed out %s: %s ended", describe(person.User), count(n, "session"))
	return nil
}

type usersCmd struct {
	Waiting bool   `xor:"access" help:"Only those about whom nobody has decided."`
	Allowed bool   `xor:"access" help:"Only those who may come in."`
	Refused bool   `xor:"access" help:"Only those who were refused or whose permission has run out."`
	Search  string `help:"Only those whose login or name contains this, or whose GitHub id it is." placeholder:"TEXT"`
	Limit   int    `help:"How many at most." default:"50"`
	After   string `help:"Go on behind this person." placeholder:"USER"`
	JSON    bool   `help:"Print JSON."`
}

// Run lists people.
func (c *usersCmd) Run(ctx context.Context, e *Env) error {
	if c.Limit < 1 || c.Limit > 10_000 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "--limit is from 1 to 10000"}
	}
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	filter := access.Filter{Search: c.Search, Limit: c.Limit + 1}
	switch {
	case c.Waiting:
		filter.Access = afauth.Waiting
	case c.Allowed:
		filter.Access = afauth.Allowed
	case c.Refused:
		filter.Access = afauth.Refused
	}
	if c.After != "" {
		last, err := people.Find(ctx, c.After)
		if err != nil {
			return err
		}
		filter.After = &access.Key{CreatedAt: last.CreatedAt, ID: last.ID}
	}
	list, err := people.List(ctx, filter)
	if err != nil {
		return err
	}
	more := len(list) > c.Limit
	if more {
		list = list[:c.Limit]
	}
	if c.JSON {
		return e.printJSON(userRows(list))
	}
	if len(list) == 0 {
		e.say("%s", c.nobody())
		return nil
	}
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "LOGIN\tGITHUB ID\tNAME\tACCESS\tUNTIL\tLAST SIGN-IN")
		for _, p := range list {
			_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", dash(printable(p.Login)), p.GitHubID, dash(printable(p.Name)), p.Access(), moment(p.Until), moment(p.LastSignInAt))
		}
	})
	if more {
		e.say("more: add --after %s", list[len(list)-1].ID)
	}
	return nil
}

func (c *usersCmd) nobody() string {
	switch {
	case c.Search != "" || c.After != "":
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

func userRows(list []access.Person) []userRow {
	out := make([]userRow, 0, len(list))
	for _, p := range list {
		out = append(out, userRow{
			ID: p.ID, GitHubID: p.GitHubID, Login: p.Login, Name: p.Name, Email: p.Email, Access: p.Access(),
			Until: utc(p.Until), DecidedAt: utc(p.DecidedAt), LastSignInAt: utc(p.LastSignInAt), CreatedAt: p.CreatedAt.UTC(),
		})
	}
	return out
}

// describe names a person so that nobody mistakes one for another.
func describe(u afauth.User) string {
	if u.Login == "" {
		return fmt.Sprintf("GitHub id %d", u.GitHubID)
	}
	if u.Name == "" {
		return fmt.Sprintf("%s (GitHub id %d)", printable(u.Login), u.GitHubID)
	}
	return fmt.Sprintf("%s (%s, GitHub id %d)", printable(u.Login), printable(u.Name), u.GitHubID)
}

func untilText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return " until " + stamp(*t)
}

func (e *Env) table(write func(io.Writer)) {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	write(w)
	_ = w.Flush()
}

func (e *Env) printJSON(v any) error {
	enc := json.NewEncoder(e.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func moment(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return stamp(*t)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printable keeps what strangers wrote from steering a terminal, breaking a
// line, or turning the direction in which the rest of it is read.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return '?'
		}
		return r
	}, s)
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	default:
		return fmt.Sprintf("%d %ss", n, noun)
	}
}
