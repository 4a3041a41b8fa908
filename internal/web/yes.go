package web

import (
	"log/slog"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
)

// yesOutOfMemory answers the one question that is asked for each request of each
// application, in the one case that is nearly all of them: a proxy of deploy/
// asks in plain words, about a browser that memory knows. It says what verify and
// forwardAuth would say, without what only a no, a fault or the log needs. false:
// nothing was written, and the question goes its ordinary way.
func (s *Server) yesOutOfMemory(w http.ResponseWriter, r *http.Request, begun time.Time) bool {
	if r.Method != http.MethodGet || !canonical(r.URL) || s.Logger.Enabled(r.Context(), slog.LevelDebug) {
		return false
	}
	host, ok := s.plainlyAsked(r)
	if !ok || len(s.Public[host]) > 0 { // public paths are nobody's
		return false
	}
	value, ok := single(r.Header["Cookie"], s.cookieName(sessionCookie, host))
	if !ok {
		return false
	}
	token, ok := afauth.ParseToken(value)
	if !ok {
		return false
	}
	d, ok := s.Gate.Recall(token, host)
	if !ok {
		return false
	}
	h := w.Header()
	identity(h, d.User)
	h["Cache-Control"] = noStore
	w.WriteHeader(http.StatusOK)
	s.Metrics.GateDecision("allowed")
	s.yeses[r.URL.Path].Observe(time.Since(begun))
	return true
}

// Where proxies ask.
const (
	verifyPath  = "/auth/verify"
	forwardPath = "/auth/forward"
)

// plainlyAsked returns the host that is asked about, where the question holds
// nothing that could be read in two ways. Then it does not matter whose words
// X-Original-URI is.
func (s *Server) plainlyAsked(r *http.Request) (host string, ok bool) {
	switch r.URL.Path {
	case verifyPath:
		kind, host := s.host(r)
		if kind == unknownHost {
			host = s.Origin.Host
		}
		said := r.Header["X-Original-Uri"]
		return host, len(said) == 0 || len(said) == 1 && plainest(said[0])
	case forwardPath:
		method, host, uri := r.Header["X-Forwarded-Method"], r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Uri"]
		if len(method) != 1 || len(host) != 1 || len(uri) != 1 || !plainest(uri[0]) ||
			method[0] == "" || strings.Trim(method[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return "", false
		}
		return host[0], (host[0] == s.Origin.Host || s.Places.IsApp(host[0])) && s.fromProxy(r)
	}
	return "", false
}

// plainest reports whether a target is one that needs no thought: letters,
// digits and a few signs between single slashes, no segment that begins with a
// dot, and a query without control characters. target takes all of these, and
// more.
func plainest(uri string) bool {
	if uri == "" || uri[0] != '/' || len(uri) > longestTarget {
		return false
	}
	query, before := false, byte(0)
	for i := range len(uri) {
		switch c := uri[i]; {
		case query && (c <= ' ' || c > '~' || c == '#'):
			return false
		case query:
		case c == '?':
			query = true
		case before == '/' && (c == '/' || c == '.'):
			return false
		case (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("/-_.~:@,+=", c) < 0:
			return false
		default:
			before = c
		}
	}
	return true
}

// noStore is never written to.
var noStore = []string{"no-store"}

// single returns the value of a cookie that is there once. It sees every cookie
// of that name which net/http sees, and perhaps more; never fewer.
func single(lines []string, name string) (value string, ok bool) {
	found := 0
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ";") {
			n, v, _ := strings.Cut(textproto.TrimString(part), "=")
			if textproto.TrimString(n) == name {
				value = v
				found++
			}
		}
	}
	return value, found == 1
}
