package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/config"
)

type importCmd struct {
	File     string `arg:"" help:"File of comma-separated values; - is standard input."`
	DryRun   bool   `xor:"act" help:"Say what would change, and change nothing."`
	Yes      bool   `xor:"act" help:"Do not ask."`
	Reason   string `help:"Why, for all; kept in the record. Without it, the file's name." placeholder:"TEXT"`
	Resolved string `help:"Keep GitHub's answers here until the import is done; without it, FILE.resolved.csv beside the file." placeholder:"FILE" type:"path"`
}

// Help is shown by --help.
func (importCmd) Help() string {
	return `Allows all people of a file at once. The first line names the columns:

  github_user_id   the number, or
  login            whose number GitHub is asked for
  until            a date (that day included, UTC) or a moment in ISO 8601
  reason           why this one; a line of its own in the record
  apps             hosts of applications, separated by spaces or semicolons

An empty field of until is no end, and of apps all applications; one that holds
separators alone is wrong. Without the column, the end and the applications of those who are allowed stay as they are.

The whole file is checked first, and each line that is wrong is named; nothing is
changed then. Then a plan is printed, and asked about: who is new, who changes, and
who would lose time or applications. People who are not in the file stay as they
are. Everything happens in one transaction, or nothing does.

GitHub answers 5,000 questions an hour. Its answers are kept as they come, so that
the same command goes on where it was stopped. Not asked for are people who are
allowed already and alone have their login here. A login nobody has is left out.`
}

// errShown ends a transaction that was there to be looked at.
var errShown = errors.New("the plan was shown")

// Run imports.
func (c *importCmd) Run(ctx context.Context, e *Env) error {
	people, db, err := e.people(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	settings, err := e.load()
	if err != nil {
		return err
	}
	path, remove, err := e.spooled(c.File)
	if err != nil {
		return err
	}
	defer remove()
	im, err := people.ReadImport(ctx, access.ImportFile{
		Open:     func() (io.ReadCloser, error) { return os.Open(path) }, // #nosec G304 -- named by whoever runs this
		Host:     hostFlaw,
		Resolved: c.resolved(),
		Progress: e.resolving(),
		Now:      e.Now,
	})
	if err != nil {
		return c.flawed(err)
	}
	return c.carryOut(ctx, e, people, im, appHosts(settings))
}

// carryOut shows the plan, asks, and imports. known are the hosts that the
// settings name.
func (c *importCmd) carryOut(ctx context.Context, e *Env, people *access.People, im *access.Import, known []string) error {
	actor := access.Actor{Name: e.whoAmI(), Reason: firstOf(c.Reason, "import of "+filepath.Base(c.File))}
	var shown access.ImportPlan
	show := func(plan access.ImportPlan) error {
		e.printImport(c.File, im, plan)
		if shown = plan; plan.Writes() > 0 {
			e.warnOfApps(known, im.Apps)
		}
		if c.Yes || plan.Writes() == 0 {
			return nil
		}
		return errShown
	}
	plan, err := im.Run(ctx, actor, show)
	if errors.Is(err, errShown) {
		if c.DryRun {
			e.say("nothing was changed")
			return nil
		}
		if err := e.confirm(importQuestion(shown), false); err != nil {
			return err
		}
		plan, err = im.Run(ctx, actor, func(plan access.ImportPlan) error { return stillSo(shown, plan) })
	}
	if err != nil {
		return c.flawed(err)
	}
	if plan.Writes() == 0 {
		e.say("nothing to change")
	} else {
		e.say("allowed %s", counted(plan.Writes(), "person", "people"))
	}
	if plan.Lowered > 0 {
		e.tellConfirmed(ctx, people)
	}
	if c.DryRun {
		return nil
	}
	return im.Forget()
}

// firstOf is the first of some texts that is not empty.
func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func hostFlaw(host string) string {
	if fault := config.CheckHost(host); fault != nil {
		return fault.Problem + "; " + fault.Hint
	}
	return ""
}

// resolved is where GitHub's answers are kept.
func (c *importCmd) resolved() string {
	if c.Resolved != "" || c.File == "-" {
		return c.Resolved
	}
	return c.File + ".resolved.csv"
}

// spooled is the path of a file that can be read from its beginning again: what
// comes through a pipe is put aside.
func (e *Env) spooled(name string) (path string, remove func(), err error) {
	nothing := func() {}
	from := e.Stdin
	if name != "-" {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return "", nothing, &afauth.Error{Code: afauth.CodeInvalid, Message: "there is no file " + name, Hint: "name a file of comma-separated values, or - for standard input"}
		case err != nil:
			return "", nothing, err
		case info.IsDir():
			return "", nothing, &afauth.Error{Code: afauth.CodeInvalid, Message: name + " is a folder", Hint: "name a file"}
		case info.Mode().IsRegular():
			return name, nothing, nil
		}
		pipe, err := os.Open(name) // #nosec G304 -- named by whoever runs this
		if err != nil {
			return "", nothing, err
		}
		defer func() { _ = pipe.Close() }()
		from = pipe
	}
	copied, err := os.CreateTemp("", "af-auth-import-*.csv")
	if err != nil {
		return "", nothing, err
	}
	remove = func() { _ = os.Remove(copied.Name()) }
	_, err = io.Copy(copied, from)
	if err = errors.Join(err, copied.Close()); err != nil {
		remove()
		return "", nothing, err
	}
	return copied.Name(), remove, nil
}

// resolving tells at most once a second how far the logins are.
func (e *Env) resolving() func(done, all int) {
	last := e.Now()
	return func(done, all int) {
		if now := e.Now(); now.Sub(last) >= time.Second {
			last = now
			_, _ = fmt.Fprintf(e.Stderr, "af-auth: %d of %d logins resolved\n", done, all)
		}
	}
}

// flawed turns what is wrong with the file into an error of the command.
func (c *importCmd) flawed(err error) error {
	var flaws *access.FlawsError
	if !errors.As(err, &flaws) {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s wrong, and nothing was imported", c.File, counted(len(flaws.Flaws), "thing is", "things are"))
	for _, f := range flaws.Flaws {
		b.WriteString("\n  " + printable(f.String()))
	}
	return &afauth.Error{Code: afauth.CodeInvalid, Message: b.String(), Hint: "mend the file; af-auth import --help says what it may hold"}
}

func importQuestion(p access.ImportPlan) string {
	question := "allow " + counted(p.Writes(), "person", "people")
	if p.Lowered > 0 {
		question += fmt.Sprintf(", and take something from %d of them", p.Lowered)
	}
	return question + "?"
}

// stillSo refuses a plan that is not the one that was agreed to.
func stillSo(shown, now access.ImportPlan) error {
	if shown.New == now.New && shown.Waiting == now.Waiting && shown.Again == now.Again && shown.Changed == now.Changed && shown.Lowered == now.Lowered && shown.All == now.All {
		return nil
	}
	return &afauth.Error{Code: afauth.CodeInvalid, Message: "people have changed since the plan was printed, and nothing was imported", Hint: "run it again"}
}

// mostUnknown is how many logins that nobody has are listed.
const mostUnknown = 100

func (e *Env) printImport(file string, im *access.Import, p access.ImportPlan) {
	e.say("%s: %s", file, counted(im.People, "person", "people"))
	t := e.newTable(true, make([]column, 3)...)
	for _, row := range []struct {
		n    int
		what string
		then string
	}{
		{p.New, "new", "allowed before their first sign-in"},
		{p.Waiting, "waiting", "let in"},
		{p.Again, "refused or over", "allowed again"},
		{p.Changed, "changed", fmt.Sprintf("another end or other applications; %d of them lose something", p.Lowered)},
		{p.Same, "as they are", "nothing is written"},
		{len(im.Unknown), "unknown", "left out"},
	} {
		if row.n > 0 {
			t.add("  "+row.what, fmt.Sprint(row.n), row.then)
		}
	}
	t.flush()
	if p.All > 0 {
		e.say("all applications: for %s", counted(p.All, "person", "people"))
	}
	for i, u := range im.Unknown {
		if i == mostUnknown {
			e.say("and %d more", len(im.Unknown)-i)
			break
		}
		e.say("left out: line %d, %s: %s", u.Line, printable(u.Login), printable(u.Why))
	}
	for _, l := range p.Losers {
		e.say("loses: %s: %s", describe(l.User), lossText(l))
	}
	if more := p.Lowered - len(p.Losers); more > 0 {
		e.say("and %d more", more)
	}
	e.say("People who are not in the file stay as they are.")
}

func lossText(l access.ImportLoser) string {
	return permission(l.Whitelist.Apps, l.Whitelist.Until) + " becomes " + permission(l.Apps, l.Until)
}

// permission is what somebody may open, and how long.
func permission(apps []string, until *time.Time) string {
	end := ", without an end"
	if until != nil {
		end = untilText(until)
	}
	return appsCell(afauth.Whitelist{Apps: apps}, afauth.Allowed) + end
}
