package cli

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"

	"github.com/af-auth/af-auth"
)

type psqlCmd struct {
	Args []string `arg:"" optional:"" passthrough:"all" help:"Handed to psql."`
}

// Help is shown by --help.
func (psqlCmd) Help() string {
	return `--config and --data stand before psql's own flags: af-auth db psql --config F -c '…'

Changes made there are recorded and take effect like any other. The password
travels in the environment, not on the command line, where others could read it.`
}

// Run opens psql.
func (c *psqlCmd) Run(ctx context.Context, e *Env) error {
	settings, err := e.load()
	if err != nil {
		return err
	}
	if err := e.needDatabase(settings); err != nil {
		return err
	}
	program, err := exec.LookPath("psql")
	if err != nil {
		return &afauth.Error{Code: afauth.CodeUnavailable, Message: "there is no psql on this machine", Hint: "install PostgreSQL's client programs", Err: err}
	}
	if len(c.Args) > 0 && c.Args[0] == "--" {
		c.Args = c.Args[1:]
	}
	url, secrets := settings.DatabaseURL.ToolsEnv()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, append(c.Args, "--dbname", url)...) // #nosec G204 -- the operator's own arguments
	// Ctrl-C is for psql, which then ends the query and not itself.
	e.signalsAreForChild.Store(true)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.Stdin, e.Stdout, e.Stderr
	cmd.Env = append(append([]string{}, e.Environ...), secrets...)
	err = cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return exit{ended.ExitCode()}
	}
	return err
}

// shieldPsql keeps the parser from taking psql's flags apart: it would hand on
// "-Atc" as "-A" and "tc". The flags of af-auth that stand right behind the
// command stay its own; psql has none of their names.
func shieldPsql(args []string) []string {
	for i := 1; i+1 < len(args); i++ {
		if args[i-1] == "db" && args[i] == "psql" {
			at := afterOwnFlags(args, i+1)
			if at >= len(args) || slices.Contains([]string{"--", "--help", "-h"}, args[at]) {
				return args
			}
			return slices.Insert(slices.Clone(args), at, "--")
		}
	}
	return args
}

// afterOwnFlags is where the flags of af-auth that begin at the index at end.
func afterOwnFlags(args []string, at int) int {
	for at < len(args) {
		switch name, _, whole := strings.Cut(args[at], "="); {
		case name != "--config" && name != "--data":
			return at
		case whole:
			at++
		default:
			at += 2
		}
	}
	return at
}
