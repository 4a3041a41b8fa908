package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCaddy runs Caddy with deploy/caddy.
func TestCaddy(t *testing.T) {
	t.Parallel()
	caddyFront(t).cases(t)
}

func caddyFront(t *testing.T) *front {
	t.Helper()
	f, behind := newFront(t)
	f.address = freeAddress(t)
	host, port, err := net.SplitHostPort(f.address)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	site := func(origin string) string { return "http://" + hostOf(origin) + ":" + port }
	// Without certificates, which Caddy would ask the internet for.
	text := "{\n\tadmin off\n\tauto_https off\n\tdefault_bind " + host + "\n}\n" + shipped(t, "caddy/Caddyfile", behind,
		"auth.example.com", site(ownOrigin), "grafana.example.com", site(appOrigin), "wiki.example.com", site(elseApp))
	if err := os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	caddy := exec.Command(installed(t, "caddy"), "run", "--adapter", "caddyfile", "--config", filepath.Join(dir, "Caddyfile"))
	caddy.Env = append(cleanEnv(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	f.runs(t, caddy)
	return f
}
