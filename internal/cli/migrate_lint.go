package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/lint"
)

type migrateLintCmd struct {
	projectFlags
	shadowFlags
	Files []string `arg:"" name:"file" optional:"" help:"Report on these files only: versions, names or paths."`
	JSON  bool     `help:"Print the findings as JSON."`
}

// Help is shown by --help.
func (migrateLintCmd) Help() string {
	return `Runs the migrations on a private PostgreSQL on this machine, or on --shadow-url,
and says what each would do to a database in use: data that is lost, tables that
are locked or written anew, what the previous release would miss. Each finding
names the lock, the reason and the safe way. How many rows a table has is not
known here. Where a finding does not matter, say why, on the line before the
statement or in the header of the file:

  -- lint:allow RULE because REASON

Exit code 0: nothing found, or warnings only. 3: errors. 1: a file could not be
run.`
}

// Run looks at the migrations.
func (c *migrateLintCmd) Run(ctx context.Context, e *Env) error {
	return e.asJSON(c.JSON, c.run(ctx, e))
}

func (c *migrateLintCmd) run(ctx context.Context, e *Env) error {
	p, err := e.project(c.projectFlags, true)
	if err != nil {
		return err
	}
	only, err := chosen(p.files, c.Files)
	if err != nil {
		return err
	}
	o, err := p.diffOptions(c.shadowFlags)
	if err != nil {
		return err
	}
	found, failed := lint.Run(ctx, p.files, lint.Options{Shadow: o.Shadow, Schema: o.Schema, Only: only})
	if c.JSON {
		err = e.printJSON(append([]lint.Finding{}, found...)) // an array, also where it is empty
	} else {
		e.printFindings(p.dir, found)
	}
	if failed != nil || err != nil {
		return errors.Join(failed, err)
	}
	if !c.JSON {
		looked := len(p.files)
		if only != nil {
			looked = len(only)
		}
		errs := countErrors(found)
		e.say("%s, %s in %s", count(errs, "error"), count(len(found)-errs, "warning"), count(looked, "migration"))
	}
	if countErrors(found) > 0 {
		return exit{3}
	}
	return nil
}

func countErrors(found []lint.Finding) int {
	n := 0
	for _, f := range found {
		if f.Severity == lint.Error {
			n++
		}
	}
	return n
}

// chosen returns the versions of the files that were named; nil means all.
func chosen(files []migrate.File, names []string) ([]string, error) {
	var only []string
	for _, name := range names {
		base := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(name), ".up.sql"), ".down.sql")
		f, err := migrate.Find(files, base)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(only, f.Version) {
			only = append(only, f.Version)
		}
	}
	return only, nil
}

// printFindings prints what was found in files of a folder, "" for those that
// are built in.
func (e *Env) printFindings(dir string, found []lint.Finding) {
	for _, f := range found {
		message, more, _ := strings.Cut(f.Message, "\n")
		e.say("%s:%d: %s %s: %s", e.short(filepath.Join(dir, f.File)), f.Line, f.Severity, f.Rule, printable(message))
		if more != "" {
			e.say("%s", strings.TrimRight(indented([]string{more}), "\n"))
		}
		if f.Lock != "" {
			e.say("    lock: %s", printable(f.Lock))
		}
		e.say("    why:  %s", printable(f.Why))
		for i, line := range strings.Split(f.Safe, "\n") {
			label := "      "
			if i == 0 {
				label = "safe: "
			}
			e.say("    %s%s", label, printable(line))
		}
		e.say("")
	}
}
