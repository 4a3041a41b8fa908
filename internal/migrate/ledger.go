package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// The tables of this package. They are made in the schema that is first in the
// connection's search_path, by the first Deploy.
const (
	LedgerTable  = "af_auth_migrations"         // what is applied: a row a file
	HistoryTable = "af_auth_migrations_history" // what was tried: a row an attempt
)

// Tables returns the names of this package's tables, for whoever looks at a
// schema without them.
func Tables() []string { return []string{LedgerTable, HistoryTable} }

// Record is one row of the ledger: a file that is applied.
type Record struct {
	Version   string // YYYYMMDDhhmmss
	Name      string
	Schema    string // the semantic version that it led to; "" where the file does not say
	Kind      string
	Checksum  string        // of the up file as it was applied
	AppliedAt time.Time     // by the database's clock
	Took      time.Duration // of the SQL, exact to a millisecond
	Actor     string        // who said they did it; may be empty
	Role      string        // the database role that did it
	Release   string        // the release that did it; may be empty
	// Fingerprint is that of the schema just after the file; "" where it was not
	// taken.
	Fingerprint string
	Resolved    bool // marked as applied by somebody, not run

	stamp string // see Options.Stamp; "" where there is none
}

// FileName returns the name that the file had.
func (r Record) FileName() string { return r.Version + "_" + r.Name + ".up.sql" }

// session is one connection at work, and the schema it works in.
type session struct {
	conn      *pgx.Conn
	namespace string
	oid       uint32 // of the namespace
	replica   bool   // the server is a standby
	tables    int    // how many of Tables are there
	pid       int    // the server's process; a pooler may change it
}

// ledger returns the quoted name of the ledger. It is always written with its
// schema, so that neither another schema of the search_path nor a temporary
// table can stand in for it.
func (s session) ledger() string { return s.table(LedgerTable) }

// history is ledger for the other table.
func (s session) history() string { return s.table(HistoryTable) }

func (s session) table(name string) string { return pgx.Identifier{s.namespace, name}.Sanitize() }

// createTables makes what is not there yet.
func (s session) createTables(ctx context.Context) error {
	if _, err := s.conn.PgConn().Exec(ctx, "BEGIN READ WRITE;\n"+s.tablesSQL()+";\nCOMMIT").ReadAll(); err != nil {
		s.rollback(ctx)
		return s.notMade(err)
	}
	return nil
}

// notMade explains why the tables could not be made.
func (s session) notMade(err error) error {
	return s.explain(err, "make the table "+LedgerTable,
		"migrations need a role that owns the tables: it must have CREATE on this schema")
}

// tablesSQL makes what is not there yet. It runs under the lock: CREATE TABLE IF
// NOT EXISTS alone lets two sessions race into a unique violation (23505) in
// PostgreSQL's own catalogue.
//
// Attempts are numbered by hand, not by a sequence: a sequence would be one more
// thing in the schema, and the lock makes the number safe.
func (s session) tablesSQL() string {
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %[1]s (
    version        text           NOT NULL,
    name           text           NOT NULL,
    schema_version text           NOT NULL,
    kind           text           NOT NULL,
    checksum       text           NOT NULL,
    applied_at     timestamptz(6) NOT NULL DEFAULT now(),
    took_ms        bigint         NOT NULL,
    actor          text,
    role           text           NOT NULL DEFAULT session_user,
    release        text,
    fingerprint    text,
    description    text,
    stamp          text,
    resolved       boolean        NOT NULL DEFAULT false,
    CONSTRAINT af_auth_migrations_pkey PRIMARY KEY (version)
);
CREATE TABLE IF NOT EXISTS %[2]s (
    version          text           NOT NULL,
    number           integer        NOT NULL,
    name             text           NOT NULL,
    action           text           NOT NULL,
    outcome          text           NOT NULL,
    checksum         text           NOT NULL,
    started_at       timestamptz(6) NOT NULL DEFAULT clock_timestamp(),
    finished_at      timestamptz(6),
    pid              integer        NOT NULL DEFAULT pg_backend_pid(),
    actor            text,
    role             text           NOT NULL DEFAULT session_user,
    release          text,
    address          text           DEFAULT host(inet_client_addr()),
    statements       integer        NOT NULL,
    statements_done  integer        NOT NULL DEFAULT 0,
    done_checksum    text           NOT NULL DEFAULT '',
    batch_key        text,
    rows_done        bigint         NOT NULL DEFAULT 0,
    rows_total       bigint         NOT NULL DEFAULT 0,
    failed_statement integer,
    line             integer,
    statement        text,
    sqlstate         text,
    message          text,
    detail           text,
    hint             text,
    next_command     text,
    forced           boolean        NOT NULL DEFAULT false,
    CONSTRAINT af_auth_migrations_history_pkey PRIMARY KEY (version, number)
);
`+described, s.ledger(), s.history())
}
