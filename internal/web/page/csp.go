package page

import (
	"net/url"
	"strings"
)

const avatarHost = "avatars.githubusercontent.com"

// CSP returns the Content-Security-Policy for pages on af-auth's own host.
//
// extra are origins (scheme://host[:port], http or https) that a form of ours
// may end up at: Chromium applies form-action to redirects too. What is not an
// origin is left out, so that nothing can widen another directive.
func CSP(extra ...string) string {
	return policy("'self'", append([]string{"'self'"}, origins(extra)...))
}

// GuestCSP returns the policy for a page that is shown on another host and
// takes its stylesheet and scripts from origin, the scheme and host of
// AF_AUTH_URL. It has no forms. With an origin that is not one the page stands
// without style, and is whole otherwise.
func GuestCSP(origin string) string {
	own := origins([]string{origin})
	if len(own) == 0 {
		own = []string{"'none'"}
	}
	return policy(own[0], []string{"'none'"})
}

func policy(self string, forms []string) string {
	images := self + " https://" + avatarHost
	if self == "'none'" {
		images = "https://" + avatarHost
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + self,
		"style-src " + self,
		"img-src " + images,
		"connect-src " + self,
		"form-action " + strings.Join(forms, " "),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// origins keeps those of the list that are origins and nothing more.
func origins(list []string) []string {
	var kept []string
	for _, s := range list {
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			continue
		}
		if s != u.Scheme+"://"+u.Host || strings.ContainsAny(s, " ;,'\"*") {
			continue
		}
		kept = append(kept, s)
	}
	return kept
}
