package cli

import (
	"errors"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// errUsage marks a command line that cannot be read. command is as far as it
// was understood: "af-auth db migrate".
type errUsage struct {
	error
	command string
}

// misread answers a command line that cannot be read, and returns the exit code.
// Whoever named a group alone is shown what is in it, as git does; on stderr,
// because it is not what a script has asked for.
func (e *Env) misread(parser *kong.Kong, err error) int {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && strings.HasPrefix(parse.Error(), "expected one of ") {
		if group := parse.Context.Selected(); group == nil || len(group.Children) > 0 {
			parser.Stdout = e.Stderr
			if err := parse.Context.PrintUsage(false); err != nil {
				return e.report(err)
			}
			return 2
		}
	}
	return e.report(usageOf(err))
}

func usageOf(err error) errUsage {
	u := errUsage{error: err, command: "af-auth"}
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context == nil {
		return u
	}
	for _, step := range parse.Context.Path {
		if step.Command != nil {
			u.command += " " + step.Command.Name
		}
	}
	return u
}

// plain says in our words what the parser found, and what to do. What it words
// well passes as it is.
func (u errUsage) plain() (message, hint string) {
	message, hint = u.Error(), "see "+u.command+" --help"
	for _, r := range []struct{ theirs, ours string }{
		{`^(--\S+): expected .* value but got "EOL" \(<EOL>\)$`, `$1 needs a value`},
		{`^(--\S+): expected .* value but got "(.*)" \((?:short|long) flag\).*$`, `$1 needs a value, and "$2" looks like a flag; if it is meant, write $1=$2`},
		{`^(--\S+): expected a valid 64 bit int but got (".*")$`, `$1 is $2, and must be a whole number`},
		{`^(--\S+): bool value must be .*$`, `$1 takes no value`},
		{`^expected "(<\S+>)"$`, `$1 is missing`},
	} {
		theirs := regexp.MustCompile(r.theirs)
		if theirs.MatchString(message) {
			message = theirs.ReplaceAllString(message, r.ours)
			break
		}
	}
	if strings.HasPrefix(message, "<user>") {
		// Behind an unquoted # a shell sees a comment, and we see nothing.
		hint = "name a login, a '#github-id' (in quotes) or a UUID; " + hint
	}
	return message, hint
}
