package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres/query"
)

// Options is what Open needs. See package config for the variables.
type Options struct {
	Dialer
	// PoolMin and PoolMax bound the connections (DB_POOL_MIN, DB_POOL_MAX).
	PoolMin, PoolMax int
	// Wait is how long a request may wait for a free connection before it is
	// told that the database is busy.
	Wait time.Duration
}

// DB is the pool and the queries. It is safe for concurrent use.
type DB struct {
	pool    *pgxpool.Pool
	dialer  Dialer
	queries *query.Queries
	wait    time.Duration
	logger  *slog.Logger
	clock   clock
	// queue is how full the queue of notifications was at the last look: the bits
	// of a float64.
	queue atomic.Uint64
}

// Open opens the first connection by the retry sequence and then the pool.
// Only opening retries: a request that finds the database gone fails by its own
// deadline, because a person in front of a door must not wait seven seconds
// for a no.
func Open(ctx context.Context, o Options) (*DB, error) {
	first, err := o.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := first.Close(ctx); err != nil {
		o.Logger.DebugContext(ctx, "closing the first connection", "error", err)
	}
	config, err := o.pool()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the pool: %w", err)
	}
	db := &DB{pool: pool, dialer: o.Dialer, wait: o.Wait, logger: o.Logger}
	db.queries = query.New(patient{pool: pool, wait: o.Wait})
	if err := db.syncClock(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close ends all connections once they are given back.
func (db *DB) Close() { db.pool.Close() }

// Reset opens all connections anew, each when it is given back: for when another
// server has taken the place of the one that they lead to.
func (db *DB) Reset() { db.pool.Reset() }

// Ping asks the database for an answer.
func (db *DB) Ping(ctx context.Context) error {
	_, err := patient{pool: db.pool, wait: db.wait}.Exec(ctx, "SELECT 1")
	return fault(err, "asking the database")
}

// Actor says who makes a change, from where and why. It reaches the triggers
// that write the record through settings of the transaction.
type Actor struct {
	// Name is "cli:NAME" or "user:UUID".
	Name string
	// Address is the browser's, where there is one.
	Address string
	// Reason is free text; beyond 4,000 bytes, which is 1,000 characters of any
	// script, it is cut.
	Reason string
	// Session is that of an administrator who decides in a browser: where it is
	// over, or its person may not come in any more, nothing is changed. Zero for
	// whoever works with the database's own rights.
	Session afauth.ID
}

// InTx runs fn in a transaction as the actor: committed when fn returns nil,
// rolled back otherwise. ErrNotWhitelisted says that the actor may not act. An error from COMMIT means that the outcome is not
// known.
func (db *DB) InTx(ctx context.Context, actor Actor, fn func(*query.Queries) error) error {
	conn, err := patient{pool: db.pool, wait: db.wait}.acquire(ctx)
	if err != nil {
		return err
	}
	defer giveBack(conn)
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		q := query.New(tx)
		err := q.Claim(ctx, query.ClaimParams{Actor: clean(actor.Name, 200), Address: clean(actor.Address, 100), Reason: clean(actor.Reason, 4000)})
		if err != nil {
			return err
		}
		if !actor.Session.IsZero() {
			// Looked at here, so that a request which began before the administrator
			// was revoked does nothing after it.
			may, err := q.MayAct(ctx, actor.Session)
			if err != nil {
				return err
			}
			if !may {
				return afauth.ErrNotWhitelisted
			}
		}
		return fn(q)
	})
}
