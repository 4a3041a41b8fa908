package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Deploy applies what is pending, oldest first, each file as the package comment
// says. Many may deploy at once: one works, the others wait and then find
// nothing to do. Where nothing is pending it costs two round trips and takes no
// lock; Options.Shape adds its own, and Options.Stamp one instead.
//
// Errors: [*RefusedError] and [*StrangersError] before anything is changed, where
// the files do not continue what the database has had; [*LockedError]; [*SQLError] for a
// statement that failed; [*BlockedError] where others held a table for too long;
// [*ContractError]; [*DriftError]. After an error the files in Result.Applied
// stay applied, and of the one that failed what the error's hint says.
//
// conn must be a direct connection outside a transaction, and is usable
// afterwards unless ctx ended. A second connection of the same configuration is
// opened while a statement takes long.
func Deploy(ctx context.Context, conn *pgx.Conn, files []File, o Options) (Result, error) {
	return deploy(ctx, conn, files, o, func(_ State, steps []Step) ([]Step, error) { return steps, nil })
}

// RunBackfill applies one pending file of the kind backfill, named as in [Find]:
// what comes before it must be applied. One that is applied already is left
// alone. Errors are those of [Deploy].
func RunBackfill(ctx context.Context, conn *pgx.Conn, files []File, which string, o Options) (Result, error) {
	f, err := Find(files, which)
	if err != nil {
		return Result{}, err
	}
	if f.Kind != Backfill {
		return Result{}, &hinted{
			err:  fmt.Errorf("%s is of the kind %q, not a backfill", f.UpName(), f.Kind),
			hint: "deploy applies every kind of file",
		}
	}
	return deploy(ctx, conn, files, o, func(st State, steps []Step) ([]Step, error) {
		for i, s := range steps {
			if s.File.Version != f.Version {
				continue
			}
			if i > 0 {
				return nil, &hinted{
					err:  fmt.Errorf("%s comes before %s and is not applied", steps[0].File.UpName(), f.UpName()),
					hint: "nothing was changed; deploy applies all of them in order",
				}
			}
			return steps[:1], nil
		}
		return nil, nil
	})
}

func deploy(ctx context.Context, conn *pgx.Conn, files []File, o Options, pick func(State, []Step) ([]Step, error)) (Result, error) {
	o = o.filled()
	if err := idle(conn); err != nil {
		return Result{}, err
	}
	s, st, err := read(ctx, conn, files)
	if err != nil {
		return Result{}, advised(err, "deploy again")
	}
	res := Result{Namespace: st.Namespace, SchemaVersion: st.SchemaVersion}
	if err := st.Refusal(); err != nil {
		return res, err
	}
	steps, err := pick(st, st.forward())
	if err != nil {
		return res, err
	}
	r := &runner{session: s, o: o}
	if err := r.noStrangers(ctx, st, files); err != nil {
		return res, advised(err, "deploy again")
	}
	if len(steps) == 0 {
		shape, err := r.unchanged(ctx, st.newest())
		res.Fingerprint = shape.Fingerprint
		if err == nil && !s.replica {
			r.freshen(ctx, st.newest(), shape)
		}
		return res, advised(err, "deploy again")
	}
	err = underLock(ctx, s, files, o, func(r *runner, st State) error {
		// Somebody else may have done the work meanwhile.
		res.SchemaVersion = st.SchemaVersion
		if err := st.Refusal(); err != nil {
			return err
		}
		steps, err := pick(st, st.forward())
		if err != nil {
			return err
		}
		return r.deploy(ctx, st, steps, &res)
	})
	return res, advised(err, "deploy again")
}

// deploy runs the steps and gathers what they did.
func (r *runner) deploy(ctx context.Context, st State, steps []Step, res *Result) error {
	newest := st.newest()
	if len(steps) > 0 {
		// Where part of a file may be done, the schema stands between two
		// fingerprints.
		if s := steps[0]; newest.Fingerprint != "" && (!s.tried || !s.Outside && !s.batched()) {
			if _, err := r.unchanged(ctx, newest); err != nil {
				return err
			}
		}
		if r.tables < len(Tables()) {
			if err := r.createTables(ctx); err != nil {
				return err
			}
		}
	}
	for i, s := range steps {
		r.number, r.total = i+1, len(steps)
		if err := r.noOlder(ctx, s.File); err != nil {
			return err
		}
		rec, err := r.run(ctx, s)
		if err != nil {
			return err
		}
		if rec.Schema != "" {
			res.SchemaVersion = rec.Schema
		}
		shape, err := r.remember(ctx, &rec)
		res.Applied, res.Fingerprint = append(res.Applied, rec), shape.Fingerprint
		if err != nil {
			return err
		}
	}
	return nil
}

// underLock runs fn with the lock held, the settings of a migration, and a state
// that nobody else changes.
func underLock(ctx context.Context, s session, files []File, o Options, fn func(*runner, State) error) error {
	if s.replica {
		return errReplica()
	}
	leave, err := s.enter(ctx, o.LockTimeout)
	if err != nil {
		return err
	}
	defer s.after(ctx, leave)
	if err := s.guard(ctx); err != nil {
		return fmt.Errorf("prepare the connection: %w", err)
	}
	pid, err := s.lock(ctx, o.LockWait, func(h Holder) { o.Progress(Event{Kind: Waiting, Holder: h}) })
	if err != nil {
		return err
	}
	defer s.after(ctx, s.unlock)
	if s, err = locate(ctx, s.conn); err != nil {
		return err
	}
	if s.pid != pid {
		return errPooled()
	}
	st, err := s.compare(ctx, files)
	if err != nil {
		return err
	}
	if st.lost() {
		if err := s.closeLost(ctx); err != nil {
			return err
		}
	}
	r := &runner{session: s, o: o, watch: &watcher{config: s.conn.Config(), oid: s.oid}}
	defer r.watch.close()
	return fn(r, st)
}

// after undoes something at the end, when ctx may be over.
func (s session) after(ctx context.Context, undo func(context.Context)) {
	if s.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	undo(ctx)
}

// idle insists on a connection outside a transaction.
func idle(conn *pgx.Conn) error {
	if conn.PgConn().TxStatus() != 'I' {
		return errors.New("the connection for migrations is inside a transaction; hand over one that is not")
	}
	return nil
}

// ContractError says that a file takes away what a live instance still needs.
// Nothing of the file was done; the files before it are applied.
type ContractError struct {
	File      string
	Instances []string // as Options.OlderInstances named them
}

// Error names the instances.
func (e *ContractError) Error() string {
	return fmt.Sprintf("%s takes away what an older release needs, and one is live: %s", e.File, strings.Join(e.Instances, ", "))
}

// Hint says how to go on.
func (e *ContractError) Hint() string {
	return "nothing of this file was done; bring these instances to the new release, then deploy again"
}

// noOlder refuses a contract file while an older release is live.
func (r *runner) noOlder(ctx context.Context, f File) error {
	if f.Kind != Contract || r.o.OlderInstances == nil {
		return nil
	}
	found, err := r.o.OlderInstances(ctx, r.conn, f)
	if err != nil {
		return fmt.Errorf("look for instances of an older release before %s: %w", f.UpName(), err)
	}
	if len(found) > 0 {
		return &ContractError{File: f.UpName(), Instances: found}
	}
	return nil
}
