package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgurl"
)

// Retry says how opening a connection is repeated: at once, then after Base,
// 2×Base, 4×Base … until Max retries have failed. With the defaults 3 and
// 1,000 ms the tries begin 0, 1, 3 and 7 seconds after the start, plus the time
// that the tries themselves take.
type Retry struct {
	// Max is the number of tries after the first (DB_MAX_RETRIES).
	Max int
	// Base is the first delay (DB_RETRY_DELAY_MS).
	Base time.Duration
}

// Delay returns the wait before retry n, counted from 0: Base × 2^n.
func (r Retry) Delay(n int) time.Duration { return r.Base << n }

// Dialer opens single connections: for LISTEN, for migrations, and for the
// first connection of the pool.
type Dialer struct {
	// URL is where to connect.
	URL pgurl.URL
	// Timeout is how long one try may take (DB_CONNECTION_TIMEOUT_MS).
	Timeout time.Duration
	Retry   Retry
	Logger  *slog.Logger
	// Attempted, if set, is told how each try to open a connection ended, the
	// pool's own included: "ok" or "failed". It is called from many goroutines.
	Attempted func(outcome string)
	// Retried, if set, is told of each try that follows a failed one in the
	// sequence of Connect.
	Retried func()
	// Application is the name that pg_stat_activity shows.
	Application string

	// notified hears what NOTIFY sends, while the connection is read from.
	notified func(*pgconn.Notification)
}

// Connect opens a connection by the sequence that Retry describes. Each failed
// try is logged with its cause and what comes next. The error of the last try
// says what to do.
func (d Dialer) Connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := d.config()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		if n > 0 && d.Retried != nil {
			d.Retried()
		}
		conn, err := d.try(ctx, config)
		if err == nil {
			if n > 0 {
				d.Logger.InfoContext(ctx, "database connection is back", "tries", n+1)
			}
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connecting to PostgreSQL: %w", context.Cause(ctx))
		}
		if !Passing(err) || n == d.Retry.Max {
			return nil, d.giveUp(err, n)
		}
		delay := d.Retry.Delay(n)
		d.Logger.WarnContext(ctx, "database connection failed",
			"try", n+1, "of", d.Retry.Max+1, "error", explain(err, d.target()), "next_try_in", delay)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to PostgreSQL: %w", context.Cause(ctx))
		case <-time.After(delay):
		}
	}
}

// giveUp is the error after try n, which was the last.
func (d Dialer) giveUp(err error, n int) error {
	explained := explain(err, d.target())
	var e *afauth.Error
	if n > 0 && errors.As(explained, &e) {
		e.Message += fmt.Sprintf(" (%d tries)", n+1)
	}
	return explained
}

// try opens one connection and checks that it is what the URL promised.
func (d Dialer) try(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	checking, stop := context.WithTimeout(ctx, d.Timeout)
	defer stop()
	if err := d.admit(checking, conn); err != nil {
		// Closing must not wait for a server that has stopped answering.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
		return nil, err
	}
	return conn, nil
}

// checkSchema makes sure that unqualified names mean the schema of the URL.
// Behind PgBouncer the search path is the role's own, and a wrong one would
// write into a stranger's tables.
func (d Dialer) checkSchema(ctx context.Context, conn *pgx.Conn) error {
	if d.URL.Schema == "" {
		return nil
	}
	var current *string
	if err := conn.QueryRow(ctx, "SELECT current_schema()").Scan(&current); err != nil {
		return err
	}
	if current != nil && *current == d.URL.Schema {
		return nil
	}
	if !d.URL.PgBouncer {
		return &pgconn.PgError{Severity: "FATAL", Code: stateNoSchema, Message: fmt.Sprintf("schema %q does not exist", d.URL.Schema)}
	}
	found := "no schema at all"
	if current != nil {
		found = fmt.Sprintf("schema %q", *current)
	}
	return &wrongSchemaError{wanted: d.URL.Schema, found: found, role: d.URL.User()}
}

// wrongSchemaError says that the role's own search path leads elsewhere.
type wrongSchemaError struct{ wanted, found, role string }

func (e *wrongSchemaError) Error() string { return "current_schema() is " + e.found }

func (e *wrongSchemaError) message() string {
	return fmt.Sprintf("DATABASE_URL asks for schema %q, but through PgBouncer this role is in %s", e.wanted, e.found)
}

func (e *wrongSchemaError) hint() string {
	return fmt.Sprintf("give the role its schema: ALTER ROLE %s SET search_path = %s, then RECONNECT in PgBouncer's console",
		pgx.Identifier{e.role}.Sanitize(), pgx.Identifier{e.wanted}.Sanitize())
}

// config translates the URL for pgx.
func (d Dialer) config() (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(d.URL.Pgx())
	if err != nil {
		// pgx redacts passwords in what it says of a URL.
		return nil, &afauth.Error{Code: afauth.CodeInvalid, Message: "the database URL cannot be used", Err: err}
	}
	config.ConnectTimeout = d.Timeout
	config.Tracer = attempts{d.Attempted}
	if config.ValidateConnect == nil && severalServers(config) {
		// Of a primary and its standbys pgx would take whichever answers first, and
		// a standby may not know yet who was revoked.
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if d.notified != nil {
		config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { d.notified(n) }
	}
	// pgx bounds the dial with it, but not the look-up of the name before.
	lookUp := config.LookupFunc
	config.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		ctx, cancel := context.WithTimeout(ctx, d.Timeout)
		defer cancel()
		return lookUp(ctx, host)
	}
	if d.URL.PgBouncer {
		// No named statements, and no startup parameters, whatever PGOPTIONS
		// and its kin say: PgBouncer refuses what it does not track.
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
		clear(config.RuntimeParams)
		return config, nil
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = d.Application
	}
	config.RuntimeParams["timezone"] = "UTC"
	if d.URL.SocketTimeout > 0 {
		config.RuntimeParams["statement_timeout"] = strconv.FormatInt(d.URL.SocketTimeout.Milliseconds(), 10)
	}
	return config, nil
}

// severalServers reports whether a URL names more servers than one. With sslmode
// prefer, and where a name has several addresses, one host is tried more than once.
func severalServers(config *pgx.ConnConfig) bool {
	for _, f := range config.Fallbacks {
		if f.Host != config.Host || f.Port != config.Port {
			return true
		}
	}
	return false
}

// target is what error messages name.
type target struct {
	address, user, database, schema string
	dialTimeout                     time.Duration
}

func (d Dialer) target() target {
	t := target{user: d.URL.User(), database: d.URL.Database(), schema: d.URL.Schema, dialTimeout: d.Timeout, address: d.URL.Host()}
	config, err := pgx.ParseConfig(d.URL.Pgx())
	if err != nil {
		return t
	}
	t.user, t.database = config.User, config.Database
	addresses := []string{address(config.Host, config.Port)}
	for _, f := range config.Fallbacks {
		if a := address(f.Host, f.Port); a != addresses[len(addresses)-1] {
			addresses = append(addresses, a)
		}
	}
	t.address = strings.Join(addresses, ", ")
	return t
}

func address(host string, port uint16) string {
	if strings.HasPrefix(host, "/") {
		return fmt.Sprintf("%s/.s.PGSQL.%d", host, port)
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// readyFlags are the arguments with which pg_isready asks the same server.
func (t target) readyFlags() string {
	first, _, _ := strings.Cut(t.address, ", ")
	if dir, port, ok := strings.Cut(first, "/.s.PGSQL."); ok {
		return fmt.Sprintf("-h %s -p %s", dir, port)
	}
	host, port, err := net.SplitHostPort(first)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("-h %s -p %s", host, port)
}
