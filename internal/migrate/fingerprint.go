package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Shape is what a schema looks like.
type Shape struct {
	// Fingerprint is equal for equal schemas. What stands before a colon says how
	// it was taken, such as "15:" on PostgreSQL 15: two that were taken
	// differently are not compared.
	Fingerprint string
	// Text shows what differs where two fingerprints do.
	Text string

	stamp string // of the schema, or of an earlier one, see Options.Stamp
}

// comparable reports whether two fingerprints were taken in the same way.
func comparable(a, b string) bool {
	wayA, _, saidA := strings.Cut(a, ":")
	wayB, _, saidB := strings.Cut(b, ":")
	return a != "" && b != "" && saidA == saidB && (!saidA || wayA == wayB)
}

// everyShape is up to how many files of one run the shape is taken after each.
// Of more, as where 500 files meet an empty database, it is taken after the last:
// else the looking would take longer than the work.
const everyShape = 20

// remember looks at the schema after a file, and notes with its record what it
// looks like. That comes after the file's transaction and not within it: looking
// can take longer than the file, whose locks would be held meanwhile. A migrator
// that is killed in between leaves a record without a fingerprint, which the next
// deployment gives it.
func (r *runner) remember(ctx context.Context, rec *Record) (Shape, error) {
	if r.o.Shape == nil || r.number < r.total && r.total > everyShape {
		return Shape{}, nil
	}
	stamp, err := r.stamp(ctx, "")
	if err != nil {
		return Shape{}, err
	}
	shape, err := r.shape(ctx)
	if err != nil {
		return Shape{}, err
	}
	shape.stamp, rec.Fingerprint = stamp, shape.Fingerprint
	return shape, r.keep(ctx, *rec, shape)
}

// DriftError says that a schema is not what the migrations made.
type DriftError struct {
	After      string // the file after which the schema looked like Want
	Want, Have Shape  // Want.Text is "" where the ledger does not have it
}

// Error says what differs from what.
func (e *DriftError) Error() string {
	return "the schema was changed outside of migrations: it is not what it was after " + e.After
}

// Hint says how to go on.
func (e *DriftError) Hint() string {
	return "take the change back by hand; or write it down as a migration; or say that it is to stay: resolve --accept-drift WHY"
}

// shape looks at the schema as it is, under the settings of a file, so that
// what is seen cannot depend on the role's.
func (r *runner) shape(ctx context.Context) (Shape, error) {
	if _, err := r.conn.PgConn().Exec(ctx, r.begin("READ ONLY", r.o.LockTimeout)).ReadAll(); err != nil {
		r.rollback(ctx)
		return Shape{}, r.explain(err, "look at the schema", onlyReads)
	}
	have, err := r.o.Shape(ctx, r.conn, r.namespace)
	r.rollback(ctx)
	if err != nil {
		return Shape{}, fmt.Errorf("look at the schema: %w", err)
	}
	return have, nil
}

// unchanged insists that the schema is as the newest record left it, where that
// is known, and returns its shape; without its text where the stamp shows it.
//
// The stamp is taken before the shape. A change between the two is seen in the
// shape, and one after it by the next stamp, so a stamp that is kept never hides
// one.
func (r *runner) unchanged(ctx context.Context, newest Record) (Shape, error) {
	if r.o.Shape == nil {
		return Shape{}, nil
	}
	stamp, err := r.stamp(ctx, newest.stamp)
	if err != nil {
		return Shape{}, err
	}
	if stamp != "" && stamp == newest.stamp && newest.Fingerprint != "" {
		return Shape{Fingerprint: newest.Fingerprint, stamp: stamp}, nil
	}
	have, err := r.shape(ctx)
	have.stamp = stamp
	if err != nil || !comparable(newest.Fingerprint, have.Fingerprint) || newest.Fingerprint == have.Fingerprint {
		return have, err
	}
	text, err := r.description(ctx, newest)
	if err != nil {
		return have, err
	}
	return have, &DriftError{After: newest.FileName(), Want: Shape{Fingerprint: newest.Fingerprint, Text: text}, Have: have}
}

// description reads the text of the shape after a record, or "" where the ledger
// does not keep it.
func (s session) description(ctx context.Context, rec Record) (string, error) {
	var text string
	err := s.conn.QueryRow(ctx, `SELECT coalesce(description, '') FROM `+s.ledger()+` WHERE version = $1`,
		pgx.QueryExecModeExec, rec.Version).Scan(&text)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", s.unreadable(err)
	}
	return text, nil
}

// stamp takes a stamp as it was taken earlier, "" where nobody takes any.
func (r *runner) stamp(ctx context.Context, earlier string) (string, error) {
	if r.o.Stamp == nil {
		return "", nil
	}
	stamp, err := r.o.Stamp(ctx, r.conn, earlier)
	if err != nil {
		return "", fmt.Errorf("look at the schema: %w", err)
	}
	return stamp, nil
}

// freshen notes what the ledger does not know yet of a schema that was looked at
// by the way. Whoever only reads has nothing to do either, so an error is none.
func (s session) freshen(ctx context.Context, newest Record, shape Shape) {
	if newest.Fingerprint == "" {
		_ = s.keep(ctx, newest, shape)
		return
	}
	s.keepStamp(ctx, newest, shape)
}

// keepStamp notes the stamp of the newest record's schema. Without it everything
// is right and takes a little longer, so an error is none.
func (s session) keepStamp(ctx context.Context, newest Record, shape Shape) {
	if shape.stamp == "" || shape.stamp == newest.stamp {
		return
	}
	_, _ = s.conn.Exec(ctx, `UPDATE `+s.ledger()+` SET stamp = CASE WHEN version = $1 THEN $2 END
WHERE version = $1 AND fingerprint = $3 OR version <> $1 AND stamp IS NOT NULL`,
		pgx.QueryExecModeExec, newest.Version, shape.stamp, shape.Fingerprint)
}

// keep makes a shape that of the newest record, and the one text that the ledger
// keeps.
func (s session) keep(ctx context.Context, newest Record, shape Shape) error {
	if newest.Version == "" || shape.Fingerprint == "" {
		return nil
	}
	_, err := s.conn.Exec(ctx, `UPDATE `+s.ledger()+` SET
    description = CASE WHEN version = $1 THEN $2 END,
    stamp = CASE WHEN version = $1 THEN nullif($4, '') END,
    fingerprint = CASE WHEN version = $1 THEN $3 ELSE fingerprint END
WHERE version = $1 OR description IS NOT NULL OR stamp IS NOT NULL`,
		pgx.QueryExecModeExec, newest.Version, shape.Text, shape.Fingerprint, shape.stamp)
	if err != nil {
		return s.explain(err, "record the shape of the schema", "migrate with the role that owns "+LedgerTable)
	}
	return nil
}

// Drift reports how the schema differs from what the newest applied file left
// behind: nil where it does not, or where that is not known, as in the middle of
// a file ([State.Between]). It changes nothing.
func Drift(ctx context.Context, conn *pgx.Conn, st State, o Options) (*DriftError, error) {
	o = o.filled()
	if err := idle(conn); err != nil {
		return nil, err
	}
	if len(st.Between()) > 0 {
		return nil, nil
	}
	s := session{conn: conn, namespace: st.Namespace}
	_, err := (&runner{session: s, o: o}).unchanged(ctx, st.newest())
	var drift *DriftError
	if errors.As(err, &drift) {
		return drift, nil
	}
	return nil, advised(err, "ask again")
}

// AcceptDrift makes the schema as it is the one that the newest applied file is
// taken to have left, and records who said so and why. It returns what differed:
// nil where nothing did, and then nothing is recorded.
func AcceptDrift(ctx context.Context, conn *pgx.Conn, files []File, why string, o Options) (*DriftError, error) {
	o = o.filled()
	if err := idle(conn); err != nil {
		return nil, err
	}
	if o.Shape == nil {
		return nil, errors.New("drift can only be accepted with a look at the schema")
	}
	s, _, err := read(ctx, conn, files)
	if err != nil {
		return nil, advised(err, "resolve again")
	}
	var drift *DriftError
	err = underLock(ctx, s, files, o, func(r *runner, st State) error {
		if half := st.Between(); len(half) > 0 {
			return &hinted{
				err:  fmt.Errorf("the schema stands between two files: %s is not at its end, so what others changed cannot be told", half[0].FileName()),
				hint: "nothing was recorded; bring that file to its end, then look again",
			}
		}
		_, err := r.unchanged(ctx, st.newest())
		if !errors.As(err, &drift) {
			return err
		}
		return r.accept(ctx, st.newest(), drift.Have, why)
	})
	if err != nil {
		return nil, advised(err, "resolve again")
	}
	return drift, nil
}

// accept writes down that a shape is the right one, and who says so.
func (r *runner) accept(ctx context.Context, newest Record, shape Shape, why string) error {
	_, err := r.conn.Exec(ctx, `WITH attempt AS (INSERT INTO `+r.history()+` (version, number, name, action, outcome, checksum, finished_at,
    actor, release, statements, detail, forced)
SELECT $1, (SELECT coalesce(max(number), 0) + 1 FROM `+r.history()+` WHERE version = $1), $2, $3, 'done', $4, clock_timestamp(),
    nullif($5, ''), nullif($6, ''), 0, nullif($7, ''), true)
UPDATE `+r.ledger()+` SET
    description = CASE WHEN version = $1 THEN $8 END,
    stamp = CASE WHEN version = $1 THEN nullif($10, '') END,
    fingerprint = CASE WHEN version = $1 THEN $9 ELSE fingerprint END
WHERE version = $1 OR description IS NOT NULL OR stamp IS NOT NULL`, pgx.QueryExecModeExec,
		newest.Version, newest.Name, string(Accept), newest.Checksum, r.o.Actor, r.o.Release, why, shape.Text, shape.Fingerprint, shape.stamp)
	if err != nil {
		return r.explain(err, "record that the drift is accepted", "nothing was recorded; resolve with the role that owns "+LedgerTable)
	}
	return nil
}
