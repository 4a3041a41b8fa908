// Package config owns the settings of af-auth: their names, defaults, meanings
// and bounds, where they come from, and what is wrong with them.
//
// One table ([Vars]) is the source of everything: of loading and checking, of
// "af-auth config", of .env.example and of docs/config.md.
//
// Settings enter through [Load], which reads, strongest first, the command
// line, the environment, the file given with --config and, in development
// only, .env. They leave as the typed fields of [Config]. All faults are
// reported in one answer, and a command says with [Config.Need] what it cannot
// do without.
//
// It never connects to anything, never changes a file, and never puts the
// value of a secret into an error, a warning or a listing.
package config

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/af-auth/af-auth/internal/pgurl"
)

// Config holds the settings in the form in which they are used. Every field
// has been checked; one that was not set has its default, or its zero value.
// It may be printed: secrets stay hidden.
type Config struct {
	// DatabaseURL is where the data is. DirectURL leads there without a pooler,
	// for LISTEN; OwnerURL with the role that owns the schema, for migrations.
	// Each is zero where it was not set.
	DatabaseURL, DirectURL, OwnerURL pgurl.URL
	// ShadowURL leads to an empty database on which migrations are tried.
	ShadowURL pgurl.URL

	PoolMin, PoolMax int           // connections of one process
	PoolTimeout      time.Duration // wait for a connection; 0: the request's own deadline
	ConnectTimeout   time.Duration // one dial to one host
	MaxRetries       int           // further tries to open the first connection
	RetryDelay       time.Duration // before the first of them; it doubles

	// Production is true where AF_AUTH_ENV says so or AF_AUTH_URL is not
	// loopback.
	Production bool

	// Origin is AF_AUTH_URL as scheme://host[:port]: no slash at its end, the
	// host in lower case, no default port. Every absolute link starts with it.
	Origin string

	Listen         string         // HOST:PORT of the public server
	Hosts          []Host         // applications that may be returned to
	TrustedProxies []netip.Prefix // whose forwarded headers are believed
	Admins         []string       // who decides in the browser: logins in lower case, and "#583231"
	PublicPaths    []PublicPath   // open to anybody
	Upstream       string         // origin of the application on af-auth's own host, "" for none
	Contact        string         // https: or mailto: link for people who are stuck, "" for none

	SessionIdle time.Duration // a session ends after this long unused
	SessionMax  time.Duration // and this long after sign-in at the latest
	SignInRate  int           // sign-ins a minute for one peer

	LogFormat string // "text" or "json"
	LogLevel  slog.Level

	MetricsListen string // HOST:PORT of the metrics alone, "" for none
	MetricsToken  Secret // opens /metrics on the public server

	// WebhookURL is the address that hears of changes of access, not set for
	// none. It may hold a secret of its own.
	WebhookURL    Secret
	WebhookSecret Secret         // the key of the signature
	WebhookAllow  []netip.Prefix // private networks that it may lead to

	GitHubClientID     string
	GitHubClientSecret Secret
	GitHubURL          string   // origin, like Origin
	GitHubScopes       []string // asked for at sign-in

	// Nothing below holds a secret: package fmt prints unexported fields too.
	set      map[string]bool // has a value of its own or a default
	hidden   map[string]string
	entries  []Entry
	warnings []string
}

// Host is an application that stands behind the gate.
type Host struct {
	Host string // host or host:port, lower case, compared exactly
	Name string // for people; the host where none was given
}

// PublicPath is a path that anybody may open, with what lies below it.
type PublicPath struct {
	Host string // as in Host
	Path string // begins with "/", in its one plain form, without escapes; never "/" alone
}

// Entry is one line of "af-auth config".
type Entry struct {
	Name    string `json:"name"`
	Value   string `json:"value"`  // secrets are hidden; "" where nothing is set
	Source  string `json:"source"` // where the value comes from: environment, .env, a file's name, default, not set, …
	Default string `json:"default"`
	Meaning string `json:"meaning"`
}

// Entries lists every variable in the order of the table.
func (c *Config) Entries() []Entry { return append([]Entry(nil), c.entries...) }

// Hidden returns the source whose value of a variable is not used because an
// override has its place: ".env", say. "" where there is none.
func (c *Config) Hidden(name string) string { return c.hidden[name] }

// SetIn returns where somebody set a variable, "" where nobody did.
func (c *Config) SetIn(name string) string {
	for _, e := range c.entries {
		if e.Name == name && e.Source != sourceDefault && e.Source != sourceNone {
			return e.Source
		}
	}
	return ""
}

// Warnings lists what is unwise but works, one sentence each.
func (c *Config) Warnings() []string { return append([]string(nil), c.warnings...) }

// Needs adds to names what these settings need besides.
func (c *Config) Needs(names ...string) []string {
	if c.WebhookURL.IsSet() {
		names = append(names, "AF_AUTH_WEBHOOK_SECRET")
	}
	return names
}

// Need returns a *Faults that names all of the variables that are not set, or
// nil. Whoever needs DATABASE_URL needs DIRECT_URL too where PgBouncer stands
// in front, because LISTEN does not pass through it.
func (c *Config) Need(names ...string) error {
	var faults Faults
	add := func(name, problem string) {
		v, ok := find(name)
		if !ok {
			faults = append(faults, Fault{Name: name, Problem: "there is no such variable", Hint: "this is a mistake in af-auth: please report it"})
			return
		}
		faults = append(faults, Fault{Name: name, Problem: problem, Hint: v.howToSet(), Source: sourceNone})
	}
	for _, name := range names {
		if !c.set[name] {
			add(name, "is not set")
		} else if name == "DATABASE_URL" && c.DatabaseURL.PgBouncer && !c.set["DIRECT_URL"] {
			add("DIRECT_URL", "is not set, and DATABASE_URL leads through PgBouncer")
		}
	}
	return faults.orNil()
}
