package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const originHint = "write scheme, host and, where needed, port: https://auth.example.com"

// parseOrigin reads scheme://host[:port] and returns it in the one form that
// browsers send: lower case, no default port. url.Parse's errors quote their
// input, which may hold a password, so they are not passed on.
func parseOrigin(raw string) (origin string, loopback bool, fault *Fault) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return "", false, wrong(originHint, "is no URL with a scheme and a host")
	}
	host, ok := canonicalHost(u.Hostname())
	port := u.Port()
	isDefault := u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80"
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "", false, wrong(originHint, "starts with neither https:// nor http://")
	case u.User != nil:
		return "", false, wrong(originHint, "holds a user name or password")
	case (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return "", false, wrong(originHint, "holds more than an origin")
	case !ok || strings.HasSuffix(u.Host, ":") || (port != "" && !validPort(port, 1)):
		return "", false, wrong(originHint, "has a host or port that cannot be")
	}
	loopback = isLoopback(host)
	if u.Scheme == "http" && !loopback {
		return "", false, wrong("write https://, and let your proxy hold the certificate", "is http:// and not loopback, so cookies and tokens would travel in clear")
	}
	if isDefault {
		port = ""
	}
	return u.Scheme + "://" + authority(host, port), loopback, nil
}

func readOrigin(field func(*Config) *string) func(*Config, string) *Fault {
	return func(c *Config, value string) *Fault {
		origin, _, fault := parseOrigin(value)
		*field(c) = origin
		return fault
	}
}

// readUpstream reads the address of an application nearby. Between it and
// af-auth http is usual: whoever sits there could read https as well.
func readUpstream(c *Config, value string) *Fault {
	const hint = "write scheme, host and, where needed, port: http://127.0.0.1:3000"
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" {
		return wrong(hint, "is no http or https URL with a host")
	}
	host, ok := canonicalHost(u.Hostname())
	switch {
	case u.User != nil:
		return wrong(hint, "holds a user name or password")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || strings.Contains(value, "#"):
		return wrong(hint, "holds more than scheme, host and port: paths are passed on as they are")
	case !ok || strings.HasSuffix(u.Host, ":") || u.Port() != "" && !validPort(u.Port(), 1):
		return wrong(hint, "has a host or port that cannot be")
	}
	c.Upstream = u.Scheme + "://" + authority(host, u.Port())
	return nil
}

// authority joins host and port, "" for the scheme's own.
func authority(host, port string) string {
	switch {
	case port != "":
		return net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	default:
		return host
	}
}

func readGitHubURL(c *Config, value string) *Fault {
	origin, _, fault := parseOrigin(value)
	if fault != nil {
		fault.Hint = "write https://github.com, or https://HOST for an Enterprise Server"
		return fault
	}
	if origin == "https://api.github.com" || origin == "https://www.github.com" {
		return wrong("write https://github.com: the API's address follows from it", "is not the address that people sign in at")
	}
	c.GitHubURL = origin
	return nil
}

// canonicalHost lower-cases a name or an address without brackets and reports
// whether it is one. A name that ends in a number is none: some resolvers read
// 127.1 as an address.
func canonicalHost(host string) (string, bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), addr.Zone() == ""
	}
	host = strings.ToLower(host)
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return "", false
			}
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1])
	return host, err != nil && len(host) <= 253
}

// isLoopback reports whether a host never leaves this machine (RFC 6761, 6.3).
func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func validPort(port string, least uint64) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n >= least
}

func readListen(field func(*Config) *string) func(*Config, string) *Fault {
	return func(c *Config, value string) *Fault {
		host, port, err := net.SplitHostPort(value)
		known := host == ""
		if !known {
			_, known = canonicalHost(host)
		}
		if err != nil || !known || !validPort(port, 0) {
			return wrong("write 127.0.0.1:8080, or :8080 for every interface", "is %s, which is no HOST:PORT", quote(value))
		}
		*field(c) = value
		return nil
	}
}

// readHosts reads the list of applications. It is what return_to is held
// against, so nothing in it is a pattern.
func readHosts(c *Config, value string) *Fault {
	var hosts []Host
	seen := map[string]bool{}
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		host, name, named := strings.Cut(item, "=")
		host, name = strings.TrimSpace(host), strings.TrimSpace(name)
		if fault := checkHost(host); fault != nil {
			return fault
		}
		if seen[host] {
			return wrong("keep one of them", "names %s twice", quote(host))
		}
		seen[host] = true
		if !named || name == "" {
			name = host
		}
		if len(name) > 64 || strings.ContainsFunc(name, isControl) {
			return wrong("write a short name", "has a name of more than 64 bytes, or with a control character, for %s", quote(host))
		}
		hosts = append(hosts, Host{host, name})
	}
	c.Hosts = hosts
	return nil
}

// CheckHost says what is wrong with a host of an application, as AF_AUTH_HOSTS
// lists them; nil: nothing. Name and Source of the fault are empty.
func CheckHost(host string) *Fault { return checkHost(host) }

func checkHost(item string) *Fault {
	const hint = "write exact hosts, as they stand in the address bar: grafana.example.com or app.example.com:8443"
	host, port := item, ""
	if h, p, err := net.SplitHostPort(item); err == nil {
		host, port = h, p
	} else if inner, ok := strings.CutPrefix(item, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	canonical, ok := canonicalHost(host)
	switch {
	case strings.Contains(item, "://"):
		return wrong(hint, "holds a URL where a host is expected")
	case strings.Contains(item, "*"):
		return wrong(hint, "holds the pattern %s, and hosts are compared exactly", quote(item))
	case !ok || strings.HasSuffix(item, ":") || (port != "" && !validPort(port, 1)):
		return wrong(hint, "holds %s, which is no host", quote(item))
	case canonical != host:
		return wrong("write "+strings.ReplaceAll(item, host, canonical), "holds %s, which no browser sends in this form", quote(item))
	case port == "443" || port == "80":
		return wrong("leave the port away: browsers do not send a default port", "holds %s", quote(item))
	}
	return nil
}

// readProxies refuses networks wider than any private one: believing everybody
// is how forwarded headers have let strangers in (CVE-2026-40575).
func readProxies(c *Config, value string) *Fault {
	proxies, fault := readNetworks(value)
	for _, prefix := range proxies {
		widest := 7 // fc00::/7
		if prefix.Addr().Is4() {
			widest = 8 // 10.0.0.0/8
		}
		if prefix.Bits() < widest {
			return wrong("name your proxies, and nobody else",
				"holds %s: whoever is inside may claim any address and host, so it would trust everybody's headers", quote(prefix.String()))
		}
	}
	c.TrustedProxies = proxies
	return fault
}

// readNetworks reads a list of addresses and networks.
func readNetworks(value string) ([]netip.Prefix, *Fault) {
	var out []netip.Prefix
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if addr, addrErr := netip.ParseAddr(item); addrErr == nil && addr.Zone() == "" {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, wrong("write addresses and networks, such as 10.0.0.5 or 192.168.7.0/24", "holds %s, which is neither an address nor a network", quote(item))
		}
		if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

// readContact accepts only what may stand in a link: no javascript:, no http:.
func readContact(c *Config, value string) *Fault {
	fault := wrong("write https://HOST/PAGE or an e-mail address", "is neither an https URL nor an e-mail address")
	if strings.HasPrefix(value, "https://") {
		u, err := url.Parse(value)
		if err != nil || u.Host == "" || u.User != nil || strings.ContainsFunc(value, isControl) {
			return fault
		}
		c.Contact = u.String()
		return nil
	}
	address := strings.TrimPrefix(value, "mailto:")
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || strings.ContainsAny(address, "?&%\" <>") {
		return fault
	}
	c.Contact = "mailto:" + address
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
