package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

type dbCmd struct {
	Migrate migrateCmd `cmd:"" help:"Bring the schema up to date, and see where it is."`
	Studio  studioCmd  `cmd:"" help:"See the database in a browser."`
	Psql    psqlCmd    `cmd:"" help:"Open psql on the database."`
}

type migrateCmd struct {
	Status   migrateStatusCmd   `cmd:"" help:"Say what is applied and what is not, and what was changed by hand."`
	Deploy   migrateDeployCmd   `cmd:"" help:"Apply what is pending."`
	Dev      migrateDevCmd      `cmd:"" help:"Development: apply what is pending; with --name, write a migration from the wanted schema."`
	Lint     migrateLintCmd     `cmd:"" help:"Say what migrations would lose, lock and break."`
	Diff     migrateDiffCmd     `cmd:"" help:"Say what differs between two schemas."`
	Rollback migrateRollbackCmd `cmd:"" help:"Go back: run the down files, newest first."`
	Backfill migrateBackfillCmd `cmd:"" help:"Run one pending backfill."`
	Adopt    migrateAdoptCmd    `cmd:"" help:"Take over a database that Prisma or somebody's hand made."`
	Rehearse migrateRehearseCmd `cmd:"" help:"Try what is pending on a private, filled PostgreSQL, beside sign-ins."`
	Resolve  migrateResolveCmd  `cmd:"" help:"After a failure: mark a migration as applied or rolled back, or accept drift."`
}

// Help is shown by --help.
func (migrateCmd) Help() string {
	return `Without flags these commands are about af-auth's own schema. With --dir, and
--url for the database, they are about anybody's PostgreSQL project.`
}

// Where af-auth's own migrations and wanted schema are written.
const (
	sourceFolder = "internal/postgres/migrations"
	sourceSchema = "internal/postgres/schema"
)

// migrationProgress tells what a migrator does while it does it. What is done
// goes to stdout, what is waited for to stderr.
func (e *Env) migrationProgress(v migrate.Event) {
	note := func(format string, args ...any) { _, _ = fmt.Fprintf(e.Stderr, format+"\n", args...) }
	place := fmt.Sprintf("%d/%d  %s_%s", v.Number, v.Total, v.File.Version, v.File.Name)
	if v.Kind != migrate.Batched && e.batch.held != "" {
		note("%s", e.batch.held)
		e.batch.held = ""
	}
	switch v.Kind {
	case migrate.Waiting:
		note("waiting: %s migrates this database", v.Holder)
	case migrate.Applied:
		e.say("%s  %s", place, v.Took.Round(time.Millisecond))
	case migrate.RolledBack:
		e.say("%s  rolled back, %s", place, v.Took.Round(time.Millisecond))
	case migrate.Running:
		note("%s  statement %d, line %d", place, v.Statement, v.Line)
	case migrate.Repairing:
		note("%s  dropping the index %s, which an earlier try left invalid", place, v.Object)
	case migrate.Found:
		note("%s  statement %d is done already: %s", place, v.Statement, v.Object)
	case migrate.Blocked:
		note("%s  waiting for a lock, try %d of %d%s", place, v.Try, v.Tries, blockers(v.Blockers))
	case migrate.Retrying:
		note("%s  let the others pass; try %d of %d in %s", place, v.Try, v.Tries, v.Pause.Round(time.Millisecond))
	case migrate.Batched:
		if now := e.Now(); now.Sub(e.batch.at) < time.Second {
			e.batch.held = place + "  " + batched(v)
		} else {
			e.batch = batchLines{at: now}
			note("%s  %s", place, batched(v))
		}
	}
}

// batchLines bounds what a backfill prints to a line a second, because batches
// are small and many.
type batchLines struct {
	at   time.Time // of the last line
	held string    // the line after it, for when there is no later one
}

func blockers(list []migrate.Blocker) string {
	var b strings.Builder
	for _, one := range list {
		b.WriteString("\n  in the way: " + printable(one.String()))
	}
	return b.String()
}

func batched(v migrate.Event) string {
	text := fmt.Sprintf("%d rows", v.Rows)
	if v.RowsTotal > 0 {
		text = fmt.Sprintf("%d of about %d rows", v.Rows, v.RowsTotal)
	}
	if v.Left > 0 {
		text += fmt.Sprintf(", about %s left", v.Left.Round(time.Second))
	}
	return text
}

// wholeCommands writes out the commands that the tool, which does not know its
// program, names in its hints.
var wholeCommands = strings.NewReplacer("resolve --", "af-auth db migrate resolve --", "go on with: rollback", "go on with: af-auth db migrate rollback")

// migrationDetail is what an error of a migration shows below its message.
func migrationDetail(err error) string {
	var drift *migrate.DriftError
	if errors.As(err, &drift) {
		return indented(drifted(drift))
	}
	var elsewhere *migrate.WayBackError
	if errors.As(err, &elsewhere) {
		return indented(ledElsewhere(elsewhere))
	}
	var failed *migrate.SQLError
	if errors.As(err, &failed) && failed.Statement != "" {
		return indented(strings.Split(shortened(failed.Statement), "\n"))
	}
	return ""
}

// drifted says what was changed outside of migrations, a line each.
func drifted(d *migrate.DriftError) []string {
	if d.Want.Text == "" {
		return []string{"what differs is not known: the ledger has no description of that schema"}
	}
	return catalog.CompareTexts(d.Want.Text, d.Have.Text)
}

// ledElsewhere says what a down file has left behind or, where nothing knows the
// schema that it should have led to, all that it did.
func ledElsewhere(e *migrate.WayBackError) []string {
	if e.Want.Text != "" {
		return catalog.CompareTexts(e.Want.Text, e.After.Text)
	}
	if e.Before.Text == "" {
		return nil
	}
	if did := catalog.CompareTexts(e.Before.Text, e.After.Text); len(did) > 0 {
		return append([]string{"what it would have done to the schema:"}, did...)
	}
	return []string{"it would have changed nothing in the schema"}
}

func indented(lines []string) string {
	var b strings.Builder
	for _, text := range lines {
		for line := range strings.Lines(text + "\n") {
			b.WriteString("    " + printable(strings.TrimRight(line, "\n")) + "\n")
		}
	}
	return b.String()
}

// shortened is the beginning of a long statement.
func shortened(sql string) string {
	const most = 8
	lines := strings.Split(sql, "\n")
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("… %d more lines", len(lines)-most))
	}
	return strings.Join(lines, "\n")
}

func fileNames(list []migrate.File) []string {
	out := make([]string, 0, len(list))
	for _, f := range list {
		out = append(out, f.Version+"_"+f.Name)
	}
	return out
}

func recordNames(list []migrate.Record) []string {
	out := make([]string, 0, len(list))
	for _, r := range list {
		out = append(out, r.Version+"_"+r.Name)
	}
	return out
}

// short shows a path as people would type it here.
func (e *Env) short(path string) string {
	if rel, err := filepath.Rel(e.Dir, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
