package studio

import (
	"net/http"
	"sync"

	"github.com/af-auth/af-auth"
)

// door lets in whoever has a key that was shown in the terminal. A key works
// once and becomes a session; both are 256 random bits, of which only the
// SHA-256 is kept. Everything ends with the process.
type door struct {
	cookie string
	path   string
	secure bool

	mu       sync.Mutex
	keys     map[afauth.TokenHash]bool
	sessions map[afauth.TokenHash]bool
}

// maxKeys bounds how many unused links there may be.
const maxKeys = 64

// newDoor makes the door. Cookies do not tell ports apart, so their name does.
// With secure the browser speaks https, to us or to the proxy in front.
func newDoor(port, base string, secure bool) *door {
	return &door{cookie: "af_auth_studio_" + port, path: base + "/", secure: secure,
		keys: make(map[afauth.TokenHash]bool), sessions: make(map[afauth.TokenHash]bool)}
}

// newKey makes a key.
func (d *door) newKey() afauth.Token {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.keys) >= maxKeys {
		clear(d.keys)
	}
	key := afauth.NewToken()
	d.keys[key.Hash()] = true
	return key
}

// enter takes a key and returns a session for it. Looking up a hash tells by
// its time nothing about the key.
func (d *door) enter(key string) (afauth.Token, bool) {
	hash := afauth.Token(key).Hash()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.keys[hash] {
		return "", false
	}
	delete(d.keys, hash)
	session := afauth.NewToken()
	d.sessions[session.Hash()] = true
	return session, true
}

// session returns the hash of the request's session, which names it in memory.
func (d *door) session(r *http.Request) (afauth.TokenHash, bool) {
	for _, c := range r.CookiesNamed(d.cookie) {
		hash := afauth.Token(c.Value).Hash()
		d.mu.Lock()
		known := d.sessions[hash]
		d.mu.Unlock()
		if known {
			return hash, true
		}
	}
	return afauth.TokenHash{}, false
}

func (d *door) known(r *http.Request) bool {
	_, ok := d.session(r)
	return ok
}

// Link returns a link that opens studio once, at the origin given, such as
// "http://127.0.0.1:5555".
func (s *Server) Link(origin string) string {
	return origin + s.base.Path("/open?key=") + s.door.newKey().Reveal()
}

// open exchanges the key for a session.
func (s *Server) open(w http.ResponseWriter, r *http.Request) error {
	session, ok := s.door.enter(r.URL.Query().Get("key"))
	switch {
	case ok:
		http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure wherever there is https; http is loopback only
			Name: s.door.cookie, Value: session.Reveal(), Path: s.door.path,
			HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.door.secure})
	case s.door.known(r): // the same link once more, by whoever used it
	case arrived(r):
		// Whoever is known is let in after the page has asked for itself once more.
		return errDoor
	default:
		return &afauth.Error{Code: afauth.CodeNotSignedIn, Message: "this link has been used, or is not one of this studio's"}
	}
	seeOther(w, s.base.Path("/"))
	return nil
}
