package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

type migrateResolveCmd struct {
	projectFlags
	shadowFlags
	Applied     string `help:"Mark this migration as applied: all of it is there." placeholder:"V" xor:"claim"`
	RolledBack  string `help:"Mark this migration as rolled back: none of it is there." placeholder:"V" xor:"claim"`
	AcceptDrift string `help:"Take the schema as it is for the right one, and record why." placeholder:"WHY" xor:"claim"`
	Force       bool   `help:"Insist, though the schema shows otherwise, or was not looked at. It is recorded who did."`
}

// Help is shown by --help.
func (migrateResolveCmd) Help() string {
	return `It looks at the live schema first, shows what of the migration is there, and refuses
a claim that the schema contradicts. For that it runs the migrations on an empty
database: a private PostgreSQL on this machine, or --shadow-url.`
}

// Run records a claim.
func (c *migrateResolveCmd) Run(ctx context.Context, e *Env) error {
	p, err := e.project(c.projectFlags, false)
	if err != nil {
		return err
	}
	claim := migrate.Claim{Which: c.Applied, Mark: migrate.MarkApplied, Force: c.Force}
	switch {
	case c.AcceptDrift != "":
		return p.withConn(ctx, func(conn *pgx.Conn) error { return c.accept(ctx, conn, p) })
	case c.RolledBack != "":
		claim.Which, claim.Mark = c.RolledBack, migrate.MarkRolledBack
	case c.Applied == "":
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "resolve needs to know what to resolve",
			Hint: "--applied V, --rolled-back V or --accept-drift WHY; see af-auth db migrate status"}
	}
	// Who insists need not have PostgreSQL's programs at hand.
	if !c.Force {
		o, err := p.diffOptions(c.shadowFlags)
		if err != nil {
			return err
		}
		claim.Check = func(ctx context.Context, conn *pgx.Conn, f migrate.File) (migrate.Evidence, error) {
			found, err := diff.Evidence(ctx, conn, p.files, f, o)
			var refused *migrate.SQLError
			if errors.As(err, &refused) {
				err = &afauth.Error{Code: afauth.CodeUnavailable, Message: "nothing was recorded: on the shadow database " + refused.File + " does not run, so what it makes cannot be looked for",
					Hint: "mend the file first; or look yourself, and insist: --force, which records who did", Err: err}
			}
			return found, err
		}
	}
	return p.withConn(ctx, func(conn *pgx.Conn) error {
		found, err := migrate.Resolve(ctx, conn, p.files, claim, p.options())
		e.printEvidence(found)
		if err == nil {
			e.say("recorded: %s is %s", claim.Which, map[migrate.Action]string{migrate.MarkApplied: "applied", migrate.MarkRolledBack: "rolled back"}[claim.Mark])
		}
		return err
	})
}

func (c *migrateResolveCmd) accept(ctx context.Context, conn *pgx.Conn, p *project) error {
	drift, err := migrate.AcceptDrift(ctx, conn, p.files, c.AcceptDrift, p.options())
	switch {
	case err != nil:
		return err
	case drift == nil:
		p.env.say("nothing to accept: the schema is as the migrations left it")
	default:
		p.env.say("%srecorded: this is to stay", indented(drifted(drift)))
	}
	return nil
}

// printEvidence shows what of a migration is there.
func (e *Env) printEvidence(found migrate.Evidence) {
	for _, list := range []struct {
		word  string
		items []string
	}{{"there", found.There}, {"not there", found.NotThere}} {
		for _, item := range list.items {
			e.say("%-11s%s", list.word, printable(strings.ReplaceAll(item, "\n", " ")))
		}
	}
}
