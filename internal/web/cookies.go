package web

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/signin"
)

// Cookie names carry the __Host- prefix (RFC 6265bis, section 4.1.3.2): such a
// cookie was set by this very host over https, and no neighbour can plant one.
// On http loopback the prefix is not to be had, and ports do not keep cookies
// apart, so there the port is part of the name.
const (
	sessionCookie = "af_auth"
	stateCookie   = "af_auth_state"
	nonceCookie   = "af_auth_nonce"
	noticeCookie  = "af_auth_notice"
	themeCookie   = "af_auth_theme"
)

func (s *Server) cookieName(base, host string) string {
	if s.Origin.Scheme == "https" {
		return "__Host-" + base
	}
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		port = "80"
	}
	return base + "_" + port
}

// setCookie writes a cookie for this host alone. A maxAge below zero removes
// it, zero keeps it until the browser closes.
func (s *Server) setCookie(w http.ResponseWriter, host, base, suffix, value string, maxAge time.Duration) {
	c := &http.Cookie{ // #nosec G124 -- Secure wherever there is https; http is loopback only
		Name:     s.cookieName(base, host) + suffix,
		Value:    value,
		Path:     "/",
		MaxAge:   int(maxAge / time.Second),
		Secure:   s.Origin.Scheme == "https",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
	if maxAge < 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// cookie returns a cookie's value. Two of one name are none: somebody may have
// planted the other.
func (s *Server) cookie(r *http.Request, host, base, suffix string) (string, bool) {
	name := s.cookieName(base, host) + suffix
	found := r.CookiesNamed(name)
	if len(found) != 1 {
		return "", false
	}
	return found[0].Value, true
}

const (
	// mostStateBytes bounds what sign-ins under way may add to each request of a
	// browser. nginx takes 8 KiB of cookies, and this server 32.
	mostStateBytes = 6 << 10
	// cookieBytes is how much of a value stands in one cookie: browsers take 4096
	// bytes, name included. The rest is in a second one.
	cookieBytes = 3900
	// secondHalf ends its name. No state has a dot.
	secondHalf = ".2"
)

// setState keeps a sign-in under way.
func (s *Server) setState(w http.ResponseWriter, suffix, sealed string) {
	first := min(len(sealed), cookieBytes)
	s.setCookie(w, s.Origin.Host, stateCookie, suffix, sealed[:first], signin.StateLife)
	if rest := sealed[first:]; rest != "" {
		s.setCookie(w, s.Origin.Host, stateCookie, suffix+secondHalf, rest, signin.StateLife)
	}
}

// takeState returns a sign-in under way, and removes it; empty: there is none.
func (s *Server) takeState(w http.ResponseWriter, r *http.Request, suffix string) (sealed string) {
	for _, name := range []string{suffix, suffix + secondHalf} {
		if value, _ := s.cookie(r, s.Origin.Host, stateCookie, name); value != "" {
			s.setCookie(w, s.Origin.Host, stateCookie, name, "", -1)
			sealed += value
		}
	}
	return sealed
}

// forgetStates removes the oldest sign-ins under way until there is room for
// one more of the given size. A stranger's page can begin sign-ins in somebody's
// browser; without a bound, its requests would soon be too large for any server.
func (s *Server) forgetStates(w http.ResponseWriter, r *http.Request, size int) {
	prefix := s.cookieName(stateCookie, s.Origin.Host)
	var oldest []string // suffixes, without those of second halves
	parts := map[string][]*http.Cookie{}
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, prefix+"_") {
			continue
		}
		// Browsers send the oldest first (RFC 6265, section 5.4).
		suffix := strings.TrimSuffix(strings.TrimPrefix(c.Name, prefix), secondHalf)
		if len(parts[suffix]) == 0 {
			oldest = append(oldest, suffix)
		}
		parts[suffix] = append(parts[suffix], c)
		size += len(c.Value)
	}
	for _, suffix := range oldest {
		if size <= mostStateBytes {
			return
		}
		for _, c := range parts[suffix] {
			size -= len(c.Value)
			s.setCookie(w, s.Origin.Host, stateCookie, strings.TrimPrefix(c.Name, prefix), "", -1)
		}
	}
}

// token returns the session token that the browser brought for host.
func (s *Server) token(r *http.Request, host string) (afauth.Token, bool) {
	value, ok := s.cookie(r, host, sessionCookie, "")
	if !ok {
		return "", false
	}
	return afauth.ParseToken(value)
}

// previous is the session to end when a new one begins here.
func (s *Server) previous(r *http.Request, host string) *afauth.Token {
	if t, ok := s.token(r, host); ok {
		return &t
	}
	return nil
}
