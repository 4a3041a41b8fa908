package config_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/config"
)

// write puts a file with mode 0600 into a folder and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, environ ...string) *config.Config {
	t.Helper()
	c, err := config.Load(config.Options{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func faults(t *testing.T, err error) config.Faults {
	t.Helper()
	var f *config.Faults
	if !errors.As(err, &f) {
		t.Fatalf("want *Faults, got %T: %v", err, err)
	}
	return *f
}

func entry(t *testing.T, c *config.Config, name string) config.Entry {
	t.Helper()
	for _, e := range c.Entries() {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("no entry %s", name)
	return config.Entry{}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := load(t)
	got := []any{c.PoolMin, c.PoolMax, c.ConnectTimeout, c.PoolTimeout, c.MaxRetries, c.RetryDelay, c.Production, c.Origin, c.Listen,
		c.SessionIdle, c.SessionMax, c.SignInRate, c.LogFormat, c.LogLevel, c.MetricsListen, c.MetricsToken.IsSet(),
		c.GitHubURL, len(c.GitHubScopes), len(c.Hosts), len(c.TrustedProxies), c.DatabaseURL.IsZero()}
	want := []any{2, 10, 5 * time.Second, time.Duration(0), 3, time.Second, false, "", "127.0.0.1:8080",
		24 * time.Hour, 168 * time.Hour, 20, "text", slog.LevelInfo, "", false,
		"https://github.com", 0, 0, 0, true}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("default %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	c := load(t,
		"DATABASE_URL=postgresql://u:p@h/d", "DIRECT_URL=postgresql://u:p@h2/d", "AF_AUTH_OWNER_URL=postgresql://o:p@h/d",
		"AF_AUTH_URL=HTTPS://Auth.Example.com:443/", "AF_AUTH_LISTEN=[::1]:0", "AF_AUTH_CONTACT=it@example.com",
		"AF_AUTH_HOSTS= grafana.example.com=Grafana & co , app.example.com:8443,[::1]:81,",
		"AF_AUTH_TRUSTED_PROXIES=10.1.2.3, 10.9.9.9/8,::1,::ffff:192.168.1.0/120",
		"AF_AUTH_SESSION_IDLE=90m", "AF_AUTH_SESSION_MAX=1d12h", "AF_AUTH_LOG_LEVEL=warn",
		"AF_AUTH_METRICS_LISTEN=:9090", "AF_AUTH_METRICS_TOKEN=0123456789abcdef", "GITHUB_CLIENT_ID=Iv1.a_b-c",
		"GITHUB_CLIENT_SECRET=shh", "GITHUB_URL=http://localhost:8082", "GITHUB_SCOPES=user:email, read:org",
		"DB_POOL_MIN=0", "DB_POOL_MAX=1", "DB_CONNECTION_TIMEOUT_MS=250", "DB_MAX_RETRIES=0", "DB_RETRY_DELAY_MS=1")
	if c.Origin != "https://auth.example.com" || !c.Production || c.LogFormat != "json" || c.LogLevel != slog.LevelWarn {
		t.Errorf("origin %q, production %v, log %s %v", c.Origin, c.Production, c.LogFormat, c.LogLevel)
	}
	wantHosts := []config.Host{{Host: "grafana.example.com", Name: "Grafana & co"}, {Host: "app.example.com:8443", Name: "app.example.com:8443"}, {Host: "[::1]:81", Name: "[::1]:81"}}
	if !slices.Equal(c.Hosts, wantHosts) {
		t.Errorf("hosts %v", c.Hosts)
	}
	var wantProxies []netip.Prefix
	for _, s := range []string{"10.1.2.3/32", "10.0.0.0/8", "::1/128", "192.168.1.0/24"} {
		wantProxies = append(wantProxies, netip.MustParsePrefix(s))
	}
	if !slices.Equal(c.TrustedProxies, wantProxies) {
		t.Errorf("proxies %v", c.TrustedProxies)
	}
	got := []any{c.SessionIdle, c.SessionMax, c.Contact, c.MetricsToken.Reveal(), c.GitHubClientSecret.Reveal(), c.GitHubURL,
		c.PoolMin, c.PoolMax, c.ConnectTimeout, c.MaxRetries, c.RetryDelay, c.DirectURL.Host(), c.OwnerURL.User()}
	want := []any{90 * time.Minute, 36 * time.Hour, "mailto:it@example.com", "0123456789abcdef", "shh", "http://localhost:8082",
		0, 1, 250 * time.Millisecond, 0, time.Millisecond, "h2", "o"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("value %d: got %v, want %v", i, got[i], want[i])
		}
	}
	if !slices.Equal(c.GitHubScopes, []string{"user:email", "read:org"}) {
		t.Errorf("scopes %v", c.GitHubScopes)
	}
}

// Each is refused by a fault that names the variable, says where it was set
// and what to do, with wants in its text.
func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ setting, wants string }{
		{"DATABASE_URL=host=h dbname=d", "key=value"},
		{"DATABASE_URL=postgresql://u:p@h/d?connection_limit=5000", "from 1 to 1000"},
		{"DIRECT_URL=postgresql://u:p@h/d?pgbouncer=true", "PgBouncer"},
		{"AF_AUTH_OWNER_URL=postgresql://u:p@h/d?pgbouncer=true", "PgBouncer"},
		{"DB_POOL_MIN=-1", "0 to 1000"}, {"DB_POOL_MIN=11", "DB_POOL_MAX only 10"}, {"DB_POOL_MIN=two", "0 to 1000"},
		{"DB_POOL_MAX=0", "1 to 1000"}, {"DB_POOL_MAX=1001", "1 to 1000"}, {"DB_POOL_MAX=+5", "1 to 1000"},
		{"DB_CONNECTION_TIMEOUT_MS=5s", "50 to 60000"}, {"DB_CONNECTION_TIMEOUT_MS=49", "50 to 60000"},
		{"DB_MAX_RETRIES=11", "0 to 10"}, {"DB_RETRY_DELAY_MS=99999999999999999999", "1 to 60000"},
		{"AF_AUTH_ENV=prod", "development or production"},
		{"AF_AUTH_URL=auth.example.com", "scheme"}, {"AF_AUTH_URL=http://auth.example.com", "https://"},
		{"AF_AUTH_URL=https://auth.example.com/auth", "more than an origin"}, {"AF_AUTH_URL=https://a.example?x", "more than an origin"},
		{"AF_AUTH_URL=https://a.example#", "more than an origin"}, {"AF_AUTH_URL=https://u:p@a.example", "user name or password"},
		{"AF_AUTH_URL=https://a.example:0", "port"}, {"AF_AUTH_URL=https://a.example:", "port"}, {"AF_AUTH_URL=https://a..example", "host"},
		{"AF_AUTH_URL=ftp://a.example", "neither"}, {"AF_AUTH_URL=https://ü.example", "host"}, {"AF_AUTH_URL=http://127.1", "host"},
		{"AF_AUTH_URL=http://localhost.example.com", "https://"}, {"AF_AUTH_URL=https://*.example.com", "host"},
		{"AF_AUTH_LISTEN=8080", "HOST:PORT"}, {"AF_AUTH_LISTEN=:70000", "HOST:PORT"}, {"AF_AUTH_LISTEN=a b:1", "HOST:PORT"},
		{"AF_AUTH_HOSTS=https://a.example", "URL"}, {"AF_AUTH_HOSTS=*.example.com", "pattern"}, {"AF_AUTH_HOSTS=A.example", "a.example"},
		{"AF_AUTH_HOSTS=a.example,a.example=B", "twice"}, {"AF_AUTH_HOSTS=a.example/x", "no host"}, {"AF_AUTH_HOSTS=a.example:443", "default port"},
		{"AF_AUTH_HOSTS=a.example:x", "no host"}, {"AF_AUTH_HOSTS=u@a.example", "no host"}, {"AF_AUTH_HOSTS=a.example.", "no host"},
		{"AF_AUTH_HOSTS=a.example=" + strings.Repeat("n", 65), "64 bytes"}, {"AF_AUTH_HOSTS==Name", "no host"},
		{"AF_AUTH_ADMINS=583231", "an id or a login"}, {"AF_AUTH_ADMINS=#0", "no GitHub id"}, {"AF_AUTH_ADMINS=#x", "no GitHub id"},
		{"AF_AUTH_ADMINS=octocat,@Octocat", "twice"}, {"AF_AUTH_ADMINS=#7,#07", "twice"}, {"AF_AUTH_ADMINS=Mona Octocat", "neither"},
		{"AF_AUTH_TRUSTED_PROXIES=0.0.0.0/0", "everybody"}, {"AF_AUTH_TRUSTED_PROXIES=10.0.0.1,::/0", "everybody"},
		{"AF_AUTH_TRUSTED_PROXIES=0.0.0.0/1", "everybody"}, {"AF_AUTH_TRUSTED_PROXIES=::ffff:0.0.0.0/96", "everybody"},
		{"AF_AUTH_TRUSTED_PROXIES=proxy.local", "neither"}, {"AF_AUTH_TRUSTED_PROXIES=fe80::1%eth0", "neither"},
		{"AF_AUTH_SESSION_IDLE=1m", "more than 1m"}, {"AF_AUTH_SESSION_IDLE=24", "no duration"}, {"AF_AUTH_SESSION_IDLE=8d", "AF_AUTH_SESSION_MAX only 168h"},
		{"AF_AUTH_SESSION_MAX=366d", "at most 365d"}, {"AF_AUTH_SESSION_MAX=-7d", "no duration"}, {"AF_AUTH_SESSION_MAX=xd", "no duration"},
		{"AF_AUTH_SIGN_IN_RATE=0", "1 to 10000"},
		{"AF_AUTH_CONTACT=javascript:alert(1)", "e-mail"}, {"AF_AUTH_CONTACT=http://a.example", "https"}, {"AF_AUTH_CONTACT=Ann <ann@example.com>", "e-mail"},
		{"AF_AUTH_CONTACT=mailto:a@example.com?subject=x", "e-mail"}, {"AF_AUTH_CONTACT=https://u:p@a.example", "https"},
		{"AF_AUTH_LOG_FORMAT=xml", "text or json"}, {"AF_AUTH_LOG_LEVEL=verbose", "debug"},
		{"AF_AUTH_UPSTREAM=http://127.0.0.1:8080", "own address"}, {"AF_AUTH_UPSTREAM=http://app/x", "more than"}, {"AF_AUTH_UPSTREAM=http://app?", "more than"}, {"AF_AUTH_UPSTREAM=http://u:p@app", "user name"},
		{"AF_AUTH_UPSTREAM=app:3000", "no http"}, {"AF_AUTH_UPSTREAM=ftp://app", "no http"}, {"AF_AUTH_UPSTREAM=http://app:0", "cannot be"}, {"AF_AUTH_UPSTREAM=http://127.1", "cannot be"}, {"AF_AUTH_UPSTREAM=http:/app", "no http"},
		{"AF_AUTH_WEBHOOK_URL=http://hooks.example.com/", "in clear"}, {"AF_AUTH_WEBHOOK_URL=https://u:p@a.example", "user name"}, {"AF_AUTH_WEBHOOK_URL=https://a.example/#x", "fragment"},
		{"AF_AUTH_WEBHOOK_URL=http://127.0.0.1:9/", "ALLOW_PRIVATE does not"}, {"AF_AUTH_WEBHOOK_URL=ftp://a.example", "no https"}, {"AF_AUTH_WEBHOOK_URL=https:///x", "no https"},
		{"AF_AUTH_WEBHOOK_SECRET=fifteen-letters", "16 characters"}, {"AF_AUTH_WEBHOOK_ALLOW_PRIVATE=yes", "neither an address"},
		{"AF_AUTH_METRICS_LISTEN=127.0.0.1:8080", "same as AF_AUTH_LISTEN"}, {"AF_AUTH_METRICS_TOKEN=short", "16 characters"},
		{"AF_AUTH_METRICS_TOKEN=0123456789 abcdef", "space"},
		{"GITHUB_CLIENT_ID=my app", "client id"}, {"GITHUB_CLIENT_SECRET=a b", "space"},
		{"GITHUB_URL=https://api.github.com", "API's address"}, {"GITHUB_URL=https://ghe.example/api/v3", "https://HOST"},
		{"GITHUB_SCOPES=user:email;repo", "scope"},
		{"DATABASE_URL_FILE=/does/not/exist", "no such file"}, {"DATABASE_URL_FILE=/dev/null", "empty"},
	}
	for _, tt := range tests {
		t.Run(tt.setting, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(config.Options{Environ: []string{tt.setting}})
			all := faults(t, err)
			name, _, _ := strings.Cut(tt.setting, "=")
			name = strings.TrimSuffix(name, "_FILE")
			if len(all) != 1 || all[0].Name != name || all[0].Hint == "" || !strings.HasPrefix(all[0].Source, "environment") {
				t.Fatalf("want one fault of %s, got %q", name, all)
			}
			if text := all.Error(); !strings.Contains(text, tt.wants) || !strings.Contains(text, "\n  hint: ") {
				t.Errorf("want %q and a hint in %s", tt.wants, text)
			}
			if e := entry(t, c, name); e.Value != "(not usable)" {
				t.Errorf("listed as %q", e.Value)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, ".env", "AF_AUTH_LOG_LEVEL=loud\nnonsense\nPGHOST=ignored\nAF_AUTH_LOGLEVEL=info\nexport AF_AUTH_LOG_FORMAT=xml\n")
	file := write(t, dir, "af.conf", "DB_POOL_MXA=3\nDB_POOL_MAX='4\n")
	_, err := config.Load(config.Options{
		Environ:   []string{"AF_AUTH_HOST=a.example", "AF_AUTH_LISTEN=x", "GITHUB_TOKEN=none of ours", "=odd", "odd"},
		File:      file,
		Dir:       dir,
		Overrides: map[string]string{"AF_AUTH_SIGN_IN_RATE": "none", "SIGN_IN": "x"},
	})
	wants := []string{
		"SIGN_IN (command line)", "AF_AUTH_HOST (environment) is not known\n  hint: the nearest known name is AF_AUTH_HOSTS",
		"DB_POOL_MXA (" + file + ":1) is not known\n  hint: the nearest known name is DB_POOL_MAX", file + ":2 has a quote",
		".env:2 is not NAME=VALUE", "AF_AUTH_LOGLEVEL (.env:4) is not known\n  hint: the nearest known name is AF_AUTH_LOG_LEVEL",
		"AF_AUTH_LISTEN (environment)", "AF_AUTH_SIGN_IN_RATE (command line)", "AF_AUTH_LOG_LEVEL (.env:1)", "AF_AUTH_LOG_FORMAT (.env:5)",
	}
	if all := faults(t, err); len(all) != len(wants) {
		t.Errorf("%d faults, want %d:\n%v", len(all), len(wants), err)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %q:\n%v", want, err)
		}
	}
}

// Only what is near is suggested.
func TestUnknownNames(t *testing.T) {
	t.Parallel()
	for name, hint := range map[string]string{
		"AF_AUTH_FOO":          "af-auth config lists all names",
		"AF_AUTH_LSITEN":       "the nearest known name is AF_AUTH_LISTEN",
		"AF_AUTH_DATABASE_URL": "the nearest known name is DATABASE_URL",
		"AF_AUTH_":             "af-auth config lists all names",
	} {
		_, err := config.Load(config.Options{Environ: []string{name + "=x"}})
		if want := name + " (environment) is not known\n  hint: " + hint; err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{"DB_POOL_MIN", "DB_POOL_MAX", "DB_MAX_RETRIES", "DB_RETRY_DELAY_MS"}
	var lines string
	for _, name := range names {
		lines += name + "=6\n"
	}
	write(t, dir, ".env", lines+"DATABASE_URL=postgresql://dotenv/d\nAF_AUTH_LOG_LEVEL=\n")
	file := write(t, dir, "af.conf", "DB_POOL_MIN=7\nDB_POOL_MAX=7\nDB_MAX_RETRIES=7\n")
	secret := write(t, dir, "url", "postgresql://file/d\n")
	c, err := config.Load(config.Options{
		Overrides: map[string]string{"DB_POOL_MIN": "9"},
		Environ:   []string{"DB_POOL_MIN=8", "DB_POOL_MAX=10", "DB_MAX_RETRIES=", "DATABASE_URL_FILE=" + secret},
		File:      file,
		Dir:       dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]config.Entry{
		"DB_POOL_MIN":       {Value: "9", Source: "command line", Default: "2"},
		"DB_POOL_MAX":       {Value: "10", Source: "environment", Default: "10, or connection_limit of DATABASE_URL"},
		"DB_MAX_RETRIES":    {Value: "7", Source: file, Default: "3"},
		"DB_RETRY_DELAY_MS": {Value: "6", Source: ".env", Default: "1000"},
		"DATABASE_URL":      {Value: "postgresql://file/d", Source: "environment, DATABASE_URL_FILE"},
		"AF_AUTH_LOG_LEVEL": {Value: "info", Source: "default", Default: "info"},
		"AF_AUTH_CONTACT":   {Source: "not set"},
		"AF_AUTH_ENV":       {Value: "development", Source: "default", Default: "production where AF_AUTH_URL is not loopback, else development"},
	} {
		got := entry(t, c, name)
		if got.Meaning == "" {
			t.Errorf("%s has no meaning", name)
		}
		got.Name, got.Meaning = "", ""
		if got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestProduction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, env, url, dotEnv string
		production             bool
		wantFault, wantWarning string
	}{
		{name: "nothing"},
		{name: "loopback", url: "http://localhost:8080", dotEnv: "DB_MAX_RETRIES=1"},
		{name: "loopback v6", url: "http://[::1]:8080"},
		{name: "subdomain of localhost", url: "http://auth.localhost:8080"},
		{name: "by name", env: "production", production: true},
		{name: "by name on loopback", env: "production", url: "http://127.0.0.1:8080", production: true},
		{name: "by address", url: "https://auth.example.com", production: true},
		{name: "by address against its name", env: "development", url: "https://auth.example.com", production: true, wantWarning: "no effect"},
		{name: "broken address", url: "https://", production: true, wantFault: "AF_AUTH_URL (environment)"},
		{name: ".env is not read", env: "production", dotEnv: "AF_AUTH_NONSENSE=1", production: true, wantWarning: "not read"},
		{name: ".env by name", dotEnv: "AF_AUTH_ENV=production", production: true, wantFault: "AF_AUTH_ENV (.env:1) would make this production"},
		{name: ".env by address", env: "development", dotEnv: "\nAF_AUTH_URL=https://auth.example.com", production: true, wantWarning: "no effect", wantFault: "AF_AUTH_URL (.env:2) would make"},
		{name: ".env overruled", url: "http://localhost:1", dotEnv: "AF_AUTH_URL=https://auth.example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.dotEnv != "" {
				write(t, dir, ".env", tt.dotEnv)
			}
			c, err := config.Load(config.Options{Environ: []string{"AF_AUTH_ENV=" + tt.env, "AF_AUTH_URL=" + tt.url}, Dir: dir})
			if (err != nil) != (tt.wantFault != "") || (err != nil && !strings.Contains(err.Error(), tt.wantFault)) {
				t.Errorf("got %v, want %q", err, tt.wantFault)
			}
			if c.Production != tt.production {
				t.Errorf("production %v", c.Production)
			}
			if w := strings.Join(c.Warnings(), "\n"); (w != "") != (tt.wantWarning != "") || !strings.Contains(w, tt.wantWarning) {
				t.Errorf("warnings %q, want %q", w, tt.wantWarning)
			}
		})
	}
}

// A Prisma URL fills in what was not set, and defaults give way.
func TestDatabaseURLFillsIn(t *testing.T) {
	t.Parallel()
	const url = "DATABASE_URL=postgresql://u:p@h/d?connection_limit=1&connect_timeout=2&pool_timeout=3"
	c := load(t, url)
	if c.PoolMin != 1 || c.PoolMax != 1 || c.ConnectTimeout != 2*time.Second || c.PoolTimeout != 3*time.Second {
		t.Errorf("pool %d to %d, dial %v, wait %v", c.PoolMin, c.PoolMax, c.ConnectTimeout, c.PoolTimeout)
	}
	if e := entry(t, c, "DB_POOL_MAX"); e.Value != "1" || e.Source != "connection_limit of DATABASE_URL" {
		t.Errorf("listed as %+v", e)
	}
	c = load(t, url, "DB_POOL_MAX=20", "DB_CONNECTION_TIMEOUT_MS=700")
	if c.PoolMin != 2 || c.PoolMax != 20 || c.ConnectTimeout != 700*time.Millisecond {
		t.Errorf("pool %d to %d, dial %v", c.PoolMin, c.PoolMax, c.ConnectTimeout)
	}
	c = load(t, "DATABASE_URL=postgresql://h/d?connect_timeout=0&pool_timeout=0")
	if c.ConnectTimeout != time.Minute || c.PoolTimeout != 0 || len(c.Warnings()) != 1 {
		t.Errorf("dial %v, wait %v, warnings %q", c.ConnectTimeout, c.PoolTimeout, c.Warnings())
	}
	if c = load(t, "AF_AUTH_SESSION_MAX=1h"); c.SessionIdle != time.Hour {
		t.Errorf("idle %v", c.SessionIdle)
	}
}

func TestNeed(t *testing.T) {
	t.Parallel()
	c := load(t, "GITHUB_CLIENT_ID=x", "AF_AUTH_URL=")
	err := c.Need("DATABASE_URL", "AF_AUTH_URL", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "DB_POOL_MAX")
	var names []string
	for _, f := range faults(t, err) {
		names = append(names, f.Name)
		if !strings.Contains(f.Hint, "set "+f.Name+"=") {
			t.Errorf("the hint does not say how: %s", f.Hint)
		}
	}
	if !slices.Equal(names, []string{"DATABASE_URL", "AF_AUTH_URL", "GITHUB_CLIENT_SECRET"}) {
		t.Errorf("missing %v", names)
	}
	pooled := "DATABASE_URL=postgresql://h/d?pgbouncer=true"
	if all := faults(t, load(t, pooled).Need("DATABASE_URL")); all[0].Name != "DIRECT_URL" {
		t.Errorf("got %v", all)
	}
	if err := load(t, pooled, "DIRECT_URL=postgresql://h/d").Need("DATABASE_URL"); err != nil {
		t.Error(err)
	}
	if err := load(t).Need("NO_SUCH"); err == nil {
		t.Error("an unknown variable is not missed")
	}
}

// TestWebhook: its address and its secret belong together, and neither is shown.
func TestWebhook(t *testing.T) {
	t.Parallel()
	c := load(t, "AF_AUTH_WEBHOOK_URL=http://127.0.0.1:9/in-the-path", "AF_AUTH_WEBHOOK_ALLOW_PRIVATE=127.0.0.1, ::ffff:10.0.0.0/104", "AF_AUTH_WEBHOOK_SECRET=")
	if len(c.WebhookAllow) != 2 || c.WebhookAllow[1].String() != "10.0.0.0/8" || c.WebhookURL.Reveal() != "http://127.0.0.1:9/in-the-path" {
		t.Errorf("%v %q", c.WebhookAllow, c.WebhookURL.Reveal())
	}
	if e := entry(t, c, "AF_AUTH_WEBHOOK_URL"); strings.Contains(e.Value, "path") {
		t.Errorf("listed as %q", e.Value)
	}
	if err := c.Need(c.Needs()...); err == nil || !strings.Contains(err.Error(), "AF_AUTH_WEBHOOK_SECRET is not set") {
		t.Errorf("without a secret: %v", err)
	}
	if c = load(t, "AF_AUTH_WEBHOOK_ALLOW_PRIVATE=true"); len(c.WebhookAllow) != 2 {
		t.Errorf("true allows %v", c.WebhookAllow)
	}
	if c = load(t); len(c.WebhookAllow) != 0 || c.Need(c.Needs()...) != nil {
		t.Errorf("none: %v", c.WebhookAllow)
	}
}
