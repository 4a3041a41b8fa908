package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNginx runs nginx with deploy/nginx.
func TestNginx(t *testing.T) {
	t.Parallel()
	nginxFront(t).cases(t)
}

func nginxFront(t *testing.T) *front {
	t.Helper()
	f, behind := newFront(t)
	f.address = freeAddress(t)
	dir := openFolder(t) // nginx works as an account of its own
	f.trust = newCertificate(t, dir, hostOf(ownOrigin), hostOf(appOrigin), hostOf(elseApp))
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"af-auth-server.conf", "af-auth-location.conf"} {
		write(name, shipped(t, "nginx/snippets/"+name, behind))
	}
	write("af-auth.conf", shipped(t, "nginx/af-auth.conf", behind,
		"listen 443 ssl", "listen "+f.address+" ssl",
		"/etc/ssl/af-auth/", dir+"/", "/etc/nginx/snippets/", dir+"/",
		"auth.example.com", hostOf(ownOrigin), "grafana.example.com", hostOf(appOrigin), "wiki.example.com", hostOf(elseApp)))
	write("nginx.conf", `daemon off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include `+dir+`/af-auth.conf;
}
`)
	f.runs(t, exec.Command(installed(t, "nginx"), "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, "nginx.conf")))
	f.ofPaths = f.tellsOfBadPaths
	return f
}

// tellsOfBadPaths: nginx hands no answer of the gate on, so what is said of a 403
// holds for each reason, and a page of af-auth says which one it is.
func (f *front) tellsOfBadPaths(t *testing.T, v *visitor) {
	const page, script = "Sec-Fetch-Mode: navigate\r\nAccept: text/html", "Sec-Fetch-Mode: cors\r\nAccept: application/json"
	for _, target := range []string{"//x", "/a%2Fb"} {
		for _, who := range []*visitor{nil, v} {
			if got := f.raw(t, appOrigin, head(t, who, target, script)); got.status != http.StatusForbidden || !strings.Contains(got.body, "or the address is not in its one plain form") {
				t.Errorf("a script at %s: %d %s", target, got.status, got.body)
			}
			if got := f.raw(t, appOrigin, head(t, who, target, page)); got.status != http.StatusBadRequest || got.to() != "" || !strings.Contains(got.body, "in more than one way") {
				t.Errorf("a page at %s: %d to %q: %s", target, got.status, got.to(), got.body)
			}
		}
	}
}
