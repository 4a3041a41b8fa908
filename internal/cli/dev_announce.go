package cli

import (
	"fmt"
	"strings"

	"github.com/af-auth/af-auth/internal/config"
)

// announce says where everything is, once all of it is.
func (d *devCmd) announce(e *Env, c *config.Config, s devState, server *privateServer, studio string, simulated bool) error {
	if d.JSON {
		text, err := encodeJSON(devLinks{s.AuthURL, s.AppURL, s.GitHubURL, server.url(databaseName), studio}, "")
		if err != nil {
			return err
		}
		_, err = e.Stdout.Write(text)
		return err
	}
	github := s.GitHubURL
	if simulated {
		github += simulatorNote
	}
	e.say("%s", announcement(e.beside(), s, github, studio, c.Admins))
	return nil
}

// beside is how the commands beside a running dev are called: with the folder of
// its data, where somebody chose one.
func (e *Env) beside() string {
	words := []string{e.program()}
	if e.Data != "" {
		words = append(words, "--data", e.Data)
	}
	return shellWords(words)
}

// simulatorNote stands behind the simulator's address.
const simulatorNote = "  (a simulator: nothing leaves this machine)"

// announcement is the end of what dev says. README.md shows it. The page about
// people is named where somebody may open it.
func announcement(program string, s devState, github, studio string, admins []string) string {
	people := ""
	if len(admins) > 0 {
		people = fmt.Sprintf("  people     %s/auth/people, for %s\n", s.AuthURL, printable(strings.Join(admins, ", ")))
	}
	return fmt.Sprintf(`
  Open the demo application and sign in:

    %[1]s

  You will be asked to wait. Let yourself in from another terminal:

    %[2]s allow octocat

  af-auth    %[3]s
%[6]s  GitHub     %[4]s
  database   %[2]s users, %[2]s events, %[2]s db psql
  studio     %[5]s

  Ctrl-C ends it; the data stays.
`, s.AppURL, program, s.AuthURL, github, studio, people)
}
