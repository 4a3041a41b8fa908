package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// pingTimeout is how long a connection that stood idle may take to show that it
// lives. Shorter than the gate's deadline: a request that meets a half-open
// connection can still try the next one.
const pingTimeout = time.Second

// DB is the pool and the queries. It is safe for concurrent use.
type DB struct {
	pool    *pgxpool.Pool
	queries *query.Queries
	wait    time.Duration
	logger  *slog.Logger
	clock   clock
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
	config, err := pgxpool.ParseConfig(o.URL.Pgx())
	if err != nil {
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "the database URL cannot be used", Err: err}
	}
	if config.ConnConfig, err = o.config(); err != nil {
		return nil, err
	}
	config.MinConns = int32(o.PoolMin) // #nosec G115 -- config bounds it to 1000
	config.MaxConns = int32(o.PoolMax) // #nosec G115 -- config bounds it to 1000
	config.MaxConnLifetime = time.Hour
	config.MaxConnLifetimeJitter = 10 * time.Minute
	if o.URL.MaxConnLifetime > 0 {
		config.MaxConnLifetime = o.URL.MaxConnLifetime
	}
	if o.URL.MaxConnIdleTime > 0 {
		config.MaxConnIdleTime = o.URL.MaxConnIdleTime
	}
	config.PingTimeout = pingTimeout
	config.AfterConnect = o.checkSchema
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the pool: %w", err)
	}
	db := &DB{pool: pool, wait: o.Wait, logger: o.Logger}
	db.queries = query.New(patient{pool: pool, wait: o.Wait})
	if err := db.syncClock(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close ends all connections once they are given back.
func (db *DB) Close() { db.pool.Close() }

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
	// Reason is free text.
	Reason string
}

// InTx runs fn in a transaction as the actor: committed when fn returns nil,
// rolled back otherwise. An error from COMMIT means that the outcome is not
// known.
func (db *DB) InTx(ctx context.Context, actor Actor, fn func(*query.Queries) error) error {
	conn, err := patient{pool: db.pool, wait: db.wait}.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		q := query.New(tx)
		err := q.Claim(ctx, query.ClaimParams{Actor: clean(actor.Name, 200), Address: clean(actor.Address, 100), Reason: clean(actor.Reason, 1000)})
		if err != nil {
			return err
		}
		return fn(q)
	})
}

// patient runs queries on the pool, and waits for a free connection only so
// long: a crowd in front of a full pool is told at once that it is full.
type patient struct {
	pool *pgxpool.Pool
	wait time.Duration
}

func (p patient) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	conn, err := p.pool.Acquire(waiting)
	if err == nil {
		return conn, nil
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		stat := p.pool.Stat()
		if stat.AcquiredConns() == stat.MaxConns() {
			return nil, &afauth.Error{Code: afauth.CodeUnavailable,
				Message: fmt.Sprintf("all %d database connections were busy for %s", stat.MaxConns(), p.wait),
				Hint:    "raise DB_POOL_MAX, or find the slow query", Err: err}
		}
	}
	return nil, err
}

// Exec implements query.DBTX.
func (p patient) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer conn.Release()
	return conn.Exec(ctx, sql, args...)
}

// Query implements query.DBTX.
func (p patient) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		conn.Release()
		return nil, err
	}
	return &borrowedRows{Rows: rows, conn: conn}, nil
}

// QueryRow implements query.DBTX.
func (p patient) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, err := p.acquire(ctx)
	if err != nil {
		return failedRow{err}
	}
	return borrowedRow{row: conn.QueryRow(ctx, sql, args...), conn: conn}
}

// borrowedRows give their connection back when they are read or closed.
type borrowedRows struct {
	pgx.Rows
	conn *pgxpool.Conn
}

func (r *borrowedRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *borrowedRows) Close() {
	r.Rows.Close()
	if r.conn != nil {
		r.conn.Release()
		r.conn = nil
	}
}

// borrowedRow gives its connection back when it is scanned.
type borrowedRow struct {
	row  pgx.Row
	conn *pgxpool.Conn
}

func (r borrowedRow) Scan(dest ...any) error {
	defer r.conn.Release()
	return r.row.Scan(dest...)
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }
