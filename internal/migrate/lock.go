package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// lockClass is the first half of the advisory lock's key: the letters "afmg".
// The second half is the oid of the schema, so that two schemas of one database
// do not wait for each other. (Locks do not reach beyond one database.)
const lockClass = 0x61666d67

// The lock is polled, first often and then rarely.
const (
	pollFirst = 20 * time.Millisecond
	pollLast  = 500 * time.Millisecond
)

// Holder is the session that has the lock.
type Holder struct {
	PID             int
	ApplicationName string // may be empty
	Role            string
	// Since is when that session connected: PostgreSQL does not say when a lock
	// was taken. Zero where the server does not tell this role.
	Since time.Time
}

// String names the session for a message.
func (h Holder) String() string {
	s := fmt.Sprintf("process %d", h.PID)
	if h.ApplicationName != "" {
		s += fmt.Sprintf(" (%s)", h.ApplicationName)
	}
	if h.Role != "" {
		s += " of role " + h.Role
	}
	if !h.Since.IsZero() {
		s += ", connected since " + h.Since.UTC().Format(time.RFC3339)
	}
	return s
}

// LockedError says that another migrator kept the lock for too long.
type LockedError struct {
	Holder Holder // the zero value where it let go just then
	Waited time.Duration
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("other migrators were at work for %s", e.Waited.Round(time.Millisecond))
	}
	return fmt.Sprintf("another migrator is at work: %s; waited %s", e.Holder, e.Waited.Round(time.Millisecond))
}

// Hint says how to go on.
func (e *LockedError) Hint() string {
	if e.Holder.PID == 0 {
		return "nothing was changed; deploy again"
	}
	return fmt.Sprintf("nothing was changed; deploy again when it is done, or end it: SELECT pg_terminate_backend(%d)",
		e.Holder.PID)
}

// lock takes the lock, and returns the server's process that has it. It tells the holder's name once for each holder. Each
// try is a statement of its own outside a transaction, so that the wait holds
// no snapshot.
func (s session) lock(ctx context.Context, wait time.Duration, waiting func(Holder)) (pid int, err error) {
	start := time.Now()
	told := 0
	for poll := pollFirst; ; poll = min(2*poll, pollLast) {
		got, pid, err := s.tryLock(ctx)
		if err != nil || got {
			return pid, err
		}
		h, err := s.holder(ctx)
		if err != nil {
			return 0, err
		}
		if h.PID != 0 && h.PID != told {
			told = h.PID
			waiting(h)
		}
		left := wait - time.Since(start)
		if left <= 0 {
			return 0, &LockedError{Holder: h, Waited: time.Since(start)}
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for another migrator (%s): %w", h, context.Cause(ctx))
		case <-time.After(min(poll, left)):
		}
	}
}

func (s session) tryLock(ctx context.Context) (got bool, pid int, err error) {
	err = s.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1::int4, $2::oid::int4), pg_backend_pid()`,
		pgx.QueryExecModeExec, lockClass, s.oid).Scan(&got, &pid)
	if err != nil {
		return false, 0, fmt.Errorf("take the lock for migrations: %w", err)
	}
	return got, pid, nil
}

// holder looks up who has the lock; the zero Holder where nobody has any more.
func (s session) holder(ctx context.Context) (Holder, error) {
	var h Holder
	var since *time.Time
	err := s.conn.QueryRow(ctx, `SELECT l.pid, coalesce(a.application_name, ''), coalesce(a.usename, ''), a.backend_start
FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = current_database()
    LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $1::int4::oid
    AND l.objid = $2::oid`,
		pgx.QueryExecModeExec, lockClass, s.oid).Scan(&h.PID, &h.ApplicationName, &h.Role, &since)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Holder{}, nil
	case err != nil:
		return Holder{}, fmt.Errorf("look up who holds the lock for migrations: %w", err)
	}
	if since != nil {
		h.Since = *since
	}
	return h, nil
}

// unlock gives the lock back and undoes guard. The end of the connection does
// both as well, so its errors change nothing.
func (s session) unlock(ctx context.Context) {
	_, _ = s.conn.Exec(ctx, `SELECT pg_advisory_unlock($1::int4, $2::oid::int4)`, pgx.QueryExecModeExec, lockClass, s.oid)
	_, _ = s.conn.PgConn().Exec(ctx, "RESET "+checkInterval).ReadAll()
}

// checkInterval is the setting that makes the server look whether its client
// still lives while a statement runs. Without it, the backend of a migrator
// that was killed goes on with its statement, and keeps the lock until the end
// of it.
const checkInterval = "client_connection_check_interval"

// guard turns the look-out on. It came with PostgreSQL 14, and some platforms
// do not offer it; without it everything works, only slower after a kill.
func (s session) guard(ctx context.Context) error {
	_, err := s.conn.PgConn().Exec(ctx, "SET "+checkInterval+" = '500ms'").ReadAll()
	if sqlState(err) != "" {
		return nil
	}
	return err
}
