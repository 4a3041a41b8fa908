package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// keyRange is a batch: the first and the last key, as text.
type keyRange struct {
	first, last string
	rows        int64
}

// batches runs a backfill, one range of keys after the other. A range and the
// note of it are one transaction, so a range is done exactly once.
func (r *runner) batches(ctx context.Context, s Step) (Record, error) {
	start, before := time.Now(), s.RowsDone
	var keyType string
	err := r.patiently(ctx, s, r.o.LockTries, func() error {
		return r.transact(ctx, s, func() (err error) {
			keyType, err = r.checkBatch(ctx, &s)
			return err
		})
	})
	if err != nil {
		return Record{}, err
	}
	for {
		began := time.Now()
		var k keyRange
		err := r.patiently(ctx, s, r.o.LockTries, func() error {
			return r.transact(ctx, s, func() (err error) {
				k, err = r.batch(ctx, s, keyType)
				return err
			})
		})
		if err != nil {
			return Record{}, err
		}
		if k.rows == 0 {
			break
		}
		s.key, s.RowsDone = k.last, s.RowsDone+k.rows
		e := Event{Kind: Batched, Rows: s.RowsDone, RowsTotal: max(s.rowsTotal, s.RowsDone)}
		e.Left = time.Duration(float64(time.Since(start)) * float64(e.RowsTotal-e.Rows) / float64(e.Rows-before))
		r.event(s, e)
		if err := r.rest(ctx, s, time.Since(began)); err != nil {
			return Record{}, err
		}
	}
	var rec Record
	err = r.patiently(ctx, s, r.o.LockTries, func() error {
		return r.transact(ctx, s, func() (err error) {
			rec, err = r.settle(ctx, s, time.Since(start))
			return err
		})
	})
	return rec, err
}

// longestRest bounds the rest between two batches that fits their length.
const longestRest = time.Second

// rest leaves the server to others for a while.
func (r *runner) rest(ctx context.Context, s Step, took time.Duration) error {
	pause := r.o.Pause
	if pause == 0 {
		pause = min(took, longestRest)
	}
	if pause <= 0 {
		return nil
	}
	if err := sleep(ctx, pause); err != nil {
		return r.broken(ctx, s, err)
	}
	return nil
}

// batch finds the next range, runs the statement for it, and notes it. The
// connection is in a transaction. At the end of the table it does nothing.
func (r *runner) batch(ctx context.Context, s Step, keyType string) (keyRange, error) {
	b, st := s.File.Batch, s.Statements[0]
	where, args := "", []any{pgx.QueryExecModeExec}
	if s.RowsDone > 0 { // a key may be the empty text
		where, args = fmt.Sprintf("WHERE %s > $1::text::%s ", b.Column, keyType), append(args, s.key)
	}
	var k keyRange
	err := r.conn.QueryRow(ctx, fmt.Sprintf(`WITH batch AS MATERIALIZED (SELECT %[1]s AS k FROM %[2]s %[3]sORDER BY %[1]s LIMIT %[4]d)
SELECT coalesce((SELECT k FROM batch ORDER BY k LIMIT 1)::text, ''), coalesce((SELECT k FROM batch ORDER BY k DESC LIMIT 1)::text, ''),
    (SELECT count(*) FROM batch)`, b.Column, b.Table, where, b.Size), args...).Scan(&k.first, &k.last, &k.rows)
	if err != nil {
		return k, r.broken(ctx, s, fmt.Errorf("find the next batch of %s: %w", b.Table, err))
	}
	if k.rows == 0 {
		return k, nil
	}
	if err := r.sendBatch(ctx, s, st, k); err != nil {
		return k, err
	}
	_, err = r.conn.Exec(ctx, `UPDATE `+r.history()+` SET batch_key = $3, rows_done = $4, rows_total = $5, done_checksum = $6
WHERE version = $1 AND number = $2`, pgx.QueryExecModeExec,
		s.File.Version, r.attempt, k.last, s.RowsDone+k.rows, s.rowsTotal, s.doneChecksum(0))
	return k, r.unsettled(s, err)
}

// sendBatch runs the file's statement for a range. The keys travel as text, and
// the server reads them as the type that the statement compares them with.
func (r *runner) sendBatch(ctx context.Context, s Step, st Statement, k keyRange) error {
	result := r.conn.PgConn().ExecParams(ctx, st.SQL, [][]byte{[]byte(k.first), []byte(k.last)}, nil, nil, nil).Read()
	var pg *pgconn.PgError
	switch {
	case result.Err == nil:
		return nil
	case errors.As(result.Err, &pg):
		return statementError(s, st, pg)
	}
	return r.broken(ctx, s, result.Err)
}

// checkBatch looks whether the table can be gone through by its column, and how
// much there is to do. It returns the column's type.
func (r *runner) checkBatch(ctx context.Context, s *Step) (keyType string, err error) {
	b := s.File.Batch
	fail := func(format string, args ...any) error {
		return &hinted{err: fmt.Errorf("%s: "+format, append([]any{s.FileName()}, args...)...),
			hint: "nothing of this file was kept; name a table and a NOT NULL column that leads an index in \"-- batch: TABLE by COLUMN SIZE\", then deploy again"}
	}
	var notNull, indexed bool
	var rows int64
	err = r.conn.QueryRow(ctx, `SELECT format_type(a.atttypid, a.atttypmod), a.attnotnull, greatest(t.reltuples, -1)::bigint,
    EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = c.relam
        WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree')
FROM pg_catalog.pg_class t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid
WHERE t.oid = to_regclass($1) AND a.attname = (parse_ident($2))[1]::name AND a.attnum > 0`,
		pgx.QueryExecModeExec, b.Table, b.Column).Scan(&keyType, &notNull, &rows, &indexed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", fail("there is no column %s in a table %s", b.Column, b.Table)
	case err != nil:
		return "", r.broken(ctx, *s, fmt.Errorf("look at the table %s: %w", b.Table, err))
	case !notNull:
		return "", fail("%s.%s may be NULL, and rows without a key would be left out", b.Table, b.Column)
	case !indexed:
		return "", fail("%s.%s leads no index, and each batch would read the whole table", b.Table, b.Column)
	}
	if s.rowsTotal == 0 {
		s.rowsTotal = rows
	}
	if s.rowsTotal < 0 { // never analysed
		if err := r.conn.QueryRow(ctx, `SELECT count(*) FROM `+b.Table, pgx.QueryExecModeExec).Scan(&s.rowsTotal); err != nil {
			return "", r.broken(ctx, *s, fmt.Errorf("count the rows of %s: %w", b.Table, err))
		}
	}
	return keyType, nil
}
