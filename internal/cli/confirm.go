package cli

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/af-auth/af-auth"
)

// terminal reports whether somebody can be asked.
func (e *Env) terminal() bool {
	file, ok := e.Stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	nobody, err := os.Stat(os.DevNull) // a character device too
	return err == nil && !os.SameFile(info, nobody)
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
	_, _ = fmt.Fprint(e.Stderr, question+" [y/N] ")
	line, err := bufio.NewReader(e.Stdin).ReadString('\n')
	if err != nil {
		_, _ = fmt.Fprintln(e.Stderr)
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line)))
}
