package web

import (
	"net/url"
	"strings"
)

// PublicPaths are the paths that anybody may open, by host: af-auth's own or an
// application's. Each is a path in its plain form and stands for itself and for
// what lies below it, by whole segments: "/hooks" is for "/hooks" and "/hooks/x",
// not for "/hooksx"; "/hooks/" is for what lies below alone. The zero value opens
// nothing.
type PublicPaths map[string][]string

// Open reports whether anybody may open this address on this host. Only a path
// without any escape or parameter can be: the application that reads it must not
// be able to read another one, whatever it decodes or strips. The query is no
// part of it.
func (p PublicPaths) Open(host string, u *url.URL) bool {
	if !canonical(u) || strings.Contains(u.Path, ";") {
		return false
	}
	for _, prefix := range p[host] {
		rest, ok := strings.CutPrefix(u.Path, prefix)
		if ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/")) {
			return true
		}
	}
	return false
}
