package adopt

import (
	"context"
	"fmt"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// id names an object within a schema.
type id struct {
	kind     catalog.Kind
	of, name string
}

func idOf(o catalog.Object) id { return id{o.Kind, o.Of, o.Name} }

// replay is what the files make by themselves.
type replay struct {
	files []migrate.File
	empty catalog.Catalog   // the schema before the first
	after []catalog.Catalog // and after each
	// made is the file that made an object, by its number from 0: the last, where
	// it was dropped and made again.
	made []map[id]int // after each file
}

// run runs the files on the empty shadow, one by one.
func run(ctx context.Context, s *diff.Scratch, files []migrate.File) (*replay, error) {
	r := &replay{files: files}
	var err error
	if r.empty, err = s.Read(ctx); err != nil {
		return nil, err
	}
	before := map[id]int{}
	for i, f := range files {
		if _, err := migrate.Deploy(ctx, s.Conn(), files[:i+1], migrate.Options{Actor: "shadow"}); err != nil {
			return nil, fmt.Errorf("run the files on the shadow database: %w", err)
		}
		c, err := s.Read(ctx)
		if err != nil {
			return nil, fmt.Errorf("after %s: %w", f.UpName(), err)
		}
		made := map[id]int{}
		for _, o := range c.Objects {
			if _, there := r.empty.Find(o.Kind, o.Of, o.Name); there {
				continue
			}
			by, known := before[idOf(o)]
			if !known {
				by = i
			}
			made[idOf(o)] = by
		}
		r.after, r.made, before = append(r.after, c), append(r.made, made), made
	}
	return r, s.Wipe(ctx)
}

// before returns the schema before a file.
func (r *replay) before(file int) catalog.Catalog {
	if file == 0 {
		return r.empty
	}
	return r.after[file-1]
}

// vital reports whether a database without the object has not had the file that
// makes it. A column that may be NULL, on a table of the same file, can be added
// without harm.
func (r *replay) vital(file int, o catalog.Object) bool {
	made := r.made[file]
	by, ours := made[idOf(o)]
	if !ours {
		return false
	}
	switch o.Kind {
	case catalog.Enum, catalog.Domain, catalog.Composite, catalog.Range, catalog.BaseType,
		catalog.Function, catalog.Procedure, catalog.Aggregate:
		return true
	case catalog.Sequence:
		return o.Value(catalog.OwnedBy) == ""
	case catalog.Column:
		table, ok := made[id{catalog.Table, "", o.Of}]
		return ok && (o.Value(catalog.NotNull) != "" || by != table)
	}
	return o.Kind.Relation()
}

// missing returns what is vital after a file and not in a schema.
func (r *replay) missing(file int, have catalog.Catalog) []catalog.Object {
	var out []catalog.Object
	for _, o := range r.after[file].Objects {
		if _, there := have.Find(o.Kind, o.Of, o.Name); !there && r.vital(file, o) {
			out = append(out, o)
		}
	}
	return out
}

// had returns how many files, from the first, a schema has had.
func (r *replay) had(have catalog.Catalog) int {
	for n := len(r.files); n > 0; n-- {
		if len(r.missing(n-1, have)) == 0 && r.traces(n-1, have) {
			return n
		}
	}
	return 0
}

// traces reports whether a file has left something that is to be seen in a
// schema, where everything vital is there.
func (r *replay) traces(file int, have catalog.Catalog) bool {
	var details, drops, changes []catalog.Difference
	for _, d := range catalog.Compare(r.after[file], r.before(file)) {
		o, _ := r.after[file].Find(d.Kind, d.Of, d.Name)
		switch {
		case d.Missing && r.vital(file, o):
			return true
		case d.Missing:
			details = append(details, d)
		case d.Extra:
			drops = append(drops, d)
		default:
			changes = append(changes, d)
		}
	}
	// A detail goes with the thing that it is of, and a change may be undone by a
	// detail: the plainest trace decides.
	for _, d := range drops {
		if _, there := have.Find(d.Kind, d.Of, d.Name); there {
			return false
		}
	}
	for _, d := range details {
		if o, _ := r.after[file].Find(d.Kind, d.Of, d.Name); !detailThere(o, have, r.after[file]) {
			return false
		}
	}
	if len(drops)+len(details) > 0 {
		return true
	}
	for _, d := range changes {
		if o, _ := have.Find(d.Kind, d.Of, d.Name); o.Value(d.Attribute) != d.Want {
			return false
		}
	}
	return len(changes) > 0
}

// detailThere looks for something that is part of a table, by its name or by
// what it is.
func detailThere(o catalog.Object, have, want catalog.Catalog) bool {
	if _, there := have.Find(o.Kind, o.Of, o.Name); there {
		return true
	}
	if _, there := diff.Twin(o, have, want); there {
		return true
	}
	if o.Kind == catalog.Index && o.Value(catalog.Definition) == "" {
		return true // its constraint says
	}
	_, there := diff.StandIn(o, have, want)
	return there
}

// unseen returns the files among the first n that change nothing in the schema.
func (r *replay) unseen(n int) []migrate.File {
	var out []migrate.File
	for i, f := range r.files[:n] {
		if len(catalog.Compare(r.after[i], r.before(i))) == 0 {
			out = append(out, f)
		}
	}
	return out
}

// maker returns the first file that makes an object, if one does.
func (r *replay) maker(o id) (migrate.File, bool) {
	for i, made := range r.made {
		if by, ok := made[o]; ok {
			return r.files[min(by, i)], true
		}
	}
	return migrate.File{}, false
}
