package web

import (
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/af-auth/af-auth"
)

type hostKind int

const (
	unknownHost hostKind = iota
	theOwnHost
	anAppHost
)

var (
	errUnknownHost = &afauth.Error{Code: afauth.CodeWrongHost, Message: "this server does not answer for that host"}
	errUnplain     = &afauth.Error{Code: afauth.CodeInvalid, Message: "the path can be read in more than one way"}
	errMethod      = &afauth.Error{Code: codeMethod, Message: "this page does not take that method"}
	errTooLarge    = &afauth.Error{Code: codeTooLarge, Message: "the form is too large"}
)

// These never leave this package's answers, and no page explains them: browsers
// do not get here.
const (
	codeMethod    afauth.Code = "method_not_allowed"
	codeTooLarge  afauth.Code = "too_large"
	codeUntrusted afauth.Code = "untrusted_proxy"
)

// host tells which of our hosts a request is for, in the form that the
// configuration uses: lower case, without the scheme's own port.
func (s *Server) host(r *http.Request) (hostKind, string) {
	h := r.Host // mostly in our form already
	if h != s.Origin.Host && !s.Places.IsApp(h) {
		h = plainHost(h, s.Origin.Scheme)
	}
	switch {
	case h == s.Origin.Host:
		return theOwnHost, h
	case s.Places.IsApp(h):
		return anAppHost, h
	default:
		return unknownHost, h
	}
}

// bounded makes text from outside fit for a log line: at most 200 bytes, and
// nothing but printable ASCII. Of a refused request the log says the host; what
// stands behind it may hold a secret, in the path too.
func bounded(text string) string {
	cut := text[:min(len(text), 200)]
	quoted := strconv.QuoteToASCII(cut)
	shown := quoted[1 : len(quoted)-1]
	if len(cut) < len(text) {
		shown += "..."
	}
	return shown
}

func plainHost(h, scheme string) string {
	h = strings.ToLower(h)
	if host, port, err := net.SplitHostPort(h); err == nil {
		if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
			if strings.Contains(host, ":") {
				return "[" + host + "]"
			}
			return host
		}
	}
	return h
}

// canonical reports whether a path is written in its one plain form. Two
// spellings of one path are how gates get walked around: what this server
// means by a path must be what every proxy before it means.
func canonical(u *url.URL) bool {
	p := u.Path
	if u.Opaque != "" || u.Fragment != "" || !strings.HasPrefix(p, "/") || u.EscapedPath() != p {
		return false
	}
	// "GET http:/auth/verify" is neither of the two forms of RFC 9112, section 3.2.
	if u.Scheme != "" && u.Host == "" {
		return false
	}
	clean := path.Clean(p)
	return p == clean || clean != "/" && p == clean+"/"
}
