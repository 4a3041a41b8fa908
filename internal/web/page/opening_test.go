package page_test

import (
	"testing"

	"github.com/af-auth/af-auth/internal/web/page"
)

// A sentence begins with a capital, and a host is written as it is.
func TestOpening(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ app, host, want string }{
		{"the demo application", "127.0.0.1:8081", "The demo application"}, {"Grafana", "grafana.example.com", "Grafana"}, {"\u00fcbersicht", "x", "\u00dcbersicht"},
		{"wiki.example.com", "wiki.example.com", "wiki.example.com"}, {"", "", "auth.example.com"},
	} {
		v := page.Refused{Chrome: page.Chrome{Host: "auth.example.com"}, App: c.app, AppHost: c.host}
		if got := v.Opening(); got != c.want {
			t.Errorf("%q on %q: %q, want %q", c.app, c.host, got, c.want)
		}
	}
}

// Applications are listed as people list things.
func TestOpenings(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{"": nil, "Wiki": {"Wiki"}, "Docs and Wiki": {"Docs", "Wiki"}, "Docs, Grafana and Wiki": {"Docs", "Grafana", "Wiki"}} {
		if got := (page.Refused{Open: names}).Openings(); got != want {
			t.Errorf("%q: %q", names, got)
		}
		if got := (page.Home{Open: names}).Openings(); got != want {
			t.Errorf("%q: %q", names, got)
		}
	}
}
