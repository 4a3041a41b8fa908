package web

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/signin"
)

// nonceLife outlives a sign-in page that was left open overnight.
const nonceLife = 24 * time.Hour

// start stands on an application's host. Its proxy sends people here who are
// not signed in, or whom the gate has refused.
func (s *Server) start(w http.ResponseWriter, r *http.Request) error {
	path := r.Header.Get("X-Original-URI")
	if path == "" {
		return s.toOwnHost(w, r, r.URL.Query().Get("return_to"))
	}
	if _, ok := s.originalURI(r); !ok {
		// The gate refuses that path, whoever asks: coming back to it would lead
		// here again, and to go elsewhere without a word would look like a fault.
		return errUnplain
	}
	return s.toOwnHost(w, r, path)
}

// toOwnHost leads a browser from an application's host to our own, from where it
// comes back to enter. The nonce ties the ticket to this browser: a ticket made
// for somebody else's browser does not open here.
func (s *Server) toOwnHost(w http.ResponseWriter, r *http.Request, path string) error {
	_, host := s.host(r)
	// A nonce that is there already stays, so that two tabs do not take each
	// other's away.
	value, _ := s.cookie(r, host, nonceCookie, "")
	nonce, ok := afauth.ParseToken(value)
	if !ok {
		nonce = afauth.NewToken()
	}
	s.setCookie(w, host, nonceCookie, "", nonce.Reveal(), nonceLife)
	hash := nonce.Hash()
	to := signin.Destination{Host: host, Path: signin.LocalPath(path), Nonce: hex.EncodeToString(hash[:])}
	if strings.HasPrefix(to.Path, folder) {
		// Our own folder is nowhere to come back to: a link to this page would
		// send a browser round for ever.
		to.Path = "/"
	}
	w.Header().Set("Location", s.Places.URL(signin.Destination{Path: "/auth/continue"})+s.Places.Query(to))
	w.WriteHeader(http.StatusFound)
	return nil
}

// enter stands on an application's host and turns a ticket into its session.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) error {
	_, host := s.host(r)
	nonce, _ := s.cookie(r, host, nonceCookie, "")
	entered, err := s.Flow.Redeem(r.Context(), signin.Entry{
		Ticket: r.URL.Query().Get("ticket"), Host: host, Nonce: nonce,
		Previous: s.previous(r, host), UserAgent: r.UserAgent(),
	})
	if err != nil {
		// Trying again begins at the application's front page.
		return detour{err, signin.Destination{Host: host, Path: "/"}}
	}
	s.setCookie(w, host, sessionCookie, "", entered.Token.Reveal(), entered.ExpiresAt.Sub(entered.Now))
	return seeOther(w, entered.URL)
}
