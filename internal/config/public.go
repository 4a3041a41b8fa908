package config

import (
	"path"
	"slices"
	"strings"
)

// maxPublicPath is longer than any prefix that somebody writes by hand.
const maxPublicPath = 1024

// readPublicPaths reads the paths that stand open. A mistake here opens what
// should be closed, so only the one plain spelling is taken, and nothing that
// opens a whole host.
func readPublicPaths(c *Config, value string) *Fault {
	var all []PublicPath
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		p, fault := publicPath(item)
		if fault != nil {
			return fault
		}
		if slices.Contains(all, p) {
			return wrong("keep one of them", "names %s twice", quote(item))
		}
		all = append(all, p)
	}
	c.PublicPaths = all
	return nil
}

func publicPath(item string) (PublicPath, *Fault) {
	const hint = "write a host and a path, such as grafana.example.com/api/hooks/"
	if strings.Contains(item, "://") {
		return PublicPath{}, wrong(hint, "holds a URL where a host and a path are expected")
	}
	host, rest, _ := strings.Cut(item, "/")
	if fault := checkHost(host); fault != nil {
		return PublicPath{}, fault
	}
	p := "/" + rest
	clean := path.Clean(p)
	switch {
	case clean == "/":
		return PublicPath{}, wrong("name the paths below it that must be open, or take the gate away from that host in your proxy",
			"holds %s, which would open the whole host", quote(item))
	case len(p) > maxPublicPath:
		return PublicPath{}, wrong("write a shorter path", "holds a path of more than %d bytes", maxPublicPath)
	case strings.ContainsAny(p, "*?"):
		return PublicPath{}, wrong("write the beginning of the path: what lies below it is open too", "holds the pattern %s, and paths are compared by whole segments", quote(item))
	case strings.ContainsFunc(p, notInPublicPath):
		return PublicPath{}, wrong("write letters, digits and -._~!$&'()+:@= between slashes", "holds %s, with a character that has more than one spelling in a path", quote(item))
	case p != clean && p != clean+"/":
		return PublicPath{}, wrong("write the path without // and without dots between slashes", "holds %s, which is not in its plain form", quote(item))
	case below(clean, "/auth"), below(clean, "/.af-auth"):
		return PublicPath{}, wrong("leave it away: what is public there needs no entry", "holds %s, which is af-auth's own", quote(item))
	}
	return PublicPath{host, p}, nil
}

func below(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

func notInPublicPath(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/-._~!$&'()+:@=", r)
}
