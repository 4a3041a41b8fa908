package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth/internal/pgurl"
)

const (
	maxPool           = 1000 // more than that is a job for PgBouncer
	maxConnectTimeout = 60 * time.Second
	minPeriod         = time.Minute
	maxPeriod         = 365 * 24 * time.Hour
)

// number completes a row whose value is a whole number from lo to hi.
func number(v Var, lo, hi int, field func(*Config) *int) Var {
	v.Kind = fmt.Sprintf("whole number, %d to %d", lo, hi)
	if v.Example == "" {
		v.Example = v.Default
	}
	v.read = func(c *Config, value string) *Fault {
		// ParseUint takes no sign, and Atoi would take one.
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || int(n) < lo || int(n) > hi {
			return wrong(fmt.Sprintf("write a whole number from %d to %d", lo, hi), "is %s, and must be from %d to %d", quote(value), lo, hi)
		}
		*field(c) = int(n)
		return nil
	}
	v.show = func(c *Config) string { return strconv.Itoa(*field(c)) }
	return v
}

// milliseconds completes a row whose value is a number of milliseconds.
func milliseconds(v Var, lo, hi int, field func(*Config) *time.Duration) Var {
	var ms int
	v = number(v, lo, hi, func(*Config) *int { return &ms })
	check := v.read
	v.read = func(c *Config, value string) *Fault {
		fault := check(c, value)
		if fault == nil {
			*field(c) = time.Duration(ms) * time.Millisecond
		}
		return fault
	}
	v.show = func(c *Config) string { return strconv.FormatInt(field(c).Milliseconds(), 10) }
	return v
}

// period completes a row whose value is a length of time.
func period(v Var, field func(*Config) *time.Duration) Var {
	v.Kind = "duration, more than 1m, at most 365d"
	v.read = func(c *Config, value string) *Fault {
		const hint = "write a duration such as 90m, 24h or 7d"
		d, err := parseDuration(value)
		switch {
		case err != nil:
			return wrong(hint, "is %s, which is no duration", quote(value))
		case d <= minPeriod || d > maxPeriod:
			return wrong(hint, "is %s, and must be more than 1m and at most 365d", quote(value))
		}
		*field(c) = d
		return nil
	}
	v.show = func(c *Config) string { return formatDuration(*field(c)) }
	return v
}

// parseDuration reads Go's durations, and days before them: 7d, 1d12h.
func parseDuration(s string) (time.Duration, error) {
	days, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, errors.New("no whole number of days")
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	return d + more, err
}

// formatDuration writes 24h, not 24h0m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// databaseURL completes a row whose value is a URL of PostgreSQL.
func databaseURL(v Var, field func(*Config) *pgurl.URL) Var {
	v.Kind, v.Secret = "postgresql:// URL", true
	v.read = func(c *Config, value string) *Fault {
		u, err := pgurl.Parse(value)
		if err == nil {
			*field(c) = u
			return nil
		}
		var e *pgurl.Error
		if errors.As(err, &e) {
			return wrong(e.Hint, "is not usable: %s", e.Problem)
		}
		return wrong("write postgresql://USER:PASSWORD@HOST:5432/DATABASE", "is no PostgreSQL URL")
	}
	v.show = func(c *Config) string { return field(c).Redacted() }
	return v
}

func readEnvironment(c *Config, value string) *Fault {
	switch value {
	case "production":
		c.Production = true
	case "development":
	default:
		return wrong("write development or production", "is %s", quote(value))
	}
	return nil
}

func showEnvironment(c *Config) string {
	if c.Production {
		return "production"
	}
	return "development"
}

func readLogFormat(c *Config, value string) *Fault {
	if value != "text" && value != "json" {
		return wrong("write text or json", "is %s", quote(value))
	}
	c.LogFormat = value
	return nil
}

func readLogLevel(c *Config, value string) *Fault {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[value]
	if !ok {
		return wrong("write debug, info, warn or error", "is %s", quote(value))
	}
	c.LogLevel = level
	return nil
}

// readSecret never shows any of the value.
func readSecret(least int, field func(*Config) *Secret) func(*Config, string) *Fault {
	return func(c *Config, value string) *Fault {
		if !isVisible(value) {
			return wrong("check that nothing was pasted along with it", "holds a space, a line break or a character that is not ASCII")
		}
		if len(value) < least {
			return wrong("make one with: openssl rand -hex 24", "is shorter than %d characters", least)
		}
		*field(c) = NewSecret(value)
		return nil
	}
}

func readClientID(c *Config, value string) *Fault {
	for _, r := range value {
		isWord := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !isWord && !strings.ContainsRune("._-", r) {
			return wrong("copy the client id, not the name, from the app's page on GitHub", "is no client id")
		}
	}
	c.GitHubClientID = value
	return nil
}

func readScopes(c *Config, value string) *Fault {
	scopes := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	for _, s := range scopes {
		for _, r := range s {
			if (r < 'a' || r > 'z') && r != ':' && r != '_' {
				return wrong("write scopes such as user:email or read:org, separated by commas", "holds %s, which is no scope", quote(s))
			}
		}
	}
	c.GitHubScopes = scopes
	return nil
}

// isVisible reports whether s consists of printable ASCII without spaces, as a
// header's value must.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
