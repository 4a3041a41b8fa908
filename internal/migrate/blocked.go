package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Blocker is a session that holds what a statement waits for.
type Blocker struct {
	// PID is the server's process; 0 is a prepared transaction, which has none
	// (see pg_prepared_xacts).
	PID             int
	ApplicationName string // may be empty
	Role            string // "" where the server does not tell
	State           string // such as "idle in transaction"; "" where the server does not tell
	// Since is when its transaction began; zero where the server does not tell
	// this role.
	Since time.Time
	// Query is what it runs, or ran last, on one line of at most 200 characters;
	// "" where the server does not tell this role.
	Query string
}

// String names the session for a message.
func (b Blocker) String() string {
	if b.PID == 0 {
		return "a prepared transaction (see pg_prepared_xacts)"
	}
	s := Holder{PID: b.PID, ApplicationName: b.ApplicationName, Role: b.Role}.String()
	if b.State != "" {
		s += ", " + b.State
	}
	if !b.Since.IsZero() {
		s += " since " + b.Since.UTC().Format(time.RFC3339)
	}
	if b.Query != "" {
		s += ": " + b.Query
	}
	return s
}

// BlockedError says that other sessions held a lock through every try. Its
// Unwrap is the last try's [*SQLError].
type BlockedError struct {
	SQL      *SQLError
	Blockers []Blocker // seen last; none where the server did not tell
	Tries    int
}

// Error names the statement and who is in the way.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("%s:%d: another session holds a lock that the statement needs, through %s: %s",
		e.SQL.File, e.SQL.Line, times(e.Tries), describe(e.Blockers))
}

// Unwrap returns the server's error.
func (e *BlockedError) Unwrap() error { return e.SQL }

// Hint says how to go on.
func (e *BlockedError) Hint() string {
	end := ""
	for _, b := range e.Blockers {
		if b.PID != 0 {
			end = fmt.Sprintf(", or end it: SELECT pg_terminate_backend(%d)", b.PID)
			break
		}
	}
	return e.SQL.kept + "; " + e.SQL.again + " when that session is done" + end
}

func times(n int) string {
	if n == 1 {
		return "one try"
	}
	return fmt.Sprintf("%d tries", n)
}

func describe(blockers []Blocker) string {
	if len(blockers) == 0 {
		return "the server does not tell which"
	}
	var names []string
	for _, b := range blockers {
		names = append(names, b.String())
	}
	return strings.Join(names, "; ")
}

// watcher asks, over a connection of its own, who is in the way of a statement
// that takes long. It connects when it is first asked.
type watcher struct {
	config *pgx.ConnConfig
	oid    uint32 // of the schema, for the lock that the watched session holds
	conn   *pgx.Conn
}

// lookTimeout bounds one look. Who cannot look does not stop the migration.
const lookTimeout = 2 * time.Second

// blockers returns who blocks a session; none where nobody does or nobody can
// tell. A session that waits in the queue before it blocks it too.
//
// With several hosts in the URL the watcher may have come to another server,
// where the process number means somebody else: who does not hold the lock for
// migrations is not the one.
func (w *watcher) blockers(ctx context.Context, pid uint32) []Blocker {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if w.conn == nil || w.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, w.config)
		if err != nil {
			return nil
		}
		w.conn = conn
	}
	rows, err := w.conn.Query(ctx, `SELECT DISTINCT ON (b.pid) b.pid, coalesce(a.application_name, ''), coalesce(a.usename, ''), coalesce(a.state, ''),
    coalesce(a.xact_start, 'epoch'), CASE WHEN a.query = '<insufficient privilege>' THEN '' ELSE coalesce(a.query, '') END
FROM unnest(pg_catalog.pg_blocking_pids($1::int4)) b (pid) LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
WHERE EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = $1::int4 AND classid = $2::oid AND objid = $3::oid)`,
		pgx.QueryExecModeExec, pid, lockClass, w.oid)
	if err != nil {
		return nil
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Blocker, err error) {
		err = row.Scan(&b.PID, &b.ApplicationName, &b.Role, &b.State, &b.Since, &b.Query)
		if b.Since.Unix() <= 0 {
			b.Since = time.Time{}
		}
		b.Query = oneLine(b.Query, 200)
		return b, err
	})
	if err != nil {
		return nil
	}
	return list
}

// oneLine folds white space and cuts a text for a message.
func oneLine(text string, limit int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit]) + "…"
}

func (w *watcher) close() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	_ = w.conn.Close(ctx) // nothing was written through it
}
