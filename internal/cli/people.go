package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
)

// userArg names a person.
type userArg struct {
	User string `arg:"" help:"Login, '#github-id' or our UUID."`
}

type allowCmd struct {
	userArg
	App    []string `help:"Only for the application on this host; again for more. They are added to those that the person may open already." placeholder:"HOST" sep:"none"`
	Only   bool     `help:"With --app: for these applications alone, also where the person may open others now."`
	Until  *string  `help:"End the permission then: 30d, 12h, 2027-01-31 (that day included, UTC), or a moment in ISO 8601." placeholder:"30d|DATE"`
	Reason string   `help:"Why; kept in the record." placeholder:"TEXT"`
}

// Help is shown by --help.
func (allowCmd) Help() string {
	return `Acts at once. Somebody who has not signed in yet is looked up at GitHub; what is
waited for is the numeric id, not the name. Without --until the permission does
not end, also where it had an end before; but with --app, and with --only too,
the end stays as it is.

Without --app the permission is for all applications, also those to come. With
it, what somebody may open already stays open; --only takes the rest away. Where
something is taken away, it returns when every running server has confirmed it.`
}

// Run allows.
func (c *allowCmd) Run(ctx context.Context, e *Env) error {
	if c.Only && len(c.App) == 0 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "--only says nothing without --app", Hint: "name the applications: --app HOST"}
	}
	if err := e.checkApps(c.App); err != nil {
		return err
	}
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	until, err := parseUntil(c.Until, db.Now())
	if err != nil {
		return err
	}
	change, err := people.Allow(ctx, access.Actor{Name: e.whoAmI(), Reason: c.Reason}, c.User, access.Grant{Until: until, Apps: c.App, Add: len(c.App) > 0 && !c.Only, KeepEnd: len(c.App) > 0})
	if err != nil {
		return err
	}
	if change.Warning != "" {
		e.complain("warning: "+printable(change.Warning), "")
	}
	if change.Already {
		e.say("%s was allowed already%s%s; nothing was changed", describe(change.After.User), forApps(change.After.Apps), untilText(change.After.Until))
		return nil
	}
	e.say("allowed %s%s%s", describe(change.After.User), forApps(change.After.Apps), untilText(change.After.Until))
	e.sayBefore(change)
	if change.Lowers() {
		e.tellConfirmed(ctx, people)
	}
	return nil
}

// sayBefore says what a permission has changed.
func (e *Env) sayBefore(change access.Change) {
	switch {
	case change.Before == nil:
		e.say("They have not signed in yet; access is ready for GitHub id %d.", change.After.GitHubID)
	case change.Before.Access() == afauth.Waiting:
		e.say("They had been waiting since %s; their page goes on by itself.", stamp(change.Before.CreatedAt))
	case change.Before.Access() == afauth.Allowed && change.Before.Until == nil:
		e.say("They were allowed before%s, without an end.", forApps(change.Before.Apps))
	case change.Before.Access() == afauth.Allowed:
		e.say("They were allowed before%s%s.", forApps(change.Before.Apps), untilText(change.Before.Until))
	case change.Before.Access() == afauth.Expired:
		e.say("Their permission had ended on %s; they have to sign in again.", moment(change.Before.Until))
	default:
		e.say("They had been refused; they have to sign in again.")
	}
}

type revokeCmd struct {
	userArg
	App    []string `help:"Take only the application on this host away; again for more." placeholder:"HOST" sep:"none"`
	Reason string   `help:"Why; kept in the record." placeholder:"TEXT"`
}

// Help is shown by --help.
func (revokeCmd) Help() string {
	return `Acts at once: the next request is refused, all sessions end, and a later
"allow" does not bring them back. Somebody who is waiting is refused by this.
It returns when every running server has confirmed that it lets the person in no
more, and names those that do not answer.

With --app the person stays on the whitelist, and the sessions of that application
end. Where all applications were open, those in AF_AUTH_HOSTS and af-auth's own
host remain, without this one, and those to come do not. With several --app, all
of them are taken in one transaction.`
}

// Run revokes.
func (c *revokeCmd) Run(ctx context.Context, e *Env) error {
	if len(c.App) > 0 {
		return c.takeApps(ctx, e)
	}
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
	e.tellConfirmed(ctx, people)
	return nil
}

// takeApps takes applications away, and leaves the rest.
func (c *revokeCmd) takeApps(ctx context.Context, e *Env) error {
	if err := e.checkApps(c.App); err != nil {
		return err
	}
	settings, err := e.load()
	if err != nil {
		return err
	}
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	// Our own host alone does not say which applications there are, unless one
	// stands behind it.
	var all []string
	if len(settings.Hosts) > 0 || settings.Upstream != "" {
		all = appHosts(settings)
	}
	change, err := people.RevokeApps(ctx, access.Actor{Name: e.whoAmI(), Reason: c.Reason}, c.User, c.App, all)
	if err != nil {
		return err
	}
	e.sayTaken(change, c.App)
	switch left := change.After; {
	case left.Access() != afauth.Allowed:
		e.say("They may open nothing: they are %s.", wordFor(left.Access()))
	case left.Apps == nil:
	case len(left.Apps) == 0:
		e.say("They may open no application any more, and are still on the whitelist; off it: %s", e.command("revoke", c.User))
	default:
		e.say("They may still open %s.", printable(strings.Join(left.Apps, ", ")))
	}
	e.tellConfirmed(ctx, people)
	return nil
}

// sayTaken says which applications were taken away, and which were not open.
func (e *Env) sayTaken(change access.Change, hosts []string) {
	who, before := describe(change.After.User), change.Before
	nothing := ""
	if change.Already {
		nothing = "; nothing was changed"
	}
	var taken []string
	for _, host := range hosts {
		switch {
		case before.Access() != afauth.Allowed || !before.Opens(host):
			e.say("%s could not open %s before either%s", who, host, nothing)
		case !slices.Contains(taken, host):
			taken = append(taken, host)
		}
	}
	if len(taken) > 0 {
		e.say("revoked %s from %s: %s ended", strings.Join(taken, ", "), who, count(change.SessionsEnded, "session"))
	}
}

// wordFor is a state as part of a sentence.
func wordFor(a afauth.Access) string {
	if a == afauth.Expired {
		return "allowed no longer"
	}
	return string(a)
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
	e.tellConfirmed(ctx, people)
	return nil
}
