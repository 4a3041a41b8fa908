// Package pgurl says what a DATABASE_URL means.
//
// It owns the grammar of the URL and the meaning of every parameter: those of
// Prisma, which projects that come from there carry along, those of pgx, and
// those of libpq, which psql and pg_dump read. A parameter that nobody here
// knows is an error that names it, because pgx would send it to the server as
// a setting, and libpq would refuse the whole URL.
//
// A string enters through [Parse]. What leaves is a [URL]: fields for what the
// pool has to be told, [URL.Pgx] for pgx.ParseConfig, [URL.Tools] for
// PostgreSQL's own programs and [URL.Redacted] for people.
//
// It never opens a connection or a file, never reads the environment, and
// never puts a password into an error or into anything that is printed.
package pgurl

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"
)

// NoLimit is the value of a time-out that was given as 0, which Prisma and
// libpq read as "wait for ever". A zero time.Duration means "not given".
const NoLimit time.Duration = -1

// redacted stands where a password was.
const redacted = "***"

// URL is a parsed DATABASE_URL. The zero value is "not set". Printing it in
// any way gives [URL.Redacted].
type URL struct {
	// Schema is the one schema that names are looked up in, "" where none was
	// given. With PgBouncer it cannot be sent: whoever connects verifies that
	// the role's own search_path says the same.
	Schema string

	// ConnectionLimit is the largest number of connections of one process;
	// 0: not given.
	ConnectionLimit int

	// PoolTimeout is how long a request waits for a connection of the pool,
	// ConnectTimeout how long one dial to one host may take, SocketTimeout how
	// long one query may take. 0: not given.
	PoolTimeout, ConnectTimeout, SocketTimeout time.Duration

	// MaxConnLifetime and MaxConnIdleTime are the ages at which the pool
	// replaces a connection. 0: not given.
	MaxConnLifetime, MaxConnIdleTime time.Duration

	// PgBouncer says that a pooler in transaction mode stands in front: no
	// named statements, no startup parameters, no LISTEN.
	PgBouncer bool

	// NoNamedStatements is set by pgbouncer=true, statement_cache_size=0, or a
	// default_query_exec_mode without a statement cache. Pgx carries it too.
	NoNamedStatements bool

	hosts    []endpoint
	user     string
	database string

	// Passwords are kept behind pointers: package fmt prints what it finds in
	// unexported fields of the values around us without asking for String,
	// and of a pointer inside a struct it prints the address only.
	password    *string
	sslPassword *string

	given   []pair // as written, decoded, without the two passwords
	shared  []pair // understood by pgx and by libpq alike
	onlyPgx []pair // understood by pgx alone
	onlyLib []pair // understood by libpq alone
	runtime []pair // settings of the session, sent when it starts
}

// endpoint is one host, or the absolute path of a socket folder, and its port.
// An empty port means the default.
type endpoint struct{ host, port string }

// pair is one parameter: its name and its decoded value.
type pair struct{ name, value string }

// IsZero reports whether no URL was set.
func (u URL) IsZero() bool { return len(u.hosts) == 0 && u.database == "" && len(u.given) == 0 }

// Database returns the database's name, "" where a service names it.
func (u URL) Database() string { return u.database }

// User returns the role's name, "" where the operating system's user is meant.
func (u URL) User() string { return u.user }

// Password returns the password in clear, "" where there is none. It is meant
// for PGPASSWORD in the environment of PostgreSQL's tools.
func (u URL) Password() string { return reveal(u.password) }

// Host returns the hosts as people write them: "db:5432", "h1:5432,h2:5433",
// or the folder of a socket. A port that was not given is left out. "" means
// libpq's own default: PGHOST, or the local socket.
func (u URL) Host() string {
	all := make([]string, 0, len(u.hosts))
	for _, e := range u.hosts {
		switch {
		case e.port == "" || e.isSocket() || e.host == "":
			all = append(all, e.host)
		default:
			all = append(all, net.JoinHostPort(e.host, e.port))
		}
	}
	return strings.Join(all, ",")
}

// Redacted returns the URL as it was given, parameters included, with *** in
// place of each password.
func (u URL) Redacted() string {
	if u.IsZero() {
		return ""
	}
	query := u.given
	if u.sslPassword != nil {
		query = append(query[:len(query):len(query)], pair{"sslpassword", redacted})
	}
	return u.render(u.password != nil, redacted, query)
}

// String returns Redacted.
func (u URL) String() string { return u.Redacted() }

// GoString returns Redacted, quoted, for %#v.
func (u URL) GoString() string { return fmt.Sprintf("pgurl.URL(%q)", u.Redacted()) }

// MarshalText returns Redacted, for JSON and slog's text.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.Redacted()), nil }

// LogValue returns Redacted.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.Redacted()) }

// isSocket reports whether the host is a folder of a Unix socket, or an
// abstract one, by libpq's rule.
func (e endpoint) isSocket() bool {
	return strings.HasPrefix(e.host, "/") || strings.HasPrefix(e.host, "@")
}

func reveal(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
