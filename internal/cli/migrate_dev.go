package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/migrate/lint"
)

type migrateDevCmd struct {
	projectFlags
	shadowFlags
	Name       string   `help:"Write a migration of this name, from what the wanted schema has and the migrations do not." placeholder:"NAME"`
	CreateOnly bool     `help:"Write the files and apply nothing; where nothing differs, a pair to fill in by hand."`
	Rename     []string `help:"Something that changed its name: users:people, or users.login:handle. Repeatable." placeholder:"A:B"`
	NoRename   bool     `help:"What looks like a rename is none: one goes, another is new."`
	FromDrift  bool     `help:"With --name: write down what was changed by hand in the database."`
	Yes        bool     `short:"y" help:"Do not ask, not even before data is lost."`
}

// Help is shown by --help.
func (migrateDevCmd) Help() string {
	return `Without --name it applies what is pending. It never resets a database, and never
drops data without a yes. Files are tried on a private PostgreSQL on this machine,
or on --shadow-url; no right to create databases is needed.`
}

// Run creates and applies migrations.
func (c *migrateDevCmd) Run(ctx context.Context, e *Env) error {
	p, err := e.project(c.projectFlags, true)
	if err != nil {
		return err
	}
	switch {
	case p.settings.Production:
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "db migrate dev is for development, and these settings are for production",
			Hint: "af-auth db migrate deploy"}
	case c.Name == "" && (c.CreateOnly || c.FromDrift):
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "a migration needs a name", Hint: "--name add_column"}
	case c.Name != "" && p.dir == "":
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "there is no folder of migrations here to write to",
			Hint: "run it at the top of af-auth's source, or name your own folder: --dir migrations --schema schema"}
	case c.FromDrift:
		return c.writeDrift(ctx, p)
	case c.Name == "":
		return c.apply(ctx, p)
	}
	if err := c.write(ctx, p); err != nil || c.CreateOnly {
		return err
	}
	return c.apply(ctx, p)
}

// apply applies what is pending, and says what else there is to do.
func (c *migrateDevCmd) apply(ctx context.Context, p *project) error {
	var out deployJSON
	err := p.withConn(ctx, func(conn *pgx.Conn) error { return p.deploy(ctx, conn, &out) })
	var drift *migrate.DriftError
	if errors.As(err, &drift) {
		return c.drifted(ctx, p, drift)
	}
	if err != nil || p.dir == "" {
		return err
	}
	if err := migrate.WriteChecksums(p.dir, p.files); err != nil || len(out.Applied) == 0 {
		return err
	}
	return p.generate(ctx)
}

// drifted offers to write down what was changed by hand, where somebody can be
// asked.
func (c *migrateDevCmd) drifted(ctx context.Context, p *project, drift *migrate.DriftError) error {
	if !p.env.terminal() || p.dir == "" {
		return &devDriftError{drift, p.command("dev --from-drift --name NAME")}
	}
	p.env.say("%s:\n%s", drift, strings.TrimRight(indented(drifted(drift)), "\n"))
	if !p.env.yes("Write it down as a migration?") {
		p.env.say("nothing was changed, and nothing was reset")
		return exit{1}
	}
	if c.Name = p.env.line("Its name, such as add_notes: "); c.Name == "" {
		return exit{1}
	}
	return c.writeDrift(ctx, p)
}

// devDriftError is drift, with the way out that there is in development.
type devDriftError struct {
	*migrate.DriftError
	command string
}

func (e *devDriftError) Unwrap() error { return e.DriftError }

// Hint says how to go on.
func (e *devDriftError) Hint() string {
	return "write it down: " + e.command + "; or take it back by hand; nothing was reset, nothing was lost"
}

// write makes a pair of files out of what the wanted schema has and the
// migrations do not, where there is something.
func (c *migrateDevCmd) write(ctx context.Context, p *project) error {
	var plan diff.Plan
	if p.schema != nil {
		o, err := p.diffOptions(c.shadowFlags)
		if err != nil {
			return err
		}
		if o.Renames, err = renames(c.Rename); err != nil {
			return err
		}
		if plan, err = c.plan(ctx, p, o); err != nil {
			return err
		}
	}
	if plan.Empty() && !c.CreateOnly {
		p.env.say("nothing to write: the migrations lead to the wanted schema already\n" +
			"for a migration written by hand, such as a backfill: --create-only")
		return nil
	}
	if err := c.agreed(p.env, plan); err != nil {
		return err
	}
	if plan.Empty() {
		return p.write(c.Name, migrate.Draft{})
	}
	draft := draftOf(c.Name, plan)
	if err := p.write(c.Name, draft); err != nil {
		return err
	}
	p.env.sayUnused(draft, plan)
	return c.lint(ctx, p)
}

// lint says what the newest file would do to a database in use. It stops
// nothing: this database is one of development, and CI asks lint by itself.
func (c *migrateDevCmd) lint(ctx context.Context, p *project) error {
	o, err := p.diffOptions(c.shadowFlags)
	if err != nil {
		return err
	}
	newest := p.files[len(p.files)-1].Version
	found, err := lint.Run(ctx, p.files, lint.Options{Shadow: o.Shadow, Schema: o.Schema, Only: []string{newest}})
	if err != nil {
		return err
	}
	p.env.printFindings(p.dir, found)
	if n := countErrors(found); n > 0 {
		p.env.say("lint: %s; mend the file before it is deployed, or allow it there with a reason", count(n, "error"))
	}
	return nil
}

// plan finds the statements, and asks what is a rename.
func (c *migrateDevCmd) plan(ctx context.Context, p *project, o diff.Options) (diff.Plan, error) {
	for {
		plan, err := diff.Make(ctx, diff.Migrations("the migrations", p.files), diff.Folder("the wanted schema", p.schema), o)
		open := slices.DeleteFunc(slices.Clone(plan.Candidates), func(r diff.Rename) bool { return slices.Contains(o.Renames, r) })
		if err != nil || len(open) == 0 || c.NoRename {
			return plan, err
		}
		if !p.env.terminal() {
			p.env.noteCandidates(open)
			return plan, &afauth.Error{Code: afauth.CodeInvalid, Message: "something vanished beside something new, and nobody can be asked whether it is a rename",
				Hint: "--rename A:B for each that is, --no-rename where none is"}
		}
		renamed := false
		for _, r := range open {
			if p.env.yes("Was " + r.String() + " renamed, and keeps its data?") {
				o.Renames, renamed = append(o.Renames, r), true
				break // the other candidates may be gone by it
			}
			c.NoRename = true
		}
		if !renamed {
			return plan, nil
		}
	}
}

// agreed asks before a plan that loses data is written down.
func (c *migrateDevCmd) agreed(e *Env, plan diff.Plan) error {
	if !plan.Destructive() {
		return nil
	}
	for _, s := range plan.Up {
		if s.Destructive {
			e.say("loses data: %s\n    %s", s.Note, printable(oneStatement(s.SQL)))
		}
	}
	return e.confirm("Write a migration that loses data?", c.Yes)
}

// draftOf is a plan as a pair of files. What takes something away that the
// release before may use, or gives it another name, is a contract file.
func draftOf(name string, plan diff.Plan) migrate.Draft {
	words := strings.ReplaceAll(name, "_", " ")
	d := migrate.Draft{About: strings.ToUpper(words[:1]) + words[1:] + ".",
		Up: diff.SQL(plan.Up), Down: diff.SQL(plan.Down), Lost: slices.Clone(plan.Lost)}
	for _, s := range plan.Down {
		if s.Destructive {
			d.Lost = append(d.Lost, s.Note)
		}
	}
	if d.Down == "" {
		d.Down = "SELECT 1; -- nothing to take back\n"
	}
	renames := func(s diff.Step) bool { return strings.Contains(s.SQL, " RENAME ") }
	if plan.Destructive() || slices.ContainsFunc(plan.Up, renames) {
		d.Kind = migrate.Contract
	}
	return d
}

// sayUnused says what a file takes away from the release before. Lint is silent
// about that in a contract file, and who let the file be written has not chosen
// its kind.
func (e *Env) sayUnused(d migrate.Draft, plan diff.Plan) {
	if d.Kind != migrate.Contract {
		return
	}
	called := []catalog.Kind{catalog.Table, catalog.View, catalog.Materialized, catalog.ForeignTable, catalog.Column, catalog.Sequence,
		catalog.Function, catalog.Procedure, catalog.Enum, catalog.Domain, catalog.Composite, catalog.Range}
	for _, d := range plan.Differences {
		if d.Extra && slices.Contains(called, d.Kind) {
			e.say("the previous release must no longer use %s", printable(d.Object))
		}
	}
}

// write writes a pair of files and reads the folder again, if the pair is
// complete.
func (p *project) write(name string, draft migrate.Draft) error {
	up, down, err := migrate.Create(p.dir, name, draft, p.env.Now())
	if err != nil {
		return err
	}
	p.env.say("wrote %s\nwrote %s", p.env.short(up), p.env.short(down))
	if draft.Up == "" {
		p.env.say("Write the change and its way back, then run: %s", p.command("dev"))
		return nil
	}
	if err := p.read(); err != nil {
		return err
	}
	return migrate.WriteChecksums(p.dir, p.files)
}

// writeDrift writes down what was changed by hand, and marks it as applied: the
// database has it.
func (c *migrateDevCmd) writeDrift(ctx context.Context, p *project) error {
	o, err := p.diffOptions(c.shadowFlags)
	if err != nil {
		return err
	}
	database, err := p.source("database")
	if err != nil {
		return err
	}
	return p.withConn(ctx, func(conn *pgx.Conn) error {
		st, err := migrate.Read(ctx, conn, p.files)
		if err != nil {
			return err
		}
		if refusal := st.Refusal(); refusal != nil {
			return refusal
		}
		if len(st.Pending) > 0 {
			return &afauth.Error{Code: afauth.CodeInvalid, Message: count(len(st.Pending), "migration") + " pending: what they change cannot be told from what was changed by hand",
				Hint: "take the pending files out of the folder for the moment, write the drift down, and give them a later time"}
		}
		plan, err := diff.Make(ctx, diff.Migrations("the migrations", p.files), database, o)
		if err != nil {
			return err
		}
		if plan.Empty() {
			p.env.say("nothing to write: the database is as the migrations left it")
			return nil
		}
		draft := draftOf(c.Name, plan)
		draft.About = "Changed by hand, and written down afterwards."
		if err := p.write(c.Name, draft); err != nil {
			return err
		}
		p.env.sayUnused(draft, plan)
		newest := p.files[len(p.files)-1]
		claim := migrate.Claim{Which: newest.Version, Mark: migrate.MarkApplied, Check: func(ctx context.Context, conn *pgx.Conn, f migrate.File) (migrate.Evidence, error) {
			return diff.Evidence(ctx, conn, p.files, f, o)
		}}
		if _, err := migrate.Resolve(ctx, conn, p.files, claim, p.options()); err != nil {
			return err
		}
		p.env.say("the database has it already, so it is marked as applied")
		if p.schema != nil {
			p.env.say("Describe it in the wanted schema as well, or the next migration takes it back: af-auth db migrate diff schema migrations")
		}
		return nil
	})
}

// generate writes the queries' code and the documents anew, in af-auth's own
// tree, where both come from the schema.
func (p *project) generate(ctx context.Context) error {
	script := filepath.Join(p.env.Dir, "scripts", "generate.sh")
	if _, err := os.Stat(script); err != nil || !p.own {
		return nil
	}
	p.env.say("make generate")
	cmd := exec.CommandContext(ctx, "sh", script) // #nosec G204 -- this tree's own script
	cmd.Dir, cmd.Env = p.env.Dir, p.env.Environ
	if out, err := cmd.CombinedOutput(); err != nil {
		return &afauth.Error{Code: afauth.CodeUnavailable, Message: "the migration is applied, and make generate failed",
			Hint: "see what it says: make generate", Err: fmt.Errorf("%w: %s", err, lastLines(string(out)))}
	}
	return nil
}

// lastLines are the last few of a text.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
