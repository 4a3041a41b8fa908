package config

import (
	"time"

	"github.com/af-auth/af-auth/internal/pgurl"
)

// Var is one row of the table.
type Var struct {
	Name    string
	Kind    string // what a value looks like, with its bounds
	Default string // "" for none
	Meaning string
	Example string
	Group   string
	Secret  bool // holds one: shown hidden, and NAME_FILE may name a file with it

	// derived tells in words how a default depends on other settings.
	derived string

	// starter is the line in .env.example where it must not be a comment.
	starter *string

	// read checks a value and stores it. A nil fault means that it did.
	read func(c *Config, value string) *Fault

	// show returns the value in force, for listings; nil shows the text.
	show func(c *Config) string
}

// find returns the row with that name.
func find(name string) (Var, bool) {
	for _, v := range Vars() {
		if v.Name == name {
			return v, true
		}
	}
	return Var{}, false
}

// howToSet is the hint for a variable that is missing.
func (v Var) howToSet() string {
	hint := "set " + v.Name + "=" + v.Example
	if v.Secret {
		hint += ", or " + v.Name + "_FILE to a file that holds it"
	}
	return hint + ". It is " + v.Meaning
}

// defaultText is the default as people are told it.
func (v Var) defaultText() string {
	if v.derived != "" {
		return v.derived
	}
	return v.Default
}

// Vars returns the table: every variable, in the order of the documentation.
func Vars() []Var {
	var all []Var
	for _, group := range []struct {
		name string
		vars []Var
	}{
		{"Database", databaseVars()},
		{"Server", serverVars()},
		{"GitHub", githubVars()},
		{"Sessions", sessionVars()},
		{"Webhook", webhookVars()},
		{"Logs and metrics", observeVars()},
	} {
		for _, v := range group.vars {
			v.Group = group.name
			all = append(all, v)
		}
	}
	return all
}

func databaseVars() []Var {
	seed := "postgresql://postgres:postgres@localhost:5432/af_auth"
	return []Var{
		databaseURL(Var{Name: "DATABASE_URL", Example: seed, starter: &seed,
			Meaning: "the PostgreSQL database. Prisma's parameters are understood"},
			func(c *Config) *pgurl.URL { return &c.DatabaseURL }),
		databaseURL(Var{Name: "DIRECT_URL", Example: seed,
			Meaning: "the same database and role without PgBouncer, for LISTEN; required where DATABASE_URL has pgbouncer=true"},
			func(c *Config) *pgurl.URL { return &c.DirectURL }),
		databaseURL(Var{Name: "AF_AUTH_OWNER_URL", Example: "postgresql://af_auth_owner:PASSWORD@localhost:5432/af_auth",
			Meaning: "the same database with the role that owns the schema, for migrations; otherwise DIRECT_URL, then DATABASE_URL, is used"},
			func(c *Config) *pgurl.URL { return &c.OwnerURL }),
		databaseURL(Var{Name: "AF_AUTH_SHADOW_URL", Example: "postgresql://af_auth_owner:PASSWORD@localhost:5432/shadow",
			Meaning: "an empty database to try migrations on; otherwise a private PostgreSQL is started for that"},
			func(c *Config) *pgurl.URL { return &c.ShadowURL }),
		number(Var{Name: "DB_POOL_MIN", Default: "2", Meaning: "connections that are kept open"},
			0, maxPool, func(c *Config) *int { return &c.PoolMin }),
		number(Var{Name: "DB_POOL_MAX", Default: "10", derived: "10, or connection_limit of DATABASE_URL",
			Meaning: "connections that may be open at once"},
			1, maxPool, func(c *Config) *int { return &c.PoolMax }),
		milliseconds(Var{Name: "DB_CONNECTION_TIMEOUT_MS", Default: "5000", derived: "5000, or connect_timeout of DATABASE_URL",
			Meaning: "how long one dial may take, in milliseconds"},
			50, int(maxConnectTimeout/time.Millisecond), func(c *Config) *time.Duration { return &c.ConnectTimeout }),
		number(Var{Name: "DB_MAX_RETRIES", Default: "3",
			Meaning: "further tries to open the first connection, where the fault can pass"},
			0, 10, func(c *Config) *int { return &c.MaxRetries }),
		milliseconds(Var{Name: "DB_RETRY_DELAY_MS", Default: "1000",
			Meaning: "wait before the first retry, in milliseconds; it doubles each time"},
			1, 60_000, func(c *Config) *time.Duration { return &c.RetryDelay }),
	}
}

func serverVars() []Var {
	local := "http://127.0.0.1:8080"
	return []Var{
		{Name: "AF_AUTH_ENV", Kind: "development or production", Default: "development",
			derived: "production where AF_AUTH_URL is not loopback, else development", Example: "production",
			Meaning: "what this instance is for. In production .env is not read",
			read:    readEnvironment,
			show:    showEnvironment},
		{Name: "AF_AUTH_URL", Kind: "origin", Example: "https://auth.example.com", starter: &local,
			Meaning: "the address of af-auth in people's browsers: scheme, host and port, no path. Every absolute link comes from it; https, unless it is loopback",
			read:    readOrigin(func(c *Config) *string { return &c.Origin }),
			show:    func(c *Config) string { return c.Origin }},
		{Name: "AF_AUTH_LISTEN", Kind: "HOST:PORT", Default: "127.0.0.1:8080", Example: ":8080",
			Meaning: "the address to listen on; port 0 takes a free one",
			read:    readListen(func(c *Config) *string { return &c.Listen })},
		{Name: "AF_AUTH_HOSTS", Kind: "list of HOST[:PORT][=NAME]", Example: "grafana.example.com=Grafana,wiki.example.com",
			Meaning: "the applications behind the gate, which people may be sent back to after sign-in: exact hosts, separated by commas, each with a name for people where wanted. Where AF_AUTH_URL is https no two may differ by their port alone",
			read:    readHosts},
		{Name: "AF_AUTH_TRUSTED_PROXIES", Kind: "list of addresses and networks", Example: "10.0.0.5,192.168.7.0/24",
			Meaning: "the reverse proxies whose forwarded headers are believed, separated by commas. Empty: such headers are ignored",
			read:    readProxies},
		{Name: "AF_AUTH_ADMINS", Kind: "list of logins and #GITHUB_IDs", Example: "octocat,#480938",
			Meaning: "who may decide about people in the browser, at /auth/people, separated by commas; they have to be allowed like everybody else. Ids never change hands; a login is looked up at GitHub when the server starts, and counts from then on by its id. In a file, quote a value that begins with #. Empty: nobody",
			read:    readAdmins},
		{Name: "AF_AUTH_PUBLIC_PATHS", Kind: "list of HOST/PATH", Example: "grafana.example.com/api/hooks/,wiki.example.com/healthz",
			Meaning: "what the gate opens to anybody, for webhooks and health checks: exact hosts, each with a path that stands for itself and for what lies below it, separated by commas. Counts for proxies in AF_AUTH_TRUSTED_PROXIES, and for what AF_AUTH_UPSTREAM passes on. Empty: nothing",
			read:    readPublicPaths},
		{Name: "AF_AUTH_UPSTREAM", Kind: "http or https URL without a path", Example: "http://127.0.0.1:3000",
			Meaning: "one application on af-auth's own host, for which af-auth is the proxy itself: everything but af-auth's own paths is passed to it, for people who may come in. Not together with AF_AUTH_ADMINS",
			read:    readUpstream,
			show:    func(c *Config) string { return c.Upstream }},
		{Name: "AF_AUTH_CONTACT", Kind: "https URL or e-mail address", Example: "it@example.com",
			Meaning: "whom people may ask, shown on the waiting, refused and error pages",
			read:    readContact,
			show:    func(c *Config) string { return c.Contact }},
	}
}

func githubVars() []Var {
	empty := ""
	return []Var{
		{Name: "GITHUB_CLIENT_ID", Kind: "text", Example: "Iv1.0123456789abcdef", starter: &empty,
			Meaning: "the client id of your GitHub App or OAuth App. Register one at https://github.com/settings/developers with the callback URL AF_AUTH_URL/auth/github/callback",
			read:    readClientID},
		{Name: "GITHUB_CLIENT_SECRET", Kind: "text", Example: "SECRET", Secret: true, starter: &empty,
			Meaning: "the client secret that GitHub shows once, beside the client id",
			read:    readSecret(1, func(c *Config) *Secret { return &c.GitHubClientSecret })},
		{Name: "GITHUB_URL", Kind: "origin", Default: "https://github.com", Example: "https://github.example.com",
			Meaning: "GitHub, or your GitHub Enterprise Server",
			read:    readGitHubURL,
			show:    func(c *Config) string { return c.GitHubURL }},
		{Name: "GITHUB_SCOPES", Kind: "list", Example: "user:email",
			Meaning: "scopes to ask people for, separated by commas or spaces. None is needed; user:email gives applications X-Auth-Request-Email",
			read:    readScopes},
	}
}

func sessionVars() []Var {
	return []Var{
		period(Var{Name: "AF_AUTH_SESSION_IDLE", Default: "24h", Example: "8h",
			Meaning: "a session ends after this long without a request; not longer than AF_AUTH_SESSION_MAX"},
			func(c *Config) *time.Duration { return &c.SessionIdle }),
		period(Var{Name: "AF_AUTH_SESSION_MAX", Default: "168h", Example: "30d",
			Meaning: "a session ends this long after sign-in, used or not"},
			func(c *Config) *time.Duration { return &c.SessionMax }),
		number(Var{Name: "AF_AUTH_SIGN_IN_RATE", Default: "20", Meaning: "sign-ins a minute that one network peer may start"},
			1, 10_000, func(c *Config) *int { return &c.SignInRate }),
	}
}

func webhookVars() []Var {
	return []Var{
		{Name: "AF_AUTH_WEBHOOK_URL", Kind: "https URL", Example: "https://hooks.example.com/af-auth", Secret: true,
			Meaning: "an address that is told when somebody waits and when access changes; needs AF_AUTH_WEBHOOK_SECRET. http is taken for loopback, where AF_AUTH_WEBHOOK_ALLOW_PRIVATE allows that. Empty: none",
			read:    readWebhookURL},
		{Name: "AF_AUTH_WEBHOOK_SECRET", Kind: "text, at least 16 characters", Example: "SECRET", Secret: true,
			Meaning: "the key of the signature by which the receiver knows that af-auth speaks",
			read:    readSecret(16, func(c *Config) *Secret { return &c.WebhookSecret })},
		{Name: "AF_AUTH_WEBHOOK_ALLOW_PRIVATE", Kind: "true, false, or list of addresses and networks", Default: "false", Example: "10.0.0.5,192.168.7.0/24",
			Meaning: "addresses that are not public to which the webhook may go all the same; true: all",
			read:    readWebhookAllow},
	}
}

func observeVars() []Var {
	return []Var{
		{Name: "AF_AUTH_LOG_FORMAT", Kind: "text or json", Default: "text", derived: "json in production, else text", Example: "json",
			Meaning: "the form of log lines",
			read:    readLogFormat,
			show:    func(c *Config) string { return c.LogFormat }},
		{Name: "AF_AUTH_LOG_LEVEL", Kind: "debug, info, warn or error", Default: "info", Example: "debug",
			Meaning: "the least important line that is logged",
			read:    readLogLevel},
		{Name: "AF_AUTH_METRICS_LISTEN", Kind: "HOST:PORT", Example: "127.0.0.1:9090",
			Meaning: "an address of their own for the Prometheus metrics. Empty: none",
			read:    readListen(func(c *Config) *string { return &c.MetricsListen })},
		{Name: "AF_AUTH_METRICS_TOKEN", Kind: "text, at least 16 characters", Example: "SECRET", Secret: true,
			Meaning: "a bearer token. Where it is set, whoever has it may also read /metrics on the public address",
			read:    readSecret(16, func(c *Config) *Secret { return &c.MetricsToken })},
	}
}
