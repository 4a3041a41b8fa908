package cli

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/adopt"
)

type migrateAdoptCmd struct {
	projectFlags
	shadowFlags
	DryRun   bool `help:"Show the plan, and change nothing."`
	Yes      bool `short:"y" help:"Do not ask. Needed where a table is written anew."`
	NoDeploy bool `help:"Write the ledger, and leave what is pending pending."`
	NoBackup bool `help:"In production: go on without a verified backup, against advice."`
	JSON     bool `name:"json" help:"Print the plan, and what was done, as JSON."`
}

// Help is shown by --help.
func (migrateAdoptCmd) Help() string {
	return `For a database that Prisma or somebody's hand made. It compares, shows what is
there, what differs and what stays, brings the rest in one transaction, writes
the ledger, and applies what is pending. No row is lost. Tables and columns that
no migration makes stay as they are, Prisma's own table too.

The plan is tried on a shadow database first: the private PostgreSQL, or an empty
database of the same major version (--shadow-url).`
}

// Run adopts a database.
func (c *migrateAdoptCmd) Run(ctx context.Context, e *Env) error {
	if c.JSON {
		e.hush()
	}
	p, err := e.project(c.projectFlags, false)
	if err != nil {
		return err
	}
	return p.withConn(ctx, func(conn *pgx.Conn) error {
		plan, err := p.planAdoption(ctx, conn, c.shadowFlags)
		if err != nil {
			return err
		}
		out := newAdoptJSON(plan, c.DryRun)
		e.printAdoption(plan)
		if err = c.adoptable(ctx, conn, p, plan); err == nil && !c.DryRun {
			err = c.carryOut(ctx, conn, p, plan, &out)
		}
		if c.JSON {
			if failed := e.aloud().printJSON(out); failed != nil {
				return failed
			}
		}
		return err
	})
}

// planAdoption looks at the database and plans.
func (p *project) planAdoption(ctx context.Context, conn *pgx.Conn, f shadowFlags) (adopt.Plan, error) {
	o, err := p.diffOptions(f)
	if err != nil {
		return adopt.Plan{}, err
	}
	return adopt.Make(ctx, conn, p.files, o)
}

// adoptable refuses what the plan alone shows cannot be.
func (c *migrateAdoptCmd) adoptable(ctx context.Context, conn *pgx.Conn, p *project, plan adopt.Plan) error {
	switch err := plan.Refusal(); {
	case err != nil:
		return err
	case plan.Nothing():
		return &afauth.Error{Code: afauth.CodeUnavailable, Message: "there is nothing to adopt: the database has nothing that the migrations make",
			Hint: "af-auth db migrate deploy; or is it another database? --url"}
	case c.DryRun || plan.Adopted && len(plan.Pending) == 0:
		return nil
	case len(plan.Rewrites()) > 0 && !c.Yes:
		return &afauth.Error{Code: afauth.CodeInvalid,
			Message: "nothing was changed: every row is written anew of " + strings.Join(plan.Rewrites(), ", ") + ", and nobody can read or write there meanwhile",
			Hint:    "choose a quiet hour, then add --yes"}
	}
	return p.wantsBackup(ctx, conn, plan.State.Namespace, c.NoBackup)
}

// carryOut asks, adopts, and deploys what is pending. An adoption that was
// stopped half way is gone on with: its ledger is there, and the rest is pending.
func (c *migrateAdoptCmd) carryOut(ctx context.Context, conn *pgx.Conn, p *project, plan adopt.Plan, out *adoptJSON) error {
	if plan.Adopted && (len(plan.Pending) == 0 || c.NoDeploy) {
		return nil
	}
	if err := p.env.confirm(c.question(plan), c.Yes); err != nil {
		return err
	}
	if !plan.Adopted {
		records, err := migrate.Adopt(ctx, conn, p.files, plan.Adoption(), p.options())
		if err != nil {
			return err
		}
		out.Adopted = recordNames(records)
		if len(records) == 0 {
			p.env.say("adopted by somebody else meanwhile")
		} else {
			p.env.say("adopted: the ledger has %s now", count(len(records), "migration"))
		}
	}
	if c.NoDeploy {
		p.env.say("pending stays pending; apply: af-auth db migrate deploy")
		return nil
	}
	result, err := migrate.Deploy(ctx, conn, p.files, p.options())
	out.Applied, out.SchemaVersion, out.InSync = recordNames(result.Applied), result.SchemaVersion, err == nil
	if err != nil {
		return err
	}
	p.env.say("applied %s; in sync%s", count(len(result.Applied), "migration"), atVersion(result.SchemaVersion))
	return nil
}

func (c *migrateAdoptCmd) question(plan adopt.Plan) string {
	pending := count(len(plan.Pending), "pending migration")
	switch {
	case plan.Adopted:
		return "Apply " + pending + "?"
	case c.NoDeploy || len(plan.Pending) == 0:
		return "Adopt the database?"
	}
	return "Adopt the database, and apply " + pending + "?"
}

func atVersion(schema string) string {
	if schema == "" {
		return ""
	}
	return "; the schema is at " + schema
}

// printAdoption shows the whole plan.
func (e *Env) printAdoption(p adopt.Plan) {
	if p.Adopted {
		e.say("adopted already: the ledger has %s", count(len(p.State.Applied), "migration"))
		e.listed("then runs", fileNames(p.Pending))
		if len(p.Pending) == 0 {
			e.say("nothing to do")
		}
		return
	}
	for _, m := range p.Prisma {
		e.say("Prisma's migration %s: %s", printable(m.Name), m.State)
	}
	e.listed("has", fileNames(p.Had))
	e.listed("of these, nothing can be seen of", fileNames(p.Unseen))
	var differences []string
	for _, d := range p.Differences {
		differences = append(differences, d.String())
	}
	e.listed("differs", differences)
	if len(p.Steps) > 0 {
		e.say("runs, in one transaction:")
	}
	for i, s := range p.Steps {
		e.say("  %d  %s", i+1, printable(strings.Join(strings.Fields(s.SQL), " ")))
		e.say("     %s", printable(effect(s)))
	}
	e.listed("note", p.Notes)
	e.listed("stays", append(p.Foreign[:len(p.Foreign):len(p.Foreign)], p.Extra...))
	e.listed("stays, and could not be tried on the shadow", p.Unproved)
	e.listed("then runs", fileNames(p.Pending))
}

// listed prints lines under a heading, or nothing.
func (e *Env) listed(heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	e.say("%s:", heading)
	for _, line := range lines {
		for i, part := range strings.Split(line, "\n") {
			e.say("  %s%s", strings.Repeat(" ", 2*min(i, 1)), printable(part))
		}
	}
}

// effect says what a statement does to others.
func effect(s adopt.Step) string {
	parts := []string{"no lock that anybody waits for"}
	if len(s.Locks) > 0 {
		parts[0] = strings.Join(s.Locks, ", ")
	}
	switch {
	case len(s.Rewrites) > 0:
		parts = append(parts, "writes every row anew of "+strings.Join(s.Rewrites, ", "))
	case len(s.Builds) > 0:
		parts = append(parts, "builds the index "+strings.Join(s.Builds, ", "))
	case s.Scans:
		parts = append(parts, "reads every row")
	default:
		parts = append(parts, "touches no row")
	}
	return strings.Join(parts, "; ")
}
