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
// application, in the one case that is nearly all of them: GET /auth/verify, from
// a browser that memory knows. It says what verify would say, without what only a
// no, a fault or the log needs. false: nothing was written, and the question goes
// its ordinary way.
func (s *Server) yesOutOfMemory(w http.ResponseWriter, r *http.Request, begun time.Time) bool {
	if r.URL.Path != verifyPath || r.Method != http.MethodGet || !canonical(r.URL) || len(r.Header["X-Original-Uri"]) > 0 ||
		s.Logger.Enabled(r.Context(), slog.LevelDebug) {
		return false
	}
	kind, host := s.host(r)
	if kind == unknownHost {
		host = s.Origin.Host
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
	s.yeses.Observe(time.Since(begun))
	return true
}

// verifyPath is where proxies ask.
const verifyPath = "/auth/verify"

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
