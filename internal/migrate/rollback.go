package migrate

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Rollback runs the down files of what is applied, newest first, each with the
// same care as Deploy: "" rolls back the newest file, a version (as in [Find])
// everything after it, [Everything] all. [PlanRollback] says beforehand what
// would run, and what is lost for good.
//
// It refuses before anything is changed where a down file is missing, where a
// file to roll back was edited after it had been applied, and where a newer
// file is half applied. A down file that runs in a transaction and does not lead
// to the schema before its file, where the ledger knows that one's fingerprint,
// is rolled back: [*WayBackError]. Other errors are those of Deploy. Result.Applied holds
// what was rolled back, in order.
func Rollback(ctx context.Context, conn *pgx.Conn, files []File, to string, o Options) (Result, error) {
	o = o.filled()
	if err := idle(conn); err != nil {
		return Result{}, err
	}
	s, st, err := read(ctx, conn, files)
	if err != nil {
		return Result{}, advised(err, "roll back again")
	}
	res := Result{Namespace: st.Namespace, SchemaVersion: st.SchemaVersion}
	if steps, err := st.backward(files, to); err != nil || len(steps) == 0 {
		return res, err
	}
	// The version must not slide: what is newest may be another file by the time
	// that the lock is held.
	target := st.target(files, to)
	err = underLock(ctx, s, files, o, func(r *runner, st State) error {
		steps, err := st.backward(files, target)
		if err != nil {
			return err
		}
		return r.rollBack(ctx, st, steps, &res)
	})
	return res, advised(err, "roll back again")
}

// target turns "" into the version that stays.
func (s State) target(files []File, to string) string {
	if to != "" {
		return to
	}
	if len(s.Applied) < 2 {
		return Everything
	}
	return s.Applied[len(s.Applied)-2].Version
}

// rollBack runs the steps and gathers what they did.
func (r *runner) rollBack(ctx context.Context, st State, steps []Step, res *Result) error {
	left := st.Applied
	if r.tables < len(Tables()) {
		if err := r.createTables(ctx); err != nil {
			return err
		}
	}
	for i, s := range steps {
		r.number, r.total = i+1, len(steps)
		s.leaves = left[len(left)-1]
		if len(left) > 1 {
			s.lands = left[len(left)-2]
		}
		if _, err := r.run(ctx, s); err != nil {
			if i > 0 {
				// The files before it are rolled back, and their end is a schema
				// that the ledger should know. The file's own error counts.
				_ = r.landed(ctx, left, res)
			}
			return r.blame(ctx, left[len(left)-1], err)
		}
		res.Applied = append(res.Applied, left[len(left)-1])
		left = left[:len(left)-1]
		res.SchemaVersion = schemaOf(left)
	}
	return r.landed(ctx, left, res)
}

// landed looks at the schema after the way back, and notes it with the newest
// record.
func (r *runner) landed(ctx context.Context, left []Record, res *Result) error {
	var newest Record
	if len(left) > 0 {
		newest = left[len(left)-1]
	}
	newest.stamp = "" // the ledger wants the text as well
	if newest.Version != "" && newest.Fingerprint != "" && len(res.Applied) > 0 {
		last := res.Applied[len(res.Applied)-1]
		accepted, err := r.acceptedAfter(ctx, last.AppliedAt)
		if err != nil {
			return err
		}
		if accepted {
			newest.Fingerprint = ""
		}
	}
	shape, err := r.unchanged(ctx, newest)
	res.Fingerprint = shape.Fingerprint
	if err != nil {
		return err
	}
	return r.keep(ctx, newest, shape)
}

// schemaOf returns the schema version after the given records.
func schemaOf(applied []Record) string {
	for i := len(applied) - 1; i >= 0; i-- {
		if applied[i].Schema != "" {
			return applied[i].Schema
		}
	}
	return ""
}
