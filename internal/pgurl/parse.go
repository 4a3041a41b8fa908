package pgurl

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxLength keeps hostile input small. PostgreSQL's own startup packet
	// ends at 10,000 bytes.
	maxLength = 8192

	// maxName is NAMEDATALEN - 1: PostgreSQL cuts longer names silently.
	maxName = 63

	encodeHint = "in a user name or password write / as %2F, ? as %3F, # as %23, @ as %40, : as %3A and % as %25"
	exampleURL = "write postgresql://USER:PASSWORD@HOST:5432/DATABASE"
)

// Parse reads a postgres:// or postgresql:// URL. The error is an *Error. It
// never holds the password: where the cut between a password and the rest is
// in doubt, nothing of the text is shown at all.
func Parse(raw string) (URL, error) {
	rest, err := cutScheme(raw)
	if err != nil {
		return URL{}, err
	}
	u, query, err := split(rest)
	if err != nil {
		return URL{}, err
	}
	params, err := u.readQuery(query)
	if err != nil {
		return URL{}, err
	}
	if err := u.translate(params); err != nil {
		return URL{}, err
	}
	if u.database == "" && params["service"] == "" {
		return URL{}, fault(exampleURL, "the URL names no database")
	}
	return u, nil
}

// cutScheme checks what can be checked before anything is taken apart, and
// returns what follows the scheme.
func cutScheme(raw string) (string, error) {
	scheme, rest, isURL := strings.Cut(raw, "://")
	switch {
	case raw == "":
		return "", fault(exampleURL, "the URL is empty")
	case len(raw) > maxLength:
		return "", fault(exampleURL, "the URL is longer than %d bytes", maxLength)
	case !utf8.ValidString(raw) || strings.ContainsFunc(raw, isControl):
		return "", fault("percent-encode everything that is not plain text", "the URL holds a control character or invalid UTF-8")
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		return rest, nil
	case isURL && (scheme == "prisma" || scheme == "prisma+postgres"):
		return "", fault("give the database's own URL: "+exampleURL, "a prisma:// URL leads to Prisma's proxy, which speaks no PostgreSQL")
	case isURL && scheme == "jdbc:postgresql":
		return "", fault("leave jdbc: away and put user and password before the host: "+exampleURL, "this is a JDBC URL")
	case !isURL && strings.Contains(raw, "="):
		return "", fault(exampleURL, "this is a list of key=value settings, and only URLs are read here")
	}
	return "", fault(exampleURL, "the URL does not start with postgresql:// or postgres://")
}

// split takes user, password, hosts and database out of what follows the
// scheme, and returns the query undecoded.
//
// The form is libpq's (https://www.postgresql.org/docs/current/libpq-connect.html),
// with one rule more: a raw @ stands only once, before the hosts. libpq ends
// the password at the first @ and Prisma at the last one, and with a raw / or ?
// in the password both would take its tail for something that may be shown.
func split(rest string) (u URL, query string, err error) {
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if strings.Contains(tail, "@") || strings.Count(authority, "@") > 1 {
		return u, "", fault(encodeHint, "an @ stands where none may be, so it is unclear where the password ends")
	}
	if strings.Contains(tail, "#") {
		return u, "", fault(encodeHint, "a # stands in the URL, which has no fragment")
	}
	hosts := authority
	if login, after, found := strings.Cut(authority, "@"); found {
		hosts = after
		if err := u.setLogin(login); err != nil {
			return u, "", err
		}
	}
	path, query, _ := strings.Cut(tail, "?")
	path = strings.TrimPrefix(path, "/")
	if strings.Contains(path, "/") {
		return u, "", fault("write it as %2F", "the database's name holds a /")
	}
	if u.database, err = decode(path, "the database's name"); err != nil {
		return u, "", err
	}
	if err := checkName(u.database, "the database's name"); err != nil {
		return u, "", err
	}
	u.hosts, err = splitHosts(hosts)
	return u, query, err
}

func (u *URL) setLogin(login string) error {
	user, password, hasPassword := strings.Cut(login, ":")
	var err error
	if u.user, err = decode(user, "the user name"); err != nil {
		return err
	}
	if err := checkName(u.user, "the user name"); err != nil || !hasPassword || password == "" {
		return err
	}
	clear, err := decode(password, "the password")
	u.password = &clear
	return err
}

// splitHosts reads "h1:5432,[::1]:5433,h3".
func splitHosts(list string) ([]endpoint, error) {
	if list == "" {
		return nil, nil
	}
	var all []endpoint
	for item := range strings.SplitSeq(list, ",") {
		host, port, _ := strings.Cut(item, ":")
		if strings.HasPrefix(item, "[") {
			inside, after, closed := strings.Cut(item[1:], "]")
			if !closed || (after != "" && after[0] != ':') {
				return nil, fault("write an IPv6 address as [::1]:5432", "a bracketed host does not end as it should")
			}
			host, port = inside, strings.TrimPrefix(after, ":")
		}
		host, err := decode(host, "a host")
		if err != nil {
			return nil, err
		}
		all = append(all, endpoint{host, port})
	}
	return all, checkHosts(all)
}

// checkHosts never shows what it refuses: in a URL without an @ the place of
// host and port is where somebody's user and password may stand.
func checkHosts(all []endpoint) error {
	for _, e := range all {
		isDefault := e.host == "" && len(all) == 1
		if !isDefault && !validHost(e.host) {
			return fault(exampleURL+"; "+encodeHint, "a host is not a name, an address or the path of a socket folder")
		}
		if e.port == "" {
			continue
		}
		if n, err := strconv.ParseUint(e.port, 10, 16); err != nil || n == 0 || e.port[0] == '+' {
			return fault(exampleURL+"; "+encodeHint, "a port is not a number from 1 to 65535")
		}
	}
	return nil
}

func validHost(host string) bool {
	if (endpoint{host: host}).isSocket() {
		return len(host) > 1
	}
	if strings.Contains(host, ":") {
		_, err := netip.ParseAddr(host)
		return err == nil
	}
	for _, c := range host {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return host != ""
}

func checkName(name, what string) error {
	if len(name) > maxName {
		return fault("PostgreSQL would cut it silently", "%s is longer than %d bytes", what, maxName)
	}
	return nil
}

// decode undoes percent-encoding. A + stays a +, as in libpq. what names the
// part, because the text itself may be secret.
func decode(raw, what string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			b.WriteByte(raw[i])
			continue
		}
		if i+2 >= len(raw) {
			return "", fault(encodeHint, "%s ends in the middle of a percent-encoded character", what)
		}
		c, err := strconv.ParseUint(raw[i+1:i+3], 16, 8)
		if err != nil || raw[i+1] == '+' {
			return "", fault(encodeHint, "%s holds a %% that is not followed by two hexadecimal digits", what)
		}
		b.WriteByte(byte(c))
		i += 2
	}
	s := b.String()
	if !utf8.ValidString(s) || strings.ContainsFunc(s, isControl) {
		return "", fault("leave it out", "%s holds a control character or invalid UTF-8", what)
	}
	return s, nil
}

func isControl(c rune) bool { return c < 0x20 || c == 0x7f }
