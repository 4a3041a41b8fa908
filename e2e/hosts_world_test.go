package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/af-auth/af-auth/internal/cli/demo"
)

// farApp is an application on another site than af-auth: no cookie could be
// shared, and what leads there is cross-site. elseApp is one of the same site.
const farApp = "https://app.elsewhere.test"

// hosts is af-auth and two applications behind Caddy with the file of deploy/ and
// certificates of Caddy's own authority: each under its name, at port 443 as far
// as browsers know.
type hosts struct {
	*front
	// spki is the hash of the key that signs the certificates of the hosts.
	spki string
}

func newHosts(t *testing.T) *hosts {
	t.Helper()
	h := &hosts{front: &front{address: freeAddress(t)}}
	h.world = newWorld(t, 1, map[string]string{
		"AF_AUTH_TRUSTED_PROXIES": "127.0.0.1", "AF_AUTH_ADMINS": "hubot",
		"AF_AUTH_HOSTS": hostOf(farApp) + "=The App," + hostOf(elseApp) + "=Wiki",
	})
	own, err := url.Parse(ownOrigin)
	if err != nil {
		t.Fatal(err)
	}
	application, err := demo.Application(demo.Options{AuthURL: own})
	if err != nil {
		t.Fatal(err)
	}
	shown := httptest.NewServer(application)
	t.Cleanup(shown.Close)
	at := shown.Listener.Addr().String()
	h.runsCaddy(t, strings.NewReplacer("127.0.0.1:8080", h.doors[0].address, "127.0.0.1:3000", at, "127.0.0.1:3001", at))
	return h
}

func (h *hosts) runsCaddy(t *testing.T, behind *strings.Replacer) {
	t.Helper()
	host, port, err := net.SplitHostPort(h.address)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := "{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n\thttps_port " + port +
		"\n\tdefault_bind " + host + "\n}\n" + shipped(t, "caddy/Caddyfile", behind,
		"auth.example.com", hostOf(ownOrigin), "grafana.example.com", hostOf(farApp), "wiki.example.com", hostOf(elseApp))
	if err := os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	caddy := exec.Command(installed(t, "caddy"), "run", "--adapter", "caddyfile", "--config", filepath.Join(dir, "Caddyfile"))
	caddy.Env = append(cleanEnv(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	h.runs(t, caddy)

	authority := filepath.Join(dir, "caddy", "pki", "authorities", "local")
	h.trust = x509.NewCertPool()
	h.trust.AddCert(readCertificate(t, filepath.Join(authority, "root.crt")))
	// What signs the hosts' certificates, and comes with them; the root does not.
	key := sha256.Sum256(readCertificate(t, filepath.Join(authority, "intermediate.crt")).RawSubjectPublicKeyInfo)
	h.spki = base64.StdEncoding.EncodeToString(key[:])
	for _, origin := range []string{ownOrigin, farApp, elseApp} {
		eventually(t, "Caddy has a certificate for "+origin, startWithin, func() bool {
			c, err := h.dial(t.Context(), hostOf(origin))
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		})
	}
}

func readCertificate(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no certificate", path)
	}
	found, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// browser is a Chromium that knows these hosts and no others, and trusts the
// certificates of this Caddy and no others.
func (h *hosts) browser(t *testing.T) *browser {
	t.Helper()
	var rules []string
	for _, origin := range []string{ownOrigin, farApp, elseApp} {
		rules = append(rules, "MAP "+hostOf(origin)+" "+h.address)
	}
	// GitHub's simulator is at an address.
	rules = append(rules, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1")
	return newBrowser(t,
		chromedp.Flag("host-resolver-rules", strings.Join(rules, ", ")),
		chromedp.Flag("ignore-certificate-errors-spki-list", h.spki),
		// HTTP/3 is tried beside HTTP/2 at a time of Chromium's own choice.
		chromedp.Flag("disable-quic", true))
}

// signsIn goes on from the sign-in page.
func (b *browser) signsIn(t *testing.T, login string) {
	t.Helper()
	b.do(t, "continue with GitHub", chromedp.Click(chromedp.CSS(`a[href*="/auth/github"]`)))
	b.do(t, "pick "+login, chromedp.Click(chromedp.CSS(`button[name=login][value=`+login+`]`)))
}

// isAt waits until a page whose address begins so is open and shows the words.
func (b *browser) isAt(t *testing.T, what, address, words string) {
	t.Helper()
	b.waitFor(t, what, 20*time.Second, `location.href.startsWith(`+quote(address)+`) && document.readyState === "complete" && document.body.innerText.includes(`+quote(words)+`)`)
}

// ours is the cookies of af-auth in the browser's own store.
func (b *browser) ours(t *testing.T) (found []*network.Cookie) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	all, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all.Cookies {
		if strings.Contains(c.Name, "af_auth") {
			found = append(found, c)
		}
	}
	return found
}

// session is the value of the browser's session on a host, empty where there is
// none.
func (b *browser) session(t *testing.T, origin string) string {
	t.Helper()
	for _, c := range b.ours(t) {
		if c.Domain == hostOf(origin) && c.Name == "__Host-af_auth" {
			return c.Value
		}
	}
	return ""
}

// quiet fails for whatever the console says, but for the failed loads of pages
// that are refusals.
func (b *browser) quiet(t *testing.T, refusals ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		expected := false
		for _, address := range refusals {
			expected = expected || strings.HasPrefix(text, "Failed to load resource: the server responded with a status of 403") && strings.Contains(text, "("+address)
		}
		if !expected {
			t.Errorf("Chromium says: %s", text)
		}
	}
}
