package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Claim is what somebody says about a file, against or beyond the ledger.
type Claim struct {
	Which string // the file, as in Find
	// Mark is MarkApplied: all of the file is there; or MarkRolledBack: none of
	// it is.
	Mark  Action
	Force bool // record the claim even where Check contradicts it
	Check Check
}

// Check looks at the live schema for what a file makes. It must not change
// anything.
type Check func(ctx context.Context, conn *pgx.Conn, f File) (Evidence, error)

// Evidence is what there is of a file, and what there is not, in words such as
// "column users.login". Both empty: nothing can be seen, as of a file that
// changes rows only.
type Evidence struct {
	There    []string
	NotThere []string
}

// ContradictedError says that the live schema shows something else than
// somebody claims. Nothing was recorded.
type ContradictedError struct {
	File     string
	Mark     Action
	Evidence Evidence
}

// Error lists what contradicts the claim.
func (e *ContradictedError) Error() string {
	if e.Mark == MarkApplied {
		return fmt.Sprintf("%s is not all applied; not there: %s", e.File, strings.Join(e.Evidence.NotThere, ", "))
	}
	return fmt.Sprintf("%s is not all rolled back; still there: %s", e.File, strings.Join(e.Evidence.There, ", "))
}

// Hint says how to go on.
func (e *ContradictedError) Hint() string {
	if e.Mark == MarkApplied {
		return "nothing was recorded; make by hand what is not there, or resolve it as rolled back and deploy; --force records who insisted"
	}
	return "nothing was recorded; undo by hand what is there, or resolve it as applied; --force records who insisted"
}

// Resolve marks a file as applied or as rolled back without running it, and
// returns what is there of it.
//
// A file marked as applied must be the oldest pending one, or applied with other
// contents than now, which then count, or half rolled back. A file marked as
// rolled back must be the newest applied one, or pending; what was noted of its
// half-done attempts is void then, and Deploy begins anew. With force it may be
// the newest applied one whose file is not here any more.
//
// Errors: [*ContradictedError], unless the claim is forced; [*LockedError]; and
// hinted ones for a claim that makes no sense.
func Resolve(ctx context.Context, conn *pgx.Conn, files []File, c Claim, o Options) (Evidence, error) {
	o = o.filled()
	if err := idle(conn); err != nil {
		return Evidence{}, err
	}
	if c.Check == nil && !c.Force {
		return Evidence{}, errors.New("resolve needs a function that looks at the schema, or force")
	}
	s, st, err := read(ctx, conn, files)
	if err != nil {
		return Evidence{}, advised(err, "resolve again")
	}
	f, err := Find(files, c.Which)
	if err != nil {
		if f, err = st.gone(c, err); err != nil {
			return Evidence{}, err
		}
		c.Check = nil // nothing says what the file made
	}
	if err := st.sensible(f, c.Mark); err != nil {
		return Evidence{}, err
	}
	var found Evidence
	err = underLock(ctx, s, files, o, func(r *runner, st State) error {
		if err := st.sensible(f, c.Mark); err != nil {
			return err
		}
		if c.Check != nil {
			if found, err = c.Check(ctx, r.conn, f); err != nil {
				return fmt.Errorf("look for what there is of %s: %w", f.UpName(), err)
			}
		}
		contradicted := c.Mark == MarkApplied && len(found.NotThere) > 0 || c.Mark == MarkRolledBack && len(found.There) > 0
		if contradicted && !c.Force {
			return &ContradictedError{File: f.UpName(), Mark: c.Mark, Evidence: found}
		}
		return r.mark(ctx, f, c, found)
	})
	return found, advised(err, "resolve again")
}

// gone finds a claim's file in the ledger, where the folder has none. It can be
// taken for rolled back only, and on somebody's word.
func (s State) gone(c Claim, err error) (File, error) {
	for _, r := range s.Missing {
		if c.Which != r.Version && c.Which != r.Name && c.Which != r.Version+"_"+r.Name {
			continue
		}
		if c.Mark != MarkRolledBack || !c.Force {
			return File{}, &hinted{
				err:  fmt.Errorf("%s is applied, but the file is not here, and nothing else knows what it made", r.FileName()),
				hint: "nothing was recorded; bring the file back; or undo by hand what it made, then: resolve --rolled-back " + r.Version + " --force",
			}
		}
		return File{Version: r.Version, Name: r.Name, Schema: r.Schema, Kind: r.Kind, Checksum: r.Checksum}, nil
	}
	return File{}, err
}

// sensible refuses claims that the ledger alone shows to be wrong.
func (s State) sensible(f File, mark Action) error {
	refuse := func(format, hint string, args ...any) error {
		return &hinted{err: fmt.Errorf(format, args...), hint: "nothing was recorded; " + hint}
	}
	var applied *Record
	for i := range s.Applied {
		if s.Applied[i].Version == f.Version {
			applied = &s.Applied[i]
		}
	}
	a := s.last[f.Version]
	switch {
	case mark == MarkApplied && applied == nil:
		if len(s.Pending) > 0 && s.Pending[0].Version != f.Version {
			return refuse("%s comes before %s and is not applied", "resolve or deploy the older file first", s.Pending[0].UpName(), f.UpName())
		}
		if f.Version < s.newest().Version {
			return refuse("%s is older than %s, which is applied", "give it a later time in its name", f.UpName(), s.newest().FileName())
		}
	case mark == MarkApplied:
		if applied.Checksum == f.Checksum && a.Action != RollBack {
			return refuse("%s is applied already", "there is nothing to resolve", f.UpName())
		}
	case mark == MarkRolledBack && applied != nil:
		if s.newest().Version != f.Version {
			return refuse("%s is not the newest that is applied: %s is", "resolve the newest first", f.UpName(), s.newest().FileName())
		}
	case mark == MarkRolledBack:
		if a.Version == "" {
			return refuse("%s was never tried", "deploy applies it", f.UpName())
		}
	default:
		return fmt.Errorf("%q is nothing that a file can be marked with", mark)
	}
	return nil
}

// mark writes the claim down, in the ledger and in the history at once.
func (r *runner) mark(ctx context.Context, f File, c Claim, found Evidence) error {
	if r.tables < len(Tables()) {
		if err := r.createTables(ctx); err != nil {
			return err
		}
	}
	attempt := `WITH attempt AS (INSERT INTO ` + r.history() + ` (version, number, name, action, outcome, checksum, finished_at, actor, release,
    statements, detail, forced)
SELECT $1, (SELECT coalesce(max(number), 0) + 1 FROM ` + r.history() + ` WHERE version = $1), $2, $3, 'done', $4, clock_timestamp(),
    nullif($5, ''), nullif($6, ''), $7, nullif($8, ''), $9)`
	args := []any{pgx.QueryExecModeExec, f.Version, f.Name, string(c.Mark), f.Checksum, r.o.Actor, r.o.Release, len(scan(f.Up)), found.String(), c.Force}
	change := `
DELETE FROM ` + r.ledger() + ` WHERE version = $1`
	if c.Mark == MarkApplied {
		var shape Shape
		if r.o.Shape != nil {
			var err error
			if shape, err = r.shape(ctx); err != nil {
				return err
			}
		}
		change = `, others AS (UPDATE ` + r.ledger() + ` SET description = NULL WHERE $13 <> '' AND version <> $1 AND description IS NOT NULL)
INSERT INTO ` + r.ledger() + ` AS l (version, name, schema_version, kind, checksum, took_ms, actor, release, fingerprint, description, resolved)
VALUES ($1, $2, $10, $11, $4, 0, nullif($5, ''), nullif($6, ''), nullif($12, ''), nullif($13, ''), true)
ON CONFLICT (version) DO UPDATE SET name = $2, schema_version = $10, kind = $11, checksum = $4,
    fingerprint = coalesce(excluded.fingerprint, l.fingerprint), description = coalesce(excluded.description, l.description), resolved = true`
		args = append(args, f.Schema, f.Kind, shape.Fingerprint, shape.Text)
	}
	if _, err := r.conn.Exec(ctx, attempt+change, args...); err != nil {
		return r.explain(err, "record "+f.UpName(), "nothing was recorded; resolve with the role that owns "+LedgerTable)
	}
	return nil
}

// String says what was seen, for the history.
func (e Evidence) String() string {
	var parts []string
	if len(e.There) > 0 {
		parts = append(parts, "there: "+strings.Join(e.There, ", "))
	}
	if len(e.NotThere) > 0 {
		parts = append(parts, "not there: "+strings.Join(e.NotThere, ", "))
	}
	return strings.Join(parts, "; ")
}
