package migrate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// settle writes down that a step is done, in the transaction that makes it so,
// and commits that: the ledger gains or loses a row, and the attempt ends.
func (r *runner) settle(ctx context.Context, s Step, took time.Duration) (Record, error) {
	if r.o.BeforeCommit != nil {
		if err := r.o.BeforeCommit(ctx, r.conn, s.File); err != nil {
			return Record{}, fmt.Errorf("%s: before its commit: %w", s.FileName(), err)
		}
	}
	rec := Record{Version: s.File.Version, Name: s.File.Name, Schema: s.File.Schema, Kind: s.File.Kind,
		Checksum: s.File.Checksum, Took: took.Truncate(time.Millisecond), Actor: r.o.Actor, Release: r.o.Release}
	p := params{s.File.Version, strconv.Itoa(r.attempt)}
	sql := fmt.Sprintf(`WITH attempt AS (
    UPDATE %s SET outcome = %s, finished_at = clock_timestamp() WHERE version = $1 AND number = $2::int)`, r.history(), r.doneIfHeld())
	if s.Back {
		return rec, r.commitWith(ctx, s, sql+`
DELETE FROM `+r.ledger()+` WHERE version = $1`, p)
	}
	sql += fmt.Sprintf(`
INSERT INTO %s (version, name, schema_version, kind, checksum, took_ms, actor, release)
VALUES ($1, $3, $4, $5, $6, $7::bigint, nullif($8, ''), nullif($9, '')) RETURNING applied_at, role`, r.ledger())
	p = append(p, rec.Name, rec.Schema, rec.Kind, rec.Checksum, strconv.FormatInt(took.Milliseconds(), 10), rec.Actor, rec.Release)
	return rec, r.commitWith(ctx, s, sql, p, &rec.AppliedAt, &rec.Role)
}

// params are parameters of a query as text.
type params []string

func (p params) bytes() [][]byte {
	out := make([][]byte, len(p))
	for i := range p {
		out[i] = []byte(p[i])
	}
	return out
}

// commitWith runs the last statement of a transaction together with its COMMIT,
// in one round trip, and scans the row that it returns. Where the statement
// fails the server skips the COMMIT.
func (r *runner) commitWith(ctx context.Context, s Step, sql string, p params, into ...any) error {
	batch := &pgconn.Batch{}
	batch.ExecParams(sql, p.bytes(), nil, nil, []int16{1}) // what a time looks like as text depends on settings
	batch.ExecParams("COMMIT", nil, nil, nil, nil)
	results := r.conn.PgConn().ExecBatch(ctx, batch)
	settled := false
	if results.NextResult() {
		rows := results.ResultReader()
		for rows.NextRow() {
			for i, f := range rows.FieldDescriptions() {
				if err := r.conn.TypeMap().Scan(f.DataTypeOID, f.Format, rows.Values()[i], into[i]); err != nil {
					return errors.Join(err, results.Close())
				}
			}
		}
		_, err := rows.Close()
		settled = err == nil
	}
	err := results.Close()
	switch {
	case err == nil:
		return nil
	case !settled && sqlState(err) == notNullViolation:
		return letGoWithin(s)
	case !settled && sqlState(err) != "":
		return r.unsettled(s, err)
	}
	return commitError(s, err)
}
