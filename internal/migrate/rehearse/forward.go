package rehearse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/diff"
)

// window is when a file ran.
type window struct{ from, to time.Time }

// forward measures the load alone, and then each file beside it.
func (r *run) forward(ctx context.Context) (err error) {
	var quiet window
	if r.o.Load != nil {
		if quiet, err = r.quiet(ctx); err != nil {
			return err
		}
	}
	c, err := r.shape(ctx, r.conn)
	if err != nil {
		return err
	}
	r.shapes = append(r.shapes, c)
	var windows []window
	for i := r.start; i < len(r.o.Files) && !r.failed; i++ {
		w, err := r.deploy(ctx, i)
		if err != nil {
			return err
		}
		windows = append(windows, w)
	}
	if r.crowd == nil {
		return nil
	}
	// Whoever waits behind the last file is let through before the sum is drawn.
	crowd := r.crowd
	r.crowd = nil
	crowd.end()
	r.report.Load.Quiet = crowd.stats(quiet.from, quiet.to, r.o.MaxWait)
	for i, w := range windows {
		s := crowd.stats(w.from, w.to, r.o.MaxWait)
		r.report.Files[i].Load = &s
	}
	return ctx.Err()
}

// quiet starts the load and lets it work while nothing else happens.
func (r *run) quiet(ctx context.Context) (w window, err error) {
	l := r.o.Load
	r.tell("measuring %s for %s", l.Name, r.o.Quiet)
	if r.crowd, err = l.begin(ctx, r.url); errors.Is(err, ErrUnfit) {
		r.note("nothing ran beside the files: %v", err)
		return w, nil
	} else if err != nil {
		return w, err
	}
	r.report.Load = &LoadReport{Name: l.Name, Clients: l.clients(), Rate: l.Rate}
	w.from = time.Now()
	select {
	case <-ctx.Done():
		return w, ctx.Err()
	case <-time.After(r.o.Quiet):
	}
	w.to = time.Now()
	return w, nil
}

// deploy runs one file as a deployment would, and watches.
func (r *run) deploy(ctx context.Context, i int) (window, error) {
	f := r.o.Files[i]
	report := newFileReport(f)
	before, err := look(ctx, r.conn)
	if err != nil {
		return window{}, err
	}
	r.tell("deploying %s_%s", f.Version, f.Name)
	watcher := watch(ctx, r.watching, r.conn.PgConn().PID())
	w := window{from: time.Now()}
	_, failure := migrate.Deploy(ctx, r.conn, r.o.Files[:i+1], migrate.Options{Shape: diff.Shape, BeforeCommit: watcher.beforeCommit})
	w.to = time.Now()
	locks, err := watcher.end(before)
	if err == nil {
		err = r.broken(ctx, r.conn, failure)
	}
	if err != nil {
		return w, fmt.Errorf("%s: %w", f.UpName(), err)
	}
	report.Took, report.Locks = Millis(w.to.Sub(w.from)), locks
	if failure != nil {
		report.Error, report.Hint, r.failed = failure.Error(), hintOf(failure), true
		r.report.Files = append(r.report.Files, report)
		return w, nil
	}
	after, err := look(ctx, r.conn)
	if err != nil {
		return w, err
	}
	report.Rewritten = before.rewritten(after)
	c, err := r.shape(ctx, r.conn)
	if err != nil {
		return w, err
	}
	r.shapes = append(r.shapes, c)
	r.report.Files = append(r.report.Files, report)
	return w, nil
}

// grew notes what was written between two snapshots.
func (f *FileReport) grew(before, after snapshot) {
	tables, indexes := before.bytes()
	moreTables, moreIndexes := after.bytes()
	f.WAL, f.Tables, f.Indexes = after.wal-before.wal, moreTables-tables, moreIndexes-indexes
}

// beforeCommit notes which locks the file's transaction holds at its end: one
// that is shorter than the time between two looks is seen here only.
func (w *watcher) beforeCommit(ctx context.Context, conn *pgx.Conn, _ migrate.File) error {
	return w.own(ctx, conn)
}

// broken tells an error of the rehearsal from one of the file.
func (r *run) broken(ctx context.Context, conn *pgx.Conn, failure error) error {
	if failure == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var pg *pgconn.PgError
	if conn.IsClosed() && !errors.As(failure, &pg) {
		return failure
	}
	return nil
}
