package migrate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// rows reads the ledger, oldest version first, and of the history the last
// attempt at each version where it is not done. Mostly there is none, and one
// round trip is enough to see that.
//
// The queries are short and call no function: a session that has just begun pays
// for each one that it has to look up.
//
// The history is read after the ledger. So an attempt that ends in between may be
// missing while its file still counts as pending, as it did a moment before; but
// none is taken for unfinished whose file the ledger has.
func (s session) rows(ctx context.Context) ([]Record, map[string]Attempt, error) {
	attempts := map[string]Attempt{}
	if s.tables == 0 {
		return nil, attempts, nil
	}
	batch := &pgconn.Batch{}
	// What a time looks like as text depends on settings, so it travels in binary.
	batch.ExecParams(`SELECT applied_at, version, name, schema_version, kind, checksum, role, took_ms, resolved, actor,
    release, fingerprint, stamp FROM `+s.ledger(), nil, nil, nil, []int16{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	if s.tables == len(Tables()) {
		batch.ExecParams(`SELECT 1 FROM `+s.history()+` WHERE outcome <> 'done' LIMIT 1`, nil, nil, nil, nil)
	}
	results := s.conn.PgConn().ExecBatch(ctx, batch)
	applied, err := s.records(results)
	unfinished := err == nil && results.NextResult() && results.ResultReader().NextRow()
	if closing := results.Close(); err == nil {
		err = closing
	}
	if err != nil || !unfinished {
		return applied, attempts, err
	}
	attempts, err = s.attempts(ctx)
	return applied, attempts, err
}

// records reads the first of some results.
func (s session) records(results *pgconn.MultiResultReader) ([]Record, error) {
	if !results.NextResult() {
		return nil, nil // closing says why
	}
	rows := results.ResultReader()
	types := s.conn.TypeMap()
	var applied []Record
	for rows.NextRow() {
		var r Record
		var ms int64
		var actor, release, fingerprint, stamp *string
		into := []any{&r.AppliedAt, &r.Version, &r.Name, &r.Schema, &r.Kind, &r.Checksum, &r.Role, &ms, &r.Resolved, &actor,
			&release, &fingerprint, &stamp}
		for i, f := range rows.FieldDescriptions() {
			if err := types.Scan(f.DataTypeOID, f.Format, rows.Values()[i], into[i]); err != nil {
				return nil, err
			}
		}
		r.Took = time.Duration(ms) * time.Millisecond
		r.Actor, r.Release, r.Fingerprint, r.stamp = orEmpty(actor), orEmpty(release), orEmpty(fingerprint), orEmpty(stamp)
		applied = append(applied, r)
	}
	_, err := rows.Close()
	slices.SortFunc(applied, func(a, b Record) int { return strings.Compare(a.Version, b.Version) })
	return applied, err
}

// orEmpty is the text, or "" for NULL.
func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// attempts reads the last attempt at each version, where it is not done.
func (s session) attempts(ctx context.Context) (map[string]Attempt, error) {
	rows, err := s.conn.Query(ctx, `SELECT to_jsonb(h)::text, EXISTS (SELECT FROM `+s.history()+` n WHERE n.outcome = 'done' AND n.started_at > h.started_at)
FROM `+s.history()+` h
WHERE outcome <> 'done' AND NOT EXISTS (SELECT FROM `+s.history()+` n WHERE n.version = h.version AND n.number > h.number)`, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	attempts, started := map[string]Attempt{}, false
	var text []byte
	var past bool
	_, err = pgx.ForEachRow(rows, []any{&text, &past}, func() error {
		a, err := readAttempt(text)
		a.past = past
		attempts[a.Version] = a
		started = started || a.Outcome == Started
		return err
	})
	if err == nil && started {
		err = s.markRunning(ctx, attempts)
	}
	return attempts, err
}
