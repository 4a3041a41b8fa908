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

// Plan is what an adoption would do.
type Plan struct {
	State migrate.State // the ledger as it stands
	// Adopted says that the ledger holds migrations: there is nothing to adopt,
	// and Pending is what Deploy would apply.
	Adopted bool

	Prisma  []PrismaMigration // of Prisma's own ledger, oldest first
	Had     []migrate.File    // what the database has had
	Unseen  []migrate.File    // of these, those that leave nothing to be seen
	Pending []migrate.File    // what is left to run after the adoption

	Differences []catalog.Difference // from what the files in Had make
	Steps       []Step               // that make them good, in order
	Foreign     []string             // of no file: "table invoices"; they stay
	Extra       []string             // of others on tables of the files: "column users.nick"; they stay
	Unproved    []string             // of Foreign: what the shadow could not reproduce
	Notes       []string             // what else to know, a sentence each

	Obstacles []Obstacle

	before, after catalog.Catalog // the schema as it is, and as it is to be
}

// Step is one statement, and what it does to a table as the shadow showed it.
type Step struct {
	SQL      string   // without a semicolon at its end
	Locks    []string // the strongest on each table: "ACCESS EXCLUSIVE on users"
	Rewrites []string // tables whose rows are all written anew
	Builds   []string // indexes that are built, or built anew
	Scans    bool     // it reads all rows of its table
}

// Nothing reports whether the database has nothing that the files make.
func (p Plan) Nothing() bool { return !p.Adopted && len(p.Had) == 0 && len(p.Obstacles) == 0 }

// Rewrites returns the tables whose rows are all written anew.
func (p Plan) Rewrites() []string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.Rewrites...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// From says who made the database, for people and for the history.
func (p Plan) From() string {
	if len(p.Prisma) == 0 {
		return "a schema made by hand"
	}
	return fmt.Sprintf("Prisma (the last migration is %s)", p.Prisma[len(p.Prisma)-1].Name)
}

// Make plans an adoption. conn leads to the database, outside a transaction; it
// is only read. The schema is the first of its search_path, whatever o.Schema.
//
// What cannot be adopted is no error: it stands in Plan.Obstacles. Errors are
// those of [migrate.Read], of package diff, and of files that fail by themselves.
func Make(ctx context.Context, conn *pgx.Conn, files []migrate.File, o diff.Options) (Plan, error) {
	st, err := migrate.Read(ctx, conn, files)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{State: st, Pending: st.Pending}
	if len(st.Applied) > 0 {
		p.Adopted = true
		return p, st.Refusal()
	}
	if p.halfDone(); len(p.Obstacles) > 0 {
		return p, nil
	}
	if p.Prisma, err = readPrisma(ctx, conn, st.Namespace); err != nil {
		return p, err
	}
	o.Schema, o.Exclude, o.Roles = st.Namespace, nil, false
	have, err := catalog.Read(ctx, conn, st.Namespace, migrate.Tables()...)
	if err != nil {
		return p, err
	}
	w := &work{plan: &p, conn: conn, files: files, have: have}
	if err := diff.OnShadow(ctx, o, func(s *diff.Scratch) error { return w.compare(ctx, s) }); err != nil {
		return p, err
	}
	return p, w.rows(ctx)
}

// halfDone refuses what a migration of these files has begun outside of a
// transaction: the schema stands between two files.
func (p *Plan) halfDone() {
	for _, a := range slices.Concat(p.State.Failed, p.State.Unfinished, p.State.Running) {
		if a.Running || a.StatementsDone > 0 || a.RowsDone > 0 {
			p.refuse("deploy goes on with it", "%s is half done by an earlier attempt", a.FileName())
		}
	}
}

// Adoption is the plan as migrate.Adopt runs it. It insists that the schema is
// still the one that was looked at, and that it comes out as the one foreseen.
func (p Plan) Adoption() migrate.Adoption {
	a := migrate.Adoption{Files: len(p.Had), From: p.From()}
	for _, s := range p.Steps {
		a.Statements = append(a.Statements, s.SQL)
	}
	a.Before = func(ctx context.Context, conn *pgx.Conn, namespace string) error {
		if len(p.Prisma) > 0 {
			if err := keepPrismaOut(ctx, conn); err != nil {
				return err
			}
		}
		return insist(ctx, conn, namespace, p.before, "the schema was changed while the plan was made")
	}
	a.After = func(ctx context.Context, conn *pgx.Conn, namespace string) error {
		return insist(ctx, conn, namespace, p.after, "the schema did not come out as it was planned")
	}
	return a
}

// insist fails where the schema is not the one expected. A ledger is none of it.
func insist(ctx context.Context, conn *pgx.Conn, namespace string, want catalog.Catalog, fault string) error {
	c, err := catalog.Read(ctx, conn, namespace, migrate.Tables()...)
	if err != nil {
		return err
	}
	differences := catalog.Compare(want, c)
	if len(differences) == 0 {
		return nil
	}
	return &advice{errors.New(fault + ": " + differences[0].String()), "nothing was changed; adopt again, which makes the plan anew"}
}

// Obstacle is something that stands in the way of an adoption.
type Obstacle struct {
	What string // what is wrong
	Hint string // what to do by hand
}

func (p *Plan) refuse(hint, format string, args ...any) {
	p.Obstacles = append(p.Obstacles, Obstacle{What: fmt.Sprintf(format, args...), Hint: hint})
}

// RefusedError says that a database cannot be adopted as it is. Nothing was
// changed.
type RefusedError struct{ Obstacles []Obstacle }

// Refusal returns a [*RefusedError] where something stands in the way, else nil.
func (p Plan) Refusal() error {
	if len(p.Obstacles) == 0 {
		return nil
	}
	return &RefusedError{Obstacles: p.Obstacles}
}

// Error names what stands in the way, one thing a line.
func (e *RefusedError) Error() string {
	var lines []string
	for _, o := range e.Obstacles {
		lines = append(lines, o.What)
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return "this database cannot be adopted as it is:\n" + strings.Join(lines, "\n")
}

// Hint says how to go on.
func (e *RefusedError) Hint() string {
	hints := []string{"nothing was changed"}
	for _, o := range e.Obstacles {
		if !slices.Contains(hints, o.Hint) {
			hints = append(hints, o.Hint)
		}
	}
	return strings.Join(hints, "; ")
}

// advice is an error with a hint.
type advice struct {
	error
	hint string
}

func (a *advice) Unwrap() error { return a.error }

// Hint says how to go on.
func (a *advice) Hint() string { return a.hint }
