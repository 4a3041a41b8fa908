package signin

import (
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/af-auth/af-auth"
)

// Destination is where a person goes on to after sign-in: a page of af-auth's
// own host, or of an application's.
type Destination struct {
	// Host is empty for af-auth's own host.
	Host string `json:"h,omitempty"`
	// Path is the path and query there; "/" at least.
	Path string `json:"p"`
	// Nonce is the hash of the nonce that the browser holds on Host, empty
	// where it has not been there yet.
	Nonce string `json:"n,omitempty"`
}

const (
	// longestPath bounds the path and query, in bytes, that a browser carries
	// through a sign-in: sealed, they must fit into its cookies (maxSealed).
	longestPath = 4096
	// longestQuery bounds them as they stand in the query of our own pages, where
	// each & takes three bytes: nginx takes request lines of 8 KiB, and a host, a
	// nonce and words of ours stand there too.
	longestQuery = 7 << 10
)

// Places are the hosts that a person may be sent to.
type Places struct {
	origin *url.URL
	apps   map[string]bool
}

// NewPlaces takes af-auth's own origin and the applications' hosts, in lower
// case, with a port where it is not the scheme's own.
func NewPlaces(origin *url.URL, apps []string) Places {
	p := Places{origin: origin, apps: map[string]bool{}}
	for _, host := range apps {
		p.apps[host] = true
	}
	return p
}

// OwnHost is af-auth's own host, with its port.
func (p Places) OwnHost() string { return p.origin.Host }

// IsApp reports whether host is one of the applications'.
func (p Places) IsApp(host string) bool { return p.apps[host] }

// Home is the page that people land on who came from nowhere.
func (p Places) Home() Destination { return Destination{Path: "/auth/"} }

// Parse reads return_to and nonce as they came in a query. Whatever is not
// plainly one of our pages or an application's leads home: an open redirect is
// worse than a lost page (RFC 9700, section 4.11).
func (p Places) Parse(returnTo, nonce string) Destination {
	if returnTo == "" || len(returnTo) > longestQuery || strings.ContainsFunc(returnTo, suspicious) {
		return p.Home()
	}
	if strings.HasPrefix(returnTo, "/") {
		if !localPath(returnTo) {
			return p.Home()
		}
		return Destination{Path: returnTo}
	}
	u, err := url.Parse(returnTo)
	if err != nil || u.Scheme != p.origin.Scheme || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return p.Home()
	}
	// Byte for byte: a parser that normalises would let two spellings differ.
	rest, ok := strings.CutPrefix(returnTo, u.Scheme+"://"+u.Host)
	if !ok {
		return p.Home()
	}
	if rest == "" || strings.HasPrefix(rest, "?") {
		rest = "/" + rest
	}
	if !localPath(rest) {
		return p.Home()
	}
	switch {
	case u.Host == p.origin.Host:
		return Destination{Path: rest}
	case p.apps[u.Host]:
		return Destination{Host: u.Host, Path: rest, Nonce: canonicalNonce(nonce)}
	default:
		return p.Home()
	}
}

// LocalPath returns a path as it came from a proxy, or "/" where it is not
// plainly a path.
func LocalPath(s string) string {
	if strings.ContainsFunc(s, suspicious) || !localPath(s) {
		return "/"
	}
	return s
}

// URL is the absolute address of d. Redirects are always absolute, so that no
// path can be read as a host.
func (p Places) URL(d Destination) string {
	host := d.Host
	if host == "" {
		host = p.origin.Host
	}
	return p.origin.Scheme + "://" + host + d.Path
}

// Query carries d through another page, as return_to and nonce.
func (p Places) Query(d Destination) string {
	if d == p.Home() {
		return ""
	}
	q := url.Values{"return_to": {p.URL(d)}}
	if d.Nonce != "" {
		q.Set("nonce", d.Nonce)
	}
	return "?" + q.Encode()
}

// localPath refuses what a browser might take for another host: "//evil",
// "/\evil", and what is too long to carry. Dot segments stay: a browser resolves
// them on the same host.
func localPath(s string) bool {
	if len(s) > longestPath || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.Contains(s, "#") || len(url.QueryEscape(s)) > longestQuery {
		return false
	}
	u, err := url.ParseRequestURI(s)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil
}

// suspicious holds for characters that browsers strip or turn around before
// they read an address, and that no address needs unescaped.
func suspicious(r rune) bool {
	return r <= ' ' || r == '\\' || r >= 0x7f
}

// canonicalNonce returns the hash of a nonce in its one form, or nothing.
func canonicalNonce(s string) string {
	if _, err := parseNonce(s); err != nil || s != strings.ToLower(s) {
		return ""
	}
	return s
}

func parseNonce(s string) (afauth.TokenHash, error) {
	var h afauth.TokenHash
	if len(s) != hex.EncodedLen(len(h)) {
		return h, errSealed
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err
}
