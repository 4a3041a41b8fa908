package githubsim

import (
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// callback finds where the browser may be sent back to. Without a wish it is
// the first registered callback. ok is false where the wish does not fit; u is
// then the registered callback that learns of it, or nil where there is none.
func (o Options) callback(wish string) (u *url.URL, ok bool) {
	var first *url.URL
	for _, registered := range o.RedirectURIs {
		r, err := url.Parse(registered)
		if err != nil || r.Host == "" {
			continue
		}
		if first == nil {
			first = r
		}
		if w, err := url.Parse(wish); wish != "" && err == nil && fits(r, w) {
			return w, true
		}
	}
	return first, wish == "" && first != nil
}

// fits is GitHub's rule for a callback and a redirect_uri.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#redirect-urls
//
// A path in any but its cleanest form is refused, so that ".." or an encoded
// slash cannot climb out of the registered folder.
func fits(registered, wish *url.URL) bool {
	if wish.User != nil || wish.Fragment != "" || wish.Opaque != "" || wish.Scheme != registered.Scheme {
		return false
	}
	if !strings.EqualFold(wish.Hostname(), registered.Hostname()) {
		return false
	}
	if port(wish) != port(registered) && !loopback(wish.Hostname()) {
		return false
	}
	below, p := strings.TrimSuffix(registered.Path, "/"), wish.Path
	if p == "" {
		p = "/"
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	if clean != p || wish.EscapedPath() != wish.Path || strings.Contains(p, `\`) {
		return false
	}
	return p == registered.Path || p == below || strings.HasPrefix(p, below+"/")
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// back adds the answer's members to the callback's own query.
func back(callback *url.URL, answer url.Values) string {
	u := *callback
	q := u.Query()
	for name, values := range answer {
		if values[0] != "" {
			q[name] = values
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// formTargets are the CSP sources to which the form's answer may lead, beside
// 'self'. A browser applies form-action to each redirect that follows a POST,
// and the callback itself goes on to the application that was asked for: on
// another port of a loopback host, or on a host beside the callback's.
func formTargets(callback *url.URL) string {
	if callback == nil {
		return ""
	}
	if strings.Contains(callback.Hostname(), ":") {
		return " " + callback.Scheme + ":" // CSP has no form for an IPv6 address
	}
	if loopback(callback.Hostname()) {
		return " " + callback.Scheme + "://" + callback.Host +
			" http://127.0.0.1:* http://localhost:* http://*.localhost:*"
	}
	_, parent, _ := strings.Cut(callback.Hostname(), ".")
	if !strings.Contains(parent, ".") {
		parent = callback.Hostname()
	}
	return " " + callback.Scheme + "://" + callback.Host + " " + callback.Scheme + "://*." + parent + ":*"
}
