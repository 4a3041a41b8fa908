package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// LedgerTable is where a database keeps what it has had. It is made in the
// schema that is first in the connection's search_path, by the first Deploy.
const LedgerTable = "af_auth_migrations"

// Record is one row of the ledger: a file that was applied.
type Record struct {
	Version   string // YYYYMMDDhhmmss
	Name      string
	Schema    string // the semantic version that it led to
	Kind      string
	Checksum  string        // of the up file as it was applied
	AppliedAt time.Time     // by the database's clock
	Took      time.Duration // of the SQL, exact to a millisecond
	Actor     string        // who said they did it; may be empty
	Role      string        // the database role that did it
}

// FileName returns the name that the file had.
func (r Record) FileName() string { return r.Version + "_" + r.Name + ".up.sql" }

// session is one connection at work, and the schema it works in.
type session struct {
	conn      *pgx.Conn
	namespace string
	oid       uint32 // of the namespace
}

// ledger returns the quoted name of the ledger. It is always written with its
// schema, so that neither another schema of the search_path nor a temporary
// table can stand in for it.
func (s session) ledger() string {
	return pgx.Identifier{s.namespace, LedgerTable}.Sanitize()
}

// createLedger makes the table. It runs under the lock: CREATE TABLE IF NOT
// EXISTS alone lets two sessions race into a unique violation (23505) in
// PostgreSQL's own catalogue.
func (s session) createLedger(ctx context.Context) error {
	sql := fmt.Sprintf(`BEGIN READ WRITE;
CREATE TABLE IF NOT EXISTS %[1]s (
    version        text           NOT NULL,
    name           text           NOT NULL,
    schema_version text           NOT NULL,
    kind           text           NOT NULL,
    checksum       text           NOT NULL,
    applied_at     timestamptz(6) NOT NULL DEFAULT now(),
    took_ms        bigint         NOT NULL,
    actor          text,
    role           text           NOT NULL DEFAULT session_user,
    CONSTRAINT af_auth_migrations_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE %[1]s IS 'Migrations that this schema has had.';
COMMIT`, s.ledger())
	if _, err := s.conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		s.rollback(ctx)
		return s.explain(err, "make the table "+LedgerTable,
			"migrations need a role that owns the tables: it must have CREATE on this schema")
	}
	return nil
}

// records reads the ledger, oldest version first.
func (s session) records(ctx context.Context) ([]Record, error) {
	rows, err := s.conn.Query(ctx, `SELECT version, name, schema_version, kind, checksum, applied_at,
    took_ms, coalesce(actor, ''), role FROM `+s.ledger()+` ORDER BY version`, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Record, error) {
		var r Record
		var ms int64
		err := row.Scan(&r.Version, &r.Name, &r.Schema, &r.Kind, &r.Checksum, &r.AppliedAt, &ms, &r.Actor, &r.Role)
		r.Took = time.Duration(ms) * time.Millisecond
		return r, err
	})
}

// record writes a row and returns what the database added to it.
func (s session) record(ctx context.Context, f File, took time.Duration, actor string) (Record, error) {
	r := Record{Version: f.Version, Name: f.Name, Schema: f.Schema, Kind: f.Kind, Checksum: f.Checksum,
		Took: took.Truncate(time.Millisecond), Actor: actor}
	err := s.conn.QueryRow(ctx, `INSERT INTO `+s.ledger()+`
    (version, name, schema_version, kind, checksum, took_ms, actor)
    VALUES ($1, $2, $3, $4, $5, $6, nullif($7, '')) RETURNING applied_at, role`,
		pgx.QueryExecModeExec, f.Version, f.Name, f.Schema, f.Kind, f.Checksum, took.Milliseconds(), actor).
		Scan(&r.AppliedAt, &r.Role)
	return r, err
}
