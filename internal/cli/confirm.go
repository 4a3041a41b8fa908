package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/af-auth/af-auth"
)

// terminal reports whether somebody can be asked.
func (e *Env) terminal() bool {
	file, ok := e.Stdin.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) // #nosec G115 -- a file descriptor is small
}

// confirm asks on the terminal, unless the answer was given with --yes, and
// returns an error for every answer but yes. Where nobody can be asked that is an
// error too: nothing changes behind anybody's back.
func (e *Env) confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	if !e.terminal() {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "nothing was changed: this needs a yes, and there is no terminal to ask on",
			Hint: "look at what is listed above, then add --yes"}
	}
	if !e.yes(question) {
		e.say("nothing was changed")
		return exit{1}
	}
	return nil
}

// yes asks one question on the terminal. The end of input answers no.
func (e *Env) yes(question string) bool {
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(e.line(question+" [y/N] ")))
}

// line reads a line from the terminal, and not a byte behind it: another question
// may follow. The end of input is an empty line.
func (e *Env) line(prompt string) string {
	_, _ = fmt.Fprint(e.Stderr, prompt)
	var line []byte
	for b := make([]byte, 1); ; line = append(line, b[0]) {
		if n, err := e.Stdin.Read(b); n == 0 || err != nil {
			_, _ = fmt.Fprintln(e.Stderr)
			break
		}
		if b[0] == '\n' {
			break
		}
	}
	return strings.TrimSpace(string(line))
}
