package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
)

type migrateRollbackCmd struct {
	projectFlags
	To       string `help:"Roll back everything after this migration (a version or a name); 0: everything. Without it, the newest only." placeholder:"V"`
	DryRun   bool   `help:"Show what would run, and change nothing."`
	Yes      bool   `short:"y" help:"Do not ask."`
	NoBackup bool   `help:"In production: go on without a verified backup, against advice."`
	JSON     bool   `help:"Print the result, or what went wrong, as JSON."`
}

// Help is shown by --help.
func (migrateRollbackCmd) Help() string {
	return `Lists what would run, and what cannot come back, and asks first: what a migration
added is gone afterwards, with the rows in it.`
}

// Run goes back.
func (c *migrateRollbackCmd) Run(ctx context.Context, e *Env) error {
	if c.JSON {
		e.hush()
	}
	var out deployJSON
	p, err := e.project(c.projectFlags, false)
	if err != nil {
		return e.answered(c.JSON, &out, err)
	}
	err = p.withConn(ctx, func(conn *pgx.Conn) error {
		plan, err := migrate.PlanRollback(ctx, conn, p.files, c.To)
		if err != nil {
			return err
		}
		out.fill(plan, c.DryRun)
		e.printPlan(plan)
		if c.DryRun || len(plan.Steps) == 0 {
			return nil
		}
		if err := p.wantsBackup(ctx, conn, plan.State.Namespace, c.NoBackup); err != nil {
			return err
		}
		if err := e.confirm(fmt.Sprintf("Roll back %s?", count(len(plan.Steps), "migration")), c.Yes); err != nil {
			return err
		}
		result, err := migrate.Rollback(ctx, conn, p.files, c.To, p.options())
		out.done(result)
		if err == nil {
			e.say("rolled back %s%s", count(len(result.Applied), "migration"), atVersion(result.SchemaVersion))
		}
		return err
	})
	return e.answered(c.JSON, &out, err)
}

type migrateBackfillCmd struct {
	projectFlags
	Name  string         `arg:"" help:"The backfill: a version or a name."`
	Pause *time.Duration `help:"Rest between two batches; without it, as long as the batch took, at most a second." placeholder:"TIME"`
	JSON  bool           `help:"Print the result, or what went wrong, as JSON."`
}

// Help is shown by --help.
func (migrateBackfillCmd) Help() string {
	return `Each batch is a transaction of its own. Stopped at any moment, even by kill -9, the
next call goes on behind the last batch. "deploy" runs pending backfills as well.`
}

// Run fills.
func (c *migrateBackfillCmd) Run(ctx context.Context, e *Env) error {
	if c.Pause != nil && *c.Pause < 0 {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "--pause is a length of time", Hint: "--pause 200ms; 0s: no rest"}
	}
	if c.JSON {
		e.hush()
	}
	var out deployJSON
	p, err := e.project(c.projectFlags, false)
	if err != nil {
		return e.answered(c.JSON, &out, err)
	}
	err = p.withConn(ctx, func(conn *pgx.Conn) error {
		o := p.options()
		if c.Pause != nil {
			o.Pause = cmp.Or(*c.Pause, -1)
		}
		result, err := migrate.RunBackfill(ctx, conn, p.files, c.Name, o)
		out.done(result)
		switch {
		case err != nil:
			return err
		case len(result.Applied) == 0:
			e.say("nothing to do: %s is applied", c.Name)
		default:
			e.say("done")
		}
		return nil
	})
	return e.answered(c.JSON, &out, err)
}
