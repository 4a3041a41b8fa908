package cli

import (
	"context"

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
	change, err := people.Allow(ctx, access.Actor{Name: e.whoAmI(), Reason: c.Reason}, c.User, access.Grant{Until: until})
	if err != nil {
		return err
	}
	if change.Warning != "" {
		e.complain("warning: "+printable(change.Warning), "")
	}
	if change.Already {
		e.say("%s was allowed already%s; nothing was changed", describe(change.After.User), untilText(change.After.Until))
		return nil
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
