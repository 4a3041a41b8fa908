package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// work makes one plan.
type work struct {
	plan  *Plan
	conn  *pgx.Conn // to the database
	files []migrate.File
	have  catalog.Catalog // what the database holds

	replay *replay
	target catalog.Catalog // what it is to hold after the adoption
}

// compare finds what the database has had and what brings it, on the shadow.
func (w *work) compare(ctx context.Context, s *diff.Scratch) error {
	if err := sameMajor(w.conn, s.Conn()); err != nil {
		return err
	}
	var err error
	if w.replay, err = run(ctx, s, w.files); err != nil {
		return err
	}
	p := w.plan
	n := w.replay.had(w.have)
	p.Had, p.Pending, p.Unseen = w.files[:n], w.files[n:], w.replay.unseen(n)
	w.foreign()
	if n == 0 {
		w.collisions(0)
		return nil
	}
	p.prisma()
	var extra []string
	w.target, extra = merge(w.replay.after[n-1], w.replay.empty, w.have)
	p.Extra = extra
	p.Differences = catalog.Compare(w.target, w.have, catalog.Grants)
	p.before, p.after = w.have, w.target
	return w.prove(ctx, s)
}

// sameMajor refuses a shadow that writes definitions in other words than the
// database.
func sameMajor(database, shadow *pgx.Conn) error {
	major := func(c *pgx.Conn) string {
		v, _, _ := strings.Cut(c.PgConn().ParameterStatus("server_version"), ".")
		return v
	}
	if major(database) == major(shadow) {
		return nil
	}
	return &advice{
		fmt.Errorf("the database is PostgreSQL %s and the shadow is %s: their definitions cannot be compared", major(database), major(shadow)),
		"hand over an empty database of the same server as shadow: CREATE DATABASE af_auth_shadow, then --shadow-url",
	}
}

// foreign lists what no file makes.
func (w *work) foreign() {
	for _, o := range w.have.Objects {
		if o.Of != "" || o.Name == "" || o.Kind == catalog.Extension || o.Kind == catalog.EventTrigger || o.Kind == catalog.DefaultRights {
			continue
		}
		if _, ours := w.replay.maker(idOf(o)); !ours && o.Value(catalog.OwnedBy) == "" {
			w.plan.Foreign = append(w.plan.Foreign, string(o.Kind)+" "+o.Path())
		}
	}
}

// collisions lists what is there and what a pending file makes.
func (w *work) collisions(n int) {
	var there []string
	var first migrate.File
	for _, o := range w.have.Objects {
		maker, ours := w.replay.maker(idOf(o))
		if !ours || slices.ContainsFunc(w.files[:n], func(f migrate.File) bool { return f.Version == maker.Version }) {
			continue
		}
		part := o.Of != "" && slices.ContainsFunc(there, func(s string) bool { return strings.HasSuffix(s, " "+o.Of) })
		if o.Kind != catalog.Column && !o.Kind.Relation() && o.Kind != catalog.Enum && o.Kind != catalog.Function || part {
			continue
		}
		there = append(there, string(o.Kind)+" "+o.Path())
		if first.Version == "" || maker.Version < first.Version {
			first = maker
		}
	}
	if len(there) == 0 {
		return
	}
	at := slices.IndexFunc(w.files, func(f migrate.File) bool { return f.Version == first.Version })
	var lacks []string
	for _, o := range w.replay.missing(at, w.have) {
		if o.Of == "" || !slices.ContainsFunc(lacks, func(s string) bool { return strings.HasSuffix(s, " "+o.Of) }) {
			lacks = append(lacks, string(o.Kind)+" "+o.Path())
		}
	}
	what := fmt.Sprintf("%s would make what is there already: %s", first.UpName(), strings.Join(there, ", "))
	if len(lacks) > 0 {
		what += "; and this is not there: " + strings.Join(lacks, ", ")
	}
	w.plan.refuse("if it is another thing of the same name, rename it or move it to another schema; if it is the same, add by hand what is not there; then adopt",
		"%s", what)
}

// prove brings the shadow from the database's schema to the end of the files,
// and keeps the statements and what they do.
func (w *work) prove(ctx context.Context, s *diff.Scratch) error {
	p := w.plan
	left, err := s.Reproduce(ctx, w.have)
	if err != nil {
		return fmt.Errorf("make the schema of the database on the shadow: %w", err)
	}
	target := w.target
	if len(left) > 0 {
		if target, err = w.reproduced(ctx, s, left); err != nil {
			return err
		}
	}
	steps, err := s.Way(ctx, target)
	var incomplete *diff.IncompleteError
	if errors.As(err, &incomplete) {
		w.noWay(incomplete)
		return nil
	}
	if err != nil {
		return err
	}
	for _, step := range steps {
		if step.Destructive && !step.Retypes { // of a new type the values have been asked
			p.refuse("take it away by hand, if you mean it, then adopt", "this would lose data: %s", step.Note)
			return nil
		}
	}
	if p.Steps, err = measure(ctx, s.Conn(), w.have.Schema, steps); err != nil {
		return err
	}
	return w.rehearse(ctx, s)
}

// reproduced is the target without what the shadow could not reproduce. What
// the files are about must be among what it could.
func (w *work) reproduced(ctx context.Context, s *diff.Scratch, left []catalog.Difference) (catalog.Catalog, error) {
	for _, d := range left {
		if _, ours := w.replay.maker(id{d.Kind, d.Of, d.Name}); ours {
			w.plan.refuse("hand over a shadow that has what the database has (--shadow-url)", "the shadow cannot reproduce %s", d)
		}
		w.plan.Unproved = append(w.plan.Unproved, string(d.Kind)+" "+d.Object)
	}
	have, err := s.Read(ctx)
	target, _ := merge(w.replay.after[len(w.plan.Had)-1], w.replay.empty, have)
	return target, err
}

// noWay says what keeps the database from becoming what the files make.
func (w *work) noWay(e *diff.IncompleteError) {
	var left []string
	for _, d := range e.Left {
		left = append(left, d.String())
	}
	what := "there is no way without harm to this: " + strings.Join(left, "; ")
	if e.Err != nil {
		what += "; the server said: " + e.Err.Error()
	}
	w.plan.refuse("change it by hand (drop what is in the way, and make it again afterwards), then adopt", "%s", what)
}

// rehearse records the adoption on the shadow, runs what is left, and compares
// the end with what the files make alone.
func (w *work) rehearse(ctx context.Context, s *diff.Scratch) error {
	p, conn := w.plan, s.Conn()
	if _, err := s.Read(ctx); err != nil { // settles the session
		return err
	}
	if _, err := migrate.Adopt(ctx, conn, w.files, migrate.Adoption{Files: len(p.Had), From: "the shadow"}, migrate.Options{}); err != nil {
		return fmt.Errorf("record the adoption on the shadow: %w", err)
	}
	if _, err := migrate.Deploy(ctx, conn, w.files, migrate.Options{Actor: "shadow"}); err != nil {
		known := len(p.Obstacles)
		if w.collisions(len(p.Had)); len(p.Obstacles) == known {
			p.refuse("mend it by hand, then adopt", "what is left to run would fail: %v", err)
		}
		return nil
	}
	have, err := s.Read(ctx)
	if err != nil {
		return err
	}
	end, _ := merge(w.replay.after[len(w.files)-1], w.replay.empty, have)
	if left := catalog.Compare(end, have); len(left) > 0 {
		known := len(p.Obstacles)
		if w.collisions(len(p.Had)); len(p.Obstacles) == known {
			p.refuse("mend it by hand, then adopt", "after the files that are left this would differ from what they make: %s", left[0])
		}
	}
	return nil
}
