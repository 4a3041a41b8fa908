package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Action is what somebody tried to do with a file.
type Action string

const (
	Apply          Action = "apply"
	RollBack       Action = "roll back"
	MarkApplied    Action = "mark as applied"
	MarkRolledBack Action = "mark as rolled back"
	Accept         Action = "accept drift" // a change that no file made stays
)

// Outcome is how an attempt ended, or has not yet.
type Outcome string

const (
	Started Outcome = "started"
	Done    Outcome = "done"
	Failed  Outcome = "failed"
	// Lost: the migrator went away without a word, and the one after it noticed.
	Lost Outcome = "lost"
)

// Attempt is a row of the history: one try to apply, roll back or mark a file.
type Attempt struct {
	Version    string    `json:"version"`
	Number     int       `json:"number"` // of the attempts at this version, from 1
	Name       string    `json:"name"`
	Action     Action    `json:"action"`
	Outcome    Outcome   `json:"outcome"`
	Checksum   string    `json:"checksum"`    // of the text that ran, up or down
	StartedAt  time.Time `json:"started_at"`  // by the database's clock
	FinishedAt time.Time `json:"finished_at"` // zero where it is not known
	PID        int       `json:"pid"`         // the server's process
	Running    bool      `json:"running"`     // its process is there and holds the lock
	Actor      string    `json:"actor"`       // who said they did it; may be empty
	Role       string    `json:"role"`        // the database role that did it
	Release    string    `json:"release"`     // the release that did it; may be empty
	Address    string    `json:"address"`     // of the client; "" for a local socket

	Statements int `json:"statements"` // that the text has
	// StatementsDone are done for good, in a file without a transaction around
	// it; 0 otherwise.
	StatementsDone int   `json:"statements_done"`
	RowsDone       int64 `json:"rows_done"`  // by a backfill, for good
	RowsTotal      int64 `json:"rows_total"` // of its table, about

	// What went wrong, where Outcome is Failed.
	FailedStatement int    `json:"failed_statement"` // its number, from 1; 0: not known
	Line            int    `json:"line"`             // of the file, from 1; 0: not known
	Statement       string `json:"statement"`        // its text, at most 1,000 bytes
	SQLState        string `json:"sqlstate"`
	Message         string `json:"message"`
	Detail          string `json:"detail"`
	Hint            string `json:"hint"`
	NextCommand     string `json:"next_command"` // such as "deploy" or "rollback"

	Forced bool `json:"forced"` // somebody insisted against what the schema showed

	DoneChecksum string `json:"done_checksum"` // of what is done for good
	BatchKey     string `json:"batch_key"`     // the last key that a backfill has done

	past  bool // another attempt, at whatever version, came to its end since
	loose bool // what ran was not one transaction, so a part of it can stay
}

// FileName returns the name of the file that was tried.
func (a Attempt) FileName() string {
	if a.Action == RollBack || a.Action == MarkRolledBack {
		return a.Version + "_" + a.Name + ".down.sql"
	}
	return a.Version + "_" + a.Name + ".up.sql"
}

// half reports whether part of the file is done for good and part is not.
func (a Attempt) half() bool {
	return a.Outcome != Done && (a.StatementsDone > 0 || a.RowsDone > 0)
}

// History returns every attempt, oldest first. A database without the table has
// none.
func History(ctx context.Context, conn *pgx.Conn) ([]Attempt, error) {
	s, err := locate(ctx, conn)
	if err != nil || s.tables < len(Tables()) {
		return nil, err
	}
	rows, err := conn.Query(ctx, `SELECT to_jsonb(h)::text FROM `+s.history()+` h ORDER BY started_at, version, number`, pgx.QueryExecModeExec)
	if err != nil {
		return nil, s.unreadable(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Attempt, error) {
		var text []byte
		if err := row.Scan(&text); err != nil {
			return Attempt{}, err
		}
		return readAttempt(text)
	})
	if err != nil {
		return nil, s.unreadable(err)
	}
	holders, err := s.holders(ctx)
	for i := range list {
		list[i].Running = list[i].Outcome == Started && slices.Contains(holders, list[i].PID)
	}
	return list, err
}

func readAttempt(text []byte) (a Attempt, err error) {
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("read the history: %w", err)
	}
	return a, nil
}

// holders returns the processes that hold the lock: one, or none.
func (s session) holders(ctx context.Context) ([]int, error) {
	rows, err := s.conn.Query(ctx, `SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND classid = $1::oid AND objid = $2::oid AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`,
		pgx.QueryExecModeExec, lockClass, s.oid)
	if err != nil {
		return nil, fmt.Errorf("look up who holds the lock for migrations: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// markRunning tells the attempts that are at work from those whose migrator is
// gone.
func (s session) markRunning(ctx context.Context, attempts map[string]Attempt) error {
	holders, err := s.holders(ctx)
	for version, a := range attempts {
		a.Running = a.Outcome == Started && slices.Contains(holders, a.PID)
		attempts[version] = a
	}
	return err
}

// intend writes down that a step begins, before it does, in a transaction of its
// own, and insists that the lock is held. Where a transaction of the step comes next it is begun in the same round
// trip.
//
// Where nothing of the step can outlive a crash of the server, the row need not
// either: it is written without waiting for the disk, and what the step commits
// later takes it along.
func (r *runner) intend(ctx context.Context, s Step) error {
	action, checksum := Apply, s.File.Checksum
	if s.Back {
		action, checksum = RollBack, checksumOf(s.File.Down)
	}
	whole := !s.Outside && s.File.Batch.Table == ""
	sql := "BEGIN READ WRITE;\n"
	if whole {
		sql += "SET LOCAL synchronous_commit = off;\n"
	}
	v := literal(s.File.Version)
	sql += `INSERT INTO ` + r.history() + ` (version, number, name, action, outcome, checksum, actor, release, statements,
    statements_done, done_checksum, batch_key, rows_done, rows_total)
SELECT ` + v + `, (SELECT coalesce(max(number), 0) + 1 FROM ` + r.history() + ` WHERE version = ` + v + `), ` + literal(s.File.Name) + `, ` +
		literal(string(action)) + `, 'started', ` + literal(checksum) + `, ` + orNull(r.o.Actor) + `, ` + orNull(r.o.Release) + fmt.Sprintf(`, %d, %d, `, s.total, s.Done) +
		literal(s.doneChecksum(s.Done)) + `, ` + orNull(s.key) + fmt.Sprintf(`, %d, %d WHERE %s RETURNING number;
COMMIT`, s.RowsDone, s.rowsTotal, r.held())
	if whole {
		sql += ";\n" + r.begin("READ WRITE", r.o.LockTimeout)
	}
	results, err := r.conn.PgConn().Exec(ctx, sql).ReadAll()
	begins := false
	for _, res := range results {
		if len(res.Rows) == 1 && err == nil {
			begins = true
			r.attempt, err = strconv.Atoi(string(res.Rows[0][0]))
		}
	}
	if err != nil {
		r.rollback(ctx)
		return r.explain(err, "record "+s.FileName(), "nothing of this file was done; "+s.again()+" with the role that owns "+LedgerTable)
	}
	if !begins {
		r.rollback(ctx)
		return r.letGo(ctx, s)
	}
	r.begun = whole
	return nil
}

// literal quotes a text for SQL, whatever standard_conforming_strings is.
func literal(s string) string {
	s = strings.ReplaceAll(s, "'", "''")
	if strings.Contains(s, `\`) {
		return ` E'` + strings.ReplaceAll(s, `\`, `\\`) + `'`
	}
	return `'` + s + `'`
}

// orNull is literal, and NULL for the empty text.
func orNull(s string) string {
	if s == "" {
		return "NULL"
	}
	return literal(s)
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// closeLost ends the attempts that nobody ended. The caller holds the lock, so
// none of them is at work.
func (s session) closeLost(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, `UPDATE `+s.history()+` SET outcome = 'lost', finished_at = clock_timestamp()
WHERE outcome = 'started'`, pgx.QueryExecModeExec)
	if err != nil {
		return s.explain(err, "record an attempt that was lost", "migrate with the role that owns "+HistoryTable)
	}
	return nil
}
