package diff

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Options of Read, Compare and Make.
type Options struct {
	// Schema is the PostgreSQL schema to look at; "" means "public". Files are
	// run with it as their search_path.
	Schema string
	// Exclude are names of tables to leave out; nil means the tables of package
	// migrate.
	Exclude []string
	// Shadow opens the scratch database. It is called only where it is needed:
	// always by Make, else for sources that are files.
	Shadow Shadow
	// Renames are tables and columns that changed their names. Without them a
	// renamed column is one that is dropped and another that is added.
	Renames []Rename
	// Roles says that rights of named roles count even where a database is a
	// source. They always do between files.
	Roles bool
}

func (o Options) schema() string {
	if o.Schema == "" {
		return "public"
	}
	return o.Schema
}

func (o Options) exclude() []string {
	if o.Exclude == nil {
		return append(migrate.Tables(), shadowMark)
	}
	return append([]string{shadowMark}, o.Exclude...)
}

// Step is one statement of a plan.
type Step struct {
	SQL string // without a semicolon at its end
	// Destructive says that data is lost.
	Destructive bool
	// Note says what to know before running it; "" where there is nothing.
	Note string
	// Retypes says that it changes the type of a column: whoever has looked at the
	// values knows better than Destructive, which goes by the types.
	Retypes bool
}

// Plan is the way from one schema to another.
type Plan struct {
	// Differences are what the plan makes good, before renames.
	Differences []catalog.Difference
	Up, Down    []Step
	// Lost says what Down cannot bring back, one sentence each.
	Lost []string
	// Candidates are pairs of something that vanished and something that
	// appeared, which may be renames. To say so, put them in Options.Renames.
	Candidates []Rename
	// Unchecked says why the second comparison could not be made; "" where it
	// was.
	Unchecked string
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Up) == 0 }

// Destructive reports whether a step up loses data.
func (p Plan) Destructive() bool {
	for _, s := range p.Up {
		if s.Destructive {
			return true
		}
	}
	return false
}

// IncompleteError says that no statement could be found for some differences.
// The Plan that is returned with it holds the steps that were found; they are
// not proved.
type IncompleteError struct {
	Left []catalog.Difference // what still differs
	Back bool                 // on the way back, not on the way there
	Err  error                // what the server said to the first statement that failed; may be nil
}

// Error names what differs, one thing a line.
func (e *IncompleteError) Error() string {
	way := "the plan"
	if e.Back {
		way = "the way back"
	}
	lines := make([]string, len(e.Left))
	for i, d := range e.Left {
		lines[i] = d.String()
	}
	s := way + " cannot be completed; this would still differ:\n" + strings.Join(lines, "\n")
	if e.Err != nil {
		s += "\nthe server said: " + e.Err.Error()
	}
	return s
}

// Unwrap returns the server's error.
func (e *IncompleteError) Unwrap() error { return e.Err }

// Hint says how to go on.
func (e *IncompleteError) Hint() string {
	if code(e.Err) == unsafeEnumValue {
		return "a new value of an enum can be used only after its transaction: make two migrations, the first with the value alone"
	}
	return "write this part of the migration by hand"
}

// Read returns the catalogue of a source.
func Read(ctx context.Context, src Source, o Options) (catalog.Catalog, error) {
	if src.live() {
		return src.read(ctx, o)
	}
	var c catalog.Catalog
	err := withShadow(ctx, o, func(s *shadow) error {
		var err error
		c, err = s.materialise(ctx, src)
		return err
	})
	return c, err
}

// Compare lists what differs between two sources: what the second has is
// wanted. Owners and the order of columns do not count; rights of named roles,
// extensions and event triggers count as [Options.Roles] says.
func Compare(ctx context.Context, from, to Source, o Options) ([]catalog.Difference, error) {
	want, err := Read(ctx, to, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to, err)
	}
	have, err := Read(ctx, from, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	want, have = countable(want, have, to.live(), from.live(), o.Roles)
	return catalog.Compare(want, have, parts()...), nil
}

// Make plans the way from one source to another and back, and proves both on
// the shadow.
//
// Errors: [*IncompleteError] with the steps found so far; [*ShadowError]; and
// what the sources' files or databases say.
func Make(ctx context.Context, from, to Source, o Options) (Plan, error) {
	var p Plan
	if o.Shadow == nil {
		return p, errors.New("plan: no shadow database was given")
	}
	err := withShadow(ctx, o, func(s *shadow) error {
		m := maker{shadow: s, from: from, to: to, options: o, plan: &p}
		return m.make(ctx)
	})
	return p, err
}

// parts are what a plan makes good.
func parts() []catalog.Part { return []catalog.Part{catalog.Grants, catalog.Database} }
