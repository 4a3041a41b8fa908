package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// WayBackError says that a down file does not lead to the schema that there was
// before its file. Nothing of it was kept, and its file is still applied.
type WayBackError struct {
	File, Version string
	To            string // the file after which the schema looked like Want
	Want          Shape  // Want.Text is "" where the ledger does not have it, as mostly
	Before, After Shape  // the down file; Before is the zero Shape where it could not be taken
}

// Error says where it does not lead.
func (e *WayBackError) Error() string {
	text := fmt.Sprintf("%s does not lead to the schema before it, as it was after %s", e.File, e.To)
	if e.Before.Fingerprint != "" && e.Before.Fingerprint == e.After.Fingerprint {
		text += ": it leaves the schema as it is"
	}
	return text
}

// Hint says how to go on.
func (e *WayBackError) Hint() string {
	return "nothing of this file was kept, and the migration is still applied; mend the down file, then roll back again; " +
		"or undo it by hand, then: resolve --rolled-back " + e.Version + " --force"
}

// leadsBack insists, inside the transaction of a down file, that the schema is
// what it was before its file, where that is known. On the way back nobody needs
// the locks soon; afterwards the file would be gone from the ledger, and nothing
// would know the way any more.
func (r *runner) leadsBack(ctx context.Context, s Step) error {
	if !s.Back || r.o.Shape == nil || s.lands.Fingerprint == "" {
		return nil
	}
	// What the file has set for its transaction must not change what is seen.
	var sql strings.Builder
	for _, p := range r.pinned(r.o.LockTimeout) {
		sql.WriteString("SET LOCAL " + p[0] + " = " + settingValue(p) + ";\n")
	}
	if _, err := r.query(ctx, sql.String()); err != nil {
		return r.broken(ctx, s, err)
	}
	have, err := r.o.Shape(ctx, r.conn, r.namespace)
	if err != nil {
		return r.broken(ctx, s, fmt.Errorf("look at the schema: %w", err))
	}
	if want := s.lands.Fingerprint; want == have.Fingerprint || !comparable(want, have.Fingerprint) {
		return nil
	}
	// Drift that was accepted after the file had been applied is in no fingerprint
	// from before: what it should be now nobody knows.
	accepted, err := r.acceptedAfter(ctx, s.leaves.AppliedAt)
	if err != nil {
		return r.broken(ctx, s, err)
	}
	if accepted {
		return nil
	}
	return &WayBackError{File: s.FileName(), Version: s.File.Version, To: s.lands.FileName(),
		Want: Shape{Fingerprint: s.lands.Fingerprint}, After: have}
}

// acceptedAfter reports whether drift was accepted since a file was applied.
func (r *runner) acceptedAfter(ctx context.Context, applied time.Time) (accepted bool, err error) {
	err = r.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+r.history()+` WHERE action = $1 AND outcome = 'done' AND started_at > $2)`,
		pgx.QueryExecModeExec, string(Accept), applied).Scan(&accepted)
	if err != nil {
		return false, r.unreadable(err)
	}
	return accepted, nil
}

// blame completes the error of a down file that led elsewhere, after it was
// rolled back. Where the schema had been changed by hand before, that is why: no
// down file could have led back.
func (r *runner) blame(ctx context.Context, newest Record, err error) error {
	var wrong *WayBackError
	if !errors.As(err, &wrong) {
		return err
	}
	if wrong.Before, err = r.unchanged(ctx, newest); err != nil {
		return err
	}
	if wrong.Before.Text == "" { // the stamp was enough to know the fingerprint
		if wrong.Before, err = r.shape(ctx); err != nil {
			return err
		}
	}
	return wrong
}
