package web

import (
	"net/http"
	"net/http/httputil"
	"net/url"
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
	if !switches(out.Header) {
		out.Header.Del("Upgrade")
		out.Header.Del("Connection")
	}
	for name := range out.Header {
		if strings.Contains(name, "_") || spokenByProxies(name) {
			delete(out.Header, name)
		}
	}
	withoutOwnCookies(out.Header)
	if s.fromProxy(pr.In) {
		out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
	}
	pr.SetXForwarded()
	// TLS may have ended before us: the address in the browser is known.
	out.Header.Set("X-Forwarded-Proto", s.Origin.Scheme)
	out.Header.Set("X-Forwarded-Host", s.Origin.Host)
	out.Header.Set("X-Request-Id", telemetry.RequestID(pr.In.Context()))
	identity(out.Header, u)
}

// switches reports whether a request asks for a WebSocket. With a body it would be
// two things at once: an application that does not read the body takes it for the
// next request on the connection, one that nobody asked the gate about.
func switches(h http.Header) bool { return strings.EqualFold(h.Get("Upgrade"), "websocket") }

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

// plainForUpstream reports whether the application and we read a path alike. It
// may hold what needs an escape, which our own paths never do.
func plainForUpstream(u *url.URL) bool {
	return u.Opaque == "" && u.Fragment == "" && (u.Scheme == "" || u.Host != "") && plain(u.EscapedPath())
}
