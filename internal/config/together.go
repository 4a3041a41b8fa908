package config

import (
	"net"
	"strings"
)

// settleUpstream refuses what an application on af-auth's own host may not
// stand beside.
func (l *loader) settleUpstream() {
	c := l.config
	if c.Upstream == "" {
		return
	}
	_, at, _ := strings.Cut(c.Upstream, "://")
	if at == c.Listen || c.Upstream == c.Origin {
		l.fault("AF_AUTH_UPSTREAM", l.source["AF_AUTH_UPSTREAM"],
			wrong("give the application's own address", "is af-auth's own address, so a request would go round for ever"))
		return
	}
	// To a browser both are one origin: no cookie, header or token of a form
	// keeps a script of the one from reading and pressing what the other shows.
	if len(c.Admins) > 0 {
		l.fault("AF_AUTH_UPSTREAM", l.source["AF_AUTH_UPSTREAM"],
			wrong("give the application a host of its own behind a proxy (docs/proxies.md), or remove AF_AUTH_ADMINS and decide with af-auth allow and revoke",
				"puts an application on the host of /auth/people, and AF_AUTH_ADMINS names administrators: any script of the application could decide as an administrator who looks at it"))
	}
}

// settleHosts refuses hosts that differ by their port alone. Cookies know no
// ports (RFC 6265, section 8.5), and proxies such as Caddy and Traefik find a
// site without them: with the Host of the one a request would be let in by the
// session there, and arrive at the other. On http, which is loopback, the names
// of our cookies hold the port.
func (l *loader) settleHosts() {
	c := l.config
	scheme, own, _ := strings.Cut(c.Origin, "://")
	if scheme != "https" || l.faulty["AF_AUTH_HOSTS"] || l.faulty["AF_AUTH_URL"] {
		return
	}
	seen := map[string]string{withoutPort(own): own}
	for _, h := range c.Hosts {
		name := withoutPort(h.Host)
		first, known := seen[name]
		if !known {
			seen[name] = h.Host
			continue
		}
		if first == h.Host {
			continue // our own host, named again
		}
		other := quote(first)
		if first == own {
			other = "that of AF_AUTH_URL"
		}
		l.fault("AF_AUTH_HOSTS", l.source["AF_AUTH_HOSTS"],
			wrong("give each a name of its own, such as wiki.example.com",
				"names %s and %s, which differ by their port alone: cookies know no ports, and many proxies look at the name only, so who may open one of them could get into the other", quote(h.Host), other))
		return
	}
}

// withoutPort is the host of HOST[:PORT], an IPv6 address without its brackets.
func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
