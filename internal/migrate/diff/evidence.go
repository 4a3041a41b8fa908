package diff

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// Evidence looks for what one file of a folder makes in a live schema: the
// migrations before it and with it are run on the shadow, and whatever differs
// between the two is looked for. What a file does to rows leaves no evidence.
//
// conn leads to the live database, which is only read.
func Evidence(ctx context.Context, conn *pgx.Conn, files []migrate.File, f migrate.File, o Options) (migrate.Evidence, error) {
	var upTo []migrate.File
	for _, g := range files {
		if g.Version < f.Version {
			upTo = append(upTo, g)
		}
	}
	before, err := Read(ctx, Migrations("the migrations before "+f.UpName(), upTo), o)
	if err != nil {
		return migrate.Evidence{}, err
	}
	after, err := Read(ctx, Migrations("the migrations with "+f.UpName(), append(upTo, f)), o)
	if err != nil {
		return migrate.Evidence{}, err
	}
	live, err := catalog.Read(ctx, conn, o.schema(), o.exclude()...)
	if err != nil {
		return migrate.Evidence{}, err
	}
	return evidence(before, after, live), nil
}

// evidence holds what a file changes against a schema.
func evidence(before, after, live catalog.Catalog) migrate.Evidence {
	var e migrate.Evidence
	note := func(there bool, what string) {
		if there {
			e.There = append(e.There, what)
		} else {
			e.NotThere = append(e.NotThere, what)
		}
	}
	left := catalog.Compare(after, live)
	for _, d := range catalog.Compare(after, before) {
		name := string(d.Kind) + " " + d.Object
		found, ok := live.Find(d.Kind, d.Of, d.Name)
		switch {
		case d.Extra: // the file drops it
			note(!ok, "no "+name)
		case d.Missing && !ok:
			note(false, name)
		case d.Missing:
			note(true, name)
			for _, l := range left {
				if within(l, d) {
					note(false, l.String())
				}
			}
		default:
			note(ok && found.Value(d.Attribute) == d.Want, fmt.Sprintf("%s with %s %s", name, d.Attribute, d.Want))
		}
	}
	return e
}

// within reports whether a difference is of an object, or of something that is
// part of it.
func within(d, of catalog.Difference) bool {
	return d.Kind == of.Kind && d.Object == of.Object || of.Kind.Relation() && d.Of == of.Name
}
