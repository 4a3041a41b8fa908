package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Adoption is what a database needs that others made, so that it goes on with
// these files.
type Adoption struct {
	// Files is how many files, oldest first, the database is taken to have had.
	Files int
	// Statements bring its schema to what those files make, each without a
	// semicolon at its end. They run in one transaction.
	Statements []string
	From       string // who made it, for the history, such as "Prisma"
	// Before and After look at the schema, inside that transaction: before the
	// statements, and after them. They must not change anything. Where one
	// returns an error, nothing is changed. Nil: nobody looks.
	Before, After func(ctx context.Context, conn *pgx.Conn, namespace string) error
}

// Adopt brings a database that others made to what some of the files make, and
// writes those files into the ledger as applied, marked as Resolved. It is one
// transaction under the lock of migrations: killed at any point, all of it is
// there or nothing. What comes after those files is pending then, and Deploy's.
//
// It returns the records that it wrote: none where the ledger has these files
// already, because somebody else adopted the database meanwhile.
//
// Errors: [*LockedError]; [*SQLError] for a statement that failed;
// [*BlockedError]; [*RefusedError] where the ledger holds other files; and those
// of Before and After.
func Adopt(ctx context.Context, conn *pgx.Conn, files []File, a Adoption, o Options) ([]Record, error) {
	o = o.filled()
	if err := idle(conn); err != nil {
		return nil, err
	}
	if a.Files < 1 || a.Files > len(files) {
		return nil, fmt.Errorf("adopt: %d of %d files", a.Files, len(files))
	}
	s, _, err := read(ctx, conn, files)
	if err != nil {
		return nil, advised(err, "adopt again")
	}
	var records []Record
	err = underLock(ctx, s, files, o, func(r *runner, st State) error {
		done, err := st.adopted(files[:a.Files])
		if done || err != nil {
			return err
		}
		records, err = r.adopt(ctx, files[:a.Files], a)
		return err
	})
	return records, advised(err, "adopt again")
}

// adopted reports whether the ledger holds the files. Where it holds something
// else there is nothing to adopt.
func (s State) adopted(files []File) (bool, error) {
	if len(s.Applied) == 0 {
		for _, a := range s.last {
			if a.half() {
				return false, &hinted{
					err:  fmt.Errorf("%s is half done by an earlier attempt: %s", a.FileName(), a.progress()),
					hint: "nothing was changed; this database has had migrations of these files: deploy goes on with it",
				}
			}
		}
		return false, nil
	}
	if err := s.Refusal(); err != nil {
		return false, err
	}
	for _, f := range files {
		for _, p := range s.Pending {
			if p.Version == f.Version {
				return false, &hinted{
					err:  fmt.Errorf("the ledger holds migrations already, and %s is not among them", f.UpName()),
					hint: "nothing was changed; deploy applies what is pending",
				}
			}
		}
	}
	return true, nil
}

// adopt does the work, again where others stood in the way.
func (r *runner) adopt(ctx context.Context, files []File, a Adoption) (records []Record, err error) {
	s := newStep(File{Name: "adoption", Up: strings.Join(a.Statements, ";\n")}, false)
	s.adopts = true
	r.number, r.total = 1, 1
	look := func(at func(context.Context, *pgx.Conn, string) error) error {
		if at == nil {
			return nil
		}
		return at(ctx, r.conn, r.namespace)
	}
	err = r.patiently(ctx, s, r.o.LockTries, func() error {
		return r.transact(ctx, s, func() error {
			if err := look(a.Before); err != nil {
				return err
			}
			if _, err := r.conn.PgConn().Exec(ctx, r.tablesSQL()).ReadAll(); err != nil {
				return r.notMade(err)
			}
			if err := r.send(ctx, s); err != nil {
				return err
			}
			if status := r.conn.PgConn().TxStatus(); status != 'T' {
				return errors.New("a statement of the adoption ended its transaction; what it did may stay, and the ledger does not have it")
			}
			if err := look(a.After); err != nil {
				return err
			}
			records, err = r.inscribe(ctx, files, a)
			return r.unsettled(s, err)
		})
	})
	if err != nil {
		r.rollback(ctx)
		return nil, err
	}
	return records, nil
}

// inscribeSQL writes records and the history at once.
const inscribeSQL = `WITH f AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[]) WITH ORDINALITY
        f (version, name, schema_version, kind, checksum, statements, nth)),
attempt AS (
    INSERT INTO %[2]s AS h (version, number, name, action, outcome, checksum, finished_at, actor, release, statements, detail)
    SELECT version, (SELECT coalesce(max(number), 0) + 1 FROM %[2]s o WHERE o.version = f.version), name, $11, 'done', checksum,
        clock_timestamp(), nullif($7, ''), nullif($8, ''), statements, 'adopted from ' || $12::text FROM f)
INSERT INTO %[1]s (version, name, schema_version, kind, checksum, took_ms, actor, release, fingerprint, description, resolved)
SELECT version, name, schema_version, kind, checksum, 0, nullif($7, ''), nullif($8, ''),
    CASE nth WHEN cardinality($1) THEN nullif($9, '') END, CASE nth WHEN cardinality($1) THEN nullif($10, '') END, true FROM f
RETURNING version, applied_at, role, coalesce(fingerprint, '')`

// inscribe writes the files into the ledger. Only the newest gets a fingerprint:
// what the schema was after the others nobody has seen.
func (r *runner) inscribe(ctx context.Context, files []File, a Adoption) ([]Record, error) {
	var shape Shape
	if r.o.Shape != nil {
		var err error
		if shape, err = r.o.Shape(ctx, r.conn, r.namespace); err != nil {
			return nil, fmt.Errorf("look at the schema: %w", err)
		}
	}
	var versions, names, schemas, kinds, checksums []string
	var statements []int
	byVersion := map[string]Record{}
	for _, f := range files {
		versions, names, schemas = append(versions, f.Version), append(names, f.Name), append(schemas, f.Schema)
		kinds, checksums = append(kinds, f.Kind), append(checksums, f.Checksum)
		statements = append(statements, len(scan(f.Up)))
		byVersion[f.Version] = Record{Version: f.Version, Name: f.Name, Schema: f.Schema, Kind: f.Kind, Checksum: f.Checksum,
			Actor: r.o.Actor, Release: r.o.Release, Resolved: true}
	}
	rows, err := r.conn.Query(ctx, fmt.Sprintf(inscribeSQL, r.ledger(), r.history()), pgx.QueryExecModeExec,
		versions, names, schemas, kinds, checksums, statements, r.o.Actor, r.o.Release, shape.Fingerprint, shape.Text, string(MarkApplied), a.From)
	if err != nil {
		return nil, err
	}
	got := map[string]Record{}
	var rec Record
	if _, err := pgx.ForEachRow(rows, []any{&rec.Version, &rec.AppliedAt, &rec.Role, &rec.Fingerprint}, func() error {
		full := byVersion[rec.Version]
		full.AppliedAt, full.Role, full.Fingerprint = rec.AppliedAt, rec.Role, rec.Fingerprint
		got[rec.Version] = full
		return nil
	}); err != nil {
		return nil, err
	}
	if len(got) != len(files) {
		return nil, errors.New("the ledger did not take every file")
	}
	records := make([]Record, len(files))
	for i, f := range files {
		records[i] = got[f.Version]
	}
	return records, nil
}
