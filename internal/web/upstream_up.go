package web

import (
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/telemetry"
)

// rewrite makes the request that the application sees. It runs after
// ReverseProxy has taken out what Connection names, so what is set here cannot
// be taken away by "Connection: X-Auth-Request-User".
func (s *Server) rewrite(pr *httputil.ProxyRequest, u afauth.User) {
	out := pr.Out
	out.URL.Scheme, out.URL.Host = s.Upstream.Scheme, s.Upstream.Host
	// ReverseProxy leaves out parameters that Go would not parse. They are the
	// application's to judge.
	out.URL.RawQuery = pr.In.URL.RawQuery
	// The application makes its links of the address that people see.
	out.Host = s.Origin.Host
	// Some servers fold trailers into headers after they were looked at.
	out.Trailer = nil
	// A connection is asked about once. A WebSocket stays one conversation; "h2c"
	// would let further requests through unasked.
	if !strings.EqualFold(out.Header.Get("Upgrade"), "websocket") {
		out.Header.Del("Upgrade")
		out.Header.Del("Connection")
	}
	for name := range out.Header {
		if strings.Contains(name, "_") || spokenByProxies(name) {
			delete(out.Header, name)
		}
	}
	withoutOwnCookies(out.Header)
	if socket, err := netip.ParseAddrPort(pr.In.RemoteAddr); err == nil && s.trusted(socket.Addr().Unmap()) {
		out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
	}
	pr.SetXForwarded()
	// TLS may have ended before us: the address in the browser is known.
	out.Header.Set("X-Forwarded-Proto", s.Origin.Scheme)
	out.Header.Set("X-Forwarded-Host", s.Origin.Host)
	out.Header.Set("X-Request-Id", telemetry.RequestID(pr.In.Context()))
	identity(out.Header, u)
}

// spokenByProxies reports whether a header is one by which applications learn
// from a proxy who is there: ours, and those that they read unless they are told
// otherwise (Grafana X-WEBAUTH-USER, others Remote-User). It goes by letters and
// digits alone: applications that come from CGI read X_Auth_Request_User,
// X-Auth-Request-User and X.Auth.Request.User as one name. Names with an
// underscore go altogether, as nginx drops them.
func spokenByProxies(name string) bool {
	plain := strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			return c
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		}
		return -1
	}, name)
	for _, prefix := range []string{"xauthrequest", "xoriginal", "xforwarded", "forwarded", "xrealip", "remote", "xremote", "webauth", "xwebauth", "xauthuser", "xauthentik"} {
		if strings.HasPrefix(plain, prefix) {
			return true
		}
	}
	return false
}

// withoutOwnCookies takes af-auth's cookies out of a request, so that no
// application holds what opens somebody's session. The others keep their bytes
// and their order. A cookie ends at every ';', quoted or not: so RFC 6265 has
// servers read them.
func withoutOwnCookies(h http.Header) {
	var kept []string
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			if pair != "" && !ownCookie(pair) {
				kept = append(kept, pair)
			}
		}
	}
	if len(kept) == 0 {
		h.Del("Cookie")
		return
	}
	h.Set("Cookie", strings.Join(kept, "; "))
}

// ownCookie reports whether a cookie, as Cookie or Set-Cookie writes it, has a
// name of ours. On http loopback the name holds the port, and browsers send the
// cookies of every port: those of another af-auth count too. A cookie without a
// name is sent back as its value alone, which may then read as a name.
func ownCookie(text string) bool {
	text = strings.TrimLeft(text, "= \t")
	end := strings.IndexAny(text, "=;")
	if end < 0 {
		end = len(text)
	}
	name := strings.ToLower(strings.Trim(text[:end], " \t"))
	name = strings.TrimPrefix(strings.TrimPrefix(name, "__host-"), "__secure-")
	return name == sessionCookie || strings.HasPrefix(name, sessionCookie+"_")
}

// plainForUpstream is canonical with room for names that need escaping, which
// applications have and we have not. Still there is one spelling for each path:
// what needs no escape has none, and nothing decodes to a slash, a backslash, a
// dot segment, a control character or another escape.
func plainForUpstream(u *url.URL) bool {
	p, raw := u.Path, u.EscapedPath()
	if u.Opaque != "" || u.Fragment != "" || !strings.HasPrefix(p, "/") || u.Scheme != "" && u.Host == "" {
		return false
	}
	if clean := path.Clean(p); p != clean && (clean == "/" || p != clean+"/") {
		return false
	}
	if strings.ContainsFunc(p, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }) || hasEscape(p) {
		return false
	}
	for rest := raw; ; {
		at := strings.IndexByte(rest, '%')
		if at < 0 {
			return true
		}
		c, err := url.PathUnescape(rest[at : at+3])
		if err != nil || c == "/" || isUnreserved(c[0]) {
			return false
		}
		rest = rest[at+3:]
	}
}

// hasEscape reports whether what was decoded once could be decoded again.
func hasEscape(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '%' && isHex(s[i+1]) && isHex(s[i+2]) {
			return true
		}
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// isUnreserved holds for what RFC 3986, section 2.3, says never needs an escape.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
