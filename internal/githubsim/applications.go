package githubsim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// asApp finds the token in the body of a call that the app makes as itself.
// https://docs.github.com/en/rest/apps/oauth-applications
func (s *Sim) asApp(c *machineCall, h func(*token, *person) answer) answer {
	id, secret, ok := c.r.BasicAuth()
	if !ok || !s.isClient(id, secret) {
		return problem(http.StatusUnauthorized, "Bad credentials")
	}
	if c.r.PathValue("client_id") != s.o.ClientID {
		return problem(http.StatusNotFound, "Not Found")
	}
	return limited(s.counter("app"), limitToken, c.now, func() answer {
		var body struct {
			AccessToken string `json:"access_token"`
		}
		if json.Unmarshal(c.body, &body) != nil || body.AccessToken == "" {
			return problem(http.StatusUnprocessableEntity, "Validation Failed")
		}
		t := s.access[body.AccessToken]
		if t == nil || !t.alive(c.now) {
			return problem(http.StatusNotFound, "Not Found")
		}
		p := s.byID(t.userID)
		if p == nil {
			return problem(http.StatusNotFound, "Not Found")
		}
		return h(t, p)
	})
}

func (s *Sim) checkToken(c *machineCall) answer {
	return s.asApp(c, func(t *token, p *person) answer {
		sum := sha256.Sum256([]byte(t.access))
		body := map[string]any{
			"id":               t.id,
			"url":              fmt.Sprintf("%s/api/v3/authorizations/%d", c.base, t.id),
			"scopes":           append([]string{}, t.scopes...),
			"token":            t.access,
			"token_last_eight": t.access[len(t.access)-8:],
			"hashed_token":     hex.EncodeToString(sum[:]),
			"app":              map[string]any{"name": s.o.AppName, "url": c.base, "client_id": s.o.ClientID},
			"note":             nil,
			"note_url":         nil,
			"fingerprint":      nil,
			"created_at":       t.made.UTC().Format(time.RFC3339),
			"updated_at":       t.made.UTC().Format(time.RFC3339),
			"expires_at":       nil,
			"user":             simpleUser(p.User, c.base),
		}
		if !t.expires.IsZero() {
			body["expires_at"] = t.expires.UTC().Format(time.RFC3339)
		}
		return jsonAnswer(http.StatusOK, body)
	})
}

func (s *Sim) deleteToken(c *machineCall) answer {
	return s.asApp(c, func(t *token, _ *person) answer {
		t.ended = true
		return noContent()
	})
}

func (s *Sim) deleteGrant(c *machineCall) answer {
	return s.asApp(c, func(t *token, _ *person) answer {
		s.endAll(t.userID)
		return noContent()
	})
}

func noContent() answer { return answer{status: http.StatusNoContent, header: http.Header{}} }

// revokeCredentials ends leaked tokens, whoever sends them. It must be called
// without credentials.
// https://docs.github.com/en/rest/credentials/revoke
func (s *Sim) revokeCredentials(c *machineCall) answer {
	if c.r.Header.Get("Authorization") != "" {
		return problem(http.StatusForbidden, "This endpoint takes no credentials.")
	}
	return limited(s.counter("revoke "+c.address()), limitRevoke, c.now, func() answer {
		var body struct {
			Credentials []string `json:"credentials"`
		}
		if json.Unmarshal(c.body, &body) != nil || len(body.Credentials) == 0 || len(body.Credentials) > 1000 {
			return problem(http.StatusUnprocessableEntity, "Validation Failed")
		}
		for _, value := range body.Credentials {
			if t := s.access[value]; t != nil {
				t.ended = true
			}
			if t := s.refresh[value]; t != nil {
				t.ended = true
			}
		}
		return jsonAnswer(http.StatusAccepted, map[string]any{})
	})
}
