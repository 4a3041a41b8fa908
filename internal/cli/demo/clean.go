package demo

import (
	"net/http"
	"strings"
)

// dropUntrusted removes from h every header by which a browser could pretend to
// be the proxy, ours and those that applications read unless they are told
// otherwise: Grafana takes X-WEBAUTH-USER, others Remote-User. It goes by letters and digits alone, in any case: applications
// that come from CGI read X_Auth_Request_User, X-Auth-Request-User and
// X.Auth.Request.User as one name. Names with an underscore go altogether, as
// nginx drops them.
func dropUntrusted(h http.Header) {
	for name := range h {
		if strings.Contains(name, "_") || ownedByProxy(name) {
			delete(h, name)
		}
	}
}

func ownedByProxy(name string) bool {
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

// dropAuthCookies removes af-auth's own cookies, so that an application never
// holds what opens somebody's session. The other cookies keep their bytes and
// their order. Cookies are taken apart at every ';', quoted or not, because
// that is how RFC 6265 has servers read them.
func dropAuthCookies(h http.Header) {
	var kept []string
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			name, _, _ := strings.Cut(pair, "=")
			if pair != "" && !authCookie(strings.Trim(name, " \t")) {
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

func authCookie(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "__host-af_auth") || name == "af_auth" || strings.HasPrefix(name, "af_auth_")
}
