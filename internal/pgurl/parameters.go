package pgurl

import (
	"slices"
	"strconv"
	"strings"
)

// reader says who understands a parameter.
type reader int

const (
	forUs      reader = iota // translated into fields or other parameters
	forAddress               // who connects to what
	forBoth                  // pgx and libpq
	forPgx                   // pgx alone; PostgreSQL's tools would refuse it
	forTools                 // libpq alone; pgx would send it to the server
	forSession               // a setting of the session
)

// parameter is what is known about one name in the query. check, where there
// is one, refuses a decoded value.
type parameter struct {
	reader reader
	secret bool
	check  func(name, value string) error
}

// parameters lists every name that a URL may carry. Prisma's are those of
// https://www.prisma.io/docs/orm/overview/databases/postgresql#arguments and
// of its engine's quaint/src/connector/postgres/url.rs; pgx's those of
// pgconn.ParseConfig and pgx.ParseConfig 5.12; libpq's those of
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS.
func parameters() map[string]parameter {
	known := map[string]parameter{
		"user":        {reader: forAddress, check: shortName},
		"dbname":      {reader: forAddress, check: shortName},
		"host":        {reader: forAddress},
		"port":        {reader: forAddress},
		"password":    {reader: forAddress, secret: true},
		"sslpassword": {reader: forUs, secret: true},

		"schema":               {check: shortName},
		"pgbouncer":            {check: oneOf("true", "false")},
		"sslaccept":            {check: oneOf("strict", "accept_invalid_certs")},
		"statement_cache_size": {check: wholeNumber},

		"ssl":     {check: oneOf("true")},
		"sslmode": {check: oneOf("disable", "allow", "prefer", "require", "verify-ca", "verify-full")},

		"target_session_attrs": {reader: forBoth, check: oneOf("any", "read-write", "read-only", "primary", "standby", "prefer-standby")},
		"channel_binding":      {reader: forBoth, check: oneOf("disable", "prefer", "require")},
		"sslnegotiation":       {reader: forBoth, check: oneOf("postgres", "direct")},
		"sslcertmode":          {reader: forBoth, check: oneOf("disable", "allow", "require")},
		"sslsni":               {reader: forBoth, check: oneOf("0", "1")},

		"default_query_exec_mode": {reader: forPgx, check: oneOf(
			"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol")},
		"krbspn": {reader: forPgx},

		// pgx neither asks for GSS encryption nor compresses, so only the
		// values that do not insist on it can be kept.
		"gssencmode":     {reader: forTools, check: oneOf("disable", "prefer")},
		"sslcompression": {reader: forTools, check: oneOf("0")},

		"application_name": {reader: forSession},
		"options":          {reader: forSession},
		"client_encoding":  {reader: forSession, check: oneOf("UTF8", "utf8", "UTF-8")},
	}
	for _, n := range []string{"connection_limit", "pool_timeout", "connect_timeout", "socket_timeout",
		"max_connection_lifetime", "max_idle_connection_lifetime"} {
		known[n] = parameter{check: wholeNumber}
	}
	for _, n := range []string{"sslcert", "sslkey", "sslrootcert"} {
		known[n] = parameter{check: notEmpty}
	}
	for _, n := range []string{"passfile", "service", "servicefile", "krbsrvname", "require_auth",
		"min_protocol_version", "max_protocol_version"} {
		known[n] = parameter{reader: forBoth, check: notEmpty}
	}
	for _, n := range []string{"fallback_application_name", "keepalives", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout", "gsslib"} {
		known[n] = parameter{reader: forTools, check: notEmpty}
	}
	for _, n := range []string{"search_path", "timezone", "statement_timeout", "lock_timeout",
		"idle_in_transaction_session_timeout"} {
		known[n] = parameter{reader: forSession, check: notEmpty}
	}
	return known
}

// refused lists names that somebody else knows and that would change what is
// trusted or how the pool works if they were left out silently, with the way
// out.
func refused() map[string]string {
	const pool = "set DB_POOL_MIN and DB_POOL_MAX instead"
	return map[string]string{
		"sslidentity": "pgx reads no PKCS#12 file: run 'openssl pkcs12 -in FILE -nokeys -clcerts -out client.crt' and 'openssl pkcs12 -in FILE -nocerts -nodes -out client.key', " +
			"then give sslcert=client.crt and sslkey=client.key, and the authority's certificate as sslrootcert",
		"hostaddr":                   "write the address as the host",
		"sslcrl":                     "pgx reads no revocation lists: leave it out, or let a proxy do it",
		"sslcrldir":                  "pgx reads no revocation lists: leave it out, or let a proxy do it",
		"requirepeer":                "pgx does not check the socket's owner: keep the socket in a folder that only PostgreSQL can write",
		"ssl_min_protocol_version":   "pgx uses TLS 1.2 or newer: leave it out",
		"ssl_max_protocol_version":   "pgx uses TLS 1.2 or newer: leave it out",
		"load_balance_hosts":         "pgx tries the hosts in order: leave it out",
		"replication":                "a replication connection cannot serve: leave it out",
		"min_read_buffer_size":       "pgx 5 has it no more: leave it out",
		"statement_cache_capacity":   "write statement_cache_size",
		"description_cache_capacity": "write statement_cache_size",
		"pool_max_conns":             pool,
		"pool_min_conns":             pool,
	}
}

func oneOf(allowed ...string) func(name, value string) error {
	return func(name, value string) error {
		if slices.Contains(allowed, value) {
			return nil
		}
		return fault("allowed: "+strings.Join(allowed, ", "), "the parameter %s has a value that is not allowed", name)
	}
}

// largest bounds every number: as seconds it is more than a year.
const largest = 100_000_000

func wholeNumber(name, value string) error {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n > largest {
		return fault("write a whole number of at most "+strconv.Itoa(largest)+", without a unit", "the parameter %s is not a number in range", name)
	}
	return nil
}

func notEmpty(name, value string) error {
	if value == "" {
		return fault("give it a value or leave it out", "the parameter %s is empty", name)
	}
	return nil
}

func shortName(name, value string) error {
	if err := notEmpty(name, value); err != nil {
		return err
	}
	return checkName(value, "the parameter "+name)
}
