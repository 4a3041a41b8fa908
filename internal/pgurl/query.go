package pgurl

import "strings"

// readQuery decodes the parameters, stores those that say who connects to
// what, and returns the others by name. Each name is known when it returns.
func (u *URL) readQuery(query string) (map[string]string, error) {
	known := parameters()
	params := map[string]string{}
	afterSecret := false
	for item := range strings.SplitSeq(query, "&") {
		if item == "" { // Prisma's own URLs may end in ? or &
			continue
		}
		rawName, rawValue, hasValue := strings.Cut(item, "=")
		name, err := decode(rawName, "a parameter's name")
		if err != nil {
			return nil, err
		}
		p, isKnown := known[canonical(name)]
		if (!isKnown || !hasValue) && afterSecret {
			// The tail of a password with a raw & in it: not to be shown.
			return nil, fault("in a password write & as %26", "what follows the password in the query is no parameter")
		}
		if !isKnown {
			return nil, unknown(name, known)
		}
		name = canonical(name)
		if !hasValue || strings.Contains(rawValue, "=") {
			return nil, fault("write NAME=VALUE, and = inside a value as %3D", "the parameter %s is not one name and one value", name)
		}
		if strings.Contains(rawValue, "+") && !p.secret {
			// Prisma reads a space, libpq a plus: neither is guessed at.
			return nil, fault("write a space as %20 and a plus as %2B", "the parameter %s holds a raw +", name)
		}
		value, err := decode(rawValue, "the parameter "+name)
		if err != nil {
			return nil, err
		}
		if _, twice := params[name]; twice {
			return nil, fault("keep one of them", "the parameter %s is given twice", name)
		}
		if p.check != nil {
			if err := p.check(name, value); err != nil {
				return nil, err
			}
		}
		params[name] = value
		afterSecret = p.secret
		u.keep(name, value, p)
	}
	return params, u.address(params)
}

// keep notes a parameter for Redacted and for the readers that understand it.
func (u *URL) keep(name, value string, p parameter) {
	if p.secret {
		return
	}
	if p.reader != forAddress {
		u.given = append(u.given, pair{name, value})
	}
	switch p.reader {
	case forBoth:
		u.shared = append(u.shared, pair{name, value})
	case forPgx:
		u.onlyPgx = append(u.onlyPgx, pair{name, value})
	case forTools:
		u.onlyLib = append(u.onlyLib, pair{name, value})
	case forSession:
		u.runtime = append(u.runtime, pair{name, value})
	}
}

// address lets host, port, user, password and dbname in the query win over
// what stands before it, as libpq does. Sockets are given this way:
// postgresql://USER@localhost/DATABASE?host=/var/run/postgresql
func (u *URL) address(params map[string]string) error {
	if v, ok := params["user"]; ok {
		u.user = v
	}
	if v, ok := params["password"]; ok && v != "" {
		u.password = &v
	}
	if v, ok := params["sslpassword"]; ok && v != "" {
		u.sslPassword = &v
	}
	if v, ok := params["dbname"]; ok {
		u.database = v
	}
	if v, ok := params["host"]; ok {
		hosts := strings.Split(v, ",")
		if len(u.hosts) > 1 && len(hosts) != len(u.hosts) {
			return fault("give the hosts in one place", "the host parameter names %d hosts and the URL %d", len(hosts), len(u.hosts))
		}
		var ports []string
		for _, e := range u.hosts {
			ports = append(ports, e.port)
		}
		u.hosts = nil
		for i, host := range hosts {
			e := endpoint{host: host}
			if len(ports) > 0 {
				e.port = ports[min(i, len(ports)-1)]
			}
			u.hosts = append(u.hosts, e)
		}
	}
	if v, ok := params["port"]; ok {
		ports := strings.Split(v, ",")
		if len(u.hosts) == 0 {
			u.hosts = []endpoint{{}}
		}
		if len(ports) != 1 && len(ports) != len(u.hosts) {
			return fault("give one port, or one for each host", "the port parameter names %d ports for %d hosts", len(ports), len(u.hosts))
		}
		for i := range u.hosts {
			u.hosts[i].port = ports[min(i, len(ports)-1)]
		}
	}
	return checkHosts(u.hosts)
}

// canonical gives the session's settings, whose names have no case in
// PostgreSQL, one spelling.
func canonical(name string) string {
	if lower := strings.ToLower(name); lower == "timezone" {
		return lower
	}
	return name
}

func unknown(name string, known map[string]parameter) error {
	if why, ok := refused()[name]; ok {
		return fault(why, "the parameter %s cannot be honoured", name)
	}
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	hint := "take it out; docs/config.md says which parameters are understood"
	if near := Nearest(name, names); near != "" {
		hint = "the nearest known one is " + near
	}
	return fault(hint, "the parameter %q is not known", shorten(name))
}

// shorten keeps a hostile name from filling a log.
func shorten(s string) string {
	if len(s) <= 40 {
		return s
	}
	return strings.ToValidUTF8(s[:40], "") + "…"
}
