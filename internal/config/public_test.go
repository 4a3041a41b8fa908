package config_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/config"
)

func TestPublicPaths(t *testing.T) {
	t.Parallel()
	settings := []string{"AF_AUTH_URL=https://auth.example.com", "AF_AUTH_HOSTS=app.example.com=App,wiki.example.com:8443", "AF_AUTH_TRUSTED_PROXIES=10.0.0.5"}
	c := load(t, append(settings, "AF_AUTH_PUBLIC_PATHS= app.example.com/api/hooks/ , app.example.com/healthz,wiki.example.com:8443/a.b_c~d/e,auth.example.com/grafana/api,")...)
	want := []config.PublicPath{
		{Host: "app.example.com", Path: "/api/hooks/"}, {Host: "app.example.com", Path: "/healthz"},
		{Host: "wiki.example.com:8443", Path: "/a.b_c~d/e"}, {Host: "auth.example.com", Path: "/grafana/api"},
	}
	if !slices.Equal(c.PublicPaths, want) || len(c.Warnings()) != 0 {
		t.Errorf("%v, %v", c.PublicPaths, c.Warnings())
	}
	i := slices.IndexFunc(c.Entries(), func(e config.Entry) bool { return e.Name == "AF_AUTH_PUBLIC_PATHS" })
	if e := c.Entries()[i]; !strings.Contains(e.Value, "app.example.com/healthz") || e.Source != "environment" {
		t.Errorf("the listing says %+v", e)
	}
	for _, tt := range []struct{ value, wants string }{
		{"app.example.com", "whole host"}, {"app.example.com/", "whole host"}, {"/healthz", "no host"}, {"healthz", "whole host"},
		{"other.example.com/x", "neither in AF_AUTH_HOSTS"}, {"wiki.example.com/x", "neither in AF_AUTH_HOSTS"}, {"App.example.com/x", "no browser sends"},
		{"https://app.example.com/x", "URL"}, {"*.example.com/x", "pattern"}, {"app.example.com/x/*", "pattern"}, {"app.example.com/x?y", "pattern"},
		{"app.example.com/x#y", "more than one spelling"}, {"app.example.com/%78", "more than one spelling"}, {"app.example.com/a;b", "more than one spelling"},
		{"app.example.com/a b", "more than one spelling"}, {"app.example.com/é", "more than one spelling"}, {`app.example.com/a\b`, "more than one spelling"},
		{"app.example.com//x", "plain form"}, {"app.example.com/x//", "plain form"}, {"app.example.com/a/../b", "plain form"}, {"app.example.com/./a", "plain form"}, {"app.example.com/..", "whole host"}, {"app.example.com/.", "whole host"}, {"app.example.com//", "whole host"},
		{"app.example.com/.af-auth", "af-auth's own"}, {"app.example.com/.af-auth/enter", "af-auth's own"}, {"auth.example.com/auth/", "af-auth's own"}, {"auth.example.com/auth", "af-auth's own"}, {"auth.example.com/auth/verify", "af-auth's own"},
		{"app.example.com/x,app.example.com/x", "twice"}, {"app.example.com/" + strings.Repeat("x", 2000), "1024 bytes"}, {"app.example.com:443/x", "app.example.com:443"},
	} {
		_, err := config.Load(config.Options{Environ: append(settings, "AF_AUTH_PUBLIC_PATHS="+tt.value)})
		all := faults(t, err)
		if len(all) != 1 || all[0].Name != "AF_AUTH_PUBLIC_PATHS" || all[0].Hint == "" || !strings.Contains(all[0].Problem, tt.wants) {
			t.Errorf("%.60s: want one fault with %q, got %v", tt.value, tt.wants, all)
		}
	}
	if w := load(t, append(settings[:2:2], "AF_AUTH_PUBLIC_PATHS=app.example.com/x")...).Warnings(); len(w) != 1 || !strings.Contains(w[0], "AF_AUTH_TRUSTED_PROXIES") {
		t.Errorf("without a proxy: %q", w)
	}
}

// FuzzPublicPaths: whatever is taken is an exact host of ours and a plain path
// that opens less than the host.
func FuzzPublicPaths(f *testing.F) {
	for _, seed := range []string{"a.example/x", "a.example/x/,auth.example/y", "a.example", "a.example/../x", "a.example/%2e", "a.example/;", "a.example/.af-auth/x", " a.example/x , ", "a.example/x\x00", "a.example//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c, err := config.Load(config.Options{Environ: []string{"AF_AUTH_URL=https://auth.example", "AF_AUTH_HOSTS=a.example", "AF_AUTH_PUBLIC_PATHS=" + value}})
		if err != nil {
			return
		}
		for _, p := range c.PublicPaths {
			clean := path.Clean(p.Path)
			switch {
			case p.Host != "a.example" && p.Host != "auth.example":
				t.Errorf("%q opens something on %q", value, p.Host)
			case !strings.HasPrefix(p.Path, "/") || clean == "/" || p.Path != clean && p.Path != clean+"/":
				t.Errorf("%q opens %q", value, p.Path)
			case strings.ContainsAny(p.Path, "%;\\?#*, \x00"), clean == "/auth", strings.HasPrefix(clean, "/auth/"), clean == "/.af-auth", strings.HasPrefix(clean, "/.af-auth/"):
				t.Errorf("%q opens %q", value, p.Path)
			}
		}
	})
}
