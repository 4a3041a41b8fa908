package pgurl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Pgx returns the URL for pgx.ParseConfig, password included: nothing in it is
// unknown to pgx. schema has become search_path, unless PgBouncer is set. The
// dial's time-out is not in it: it belongs to the configuration, where
// DB_CONNECTION_TIMEOUT_MS may say otherwise, and pgx would keep both.
func (u URL) Pgx() string {
	query := slices.Concat(u.shared, u.onlyPgx, u.runtime, u.secrets())
	if u.Schema != "" && !u.PgBouncer {
		query = append(query, pair{"search_path", quoteIdent(u.Schema)})
	}
	return u.render(u.password != nil, reveal(u.password), query)
}

// Tools returns the URL for psql, pg_dump and their like, password included:
// nothing in it is unknown to libpq. Settings of the session travel in
// options. A command line is readable by every user of the machine: there use
// [URL.ToolsEnv].
func (u URL) Tools() string {
	return u.render(u.password != nil, reveal(u.password), u.libpq())
}

// ToolsEnv returns the same without the password, and the password as an entry
// of the environment (PGPASSWORD=…), or none where there is no password. The
// password of a client key stays in the URL: libpq takes it from nowhere else.
func (u URL) ToolsEnv() (url string, env []string) {
	if u.password != nil {
		env = []string{"PGPASSWORD=" + *u.password}
	}
	return u.render(false, "", u.libpq()), env
}

func (u URL) libpq() []pair {
	query := slices.Concat(u.shared, u.onlyLib, u.secrets())
	if u.ConnectTimeout != 0 {
		query = append(query, pair{"connect_timeout", strconv.Itoa(max(0, int(u.ConnectTimeout/time.Second)))})
	}
	var options []string
	for _, r := range u.runtime {
		switch r.name {
		case "application_name":
			query = append(query, r)
		case "options":
			options = slices.Insert(options, 0, r.value)
		default:
			options = append(options, setting(r.name, r.value))
		}
	}
	if u.Schema != "" && !u.PgBouncer {
		options = append(options, setting("search_path", quoteIdent(u.Schema)))
	}
	if len(options) > 0 {
		query = append(query, pair{"options", strings.Join(options, " ")})
	}
	return query
}

func (u URL) secrets() []pair {
	if u.sslPassword == nil {
		return nil
	}
	return []pair{{"sslpassword", *u.sslPassword}}
}

// render writes the URL anew from its parts. Hosts that do not fit before the
// path, such as sockets, go into the query.
func (u URL) render(withPassword bool, password string, query []pair) string {
	var b strings.Builder
	b.WriteString("postgresql://")
	if u.user != "" || withPassword {
		b.WriteString(escape(u.user, ""))
		if withPassword {
			b.WriteString(":" + escape(password, "*"))
		}
		b.WriteByte('@')
	}
	if slices.ContainsFunc(u.hosts, endpoint.isSocket) {
		query = append(u.hostParams(), query...)
	} else {
		for i, e := range u.hosts {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(e.netloc())
		}
	}
	b.WriteString("/" + escape(u.database, ""))
	for i, p := range query {
		if i == 0 {
			b.WriteByte('?')
		} else {
			b.WriteByte('&')
		}
		fmt.Fprintf(&b, "%s=%s", p.name, escape(p.value, "/:,*"))
	}
	return b.String()
}

func (u URL) hostParams() []pair {
	hosts, ports := make([]string, len(u.hosts)), make([]string, len(u.hosts))
	for i, e := range u.hosts {
		hosts[i], ports[i] = e.host, e.port
	}
	query := []pair{{"host", strings.Join(hosts, ",")}}
	if strings.Trim(strings.Join(ports, ""), ",") != "" {
		query = append(query, pair{"port", strings.Join(ports, ",")})
	}
	return query
}

func (e endpoint) netloc() string {
	host := escape(e.host, "")
	if strings.Contains(e.host, ":") {
		host = "[" + escape(e.host, ":") + "]"
	}
	if e.port == "" {
		return host
	}
	return host + ":" + e.port
}

// escape percent-encodes all but the unreserved characters of RFC 3986 and
// those in keep.
func escape(s, keep string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			strings.IndexByte("-._~", c) >= 0, strings.IndexByte(keep, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// quoteIdent writes one schema's name as search_path reads it: quoted, unless
// it would mean the same without quotes.
func quoteIdent(s string) string {
	for i, c := range s {
		if (c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9') {
			continue
		}
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

// setting writes one -c for options, where white space ends an argument unless
// a backslash stands before it
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS).
func setting(name, value string) string {
	return "-c" + name + "=" + strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(value)
}
