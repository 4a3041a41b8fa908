package signin_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/signin"
)

const (
	origin = "https://auth.example.test"
	app    = "app.example.test"
	nonce  = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
)

func places(t testing.TB) signin.Places {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	return signin.NewPlaces(u, []string{app, "wiki.example.test:8443"})
}

func TestParse(t *testing.T) {
	t.Parallel()
	home := signin.Destination{Path: "/auth/"}
	for _, c := range []struct {
		returnTo, nonce string
		want            signin.Destination
	}{
		{"/", "", signin.Destination{Path: "/"}},
		{"/auth/about?x=1", "", signin.Destination{Path: "/auth/about?x=1"}},
		{origin + "/a/b?c=d%20e&f", "", signin.Destination{Path: "/a/b?c=d%20e&f"}},
		{"https://" + app, nonce, signin.Destination{Host: app, Path: "/", Nonce: nonce}},
		{"https://" + app + "/x/../y", "", signin.Destination{Host: app, Path: "/x/../y"}},
		{"https://" + app + "?q", nonce, signin.Destination{Host: app, Path: "/?q", Nonce: nonce}},
		{"https://wiki.example.test:8443/page", "", signin.Destination{Host: "wiki.example.test:8443", Path: "/page"}},
		{"https://" + app + "/" + strings.Repeat("a", 4095), "", signin.Destination{Host: app, Path: "/" + strings.Repeat("a", 4095)}},
		{"/?" + strings.Repeat("&", 2386), "", signin.Destination{Path: "/?" + strings.Repeat("&", 2386)}},
		// A nonce that is none is left out: the application's gate gives one.
		{"https://" + app + "/", strings.ToUpper(nonce), signin.Destination{Host: app, Path: "/"}},
		{"https://" + app + "/", nonce[:62], signin.Destination{Host: app, Path: "/"}},
		{"https://" + app + "/", nonce + "00", signin.Destination{Host: app, Path: "/"}},
		// A nonce belongs to an application's host.
		{"/", nonce, signin.Destination{Path: "/"}},
		{"", "", home}, {"relative", "", home}, {"//" + app, "", home}, {"http://" + app + "/", "", home}, {"https://wiki.example.test/", "", home},
		{"https://" + strings.ToUpper(app) + "/", "", home}, {"https://" + app + ".", "", home}, {"https://" + app + ":443/", "", home}, {"https://x@" + app + "/", "", home},
		{"https://" + app + "/#x", "", home}, {"https://" + app + "//evil.test", "", home}, {"https:" + app, "", home}, {"https:///" + app, "", home},
		{"/" + strings.Repeat("a", 4096), "", home}, {"/?" + strings.Repeat("&", 2400), "", home}, {"/\u00e9", "", home}, {"/a b", "", home}, {`/a\b`, "", home}, {"/a#b", "", home}, {"/%zz", "", home}, {"/\x7f", "", home},
	} {
		if got := places(t).Parse(c.returnTo, c.nonce); got != c.want {
			t.Errorf("Parse(%.80q, %.10q) = %+v, want %+v", c.returnTo, c.nonce, got, c.want)
		}
	}
}

func TestQueryCarriesTheDestination(t *testing.T) {
	t.Parallel()
	p := places(t)
	for _, d := range []signin.Destination{
		p.Home(), {Path: "/"}, {Path: "/a?b=c&d=%26"}, {Host: app, Path: "/"}, {Host: app, Path: `/a?"<>&=+%2B`, Nonce: nonce},
	} {
		q, err := url.ParseQuery(strings.TrimPrefix(p.Query(d), "?"))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Parse(q.Get("return_to"), q.Get("nonce")); got != d {
			t.Errorf("%+v becomes %+v", d, got)
		}
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"/": "/", "/a?b": "/a?b", "": "/", "a": "/", "//evil.test": "/", `/\evil.test`: "/", "https://evil.test/": "/", "/\t/evil.test": "/", "?a": "/", "/%zz": "/",
		"/" + strings.Repeat("a", 4096): "/", "/" + strings.Repeat("a", 4095): "/" + strings.Repeat("a", 4095), "/" + strings.Repeat("%22", 1400): "/",
	} {
		if got := signin.LocalPath(given); got != want {
			t.Errorf("LocalPath(%.40q) = %q, want %q", given, got, want)
		}
	}
}

// FuzzParse holds every destination to hosts of ours, read as Go reads an
// address and as browsers do, and to one that parses back to itself.
func FuzzParse(f *testing.F) {
	for _, host := range []string{"evil.test", "app.example.test", "auth.example.test"} {
		for _, shape := range []string{
			"//%", "///%", `/\%`, `\/%`, "https:%", "https:/%", "https://%", "https:///%", `https:\\%`, "https://auth.example.test@%", `https://auth.example.test\@%`, `https://%\@auth.example.test`,
			"https://auth.example.test#@%", "https://auth.example.test?@%", "https://auth.example.test:443@%", "https://%%2f", "/\t/%", "\t//%", "/./\\%", "/..//%", "/%2f%", "https://auth.example.test.%",
			"https://%:443/", "https://[%]/", "HTTPS://%/", "https://%/a?b#c", "javascript://%/%0aalert(1)", "https://%\u3002test", "https://%/;@x", "/auth/continue?return_to=//%",
		} {
			f.Add(strings.ReplaceAll(shape, "%", host), nonce)
		}
	}
	f.Add("/a?b=c", "")
	f.Fuzz(func(t *testing.T, returnTo, nonce string) {
		p := places(t)
		d := p.Parse(returnTo, nonce)
		staysHome(t, p, d)
		staysHome(t, p, signin.Destination{Host: app, Path: signin.LocalPath(returnTo)})
		if again := p.Parse(p.URL(d), d.Nonce); again != d {
			t.Errorf("%q is %+v, and its address %q is %+v", returnTo, d, p.URL(d), again)
		}
	})
}

func staysHome(t *testing.T, p signin.Places, d signin.Destination) {
	t.Helper()
	want := d.Host
	if want == "" {
		want = p.OwnHost()
	} else if !p.IsApp(want) {
		t.Fatalf("%+v is no host of ours", d)
	}
	address := p.URL(d)
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host != want || u.User != nil {
		t.Errorf("%+v: Go reads %q as %v, %v", d, address, u, err)
	}
	if got := browserHost(address); got != want {
		t.Errorf("%+v: a browser reads %q as host %q", d, address, got)
	}
	// A page of ours resolves it against itself; an absolute address stays what it is.
	base := &url.URL{Scheme: "https", Host: "elsewhere.test", Path: "/x"}
	if got := base.ResolveReference(u); got.Host != want {
		t.Errorf("%+v resolves to %s", d, got)
	}
	if d.Nonce != "" && len(d.Nonce) != 64 {
		t.Errorf("the nonce %q", d.Nonce)
	}
}
