package cli

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/config"
)

// appHosts are the hosts of the applications that the settings name, and our own:
// an application may share it.
func appHosts(c *config.Config) []string {
	var hosts []string
	for _, h := range c.Hosts {
		hosts = append(hosts, h.Host)
	}
	if own, err := url.Parse(c.Origin); err == nil && own.Host != "" && !slices.Contains(hosts, own.Host) {
		hosts = append(hosts, own.Host)
	}
	return hosts
}

// checkApps refuses hosts that no browser sends, and warns of those that the
// settings do not name: they are for later, or mistyped.
func (e *Env) checkApps(apps []string) error {
	for _, host := range apps {
		if fault := config.CheckHost(host); fault != nil {
			return &afauth.Error{Code: afauth.CodeInvalid, Message: "--app " + fault.Problem, Hint: fault.Hint}
		}
	}
	if len(apps) == 0 {
		return nil
	}
	c, err := e.load()
	if err != nil {
		return err
	}
	e.warnOfApps(appHosts(c), apps)
	return nil
}

// mostWarned is how many hosts are named that no setting names.
const mostWarned = 100

// warnOfApps names the hosts that are not among those known, one a line.
func (e *Env) warnOfApps(known, apps []string) {
	n := 0
	for _, host := range apps {
		if slices.Contains(known, host) {
			continue
		}
		if n++; n <= mostWarned {
			e.complain(fmt.Sprintf("warning: %s is not among AF_AUTH_HOSTS, so nobody is sent there after sign-in", host), "")
		}
	}
	if n > mostWarned {
		e.complain(fmt.Sprintf("warning: %d more are not", n-mostWarned), "")
	}
}

// appsCell are a person's applications in a list.
func appsCell(w afauth.Whitelist, a afauth.Access) string {
	switch {
	case !a.MayEnter():
		return "-"
	case w.Apps == nil:
		return "all"
	case len(w.Apps) == 0:
		return "none"
	default:
		return printable(strings.Join(w.Apps, ", "))
	}
}

// forApps are the applications behind "allowed somebody".
func forApps(apps []string) string {
	switch {
	case apps == nil:
		return ""
	case len(apps) == 0:
		return " for no application"
	default:
		return " for " + printable(strings.Join(apps, ", "))
	}
}
