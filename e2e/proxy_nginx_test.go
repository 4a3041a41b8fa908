package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
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
	f.saysItself = true
	return f
}
