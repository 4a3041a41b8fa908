package studio

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/af-auth/af-auth"
)

// ProxyHeader carries the secret that a proxy and studio share.
const ProxyHeader = "X-Studio-Secret"

var (
	errDoor  = &afauth.Error{Code: afauth.CodeNotSignedIn, Message: "studio opens with the link that the terminal shows"}
	errHost  = &afauth.Error{Code: afauth.CodeWrongHost, Message: "studio does not answer to this name"}
	errCross = &afauth.Error{Code: afauth.CodeCrossOrigin, Message: "the request came from another site"}
	errProxy = &afauth.Error{Code: afauth.CodeCrossOrigin, Message: "the request did not come through the proxy",
		Hint: "open studio at the proxy's address; the proxy sends the secret of --proxy-secret-file in " + ProxyHeader}
)

// admissible refuses to listen where others could reach studio in clear.
func admissible(host string, o Options) error {
	ip, err := netip.ParseAddr(host)
	host = cmp.Or(o.Listen, host)
	if err == nil && ip.Unmap().IsLoopback() || o.TLS || o.ProxySecret != "" {
		return nil
	}
	return &afauth.Error{Code: afauth.CodeInvalid, Message: fmt.Sprintf("studio does not listen on %s in clear: others could read along", host),
		Hint: "leave --listen out; or give --tls-cert and --tls-key; or --proxy-secret-file behind a proxy that speaks TLS"}
}

// hosts are the names that a browser may call us by. Any other comes from a name
// that somebody has made to point here (DNS rebinding).
func hosts(listen, port string, more []string) map[string]bool {
	known := make(map[string]bool)
	names := []string{"localhost", "127.0.0.1", "::1"}
	if ip, err := netip.ParseAddr(listen); err == nil && !ip.IsUnspecified() {
		names = append(names, listen)
	}
	for _, name := range names {
		known[net.JoinHostPort(name, port)] = true
	}
	for _, name := range more {
		known[strings.ToLower(name)] = true
		if _, _, err := net.SplitHostPort(name); err != nil {
			known[strings.ToLower(net.JoinHostPort(name, port))] = true
		}
	}
	return known
}

// admit looks at what every request must have, before anything is done for it.
func (s *Server) admit(r *http.Request) error {
	if !s.local[strings.ToLower(r.Host)] {
		return errHost
	}
	if s.ProxySecret != "" && !same(r.Header.Get(ProxyHeader), s.ProxySecret) {
		return errProxy
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		// Another site may lead a person here by a link, whose page it cannot read;
		// it may not load a part of us into its own.
		if site == "cross-site" || site == "same-site" {
			if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document" {
				return errCross
			}
		}
		return nil
	}
	if err := s.cross.Check(r); err != nil {
		return errCross
	}
	// Stricter than that: a program that sends neither header is no page of ours.
	if !s.sameOrigin(r.Header.Get("Origin"), r.Host) {
		return errCross
	}
	return nil
}

// sameOrigin reports whether an Origin header names the host that was asked.
func (s *Server) sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || !strings.EqualFold(u.Host, host) || u.Path != "" {
		return false
	}
	switch {
	case s.TLS:
		return u.Scheme == "https"
	case s.ProxySecret != "" || len(s.Hosts) > 0: // the proxy in front may speak TLS
		return u.Scheme == "https" || u.Scheme == "http"
	}
	return u.Scheme == "http"
}

// same compares in a time that tells nothing, of the lengths neither.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// arrived reports whether another site led here, so that the browser has held
// the session's cookie back (SameSite=Strict): the page asks for itself once
// more, and then comes from us.
func arrived(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Method == http.MethodGet && (site == "cross-site" || site == "same-site")
}
