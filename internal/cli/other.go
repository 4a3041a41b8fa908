package cli

import (
	"fmt"
	"io"

	"github.com/af-auth/af-auth/internal/web"
)

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e *Env) error {
	e.say("af-auth %s", e.Version)
	return nil
}

type routesCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the routes.
func (c *routesCmd) Run(e *Env) error {
	if c.JSON {
		return e.printJSON(web.Routes())
	}
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "METHOD\tPATH\tGUARD")
		for _, r := range web.Routes() {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", r.Method, r.Path, r.Guard)
		}
	})
	return nil
}

type configCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run lists every setting, secrets hidden. Faults are listed after, so that
// what is right can still be read.
func (c *configCmd) Run(e *Env) error {
	overrides, err := e.overrides()
	if err != nil {
		return err
	}
	settings, faults := e.settings(overrides)
	if c.JSON {
		if err := e.printJSON(settings.Entries()); err != nil {
			return err
		}
		return faults
	}
	e.table(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "NAME\tVALUE\tSOURCE\tDEFAULT")
		for _, v := range settings.Entries() {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, dash(v.Value), v.Source, dash(v.Default))
		}
	})
	e.say("\nMeanings:")
	for _, v := range settings.Entries() {
		e.say("  %s\n      %s", v.Name, v.Meaning)
	}
	return faults
}
