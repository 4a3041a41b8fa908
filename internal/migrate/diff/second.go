package diff

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	atlasmigrate "ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	"github.com/jackc/pgx/v5/stdlib"
)

// second is the second opinion: Atlas, on a connection of its own.
type second struct {
	db      *sql.DB
	driver  atlasmigrate.Driver
	schema  string
	exclude []string
	wanted  *schema.Schema
	unable  string // why it has no opinion; "" where it has
}

// SecondOpinionError says that Atlas sees a difference between the wanted schema
// and what the plan leads to, where package catalog sees none. One of them is
// wrong, so the plan is not to be trusted.
type SecondOpinionError struct {
	Changes []string // what Atlas would change, one a line
}

// Error names what Atlas sees.
func (e *SecondOpinionError) Error() string {
	return "the plan passed the first comparison and not the second, by Atlas:\n" + strings.Join(e.Changes, "\n")
}

// Hint says how to go on.
func (e *SecondOpinionError) Hint() string {
	return "write this migration by hand, and report this as a fault of af-auth"
}

func openSecond(ctx context.Context, s *shadow) (*second, error) {
	config := s.config.Copy()
	if config.RuntimeParams == nil {
		config.RuntimeParams = map[string]string{}
	}
	// The same names on both sides, whatever the role's own setting.
	config.RuntimeParams["search_path"] = "pg_catalog, pg_temp"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the shadow database once more: %w", err), db.Close())
	}
	o := &second{db: db, schema: s.options.schema(), exclude: s.options.exclude()}
	var err error
	if o.driver, err = atlas.Open(db); err != nil {
		o.unable = err.Error()
	}
	return o, nil
}

func (o *second) close() error { return o.db.Close() }

// remember keeps the schema that the shadow holds now as the wanted one.
func (o *second) remember(ctx context.Context) {
	if o.unable == "" {
		o.wanted = o.inspect(ctx)
	}
}

func (o *second) inspect(ctx context.Context) *schema.Schema {
	s, err := o.driver.InspectSchema(ctx, o.schema, &schema.InspectOptions{})
	if err != nil {
		o.unable = err.Error()
		return nil
	}
	s.Tables = slices.DeleteFunc(s.Tables, func(t *schema.Table) bool { return slices.Contains(o.exclude, t.Name) })
	return s
}

// compare compares the schema that the shadow holds now with the wanted one.
// Where Atlas cannot tell, that is no difference, but it is told.
func (o *second) compare(ctx context.Context) error {
	if o.unable != "" {
		return nil
	}
	got := o.inspect(ctx)
	if got == nil {
		return nil
	}
	changes, err := o.driver.SchemaDiff(got, o.wanted)
	if err != nil {
		o.unable = err.Error()
		return nil
	}
	if len(changes) == 0 {
		return nil
	}
	e := &SecondOpinionError{}
	for _, c := range changes {
		e.Changes = append(e.Changes, described(c))
	}
	return e
}

// described names a change of Atlas's.
func described(c schema.Change) string {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", c), "*schema.")
	switch c := c.(type) {
	case *schema.AddTable:
		return kind + " " + c.T.Name
	case *schema.DropTable:
		return kind + " " + c.T.Name
	case *schema.ModifyTable:
		parts := make([]string, len(c.Changes))
		for i, change := range c.Changes {
			parts[i] = described(change)
		}
		return kind + " " + c.T.Name + ": " + strings.Join(parts, ", ")
	case *schema.AddColumn:
		return kind + " " + c.C.Name
	case *schema.DropColumn:
		return kind + " " + c.C.Name
	case *schema.ModifyColumn:
		return kind + " " + c.To.Name
	case *schema.AddIndex:
		return kind + " " + c.I.Name
	case *schema.DropIndex:
		return kind + " " + c.I.Name
	case *schema.ModifyIndex:
		return kind + " " + c.To.Name
	}
	return kind
}
