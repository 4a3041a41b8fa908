package adopt

import (
	"fmt"
	"slices"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// merge returns the schema that an adoption leads to: what the files make, as
// they make it, and everything else as it is. extra is what stays of others on
// tables of the files.
func merge(files, empty, have catalog.Catalog) (target catalog.Catalog, extra []string) {
	for _, o := range have.Objects {
		want, ours := files.Find(o.Kind, o.Of, o.Name)
		_, host := empty.Find(o.Kind, o.Of, o.Name)
		switch {
		case ours && !host:
			kept, tuning := keep(want, o)
			target.Objects = append(target.Objects, kept)
			extra = append(extra, tuning...)
		case ours || !replaced(o, files, have):
			target.Objects = append(target.Objects, o)
			if on := ownTable(o, files); on && o.Kind != catalog.Sequence && (o.Kind != catalog.Index || o.Value(catalog.Definition) != "") {
				extra = append(extra, string(o.Kind)+" "+o.Path())
			}
		}
	}
	for _, o := range files.Objects {
		_, there := have.Find(o.Kind, o.Of, o.Name)
		if _, host := empty.Find(o.Kind, o.Of, o.Name); !there && !host {
			target.Objects = append(target.Objects, o)
		}
	}
	return catalog.Of(have.Schema, target.Objects...), extra
}

// ownTable reports whether something is part of a relation that the files make.
func ownTable(o catalog.Object, files catalog.Catalog) bool {
	return o.Of != "" && slices.ContainsFunc(files.Objects, func(f catalog.Object) bool { return f.Kind.Relation() && f.Name == o.Of })
}

// replaced reports whether an object that no file makes is one of theirs by
// another name, and becomes it.
func replaced(o catalog.Object, files, have catalog.Catalog) bool {
	switch o.Kind {
	case catalog.Column: // a view's columns come with its definition
		_, view := files.Find(catalog.View, "", o.Of)
		_, filled := files.Find(catalog.Materialized, "", o.Of)
		return view || filled
	case catalog.Index:
		if o.Value(catalog.Definition) == "" {
			k, ok := have.Find(catalog.Constraint, o.Of, o.Name)
			return ok && replaced(k, files, have)
		}
		for _, k := range files.Objects {
			if k.Kind != catalog.Constraint || k.Of != o.Of {
				continue
			}
			if _, there := have.Find(k.Kind, k.Of, k.Name); there {
				continue
			}
			if _, renamed := diff.Twin(k, have, files); renamed {
				continue
			}
			if i, ok := diff.StandIn(k, have, files); ok && i.Name == o.Name {
				return true
			}
		}
	case catalog.Sequence:
		owner := o.Value(catalog.OwnedBy)
		for _, f := range files.Objects {
			if owner != "" && f.Kind == catalog.Sequence && f.Value(catalog.OwnedBy) == owner {
				return true
			}
		}
		return false
	case catalog.Constraint:
	default:
		return false
	}
	// Of two that are alike, one becomes the wanted one, and the other stays.
	wanted, renamed := diff.Twin(o, files, have)
	first, _ := diff.Twin(wanted, have, files)
	if i, ok := diff.StandIn(wanted, have, files); ok && i.Name == wanted.Name {
		return false // the name is taken by an index that becomes the key
	}
	return renamed && first.Name == o.Name
}

// tuning are attributes that somebody sets for the sake of a server. Where the
// files say nothing, they stay.
func tuning() []string {
	return []string{catalog.Comment, catalog.Options, catalog.Statistic, catalog.Storage, catalog.Compression,
		catalog.Clustered, catalog.Replica, catalog.AccessMethod, catalog.Security, catalog.SecurityForce}
}

// keep returns the wanted object with the tuning of the one that is there, and
// with its rights where it holds data.
func keep(want, have catalog.Object) (catalog.Object, []string) {
	var extra []string
	want.Attributes = slices.Clip(want.Attributes)
	for _, name := range tuning() {
		_, said := want.Get(name)
		value, there := have.Get(name)
		if said || !there {
			continue
		}
		want.Attributes = append(want.Attributes, catalog.Attribute{Name: name, Value: value})
		if name != catalog.Comment {
			extra = append(extra, fmt.Sprintf("%s of %s %s: %s", name, want.Kind, want.Path(), value))
		}
	}
	switch want.Kind {
	case catalog.Function, catalog.Procedure, catalog.Aggregate:
	default:
		for _, g := range have.Grants {
			if !slices.Contains(want.Grants, g) {
				want.Grants = append(slices.Clip(want.Grants), g)
			}
		}
	}
	return want, extra
}
