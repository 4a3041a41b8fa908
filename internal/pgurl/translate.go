package pgurl

import (
	"strconv"
	"time"
)

// translate turns the parameters that are meant for us into fields and into
// parameters of pgx and libpq. Every value has passed its check.
func (u *URL) translate(p map[string]string) error {
	u.Schema = p["schema"]
	u.ConnectionLimit = number(p["connection_limit"])
	u.PoolTimeout = seconds(p["pool_timeout"])
	u.ConnectTimeout = seconds(p["connect_timeout"])
	u.SocketTimeout = seconds(p["socket_timeout"])
	u.MaxConnLifetime = seconds(p["max_connection_lifetime"])
	u.MaxConnIdleTime = seconds(p["max_idle_connection_lifetime"])
	u.PgBouncer = p["pgbouncer"] == "true"

	if v, ok := p["connection_limit"]; ok && number(v) == 0 {
		return fault("give at least 1, or leave it out", "connection_limit=0 leaves no connection")
	}
	if p["schema"] != "" && p["search_path"] != "" {
		return fault("keep one of them", "schema and search_path are both given")
	}
	if err := u.statements(p); err != nil {
		return err
	}
	if err := u.pooler(); err != nil {
		return err
	}
	return u.tls(p)
}

// statements decides whether pgx may keep named statements on a connection.
func (u *URL) statements(p map[string]string) error {
	size, sized := p["statement_cache_size"]
	none := u.PgBouncer || (sized && number(size) == 0)
	switch mode := p["default_query_exec_mode"]; {
	case mode == "cache_statement" && none:
		return fault("leave default_query_exec_mode out",
			"default_query_exec_mode=cache_statement asks for named statements, which pgbouncer=true and statement_cache_size=0 rule out")
	case mode == "" && none:
		// One round trip a query, unnamed statements, and the server's own
		// types of the arguments: what stays possible without names.
		u.onlyPgx = append(u.onlyPgx, pair{"default_query_exec_mode", "cache_describe"})
	case mode != "" && mode != "cache_statement":
		none = true
	}
	if sized && !none {
		u.onlyPgx = append(u.onlyPgx, pair{"statement_cache_capacity", size})
	}
	u.NoNamedStatements = none
	return nil
}

// pooler refuses settings of the session where PgBouncer stands in front: in
// transaction mode the next query may run on another connection, and PgBouncer
// ends a client whose startup packet holds a parameter that it does not track
// (https://www.pgbouncer.org/config.html#ignore_startup_parameters). The name
// of the application changes nothing that matters, so it is left out quietly.
func (u *URL) pooler() error {
	if !u.PgBouncer {
		return nil
	}
	for _, r := range u.runtime {
		if r.name != "application_name" {
			return fault("set it on the role: ALTER ROLE … SET …", "the parameter %s cannot be sent through pgbouncer=true", r.name)
		}
	}
	u.runtime = nil
	return nil
}

// tls settles the names on which Prisma and libpq differ.
//
//	sslaccept=strict                → sslmode=verify-full, the system's roots unless a file is given
//	sslaccept=accept_invalid_certs  → sslmode=require, unless sslmode says otherwise
//	sslcert without sslkey (Prisma) → sslrootcert: the server's authority
//	sslcert with sslkey (libpq)     → the client's own certificate
//	ssl=true (JDBC, libpq)          → sslmode=require
func (u *URL) tls(p map[string]string) error {
	mode, root, accept := p["sslmode"], p["sslrootcert"], p["sslaccept"]
	cert, key := p["sslcert"], p["sslkey"]
	if p["ssl"] == "true" && mode == "" {
		mode = "require"
	}
	switch {
	case p["ssl"] == "true" && mode == "disable":
		return fault("keep one of them", "ssl=true and sslmode=disable contradict each other")
	case cert == "" && key != "":
		return fault("give both, or neither", "sslkey is given without sslcert")
	case cert != "" && key == "" && root != "":
		return fault("add sslkey for a client certificate, or drop sslcert", "sslcert and sslrootcert are both given, and no sslkey")
	case cert != "" && key == "":
		cert, root = "", cert
	}
	verifies := mode == "verify-ca" || mode == "verify-full" || p["sslrootcert"] != ""
	switch {
	case accept == "strict" && (mode == "disable" || mode == "verify-ca"):
		return fault("keep one of them", "sslaccept=strict and sslmode=%s contradict each other", mode)
	case accept == "strict":
		mode = "verify-full"
		if root == "" {
			root = "system"
		}
	case accept == "accept_invalid_certs" && verifies:
		return fault("keep one of them", "sslaccept=accept_invalid_certs contradicts the verification that sslmode or sslrootcert asks for")
	case accept == "accept_invalid_certs":
		root = "" // with a root, require would verify
		if mode == "" {
			mode = "require"
		}
	}
	for _, s := range []pair{{"sslmode", mode}, {"sslrootcert", root}, {"sslcert", cert}, {"sslkey", key}} {
		if s.value != "" {
			u.shared = append(u.shared, s)
		}
	}
	return nil
}

// number reads a value that wholeNumber has passed; "" is 0.
func number(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0
	}
	return n
}

// seconds reads a time-out: "" is not given, 0 is NoLimit.
func seconds(v string) time.Duration {
	switch {
	case v == "":
		return 0
	case number(v) == 0:
		return NoLimit
	}
	return time.Duration(number(v)) * time.Second
}
