// Package database is studio's own way to PostgreSQL: a small pool, and
// transactions that cannot do more than they were opened for.
//
// Every statement travels by the extended protocol, one statement a message,
// with its values beside it as parameters: text that closes a quote closes
// nothing. Reading happens in READ ONLY transactions, under the read role where
// there is one, with an empty-handed search_path and a time limit of its own.
//
// Values come back as PostgreSQL writes them, in text: a bigint keeps all its
// digits and a timestamp its microseconds, whatever type an extension adds.
// Sessions are set so that this text is exact and reads back as the same value:
// UTC, ISO dates, bytes in hex, floats in as many digits as they need.
package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgurl"
)

const (
	// connections bounds how many queries run at once: studio is one person's
	// tool, and the database has others to serve.
	connections = 4
	// application is what pg_stat_activity shows.
	application = "af-auth studio"
	// dialTimeout bounds one try to connect, unless the URL says otherwise.
	dialTimeout = 5 * time.Second
)

// Options is what Open needs.
type Options struct {
	URL pgurl.URL
	// ReadRole is the role that reading is done under; empty: the URL's own.
	ReadRole string
	Logger   *slog.Logger
}

// DB is the pool. It is safe for concurrent use.
type DB struct {
	pool *pgxpool.Pool
	role string
}

// Open makes the pool. It does not connect yet.
func Open(ctx context.Context, o Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(o.URL.Pgx())
	if err != nil {
		// pgx redacts passwords in what it says of a URL.
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "the database URL cannot be used", Err: err}
	}
	config.MaxConns = connections
	config.MaxConnIdleTime = time.Minute
	config.ConnConfig.ConnectTimeout = dialTimeout
	if o.URL.ConnectTimeout > 0 {
		config.ConnConfig.ConnectTimeout = o.URL.ConnectTimeout
	}
	if o.URL.PgBouncer {
		// PgBouncer refuses what it does not track.
		clear(config.ConnConfig.RuntimeParams)
	} else {
		config.ConnConfig.RuntimeParams["application_name"] = application
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open studio's pool: %w", err)
	}
	return &DB{pool: pool, role: o.ReadRole}, nil
}

// Close ends all connections.
func (db *DB) Close() { db.pool.Close() }

// Limits bound a transaction. Zero means no limit of that kind.
type Limits struct {
	// Statement is how long one statement may take, Lock how long it may wait
	// for a lock.
	Statement, Lock time.Duration
}

// Read runs fn in a READ ONLY transaction under the read role. All of fn sees
// one state of the database.
func (db *DB) Read(ctx context.Context, l Limits, fn func(*Tx) error) error {
	return db.run(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead}, db.role, l, fn)
}

// Write runs fn in a transaction that may write, as the URL's own role, and
// commits it when fn returns nil.
func (db *DB) Write(ctx context.Context, l Limits, fn func(*Tx) error) error {
	return db.run(ctx, pgx.TxOptions{AccessMode: pgx.ReadWrite}, "", l, fn)
}

func (db *DB) run(ctx context.Context, o pgx.TxOptions, role string, l Limits, fn func(*Tx) error) (err error) {
	tx, err := db.pool.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		// The caller may have gone: the connection is given back clean all the same.
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if ended := tx.Rollback(ending); ended != nil && !errors.Is(ended, pgx.ErrTxClosed) && err == nil {
			err = ended
		}
	}()
	t := &Tx{tx: tx, limit: l.Statement}
	if err := t.settle(ctx, role, l); err != nil {
		return err
	}
	if err := fn(t); err != nil {
		return err
	}
	return committed(tx.Commit(ctx))
}

// Unknown says that COMMIT was sent and its answer was lost: whether the
// transaction took place is not known.
type Unknown struct{ Err error }

// Error implements error.
func (u *Unknown) Error() string { return "the answer to COMMIT was lost: " + u.Err.Error() }

// Unwrap returns what broke.
func (u *Unknown) Unwrap() error { return u.Err }

// committed tells a COMMIT that PostgreSQL refused, and so rolled back, from one
// whose answer did not come. A server that ends the session may have committed
// before.
func committed(err error) error {
	var pg *pgconn.PgError
	if err == nil || errors.Is(err, pgx.ErrTxCommitRollback) || errors.As(err, &pg) && pg.Severity == "ERROR" {
		return err
	}
	return &Unknown{Err: err}
}

// Stopped says that PostgreSQL ended a statement because its time was over.
type Stopped struct {
	After time.Duration
	Err   error
}

// Error implements error.
func (s *Stopped) Error() string { return "stopped after " + s.After.String() + ": " + s.Err.Error() }

// Unwrap returns PostgreSQL's error.
func (s *Stopped) Unwrap() error { return s.Err }

// Tx is an open transaction.
type Tx struct {
	tx pgx.Tx
	// limit bounds each statement; 0: nothing does.
	limit time.Duration
}

// stopped tells a statement that took too long from one that somebody
// cancelled: PostgreSQL has one SQLSTATE for both.
func (t *Tx) stopped(err error, took time.Duration) error {
	var pg *pgconn.PgError
	if t.limit > 0 && took >= t.limit && errors.As(err, &pg) && pg.Code == "57014" {
		return &Stopped{After: t.limit, Err: err}
	}
	return err
}

// Pgx is the transaction itself, for functions that are handed in.
func (t *Tx) Pgx() pgx.Tx { return t.tx }

// settle makes the session what the package promises, until the transaction
// ends. The role comes last: what it may set is not ours to know.
func (t *Tx) settle(ctx context.Context, role string, l Limits) error {
	settings := []string{
		"search_path", "pg_catalog",
		"TimeZone", "UTC",
		"DateStyle", "ISO, YMD",
		"IntervalStyle", "postgres",
		"bytea_output", "hex",
		"extra_float_digits", "1",
		"xmloption", "content",
		"statement_timeout", milliseconds(l.Statement),
		"lock_timeout", milliseconds(l.Lock),
		"idle_in_transaction_session_timeout", "60000",
		// What catches its own cancellation ends when nobody listens any more.
		"client_connection_check_interval", "1000",
	}
	if role != "" {
		settings = append(settings, "role", role)
	}
	sql := "SELECT "
	args := make([]*string, 0, len(settings))
	for i := range settings {
		switch {
		case i%2 == 1:
			sql += fmt.Sprintf(", $%d, true)", i+1)
		case i > 0:
			sql += fmt.Sprintf(", pg_catalog.set_config($%d", i+1)
		default:
			sql += "pg_catalog.set_config($1"
		}
		args = append(args, &settings[i])
	}
	_, err := t.Query(ctx, sql, args...)
	return err
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Query runs one statement and returns all its rows. A nil is NULL, in
// parameters and in rows. The parameters' types follow from the statement.
func (t *Tx) Query(ctx context.Context, sql string, args ...*string) ([][]*string, error) {
	var all [][]*string
	_, err := t.Stream(ctx, sql, args, func(row [][]byte) error {
		kept := make([]*string, len(row))
		for i, raw := range row {
			if raw != nil {
				s := string(raw)
				kept[i] = &s
			}
		}
		all = append(all, kept)
		return nil
	})
	return all, err
}

// Stream runs one statement and hands each row to fn as it comes; the bytes are
// good until fn returns. It returns how many rows the statement touched.
func (t *Tx) Stream(ctx context.Context, sql string, args []*string, fn func(row [][]byte) error) (int64, error) {
	values := make([][]byte, len(args))
	for i, a := range args {
		if a != nil {
			values[i] = []byte(*a)
		}
	}
	begun := time.Now()
	reader := t.tx.Conn().PgConn().ExecParams(ctx, sql, values, nil, nil, nil)
	var stopped error
	for stopped == nil && reader.NextRow() {
		stopped = fn(reader.Values())
	}
	tag, err := reader.Close()
	if stopped != nil {
		return 0, stopped
	}
	return tag.RowsAffected(), t.stopped(err, time.Since(begun))
}
