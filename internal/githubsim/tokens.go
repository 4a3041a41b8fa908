package githubsim

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The lifetimes that GitHub gives today.
const (
	accessLife  = 28800 * time.Second
	refreshLife = 15897600 * time.Second
	unusedLife  = 365 * 24 * time.Hour
	liveTokens  = 10
)

const (
	codeLetters  = "0123456789abcdef"
	tokenLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// token is an access token with, where tokens expire, its refresh token.
type token struct {
	id              int64
	access, refresh string
	userID          int64
	scopes          []string
	made, used      time.Time
	expires         time.Time // zero: it does not
	refreshExpires  time.Time
	ended           bool
	window          window
}

// alive says whether the access token is good now.
func (t *token) alive(now time.Time) bool {
	return !t.ended && (t.expires.IsZero() || now.Before(t.expires)) && now.Sub(t.used) < unusedLife
}

// refreshable says whether the refresh token is good now. It outlives the
// access token, and ends with it only when it is used or revoked.
func (t *token) refreshable(now time.Time) bool {
	return !t.ended && t.refresh != "" && now.Before(t.refreshExpires)
}

// issue makes a token. The eleventh for the same person and scopes ends the
// oldest. s.mu is held.
func (s *Sim) issue(userID int64, scopes []string, now time.Time) (*token, error) {
	prefix, length := "gho_", 36
	if s.o.GitHubApp {
		prefix = "ghu_"
	}
	if s.o.LongTokens {
		length = 516
	}
	value, err := s.random(tokenLetters, length)
	if err != nil {
		return nil, err
	}
	if s.o.LongTokens {
		value = value[:40] + "." + value[41:300] + "." + value[301:]
	}
	t := &token{access: prefix + value, userID: userID, scopes: scopes, made: now, used: now, id: 1}
	if n := len(s.order); n > 0 {
		t.id = s.order[n-1].id + 1
	}
	if s.o.TokensExpire {
		value, err := s.random(tokenLetters, 76)
		if err != nil {
			return nil, err
		}
		t.refresh, t.expires, t.refreshExpires = "ghr_"+value, now.Add(accessLife), now.Add(refreshLife)
		s.refresh[t.refresh] = t
	}
	s.access[t.access] = t
	s.order = append(s.order, t)
	if !s.o.NoTokenLimit {
		s.endOldest(t, now)
	}
	return t, nil
}

// endOldest keeps ten live tokens of t's person and scopes.
func (s *Sim) endOldest(t *token, now time.Time) {
	var same []*token
	for _, u := range s.order {
		live := u.alive(now) || u.refreshable(now)
		if live && u.userID == t.userID && slices.Equal(u.scopes, t.scopes) {
			same = append(same, u)
		}
	}
	for len(same) > liveTokens {
		same[0].ended = true
		same = same[1:]
	}
}

// endAll ends each token of a person.
func (s *Sim) endAll(userID int64) {
	for _, t := range s.order {
		if t.userID == userID {
			t.ended = true
		}
	}
}

// sweep forgets what can never be used again. s.mu is held.
func (s *Sim) sweep(now time.Time) {
	for value, c := range s.codes {
		if now.Sub(c.made) >= codeLife {
			delete(s.codes, value)
		}
	}
	if s.o.NoTokenLimit {
		return // a walk through all tokens at each sign-in would slow a load test
	}
	s.order = slices.DeleteFunc(s.order, func(t *token) bool {
		if t.alive(now) || t.refreshable(now) {
			return false
		}
		delete(s.access, t.access)
		delete(s.refresh, t.refresh)
		return true
	})
}

// issuedLately counts the person's tokens of the last hour.
func (p *person) issuedLately(now time.Time) int {
	p.issued = slices.DeleteFunc(p.issued, func(at int64) bool { return now.Unix()-at >= 3600 })
	return len(p.issued)
}

// random is n letters; each is equally likely.
func (s *Sim) random(letters string, n int) (string, error) {
	limit := 256 - 256%len(letters)
	out := make([]byte, 0, n)
	buf := make([]byte, n+n/4+8)
	for len(out) < n {
		if _, err := io.ReadFull(s.o.Rand, buf); err != nil {
			return "", fmt.Errorf("githubsim: no randomness: %w", err)
		}
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, letters[int(b)%len(letters)])
			}
		}
	}
	return string(out), nil
}

// s256 is PKCE's transformation (RFC 7636 4.2).
func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (t *token) scope() string { return strings.Join(t.scopes, ",") }

// may says whether the token has one of the scopes. GitHub Apps have
// permissions instead; here the app has those that sign-in needs.
func (s *Sim) may(t *token, scopes ...string) bool {
	return s.o.GitHubApp || slices.ContainsFunc(scopes, func(want string) bool { return slices.Contains(t.scopes, want) })
}
