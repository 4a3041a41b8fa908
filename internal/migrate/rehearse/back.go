package rehearse

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

// backOver goes the way back where the load has written on the new schema: from
// the newest file to the oldest, until one of them has no way back.
func (r *run) backOver(ctx context.Context) error {
	for i := len(r.report.Files) - 1; i >= 0; i-- {
		report := &r.report.Files[i]
		if r.o.Files[r.start+i].NoDown {
			report.Back.Result = NoWayBack
			r.note("%s has no down file: once it is deployed, nothing up to it can be rolled back", report.FileName())
			return nil
		}
		r.tell("taking back %s", report.FileName())
		began := time.Now()
		failed, err := r.rollBack(ctx, r.conn, i, &report.Back)
		if err != nil {
			return err
		}
		report.Back.Took = Millis(time.Since(began))
		if failed || len(report.Back.Schema) > 0 {
			return nil
		}
	}
	return nil
}

// alone goes through the files on the copy, where nobody else writes: measures
// what each writes by itself, takes it back, compares every value with what was
// before, and runs it again.
func (r *run) alone(ctx context.Context) error {
	conn, err := r.connect(ctx, r.copy)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for i := range r.report.Files {
		report := &r.report.Files[i]
		r.tell("once more alone, and back: %s", report.FileName())
		on, err := r.aloneFile(ctx, conn, i, report)
		if err != nil {
			return err
		}
		if on || report.Back.Error != "" || len(report.Back.Again) > 0 {
			report.Back.conclude(r.o.Files[r.start+i].NoDown)
		}
		if !on {
			if i < len(r.report.Files)-1 {
				r.note("the files after %s were not run alone, so their ways back were not compared", report.FileName())
			}
			return nil
		}
	}
	return nil
}

// conclude says how the way back ended.
func (b *Back) conclude(noDown bool) {
	switch {
	case noDown:
		b.Result = NoWayBack
	case b.Error != "" || len(b.Schema)+len(b.Again) > 0 || len(b.Contents) > 0 && b.Lost == "":
		b.Result = LeadsAway
	case len(b.Contents) > 0:
		b.Result = LosesNamed
	default:
		b.Result = LeadsBack
	}
}

// aloneFile does so for one file. on: the next one can be tried.
func (r *run) aloneFile(ctx context.Context, conn *pgx.Conn, i int, report *FileReport) (on bool, err error) {
	b := &report.Back
	noDown := r.o.Files[r.start+i].NoDown
	var was contents
	if !noDown {
		if was, err = digests(ctx, conn); err != nil {
			return false, err
		}
	}
	if failed, err := r.aloneForward(ctx, conn, i, report); err != nil || failed || noDown {
		return !failed, err
	}
	if failed, err := r.rollBack(ctx, conn, i, b); err != nil || failed {
		// Of a file in a transaction nothing was taken back, so the next can go on.
		return !r.o.Files[r.start+i].DownOutside, err
	}
	is, err := digests(ctx, conn)
	if err != nil {
		return false, err
	}
	b.Contents = was.differ(is)
	_, failure := migrate.Deploy(ctx, conn, r.o.Files[:r.start+i+1], migrate.Options{Pause: -1})
	if err := r.broken(ctx, conn, failure); err != nil {
		return false, err
	}
	if failure != nil {
		b.fail("forward again: ", failure)
		return false, nil
	}
	b.Again, err = r.differences(ctx, conn, r.shapes[i+1], b.Again)
	return len(b.Again) == 0, err
}

// aloneForward runs a file and measures what it writes by itself.
func (r *run) aloneForward(ctx context.Context, conn *pgx.Conn, i int, report *FileReport) (failed bool, err error) {
	// After a checkpoint each page is logged in full when it is first changed, as
	// most are in production.
	if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
		return false, err
	}
	before, err := look(ctx, conn)
	if err != nil {
		return false, err
	}
	began := time.Now()
	_, failure := migrate.Deploy(ctx, conn, r.o.Files[:r.start+i+1], migrate.Options{Pause: -1})
	report.Alone = Millis(time.Since(began))
	if err := r.broken(ctx, conn, failure); err != nil {
		return false, err
	}
	if failure != nil && report.Back.Took > 0 {
		report.Back.fail("forward again: ", failure)
		return true, nil
	}
	if failure != nil {
		// It ran before, and was not taken back. What two databases of a server
		// share, such as a role, it has made already.
		r.note("%s could not be run a second time, so its WAL and its way back are not known: %v", report.FileName(), failure)
		return true, nil
	}
	after, err := look(ctx, conn)
	if err != nil {
		return false, err
	}
	report.grew(before, after)
	return false, nil
}

// rollBack takes a file back and compares the schema with what it was.
func (r *run) rollBack(ctx context.Context, conn *pgx.Conn, i int, b *Back) (failed bool, err error) {
	to := migrate.Everything
	if r.start+i > 0 {
		to = r.o.Files[r.start+i-1].Version
	}
	_, failure := migrate.Rollback(ctx, conn, r.o.Files[:r.start+i+1], to, migrate.Options{Pause: -1})
	if err := r.broken(ctx, conn, failure); err != nil {
		return false, err
	}
	if failure != nil {
		b.fail("", failure)
		return true, nil
	}
	b.Schema, err = r.differences(ctx, conn, r.shapes[i], b.Schema)
	return false, err
}

// fail keeps the first error.
func (b *Back) fail(doing string, err error) {
	if b.Error == "" {
		b.Error, b.Hint = doing+err.Error(), hintOf(err)
	}
}

// differences adds to found how the schema differs from what it should be.
func (r *run) differences(ctx context.Context, conn *pgx.Conn, want catalog.Catalog, found []string) ([]string, error) {
	have, err := r.shape(ctx, conn)
	if err != nil {
		return found, err
	}
	for _, d := range catalog.Compare(want, have) {
		if line := d.String(); !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found, nil
}
