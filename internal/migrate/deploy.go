package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Options of Deploy; the zero value is good.
type Options struct {
	// Progress is called for each Event as it happens, by the goroutine that
	// called Deploy; nil: not at all.
	Progress func(Event)
	// LockWait is how long to wait for another migrator; 0 means
	// DefaultLockWait, less than 0 means one try.
	LockWait time.Duration
	// Actor is who does it, for the ledger, such as "cli:ada".
	Actor string
}

// EventKind says what an Event tells.
type EventKind string

const (
	Waiting  EventKind = "waiting"  // another migrator holds the lock: Holder
	Applying EventKind = "applying" // File begins
	Applied  EventKind = "applied"  // File is committed: Took
)

// Event is one step of a deployment.
type Event struct {
	Kind   EventKind
	Holder Holder        // for Waiting
	File   File          // for Applying and Applied
	Number int           // for Applying and Applied: which of Total, from 1
	Total  int           // files to apply in this deployment
	Took   time.Duration // for Applied: of the file's SQL
}

// Result is what a deployment did.
type Result struct {
	Namespace     string   // the PostgreSQL schema, such as "public"
	Applied       []Record // by this call, in order
	SchemaVersion string   // the semantic version that the database is at now
}

// How long a statement of a file may wait for a lock on a table. Whatever comes
// after a waiting ALTER TABLE waits behind it, sign-ins too: better to give up
// and try again.
const tableLockTimeout = 5 * time.Second

// Deploy applies what is pending, oldest first, each file in a transaction of
// its own together with its ledger row. Many may deploy at once: one works, the
// others wait and then find nothing to do. Where nothing is pending it costs
// two round trips and takes no lock.
//
// Errors: [*RefusedError] before anything is changed, where the files do not
// continue what the database has had; [*LockedError]; [*SQLError] for a
// statement that failed. After an error the files in Result.Applied stay
// applied, and of the one that failed nothing does.
//
// conn must be a direct connection outside a transaction, and is usable
// afterwards unless ctx ended. A file may change its settings.
func Deploy(ctx context.Context, conn *pgx.Conn, files []File, o Options) (Result, error) {
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
	if conn.PgConn().TxStatus() != 'I' {
		return Result{}, errors.New("deploy: the connection is inside a transaction; hand over one that is not")
	}
	s, st, err := read(ctx, conn, files)
	if err != nil {
		return Result{}, err
	}
	res := Result{Namespace: st.Namespace, SchemaVersion: st.SchemaVersion}
	if err := st.Refusal(); err != nil || len(st.Pending) == 0 {
		return res, err
	}
	if err := s.guard(ctx); err != nil {
		return res, fmt.Errorf("prepare the connection: %w", err)
	}
	if err := s.lock(ctx, o.LockWait, func(h Holder) { o.Progress(Event{Kind: Waiting, Holder: h}) }); err != nil {
		return res, err
	}
	defer s.unlock(ctx)
	return s.deploy(ctx, files, o)
}

// deploy is Deploy under the lock. It reads again: somebody else may have done
// the work meanwhile.
func (s session) deploy(ctx context.Context, files []File, o Options) (Result, error) {
	s, st, err := read(ctx, s.conn, files)
	if err != nil {
		return Result{Namespace: s.namespace}, err
	}
	res := Result{Namespace: st.Namespace, SchemaVersion: st.SchemaVersion}
	if err := st.Refusal(); err != nil || len(st.Pending) == 0 {
		return res, err
	}
	if len(st.Applied) == 0 {
		if err := s.createLedger(ctx); err != nil {
			return res, err
		}
	}
	for i, f := range st.Pending {
		o.Progress(Event{Kind: Applying, File: f, Number: i + 1, Total: len(st.Pending)})
		r, err := s.apply(ctx, f, o.Actor)
		if err != nil {
			s.rollback(ctx)
			return res, err
		}
		res.Applied = append(res.Applied, r)
		res.SchemaVersion = r.Schema
		o.Progress(Event{Kind: Applied, File: f, Number: i + 1, Total: len(st.Pending), Took: r.Took})
	}
	return res, nil
}

// apply runs one file and writes its ledger row, in one transaction.
func (s session) apply(ctx context.Context, f File, actor string) (Record, error) {
	if _, err := s.conn.PgConn().Exec(ctx, s.begin()).ReadAll(); err != nil {
		return Record{}, s.explain(err, "begin "+f.UpName(), "")
	}
	start := time.Now()
	if err := s.send(ctx, f); err != nil {
		return Record{}, err
	}
	// Load refuses COMMIT in a file, and the server refuses it in a function:
	// this says that no third way was found.
	if status := s.conn.PgConn().TxStatus(); status != 'T' {
		return Record{}, fmt.Errorf("%s ended its own transaction; what it did may stay, and the ledger does not have it", f.UpName())
	}
	r, err := s.record(ctx, f, time.Since(start), actor)
	if err != nil {
		return Record{}, s.explain(err, "record "+f.UpName(),
			"nothing of this file was kept; deploy with the role that owns "+LedgerTable)
	}
	if _, err := s.conn.PgConn().Exec(ctx, "COMMIT").ReadAll(); err != nil {
		return Record{}, commitError(f, err)
	}
	return r, nil
}

// begin returns what comes before each file.
//
// The search_path is the schema and pg_temp, and nothing else: functions made
// with SET search_path FROM CURRENT capture exactly this, whatever the role's
// own setting or an earlier file's. pg_temp is named so that it comes last;
// unnamed it would come first, and a temporary table could stand in for ours.
//
// There is no time limit on a statement: an index on a large table takes as
// long as it takes, and a limit meant for the application must not end it.
func (s session) begin() string {
	return fmt.Sprintf(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL search_path TO %s, pg_temp;
SET LOCAL lock_timeout = %d;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL standard_conforming_strings = on`,
		pgx.Identifier{s.namespace}.Sanitize(), tableLockTimeout.Milliseconds())
}

// send runs the file as one simple query, and counts the statements that the
// server finishes.
func (s session) send(ctx context.Context, f File) error {
	results := s.conn.PgConn().Exec(ctx, f.Up)
	done := 0
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err != nil {
			break
		}
		done++
	}
	err := results.Close()
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return newSQLError(f, done, pg)
	}
	what := "the connection broke"
	if ctx.Err() != nil {
		what, err = "stopped", context.Cause(ctx)
	}
	return &hinted{
		err:  fmt.Errorf("%s: %s: %w", f.UpName(), what, err),
		hint: "the server takes back what the file did; deploy again",
	}
}

// commitError tells a refused COMMIT, as by a deferred constraint, from one
// whose answer was lost.
func commitError(f File, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &hinted{
			err:  fmt.Errorf("%s: at its COMMIT: %w", f.UpName(), err),
			hint: "nothing of this file was kept; mend it, then deploy again",
		}
	}
	return &hinted{
		err:  fmt.Errorf("%s: the connection broke at its COMMIT, so nobody here knows whether it was applied: %w", f.UpName(), err),
		hint: "deploy again: the ledger knows, and a file is applied once",
	}
}

// rollback ends a transaction that failed. It runs before the error is
// returned, also when ctx is over; the end of the connection does the same.
func (s session) rollback(ctx context.Context) {
	if s.conn.IsClosed() || s.conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = s.conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
}
