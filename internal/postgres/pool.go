package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/af-auth/af-auth"
)

const (
	// pingTimeout is how long a connection that stood idle may take to show that
	// it lives. Shorter than the gate's deadline: a request that meets a
	// half-open connection can still try the next one.
	pingTimeout = time.Second
	// farewell is how long a broken connection may take to close. Until then it
	// holds its place in the pool, and pgx would give it 15 seconds: after a
	// fault of the network everybody would wait in front of dead connections.
	farewell = time.Second
)

// pool translates the options for pgxpool.
func (o Options) pool() (*pgxpool.Config, error) {
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
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		knowIDs(conn)
		return o.admit(ctx, conn)
	}
	config.BeforeClose = func(conn *pgx.Conn) {
		time.AfterFunc(farewell, func() { _ = conn.PgConn().Conn().Close() })
	}
	return config, nil
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
				Hint:    "raise DB_POOL_MAX, or find the slow query", Err: &fullError{connections: int(stat.MaxConns()), cause: err}}
		}
	}
	return nil, err
}

// fullError says that all connections of the pool were in use.
type fullError struct {
	connections int
	cause       error
}

func (e *fullError) Error() string { return e.cause.Error() }
func (e *fullError) Unwrap() error { return e.cause }

// Exec implements query.DBTX.
func (p patient) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer giveBack(conn)
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
		giveBack(conn)
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
		giveBack(r.conn)
		r.conn = nil
	}
}

// borrowedRow gives its connection back when it is scanned.
type borrowedRow struct {
	row  pgx.Row
	conn *pgxpool.Conn
}

func (r borrowedRow) Scan(dest ...any) error {
	defer giveBack(r.conn)
	return r.row.Scan(dest...)
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// giveBack returns a connection to the pool. One that broke leaves the pool at
// once and ends by itself: pgx may take 15 seconds to take leave of a server
// that does not answer, and until then it would hold a place.
func giveBack(conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() {
		conn.Hijack()
		return
	}
	conn.Release()
}

// discard takes a connection that leads where it should not out of the pool, and
// closes it without keeping anybody waiting.
func discard(conn *pgxpool.Conn) {
	c := conn.Hijack()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		_ = c.Close(ctx)
	}()
}
