// Package cli is af-auth's command line: one file a command, and the only
// place where the parts are wired together.
//
// A command reads its settings through package config, opens what it needs,
// says on stdout what it did, and on stderr what went wrong, followed by a
// hint. It holds neither SQL nor rules.
//
// Exit codes: 0 done; 1 it failed; 2 it was called wrongly, or the settings are
// wrong; 3 nobody, or more than one person, goes by that name. `db migrate
// status`, `lint`, `rehearse` and `diff` have their own, in their help.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/config"
	"github.com/af-auth/af-auth/internal/telemetry"
)

// Env is the world as a command sees it.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Environ is NAME=VALUE, as os.Environ returns it.
	Environ []string
	// Dir is the working directory.
	Dir     string
	Now     func() time.Time
	Version string
	// Columns is the width of the terminal that Stdout is; 0 for a file or a pipe.
	Columns int
	// Args are the arguments, so that a command can say how to go on.
	Args []string

	// ConfigFile and Data come from the global flags.
	ConfigFile, Data string

	batch  batchLines // what of a backfill's progress was printed
	stdout io.Writer  // what Stdout was, after hush
	loaded *config.Config
	// signalsAreForChild: Ctrl-C, however often, is for the program that this
	// command has started in its terminal.
	signalsAreForChild atomic.Bool
}

// OS is the world of a real process.
func OS(version string) *Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return &Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Environ: os.Environ(), Dir: dir, Now: time.Now, Version: version,
		Columns: columnsOf(os.Getenv("COLUMNS"), os.Stdout),
	}
}

// commands is the whole command line.
type commands struct {
	Config string           `help:"Read settings from this file, NAME=VALUE a line." placeholder:"FILE" type:"path"`
	Data   string           `help:"Folder of the private PostgreSQL; without it, .af-auth here or in a folder above." placeholder:"DIR" type:"path"`
	Ver    kong.VersionFlag `name:"version" help:"Print the version."`

	Dev   devCmd   `cmd:"" group:"run" help:"Run everything on this machine: a private PostgreSQL, a GitHub simulator, a demo application."`
	Serve serveCmd `cmd:"" group:"run" help:"Run the server."`

	Allow    allowCmd    `cmd:"" group:"people" help:"Put a person on the whitelist."`
	Revoke   revokeCmd   `cmd:"" group:"people" help:"Take a person off the whitelist and end their sessions."`
	Users    usersCmd    `cmd:"" group:"people" help:"List people, newest first."`
	Show     showCmd     `cmd:"" group:"people" help:"Show all about one person."`
	Sessions sessionsCmd `cmd:"" group:"people" help:"List a person's sessions."`
	SignOut  signOutCmd  `cmd:"" group:"people" help:"End a person's sessions; they may sign in again."`
	Import   importCmd   `cmd:"" group:"people" help:"Allow all people of a file."`
	Forget   forgetCmd   `cmd:"" group:"people" help:"Erase a person for good."`
	Events   eventsCmd   `cmd:"" group:"people" help:"List what happened, newest first."`

	DB dbCmd `cmd:"" name:"db" group:"database" help:"The database: migrations, studio, psql."`

	Settings   configCmd     `cmd:"" name:"config" group:"other" help:"List every setting: value, source, meaning."`
	Routes     routesCmd     `cmd:"" group:"other" help:"List the server's routes and what guards them."`
	Completion completionCmd `cmd:"" group:"other" help:"Print a completion script for a shell."`
	Version    versionCmd    `cmd:"" group:"other" help:"Print the version."`
}

// exit is an error that carries its own code, and has been reported already.
type exit struct{ code int }

func (e exit) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// Main runs one command and returns the exit code.
func Main(ctx context.Context, e *Env, args []string) int {
	code := -1
	var root commands
	parser, err := kong.New(&root,
		kong.Name("af-auth"),
		kong.Description("Says which GitHub people may come in.\n\nTry it: af-auth dev\n\n"+
			"Exit codes: 0 done; 1 it failed; 2 called wrongly, or wrong settings; "+
			"3 nobody goes by that name, or more than one person does. db migrate status, "+
			"lint, rehearse and diff use 2 and 3 otherwise, as the help of each says; db psql ends with psql's own code."),
		kong.Writers(e.Stdout, e.Stderr),
		kong.Exit(func(c int) { code = c }),
		kong.Vars{"version": "af-auth " + e.Version, "migrations_dir": sourceFolder},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: false}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "run", Title: "Run:"}, {Key: "people", Title: "People (USER is a login, '#github-id' or our UUID):"},
			{Key: "database", Title: "Database:"}, {Key: "other", Title: "Other:"},
		}),
	)
	if err != nil {
		return e.report(err)
	}
	parser.Model.HelpFlag.Help = "Print this help."
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // as git and go have it
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := parser.Parse(shieldPsql(args))
	if code >= 0 { // --help or --version has been answered
		return code
	}
	if err != nil {
		return e.misread(parser, err)
	}
	e.ConfigFile, e.Data, e.Args, e.loaded = root.Config, root.Data, args, nil
	parsed.BindTo(ctx, (*context.Context)(nil))
	return e.report(parsed.Run(e, &root))
}

// report writes an error as people read it and returns the exit code.
func (e *Env) report(err error) int {
	var done exit
	var faults *config.Faults
	var usage errUsage
	var known *afauth.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &done):
		return done.code
	case errors.As(err, &usage):
		e.complain(usage.plain())
		return 2
	case errors.As(err, &faults):
		_, _ = fmt.Fprintf(e.Stderr, "af-auth: the settings are wrong\n%s\n", faults)
		return 2
	case errors.Is(err, context.Canceled):
		// A migration knows which file was stopped, and how to go on.
		var hinted interface{ Hint() string }
		if errors.As(err, &hinted) {
			e.complain(err.Error(), hinted.Hint())
		} else {
			e.complain("stopped", "")
		}
		return 1
	case errors.As(err, &known):
		e.explain(err, known)
		return exitCode(err)
	default:
		e.complain(strings.TrimSpace(err.Error()+"\n"+migrationDetail(err)), hintOf(err))
		return exitCode(err)
	}
}

// exitCode is the exit code of an error that is not of the command line or the
// settings.
func exitCode(err error) int {
	var done exit
	if errors.As(err, &done) {
		return done.code
	}
	switch afauth.CodeOf(err) {
	case afauth.CodeNotFound, afauth.CodeAmbiguous:
		return 3
	case afauth.CodeInvalid:
		return 2
	}
	return 1
}

// hintOf asks an error of a tool for what to do next.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	var known *afauth.Error
	switch {
	case errors.As(err, &hinted):
		return wholeCommands.Replace(hinted.Hint())
	case errors.As(err, &known):
		return known.Hint
	}
	return ""
}

// explain shows a fault that says itself what happened, and its cause, which
// is another program's words, on a line of its own.
func (e *Env) explain(err error, known *afauth.Error) {
	message := strings.TrimSpace(err.Error())
	if known.Err != nil {
		if said, ok := strings.CutSuffix(err.Error(), ": "+known.Err.Error()); ok {
			message = said + "\ncause: " + telemetry.OneLine(known.Err.Error())
		}
	}
	e.complain(message, known.Hint)
}

func (e *Env) complain(message, hint string) {
	_, _ = fmt.Fprintf(e.Stderr, "af-auth: %s\n", strings.TrimSpace(message))
	if hint != "" {
		_, _ = fmt.Fprintf(e.Stderr, "hint: %s\n", hint)
	}
}

func (e *Env) say(format string, args ...any) {
	_, _ = fmt.Fprintf(e.Stdout, format+"\n", args...)
}

// whoAmI is the actor that the record names for a command.
func (e *Env) whoAmI() string {
	if name := e.userName(); name != "" {
		return "cli:" + name
	}
	return "cli"
}

// userName is the person's name on this machine, "" where it is not known.
func (e *Env) userName() string {
	if name := e.getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func (e *Env) getenv(name string) string {
	value := ""
	for _, pair := range e.Environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// program is how to call this very program from this folder: by name where the
// shell would find it, else by its path.
func (e *Env) program() string {
	self, err := os.Executable()
	if err != nil {
		return "af-auth"
	}
	if found, err := exec.LookPath("af-auth"); err == nil && sameFile(found, self) {
		return "af-auth"
	}
	if rel, err := filepath.Rel(e.Dir, self); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return self
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
