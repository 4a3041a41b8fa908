package config_test

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

// What is sound by itself and opens a way around the gate beside something else.
func TestNotTogether(t *testing.T) {
	t.Parallel()
	const (
		https, http = "AF_AUTH_URL=https://auth.example.com", "AF_AUTH_URL=http://localhost:8080"
		admins      = "AF_AUTH_ADMINS=octocat"
		upstream    = "AF_AUTH_UPSTREAM=http://127.0.0.1:3000"
	)
	for name, tt := range map[string]struct {
		settings    []string
		fault, says string // "" for none
	}{
		"an application on the host of the administrators": {[]string{https, admins, upstream}, "AF_AUTH_UPSTREAM", "AF_AUTH_ADMINS"},
		"the same on loopback":                             {[]string{http, admins, upstream}, "AF_AUTH_UPSTREAM", "could decide as an administrator"},
		"an application alone":                             {[]string{https, upstream}, "", ""},
		"administrators alone":                             {[]string{https, admins}, "", ""},
		"a list without anybody":                           {[]string{https, "AF_AUTH_ADMINS=,", upstream}, "", ""},

		"two ports of one host":    {[]string{https, "AF_AUTH_HOSTS=app.example.com=App,app.example.com:8443"}, "AF_AUTH_HOSTS", `"app.example.com:8443" and "app.example.com"`},
		"two ports, neither usual": {[]string{https, "AF_AUTH_HOSTS=app.example.com:8444,app.example.com:8443"}, "AF_AUTH_HOSTS", "by their port alone"},
		"a port of our own host":   {[]string{https, "AF_AUTH_HOSTS=auth.example.com:8443"}, "AF_AUTH_HOSTS", `"auth.example.com:8443" and that of AF_AUTH_URL`},
		"our own host's port":      {[]string{"AF_AUTH_URL=https://auth.example.com:8443", "AF_AUTH_HOSTS=auth.example.com"}, "AF_AUTH_HOSTS", `"auth.example.com" and that of AF_AUTH_URL`},
		"two ports of an address":  {[]string{https, "AF_AUTH_HOSTS=[::2]:81,[::2]"}, "AF_AUTH_HOSTS", "by their port alone"},
		"https on loopback":        {[]string{"AF_AUTH_URL=https://localhost", "AF_AUTH_HOSTS=localhost:8443"}, "AF_AUTH_HOSTS", "by their port alone"},
		"http on loopback":         {[]string{http, "AF_AUTH_HOSTS=localhost:8081,localhost:8082"}, "", ""},
		"our own host itself":      {[]string{https, "AF_AUTH_HOSTS=auth.example.com"}, "", ""},
		"a host with a port":       {[]string{https, "AF_AUTH_HOSTS=app.example.com:8443,wiki.example.com:8443"}, "", ""},
		"no address of our own":    {[]string{"AF_AUTH_HOSTS=localhost:8081,localhost:8082"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(config.Options{Environ: tt.settings})
			if tt.fault == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			all := faults(t, err)
			if len(all) != 1 || all[0].Name != tt.fault || all[0].Hint == "" || !strings.Contains(all[0].Problem, tt.says) {
				t.Errorf("want one fault of %s with %q, got %v", tt.fault, tt.says, all)
			}
		})
	}
}
