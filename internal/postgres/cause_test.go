package postgres_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/pgtest"
	"github.com/af-auth/af-auth/internal/postgres"
)

// planted is the password in the URLs of these tests. It must show up nowhere.
const planted = "correct-horse-battery"

// cause is one reason why no connection comes about. In its words {database},
// {role}, {address}, {dir} of a socket and {ready}, the flags of pg_isready,
// stand for the parts of the scene.
type cause struct {
	name          string
	url           func(t *testing.T, c *scene) string
	retried       bool
	message, hint string
}

// scene is where one cause is played.
type scene struct {
	address, role, database string
}

// words puts the parts of the scene into a text.
func (c *scene) words(s string) string {
	dir, port, socket := strings.Cut(c.address, "/.s.PGSQL.")
	host := dir
	if !socket {
		host, port, _ = net.SplitHostPort(c.address)
	}
	return strings.NewReplacer("{address}", c.address, "{role}", c.role, "{database}", c.database,
		"{dir}", dir, "{ready}", "-h "+host+" -p "+port).Replace(s)
}

// server plays at a stand-in.
func server(serve func(net.Conn), parameters string) func(*testing.T, *scene) string {
	return func(t *testing.T, c *scene) string {
		return c.at(newStandIn(t, serve).Addr().String(), parameters)
	}
}

func (c *scene) at(address, parameters string) string {
	c.address, c.role, c.database = address, "af", "af_auth"
	return "postgresql://af:" + planted + "@" + address + "/af_auth?" + parameters
}

// realServer plays at a real database, with an account of its own, after some
// SQL has set the scene.
func realServer(sql, parameters string) func(*testing.T, *scene) string {
	return func(t *testing.T, c *scene) string {
		base := pgtest.New(t)
		p := newProbe(t, base)
		c.role = p.account("PASSWORD '" + planted + "'")
		c.database = p.lines("SELECT current_database()::text")[0]
		p.run(c.words(sql))
		through := newProxy(t, base)
		through.config.User, through.config.Password = c.role, planted
		_, c.address = pgconn.NetworkAddress(through.folder, 5432)
		return through.url(parameters)
	}
}

// refusesTLS is a server without a certificate.
func refusesTLS(conn net.Conn) {
	_, _ = conn.Write([]byte("N"))
	silent(conn)
}

// unknownTLS is a server with a certificate that nobody here has signed.
func unknownTLS() func(net.Conn) {
	certificate := sync.OnceValue(func() []tls.Certificate {
		s := httptest.NewTLSServer(nil)
		defer s.Close()
		return s.TLS.Certificates
	})
	return func(conn net.Conn) {
		raw := conn.(*begun).Conn
		_, _ = raw.Write([]byte("S"))
		_ = tls.Server(raw, &tls.Config{Certificates: certificate(), MinVersion: tls.VersionTLS12}).Handshake()
		_ = raw.Close()
	}
}

func causes() []cause {
	const plain = "sslmode=disable"
	const atHost = "check the host in DATABASE_URL"
	const wrongPort = "is this PostgreSQL's port? its log, or that of the proxy before it, says more"
	const kind = "none of the servers at {address} is of the kind that target_session_attrs asks for"
	const kindHint = "a standby may be in promotion; otherwise check target_session_attrs"
	return []cause{
		{"refused", func(t *testing.T, c *scene) string { return c.at(refusing(t), plain) }, true,
			"nothing listens at {address}", "is PostgreSQL running? pg_isready {ready}"},
		{"no socket", func(t *testing.T, c *scene) string {
			dir := t.TempDir()
			c.at("", "")
			c.address = dir + "/.s.PGSQL.5433"
			return "postgresql://af:" + planted + "@/af_auth?host=" + dir + "&port=5433"
		}, true, "nothing listens at {address}", "is PostgreSQL running? pg_isready {ready}"},
		{"closed", server(closes, plain), true, "the connection to {address} was closed before PostgreSQL answered", wrongPort},
		{"reset", server(resets, plain), true, "the connection to {address} was closed before PostgreSQL answered", wrongPort},
		{"no answer", server(silent, plain), true, "PostgreSQL at {address} did not answer within 150ms",
			"check network and firewall; DB_CONNECTION_TIMEOUT_MS sets how long one try may take"},
		{"starting up", server(says("57P03", "the database system is starting up"), plain), true,
			"PostgreSQL at {address} is starting up, recovering or shutting down", "wait until pg_isready says that it accepts connections"},
		{"shut down by its operator", server(says("57P01", "terminating connection due to administrator command"), plain), true,
			"PostgreSQL at {address} refused the connection: terminating connection due to administrator command (SQLSTATE 57P01)", ""},
		{"class 08", server(says("08006", "server conn crashed?"), plain), true,
			"PostgreSQL at {address} refused the connection: server conn crashed? (SQLSTATE 08006)", ""},
		{"full", server(says("53300", "sorry, too many clients already"), plain), true,
			"PostgreSQL at {address} has no connection left", "raise max_connections, or lower DB_POOL_MAX of its clients"},
		{"full, really", realServer(`ALTER ROLE "{role}" CONNECTION LIMIT 0`, ""), true,
			"PostgreSQL at {address} has no connection left", "raise max_connections, or lower DB_POOL_MAX of its clients"},
		{"read only", realServer(`ALTER DATABASE "{database}" SET default_transaction_read_only = on`, "target_session_attrs=read-write"), true, kind, kindHint},
		{"no standby", realServer("", "target_session_attrs=standby"), true, kind, kindHint},
		{"name server fails", func(_ *testing.T, c *scene) string { return c.at("db.flaky.test:5432", plain) }, true,
			`the name server does not answer for "db.flaky.test"`, "check the network and the resolver of this machine"},
		{"name server is silent", func(_ *testing.T, c *scene) string { return c.at("db.silent.test:5432", plain) }, true,
			`the name server does not answer for "db.silent.test"`, "check the network and the resolver of this machine"},
		{"unknown host", func(_ *testing.T, c *scene) string { return c.at("db.missing.test:5432", plain) }, false,
			`no host is named "db.missing.test"`, atHost},
		{"wrong password", realServer(`ALTER ROLE "{role}" PASSWORD 'another'`, ""), false,
			`PostgreSQL at {address} does not accept user "{role}" with this password`,
			"check user and password in DATABASE_URL; special characters in a URL are percent-encoded"},
		{"no login", realServer(`ALTER ROLE "{role}" NOLOGIN`, ""), false,
			`PostgreSQL at {address} does not let user "{role}" in: role "{role}" is not permitted to log in`,
			"check the user in DATABASE_URL, and the lines of pg_hba.conf"},
		{"not in pg_hba.conf", server(says("28000", `no pg_hba.conf entry for host "192.0.2.1"`), plain), false,
			`PostgreSQL at {address} does not let user "{role}" in: no pg_hba.conf entry for host "192.0.2.1"`,
			"check the user in DATABASE_URL, and the lines of pg_hba.conf"},
		{"missing database", realServer("", "dbname=nowhere"), false,
			`PostgreSQL at {address} has no database "nowhere"`, "create it: createdb -h HOST -U USER nowhere"},
		{"may not connect", realServer(`REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC`, ""), false,
			`PostgreSQL at {address} does not let user "{role}" into database "{database}"`,
			`as its owner: GRANT CONNECT ON DATABASE "{database}" TO "{role}"`},
		{"missing schema", realServer("", "schema=nowhere"), false,
			`database "{database}" has no schema "nowhere"`, "create it: psql -c 'CREATE SCHEMA nowhere'; or take schema= out of DATABASE_URL"},
		{"another schema behind PgBouncer", realServer("CREATE SCHEMA mine", "schema=mine&pgbouncer=true"), false,
			`DATABASE_URL asks for schema "mine", but through PgBouncer this role is in schema "public"`,
			`give the role its schema: ALTER ROLE "{role}" SET search_path = "mine", then RECONNECT in PgBouncer's console`},
		{"no schema behind PgBouncer", realServer(`ALTER ROLE "{role}" SET search_path = nowhere`, "schema=public&pgbouncer=true"), false,
			`DATABASE_URL asks for schema "public", but through PgBouncer this role is in no schema at all`,
			`give the role its schema: ALTER ROLE "{role}" SET search_path = "public", then RECONNECT in PgBouncer's console`},
		{"no TLS", server(refusesTLS, "sslmode=require"), false,
			"no encrypted connection to {address} could be made", "check sslmode and sslrootcert in DATABASE_URL"},
		{"unknown certificate", server(unknownTLS(), "sslmode=verify-full"), false,
			"no encrypted connection to {address} could be made", "check sslmode and sslrootcert in DATABASE_URL"},
		{"a web server", server(web, plain), false,
			"no connection to PostgreSQL at {address}", "is this PostgreSQL's port? pg_isready {ready}"},
		{"two hosts, one refuses and one denies", func(t *testing.T, c *scene) string {
			two := refusing(t) + "," + newStandIn(t, says("28P01", "password authentication failed")).Addr().String()
			defer func() { c.address = strings.ReplaceAll(two, ",", ", ") }()
			return c.at(two, plain)
		}, false, `PostgreSQL at {address} does not accept user "{role}" with this password`,
			"check user and password in DATABASE_URL; special characters in a URL are percent-encoded"},
		{"two hosts, one starts and one denies", func(t *testing.T, c *scene) string {
			two := newStandIn(t, says("57P03", "starting up")).Addr().String() + "," + newStandIn(t, says("28P01", "password authentication failed")).Addr().String()
			defer func() { c.address = strings.ReplaceAll(two, ",", ", ") }()
			return c.at(two, plain)
		}, false, `PostgreSQL at {address} does not accept user "{role}" with this password`,
			"check user and password in DATABASE_URL; special characters in a URL are percent-encoded"},
		{"two hosts, neither takes writes", func(t *testing.T, c *scene) string {
			realServer(`ALTER DATABASE "{database}" SET default_transaction_read_only = on`, "")(t, c)
			return "postgresql://{role}:" + planted + "@/{database}?host={dir},{dir}&port=5432,5432&target_session_attrs=read-write"
		}, true, "none of the servers at {address} is of the kind that target_session_attrs asks for", kindHint},
	}
}

// Every reason has its own words, is tried again only where waiting can help,
// and never shows the password.
func TestCauses(t *testing.T) {
	t.Parallel()
	for _, tt := range causes() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c scene
			url := tt.url(t, &c)
			var log journal
			var tries []string
			o := options(t, c.words(url))
			o.Timeout, o.Logger = 150*time.Millisecond, log.logger()
			if strings.HasPrefix(c.role, "l_") {
				o.Timeout = 10 * time.Second // a real server on a busy machine
			}
			o.Retry = postgres.Retry{Max: 1, Base: time.Millisecond}
			o.Attempted = func(outcome string) { tries = append(tries, outcome) }
			conn, err := o.Connect(t.Context())
			if err == nil {
				_ = conn.Close(t.Context())
			}
			var e *afauth.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			want, wantTries := c.words(tt.message), "[failed]"
			if tt.retried {
				want, wantTries = want+" (2 tries)", "[failed failed]"
			}
			if e.Message != want || e.Code != afauth.CodeUnavailable {
				t.Errorf("%s: %s\nwant %s\ncause: %v", e.Code, e.Message, want, e.Err)
			}
			if got := fmt.Sprint(tries); got != wantTries {
				t.Errorf("tries %s, want %s", got, wantTries)
			}
			if hint := c.words(tt.hint); e.Hint != hint {
				t.Errorf("hint %s\nwant %s", e.Hint, hint)
			}
			if shown := fmt.Sprintf("%v %+v %s", err, err, e.Hint) + log.text(); strings.Contains(shown, planted) || strings.Contains(shown, o.URL.Pgx()) {
				t.Errorf("the password is shown: %s", shown)
			}
			if tt.retried && !strings.Contains(log.text(), `"next_try_in":1000000`) {
				t.Errorf("log: %s", log.text())
			}
		})
	}
}

// What can pass, by its bare cause: some of them no test can bring about.
func TestPassing(t *testing.T) {
	t.Parallel()
	says := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"something else", errors.New("no"), false},
		{"no rows", pgx.ErrNoRows, false},
		{"58P01", says("58P01"), false},
		{"55000 not accepting connections", says("55000"), false},
		{"57P02 crash", says("57P02"), true},
		{"57P05 idle time-out", says("57P05"), false},
		{"08001", says("08001"), true},
		{"08P01", says("08P01"), true},
		{"wrapped", fmt.Errorf("opening: %w", says("57P03")), true},
		{"one of two", errors.Join(errors.New("no"), says("57P03")), true},
		{"a lasting one among passing ones", errors.Join(says("57P03"), says("3D000"), says("53300")), false},
		{"name not found", &net.DNSError{Err: "no such host", Name: "db", IsNotFound: true}, false},
		{"name server slow", &net.DNSError{Err: "timeout", Name: "db", IsTimeout: true}, true},
		{"primary wanted", fmt.Errorf("ValidateConnect failed: %w", pgconn.ErrStandbyConnection), true},
		{"read-only wanted", pgconn.ErrReadWriteConnection, true},
	} {
		if got := postgres.Passing(tt.err); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

// Causes of the network itself.
func TestPassingNetwork(t *testing.T) {
	t.Parallel()
	for err, want := range networkErrors() {
		dial := &net.OpError{Op: "dial", Net: "tcp", Err: err}
		if got := postgres.Passing(dial); got != want {
			t.Errorf("%v: %t, want %t", err, got, want)
		}
	}
}
