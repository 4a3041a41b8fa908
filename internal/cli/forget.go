package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/postgres"
)

type forgetCmd struct {
	userArg
	Yes    bool   `help:"Do not ask for the login to be typed."`
	Reason string `help:"Why; kept in the record." placeholder:"TEXT"`
}

// Help is shown by --help.
func (forgetCmd) Help() string {
	return `Erases a person for good: name, login, e-mail address, picture, permission,
sessions, what they wrote while waiting, and what the webhook has not been told
yet. It asks for the login to be typed, or takes --yes, whatever the whitelist
says of them.

What stays is the record: its lines name people by id, and keep the address of the
browser and the reason that somebody gave. Backups stay as well. Who signs in
again later is somebody new, and waits; that somebody had been refused is then
known to the record alone.`
}

// Run erases.
func (c *forgetCmd) Run(ctx context.Context, e *Env) error {
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := people.Find(ctx, c.User)
	if err != nil {
		return err
	}
	traces, err := people.Traces(ctx, p.ID)
	if err != nil {
		return err
	}
	e.printForget(p, traces)
	if err := e.confirmWord(p.Handle(), c.Yes); err != nil {
		return err
	}
	if err := people.Forget(ctx, access.Actor{Name: e.whoAmI(), Reason: c.Reason}, p.ID); err != nil {
		return err
	}
	e.say("forgot %s", describe(p.User))
	e.tellConfirmed(ctx, people)
	return nil
}

func (e *Env) printForget(p access.Person, t postgres.Traces) {
	e.say("%s, %s%s", describe(p.User), wordFor(p.Access()), untilText(p.Until))
	e.say("  erased: login, name, e-mail address, picture and permission; %s; %s; %s that the webhook has still to send",
		count(t.Sessions, "session"), count(t.Requests, "message"), count(t.Deliveries, "notice"))
	e.say("  stays:  %s of the record, by id %s and GitHub id %d", count(t.Events, "line"), p.ID, p.GitHubID)
	if p.Access() == afauth.Refused {
		e.say("  They were refused. Should they sign in again, they wait like anybody new.")
	}
}

// confirmWord asks for a word to be typed, unless the answer was given with
// --yes. Where nobody can be asked, that is an error.
func (e *Env) confirmWord(word string, yes bool) error {
	switch {
	case yes:
		return nil
	case !e.terminal():
		return e.confirm("", false)
	case !strings.EqualFold(e.line(fmt.Sprintf("type %s to erase all of this: ", printable(word))), word):
		e.say("nothing was changed")
		return exit{1}
	}
	return nil
}
