package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// held is the SQL condition that this session has the lock, for statements that
// go to the server anyway. A file can give the lock up, with DISCARD ALL say; a
// pooler can hand the session to somebody else.
func (s session) held() string {
	return fmt.Sprintf(`EXISTS (SELECT FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'advisory' AND granted
    AND classid = %d::oid AND objid = %d::oid AND objsubid = 2)`, lockClass, s.oid)
}

// doneIfHeld is the outcome of an attempt that is at its end. Without the lock it
// is NULL, which the history refuses (notNullViolation), and with it the commit:
// another migrator may be running the same file.
func (s session) doneIfHeld() string { return "CASE WHEN " + s.held() + " THEN 'done' END" }

// errPooled says that a connection is no session.
func errPooled() error {
	return &hinted{
		err:  errors.New("this connection goes through a pooler that hands each transaction to another session, and the lock for migrations belongs to one session"),
		hint: "connect to PostgreSQL itself: give its address as DIRECT_URL or AF_AUTH_OWNER_URL; status shows what is done",
	}
}

// letGo explains why the lock is not held before a step.
func (r *runner) letGo(ctx context.Context, s Step) error {
	var pid int
	err := r.conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid)
	switch {
	case err != nil:
		return fmt.Errorf("look whether the lock for migrations is held: %w", err)
	case pid != r.pid:
		return errPooled()
	}
	return &hinted{
		err: fmt.Errorf("before %s: the lock for migrations is not held any more, so another migrator may be at work", s.FileName()),
		hint: "nothing of this file was done; take what gives up every lock, such as pg_advisory_unlock_all() or DISCARD ALL, " +
			"out of the migrations and their functions, then " + s.again(),
	}
}

// letGoWithin is letGo for a step that is at its end.
func letGoWithin(s Step) error {
	return &hinted{
		err: fmt.Errorf("%s gave up the lock for migrations, so another migrator may be at work", s.FileName()),
		hint: s.kept() + "; take what gives up every lock, such as pg_advisory_unlock_all() or DISCARD ALL, out of it, then " + s.again() +
			" over a direct connection",
	}
}
