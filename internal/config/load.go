package config

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/af-auth/af-auth/internal/pgurl"
)

// Options says where Load looks.
type Options struct {
	Environ   []string          // NAME=VALUE, as os.Environ returns it
	Dir       string            // the folder in which .env is looked for; "" for nowhere
	File      string            // --config; "" for none
	Overrides map[string]string // by name, from the command line or from a command such as dev; "" unsets
	Sources   map[string]string // by name, where an override comes from, for people; else "command line"
}

// Load reads all sources and checks every value. A value that is missing is no
// fault here: see [Config.Need]. An empty value counts as missing.
//
// The error is a *Faults with all faults. The Config is never nil; beside an
// error it serves Entries and Warnings only.
func Load(o Options) (*Config, error) {
	l := newLoader()
	l.add(fromOverrides(o.Overrides, o.Sources), true)
	l.add(fromEnviron(o.Environ), false)
	if o.File != "" {
		l.add(l.readFile(o.File, o.File, true), true)
	}
	if o.Dir != "" {
		l.addDotEnv(filepath.Join(o.Dir, ".env"))
	}
	for _, v := range l.vars {
		l.read(v)
	}
	l.settleHidden(o.Overrides)
	l.settleProduction()
	l.settlePool()
	l.settleRest()
	l.settleUpstream()
	l.settleHosts()
	l.settlePublicPaths()
	l.list()
	return l.config, l.faults.orNil()
}

// loader gathers what Load finds. It holds secrets in clear and is dropped
// when Load returns.
type loader struct {
	vars   []Var
	known  map[string]bool // names, those with _FILE included
	layers []layer         // strongest first
	source map[string]string
	faulty map[string]bool
	faults Faults
	config *Config
}

func newLoader() *loader {
	l := &loader{
		vars:   Vars(),
		known:  map[string]bool{},
		source: map[string]string{},
		faulty: map[string]bool{},
		config: &Config{set: map[string]bool{}, hidden: map[string]string{}},
	}
	for _, v := range l.vars {
		l.known[v.Name] = true
		if v.Secret {
			l.known[v.Name+"_FILE"] = true
		}
	}
	return l
}

func (l *loader) fault(name, source string, f *Fault) {
	f.Name, f.Source = name, source
	l.faults = append(l.faults, *f)
	l.faulty[name] = true
}

// addDotEnv reads .env, unless this is production by the stronger sources. A
// .env that would itself make it production is refused: what says that secrets
// are real must not stand in a file for trying things out.
func (l *loader) addDotEnv(path string) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return
	}
	if l.saysProduction() != "" {
		l.config.warnings = append(l.config.warnings, ".env is there and is not read: it is for development only")
		return
	}
	l.add(l.readFile(path, sourceDotEnv, false), false)
	if name := l.saysProduction(); name != "" {
		l.fault(name, l.peek(name).where, wrong("set it in the environment or with --config FILE, or remove it from .env",
			"would make this production, and .env is for development only"))
	}
	if err == nil && othersMayRead(info) {
		l.config.warnings = append(l.config.warnings, ".env can be read by other users of this machine: run chmod 600 .env")
	}
}

// saysProduction returns the variable by which this is production, or "". A
// URL that cannot be read is a fault of its own, and decides nothing here.
func (l *loader) saysProduction() string {
	if l.peek("AF_AUTH_ENV").text == "production" {
		return "AF_AUTH_ENV"
	}
	if text := l.peek("AF_AUTH_URL").text; text != "" {
		if _, loopback, fault := parseOrigin(text); fault == nil && !loopback {
			return "AF_AUTH_URL"
		}
	}
	return ""
}

// read finds the value of one variable, or its default, and stores it.
func (l *loader) read(v Var) {
	found := l.pick(v)
	if found.text == "" {
		l.source[v.Name] = sourceNone
		if found.override && l.below(v.Name) != "" || found.source != "" && l.faulty[v.Name] {
			l.source[v.Name] = found.source
		}
		if v.Default == "" || l.faulty[v.Name] {
			return
		}
		found = value{text: v.Default, source: sourceDefault, where: sourceDefault}
	}
	l.source[v.Name] = found.source
	l.config.set[v.Name] = true
	if f := v.read(l.config, found.text); f != nil {
		l.fault(v.Name, found.where, f)
	}
}

// settleHidden notes which weaker sources the overrides hide.
func (l *loader) settleHidden(overrides map[string]string) {
	for name := range overrides {
		if source := l.below(name); source != "" {
			l.config.hidden[name] = source
		}
	}
}

// below returns the strongest source but the overrides that sets a variable, or
// its file; "" where none does.
func (l *loader) below(name string) string {
	for _, from := range l.layers[1:] {
		for _, v := range []value{from[name], from[name+"_FILE"]} {
			if strings.TrimSpace(v.text) != "" {
				return v.source
			}
		}
	}
	return ""
}

// explicit reports whether somebody set the variable.
func (l *loader) explicit(name string) bool {
	return l.config.set[name] && l.source[name] != sourceDefault
}

// settleProduction fills what depends on production. An origin that cannot be
// read counts as production: the stricter of the two.
func (l *loader) settleProduction() {
	c := l.config
	development := l.explicit("AF_AUTH_ENV") && !c.Production
	c.Production = c.Production || l.saysProduction() != "" || l.faulty["AF_AUTH_URL"]
	if development && c.Production && !l.faulty["AF_AUTH_ENV"] {
		c.warnings = append(c.warnings, "AF_AUTH_ENV=development has no effect: AF_AUTH_URL is not loopback, so this is production")
	}
	if c.Production && !l.explicit("AF_AUTH_LOG_FORMAT") {
		c.LogFormat = "json"
	}
}

// settlePool lets DATABASE_URL fill in what was not set. A default gives way:
// connection_limit=1 alone must not collide with DB_POOL_MIN's 2.
func (l *loader) settlePool() {
	c, u := l.config, l.config.DatabaseURL
	if u.ConnectionLimit > 0 && !l.explicit("DB_POOL_MAX") {
		c.PoolMax = u.ConnectionLimit
		l.source["DB_POOL_MAX"] = "connection_limit of DATABASE_URL"
		if c.PoolMax > maxPool {
			l.fault("DATABASE_URL", l.source["DATABASE_URL"],
				wrong("give less, or set DB_POOL_MAX", "has connection_limit=%d, and it must be from 1 to %d", u.ConnectionLimit, maxPool))
		}
	}
	switch {
	case l.faulty["DB_POOL_MIN"] || l.faulty["DB_POOL_MAX"] || c.PoolMin <= c.PoolMax:
	case l.explicit("DB_POOL_MIN"):
		l.fault("DB_POOL_MIN", l.source["DB_POOL_MIN"],
			wrong("lower DB_POOL_MIN or raise DB_POOL_MAX", "is %d, and DB_POOL_MAX only %d", c.PoolMin, c.PoolMax))
	default:
		c.PoolMin = c.PoolMax
	}
	if u.ConnectTimeout != 0 && !l.explicit("DB_CONNECTION_TIMEOUT_MS") {
		c.ConnectTimeout = u.ConnectTimeout
		l.source["DB_CONNECTION_TIMEOUT_MS"] = "connect_timeout of DATABASE_URL"
		if u.ConnectTimeout == pgurl.NoLimit || u.ConnectTimeout > maxConnectTimeout {
			c.ConnectTimeout = maxConnectTimeout
			c.warnings = append(c.warnings, "connect_timeout of DATABASE_URL is taken as 60 s, the longest that is waited for one dial")
		}
	}
	c.PoolTimeout = max(0, u.PoolTimeout)
}

// settleRest checks what lies between variables.
func (l *loader) settleRest() {
	c := l.config
	for _, direct := range []struct {
		name string
		url  pgurl.URL
	}{{"DIRECT_URL", c.DirectURL}, {"AF_AUTH_OWNER_URL", c.OwnerURL}} {
		if direct.url.PgBouncer {
			l.fault(direct.name, l.source[direct.name], wrong("give the address of PostgreSQL itself, without pgbouncer=true",
				"leads through PgBouncer, which passes neither LISTEN nor a migration's lock"))
		}
	}
	switch {
	case l.faulty["AF_AUTH_SESSION_IDLE"] || l.faulty["AF_AUTH_SESSION_MAX"] || c.SessionIdle <= c.SessionMax:
	case l.explicit("AF_AUTH_SESSION_IDLE"):
		l.fault("AF_AUTH_SESSION_IDLE", l.source["AF_AUTH_SESSION_IDLE"],
			wrong("lower AF_AUTH_SESSION_IDLE or raise AF_AUTH_SESSION_MAX", "is %s, and AF_AUTH_SESSION_MAX only %s",
				formatDuration(c.SessionIdle), formatDuration(c.SessionMax)))
	default:
		c.SessionIdle = c.SessionMax
	}
	if strings.HasPrefix(c.WebhookURL.Reveal(), "http://") && len(c.WebhookAllow) == 0 && !l.faulty["AF_AUTH_WEBHOOK_ALLOW_PRIVATE"] {
		l.fault("AF_AUTH_WEBHOOK_URL", l.source["AF_AUTH_WEBHOOK_URL"],
			wrong("write https://, or set AF_AUTH_WEBHOOK_ALLOW_PRIVATE=127.0.0.1", "is http:// on loopback, and AF_AUTH_WEBHOOK_ALLOW_PRIVATE does not allow that"))
	}
	if c.MetricsListen != "" && c.MetricsListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		l.fault("AF_AUTH_METRICS_LISTEN", l.source["AF_AUTH_METRICS_LISTEN"],
			wrong("give it a port of its own, or set AF_AUTH_METRICS_TOKEN to serve metrics there", "is the same as AF_AUTH_LISTEN"))
	}
}

// settlePublicPaths checks their hosts, which another variable names.
func (l *loader) settlePublicPaths() {
	c := l.config
	if l.faulty["AF_AUTH_HOSTS"] || l.faulty["AF_AUTH_URL"] || l.faulty["AF_AUTH_PUBLIC_PATHS"] {
		return
	}
	_, own, _ := strings.Cut(c.Origin, "://")
	for _, p := range c.PublicPaths {
		known := p.Host == own
		for _, h := range c.Hosts {
			known = known || p.Host == h.Host
		}
		if !known {
			l.fault("AF_AUTH_PUBLIC_PATHS", l.source["AF_AUTH_PUBLIC_PATHS"],
				wrong("add the host to AF_AUTH_HOSTS, or correct it", "names the host %s, which is neither in AF_AUTH_HOSTS nor that of AF_AUTH_URL", quote(p.Host)))
			return
		}
	}
	if len(c.PublicPaths) > 0 && len(c.TrustedProxies) == 0 && c.Upstream == "" && !l.faulty["AF_AUTH_TRUSTED_PROXIES"] {
		c.warnings = append(c.warnings, "AF_AUTH_PUBLIC_PATHS has no effect: only a proxy in AF_AUTH_TRUSTED_PROXIES can say what was asked for, and none is there")
	}
}

// list writes down what Entries returns, with secrets hidden.
func (l *loader) list() {
	for _, v := range l.vars {
		e := Entry{Name: v.Name, Source: l.source[v.Name], Default: v.defaultText(), Meaning: v.Meaning}
		switch {
		case l.faulty[v.Name]:
			e.Value = "(not usable)"
		case v.show != nil && (l.config.set[v.Name] || v.derived != ""):
			e.Value = v.show(l.config)
		case v.Secret && l.config.set[v.Name]:
			e.Value = hidden
		case l.config.set[v.Name]:
			if e.Value = l.pick(v).text; e.Value == "" {
				e.Value = v.Default
			}
		}
		l.config.entries = append(l.config.entries, e)
	}
}
