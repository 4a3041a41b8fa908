package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// database is a new one with af-auth's schema.
func database(t *testing.T) string {
	t.Helper()
	return pgtest.New(t)
}

// confirmWithin is how long confirmations are waited for, as a revocation does:
// a server that has not answered by then holds no lease from before.
const confirmWithin = lease + 20*time.Millisecond

// mark asks the servers what `af-auth revoke` asks them, and returns how many of
// them did not answer.
func mark(ctx context.Context, conn *pgx.Conn, servers int) (silent int, err error) {
	begun := time.Now()
	var id string
	if err := conn.QueryRow(ctx, `SELECT gen_random_uuid()::text`).Scan(&id); err != nil {
		return 0, err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_notify('af_auth_access', '{"mark":"' || $1::text || '"}')`, id); err != nil {
		return 0, err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		var heard int
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM confirmations WHERE mark = $1`, id).Scan(&heard); err != nil {
			return 0, err
		}
		if heard > servers {
			return 0, fmt.Errorf("%d servers confirm, of %d", heard, servers)
		}
		if heard == servers || time.Since(begun) > confirmWithin {
			return servers - heard, nil
		}
		<-tick.C
	}
}

func (w *world) mark(t *testing.T, servers int) (silent int) {
	t.Helper()
	w.withConn(t, func(ctx context.Context, conn *pgx.Conn) (err error) {
		silent, err = mark(ctx, conn, servers)
		return err
	})
	return silent
}
