package cli

import (
	"math"

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
	t := e.newTable(true, column{"METHOD", 0}, column{"PATH", 0}, column{"GUARD", 0})
	for _, r := range web.Routes() {
		t.add(r.Method, r.Path, string(r.Guard))
	}
	t.flush()
	return nil
}

type configCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run lists every setting, secrets hidden. Faults are listed after, so that
// what is right can still be read.
func (c *configCmd) Run(e *Env) error {
	found, err := e.overrides()
	if err != nil {
		return err
	}
	settings, faults := e.settings(found)
	e.mention(settings, found)
	if c.JSON {
		if err := e.printJSON(settings.Entries()); err != nil {
			return err
		}
		return faults
	}
	t := e.newTable(false, column{"NAME", 0}, column{"VALUE", 10}, column{"SOURCE", 0}, column{"DEFAULT", 8})
	for _, v := range settings.Entries() {
		t.add(v.Name, dash(printable(v.Value)), printable(v.Source), dash(v.Default))
	}
	t.flush()
	e.say("\nMeanings:")
	for _, v := range settings.Entries() {
		if v.Default == "" {
			e.say("  %s", v.Name)
		} else {
			e.say("  %s (default: %s)", v.Name, v.Default)
		}
		for _, line := range wrap(v.Meaning, e.textWidth(), 0) {
			e.say("      %s", line)
		}
	}
	return faults
}

// textWidth is the room for an indented text: all there is, where the width is
// not known.
func (e *Env) textWidth() int {
	if e.Columns == 0 {
		return math.MaxInt
	}
	return max(narrowTail, e.Columns-6)
}
