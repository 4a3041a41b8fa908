package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/rehearse"
)

type migrateDeployCmd struct {
	projectFlags
	DryRun           bool   `help:"Show what would run, and change nothing."`
	Yes              bool   `short:"y" help:"Do not ask."`
	NoBackup         bool   `help:"In production: go on without a verified backup, against advice."`
	RequireRehearsal bool   `help:"Refuse files that were not rehearsed well as they are now; see db migrate rehearse."`
	Record           string `help:"File that keeps what was rehearsed; without it, .af-auth/rehearsals.json." placeholder:"FILE" type:"path"`
	JSON             bool   `help:"Print the result, or what went wrong, as JSON."`
}

// Help is shown by --help.
func (migrateDeployCmd) Help() string {
	return `Many may deploy at once: one works, the others wait and then find nothing to do.
A file that fails is taken back, and leaves a trace that "status" shows.

In production (AF_AUTH_ENV=production, or an AF_AUTH_URL that is not loopback)
it lists what would run and asks; where there is no terminal it wants --yes. A
database that holds rows wants a verified backup as well, or --no-backup.`
}

// Run applies what is pending.
func (c *migrateDeployCmd) Run(ctx context.Context, e *Env) error {
	if c.JSON {
		e.hush()
	}
	var out deployJSON
	p, err := e.project(c.projectFlags, false)
	if err != nil {
		return e.answered(c.JSON, &out, err)
	}
	err = p.withConn(ctx, func(conn *pgx.Conn) error {
		if c.DryRun || c.JSON || c.RequireRehearsal || p.guarded {
			plan, err := p.plan(ctx, conn)
			if err != nil {
				return err
			}
			if out.fill(plan, c.DryRun); c.DryRun {
				e.printPlan(plan)
				return nil
			}
			if err := c.rehearsed(e, plan); err != nil {
				return err
			}
			if err := c.allowed(ctx, conn, p, plan); err != nil {
				return err
			}
		}
		return p.deploy(ctx, conn, &out)
	})
	return e.answered(c.JSON, &out, err)
}

// plan is what would run, or the reason why nothing may.
func (p *project) plan(ctx context.Context, conn *pgx.Conn) (migrate.Plan, error) {
	plan, err := migrate.PlanDeploy(ctx, conn, p.files)
	if err != nil {
		return plan, err
	}
	strangers, err := migrate.Strangers(ctx, conn, plan.State, p.files)
	if err == nil && len(strangers) > 0 {
		err = &migrate.StrangersError{Names: strangers}
	}
	return plan, err
}

// rehearsed refuses what was not rehearsed, where that is asked for.
func (c *migrateDeployCmd) rehearsed(e *Env, plan migrate.Plan) error {
	if !c.RequireRehearsal {
		return nil
	}
	records, err := rehearse.LoadRecords(e.recordFile(c.Record))
	if err != nil {
		return err
	}
	var files []migrate.File
	for _, s := range plan.Steps {
		files = append(files, s.File)
	}
	return records.Covers(files)
}

// allowed returns an error where the plan may not run: in production it is shown
// and asked for first.
func (c *migrateDeployCmd) allowed(ctx context.Context, conn *pgx.Conn, p *project, plan migrate.Plan) error {
	if !p.guarded || len(plan.Steps) == 0 {
		return nil
	}
	p.env.printPlan(plan)
	if err := p.wantsBackup(ctx, conn, plan.State.Namespace, c.NoBackup); err != nil {
		return err
	}
	return p.env.confirm(fmt.Sprintf("Apply %s?", count(len(plan.Steps), "migration")), c.Yes)
}

// wantsBackup refuses to change a database of production that holds rows, unless
// somebody says in so many words that there is no backup.
func (p *project) wantsBackup(ctx context.Context, conn *pgx.Conn, namespace string, without bool) error {
	if !p.guarded || without {
		return nil
	}
	table, err := migrate.HoldsRows(ctx, conn, namespace)
	if err != nil || table == "" {
		return err
	}
	return &afauth.Error{Code: afauth.CodeInvalid,
		Message: fmt.Sprintf("nothing was changed: the database holds rows (%s), and af-auth knows of no verified backup", table),
		Hint:    "make one with pg_dump and try to restore it; then add --no-backup, which says that af-auth need not know of it"}
}

// deploy applies what is pending and says so.
func (p *project) deploy(ctx context.Context, conn *pgx.Conn, out *deployJSON) error {
	result, err := migrate.Deploy(ctx, conn, p.files, p.options())
	out.done(result)
	if err != nil {
		return err
	}
	at := ""
	if result.SchemaVersion != "" {
		at = "the schema is at " + result.SchemaVersion
	}
	switch {
	case len(result.Applied) == 0:
		p.env.say("%s", strings.TrimSuffix("nothing to do: "+at, ": "))
	case at == "":
		p.env.say("applied %s", count(len(result.Applied), "migration"))
	default:
		p.env.say("applied %s; %s", count(len(result.Applied), "migration"), at)
	}
	return nil
}

// printPlan lists what would run.
func (e *Env) printPlan(plan migrate.Plan) {
	if len(plan.Steps) == 0 {
		e.say("nothing to do")
		return
	}
	for i, s := range plan.Steps {
		e.say("%d/%d  %s  %s", i+1, len(plan.Steps), s.FileName(), strings.Join(stepNotes(s), ", "))
		for _, line := range planned(s.Statements) {
			e.say("    %s", printable(line))
		}
		if lost := s.File.Lost; s.Back && lost != "" {
			for line := range strings.Lines(lost) {
				e.say("    lost for good: %s", printable(strings.TrimSpace(line)))
			}
		}
	}
}

// planned are the statements of one file for people, a line each: of a long file
// the first ones, and comments, which change nothing that runs, by their number.
func planned(statements []migrate.Statement) []string {
	const most = 12
	var lines []string
	for i := 0; i < len(statements); {
		if len(lines) == most {
			return append(lines, fmt.Sprintf("… %d more", len(statements)-i))
		}
		comments := 0
		for i+comments < len(statements) && isComment(statements[i+comments].SQL) {
			comments++
		}
		if comments > 0 {
			lines = append(lines, count(comments, "comment"))
			i += comments
			continue
		}
		lines = append(lines, oneStatement(statements[i].SQL))
		i++
	}
	return lines
}

func isComment(sql string) bool {
	words := strings.Fields(sql)
	return len(words) > 1 && strings.EqualFold(words[0], "COMMENT") && strings.EqualFold(words[1], "ON")
}

// stepNotes are what to know of a step before it runs.
func stepNotes(s migrate.Step) []string {
	notes := []string{count(len(s.Statements), "statement")}
	if s.File.Kind != "" && !s.Back {
		notes = append(notes, s.File.Kind)
	}
	switch {
	case s.File.Batch.Table != "" && !s.Back:
		notes = append(notes, fmt.Sprintf("in batches of %d", s.File.Batch.Size))
	case s.Outside:
		notes = append(notes, "outside a transaction")
	}
	switch {
	case s.RowsDone > 0:
		notes = append(notes, fmt.Sprintf("%d rows are done already", s.RowsDone))
	case s.Done > 0:
		notes = append(notes, count(s.Done, "statement")+" done already")
	}
	return notes
}

// oneStatement is the beginning of a statement on one line.
func oneStatement(sql string) string {
	const most = 100
	text := []rune(strings.Join(strings.Fields(sql), " "))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}
