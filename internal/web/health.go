package web

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/af-auth/af-auth"
)

// Check is one thing that must hold for this server to be of use.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Warning says of a check that is OK that it will not be for long.
	Warning bool `json:"warning,omitempty"`
	// Detail says what was found, and Hint what mends it. Both are shown to
	// whoever asks, so neither holds an address or a secret.
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// live says that the process runs. It asks nobody: a database that is down is
// no reason to restart this server.
func (s *Server) live(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "live"})
}

// ready says whether requests should be sent here, with each reason.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	st, body := s.condition(r)
	return writeJSON(w, st, body)
}

// health is ready, and which release this is.
func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	st, body := s.condition(r)
	body["release"] = s.Release
	return writeJSON(w, st, body)
}

func (s *Server) condition(r *http.Request) (int, map[string]any) {
	checks := s.Ready(r.Context())
	st, word := http.StatusOK, "ready"
	for _, c := range checks {
		if !c.OK {
			st, word = http.StatusServiceUnavailable, "not ready"
		}
	}
	return st, map[string]any{"status": word, "checks": checks}
}

// metrics is here only when the operator asked for it, behind a token.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(s.MetricsToken)) != 1 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="af-auth metrics"`)
		return &afauth.Error{Code: afauth.CodeNotSignedIn, Message: "metrics need the bearer token"}
	}
	s.Metrics.Handler().ServeHTTP(w, r)
	return nil
}

func writeJSON(w http.ResponseWriter, st int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return &afauth.Error{Code: afauth.CodeInternal, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(st)
	_, _ = w.Write(append(body, '\n'))
	return nil
}
