package pgurl_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/pgurl"
)

func mustParse(t *testing.T, raw string) pgurl.URL {
	t.Helper()
	u, err := pgurl.Parse(raw)
	if err != nil {
		t.Fatalf("Parse(%q): %v", raw, err)
	}
	return u
}

func TestFields(t *testing.T) {
	t.Parallel()
	u := mustParse(t, "postgres://ann:p@db:6432/app?schema=auth&connection_limit=7&pool_timeout=3&connect_timeout=2"+
		"&socket_timeout=9&max_connection_lifetime=600&max_idle_connection_lifetime=0&pgbouncer=true")
	got := []any{u.Schema, u.ConnectionLimit, u.PoolTimeout, u.ConnectTimeout, u.SocketTimeout, u.MaxConnLifetime,
		u.MaxConnIdleTime, u.PgBouncer, u.NoNamedStatements, u.User(), u.Password(), u.Host(), u.Database(), u.IsZero()}
	want := []any{"auth", 7, 3 * time.Second, 2 * time.Second, 9 * time.Second, 10 * time.Minute,
		pgurl.NoLimit, true, true, "ann", "p", "db:6432", "app", false}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("field %d: got %v, want %v", i, got[i], want[i])
		}
	}
	if (pgurl.URL{}).Redacted() != "" || !(pgurl.URL{}).IsZero() {
		t.Error("the zero URL is not empty")
	}
}

// What pgx makes of Pgx: nothing of Prisma's reaches the server.
func TestPgx(t *testing.T) {
	t.Parallel()
	type want struct {
		hosts   string // host:port of each in turn
		params  map[string]string
		mode    pgx.QueryExecMode
		tls     string // none, any, verified
		plainOK bool   // falls back to no TLS
	}
	one := func(params map[string]string) want {
		return want{hosts: "h:5432", params: params, tls: "any", plainOK: true}
	}
	tests := []struct {
		raw  string
		want want
	}{
		{"postgresql://u:p@h:5432/d", one(nil)},
		{"postgresql://u:p@h/d?schema=auth", one(map[string]string{"search_path": "auth"})},
		{"postgresql://u:p@h/d?schema=Au%22th%20x", one(map[string]string{"search_path": `"Au""th x"`})},
		{"postgresql://u:p@h/d?connection_limit=3&pool_timeout=2&connect_timeout=1&socket_timeout=4", one(nil)},
		{"postgresql://u:p@h/d?max_connection_lifetime=3&max_idle_connection_lifetime=2", one(nil)},
		{"postgresql://u:p@h/d?keepalives=1&gssencmode=disable&fallback_application_name=x", one(nil)},
		{"postgresql://u:p@h/d?TimeZone=UTC&application_name=a%20b&options=-cwork_mem%3D1MB&statement_timeout=5s",
			one(map[string]string{"timezone": "UTC", "application_name": "a b", "options": "-cwork_mem=1MB", "statement_timeout": "5s"})},
		{"postgresql://u:p@h/d?pgbouncer=true&schema=auth&application_name=x",
			want{hosts: "h:5432", mode: pgx.QueryExecModeCacheDescribe, tls: "any", plainOK: true}},
		{"postgresql://u:p@h/d?statement_cache_size=0", want{hosts: "h:5432", mode: pgx.QueryExecModeCacheDescribe, tls: "any", plainOK: true}},
		{"postgresql://u:p@h/d?statement_cache_size=50", one(nil)},
		{"postgresql://u:p@h/d?default_query_exec_mode=exec", want{hosts: "h:5432", mode: pgx.QueryExecModeExec, tls: "any", plainOK: true}},
		{"postgresql://u:p@h/d?sslmode=disable", want{hosts: "h:5432", tls: "none", plainOK: true}},
		{"postgresql://u:p@h/d?ssl=true", want{hosts: "h:5432", tls: "any"}},
		{"postgresql://u:p@h/d?sslaccept=accept_invalid_certs", want{hosts: "h:5432", tls: "any"}},
		{"postgresql://u:p@h/d?sslaccept=accept_invalid_certs&sslmode=prefer", one(nil)},
		{"postgresql://u:p@h/d?sslaccept=accept_invalid_certs&sslmode=require&sslcert=/none.pem", want{hosts: "h:5432", tls: "any"}},
		{"postgresql://u:p@h/d?sslaccept=strict", want{hosts: "h:5432", tls: "verified"}},
		{"postgresql://u:p@h/d?sslaccept=strict&sslmode=require", want{hosts: "h:5432", tls: "verified"}},
		{"postgresql://u:p@h1:5432,[::1]:5433,h3/d?target_session_attrs=read-write&sslmode=require",
			want{hosts: "h1:5432 ::1:5433 h3:5432", tls: "any"}},
		{"postgresql://u:p@localhost:5433/d?host=/run/pg", want{hosts: "/run/pg:5433", tls: "none", plainOK: true}},
		{"postgresql://u:p@%2Frun%2Fpg/d", want{hosts: "/run/pg:5432", tls: "none", plainOK: true}},
		{"postgresql:///d?host=/run/pg,/run/pg2&port=1,2&user=u&password=p", want{hosts: "/run/pg:1 /run/pg2:2", tls: "none", plainOK: true}},
		{"postgresql://x:y@h/z?user=u&password=p&dbname=d", one(nil)},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			c, err := pgx.ParseConfig(mustParse(t, tt.raw).Pgx())
			if err != nil {
				t.Fatal(err)
			}
			hosts, last := []string{fmt.Sprintf("%s:%d", c.Host, c.Port)}, c.TLSConfig
			for _, f := range c.Fallbacks {
				if h := fmt.Sprintf("%s:%d", f.Host, f.Port); h != hosts[len(hosts)-1] {
					hosts = append(hosts, h)
				}
				last = f.TLSConfig
			}
			if got := strings.Join(hosts, " "); got != tt.want.hosts {
				t.Errorf("hosts %q, want %q", got, tt.want.hosts)
			}
			if c.User != "u" || c.Password != "p" || c.Database != "d" {
				t.Errorf("login %s:%s@%s", c.User, c.Password, c.Database)
			}
			if !maps.Equal(c.RuntimeParams, tt.want.params) {
				t.Errorf("runtime parameters %v, want %v", c.RuntimeParams, tt.want.params)
			}
			if mode := max(tt.want.mode, pgx.QueryExecModeCacheStatement); c.DefaultQueryExecMode != mode {
				t.Errorf("mode %v, want %v", c.DefaultQueryExecMode, mode)
			}
			tls := "none"
			if c.TLSConfig != nil && c.TLSConfig.InsecureSkipVerify {
				tls = "any"
			} else if c.TLSConfig != nil {
				tls = "verified"
			}
			if tls != tt.want.tls || (last == nil) != tt.want.plainOK {
				t.Errorf("TLS %s, without as a last try %v", tls, last == nil)
			}
		})
	}
}

func TestTools(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, want string }{
		{"postgres://u:p%40x@h/d", "postgresql://u:p%40x@h/d"},
		{"postgresql:///d", "postgresql:///d"},
		{"postgresql://h/d?schema=auth&connection_limit=3&pool_timeout=1", "postgresql://h/d?options=-csearch_path%3Dauth"},
		{"postgresql://h/d?schema=A%20b&options=-cwork_mem%3D1MB",
			"postgresql://h/d?options=-cwork_mem%3D1MB%20-csearch_path%3D%22A%5C%20b%22"},
		{"postgresql://h/d?timezone=UTC&application_name=x&statement_cache_size=5",
			"postgresql://h/d?application_name=x&options=-ctimezone%3DUTC"},
		{"postgresql://h/d?pgbouncer=true&schema=auth", "postgresql://h/d"},
		{"postgresql://h/d?connect_timeout=4&keepalives=1", "postgresql://h/d?keepalives=1&connect_timeout=4"},
		{"postgresql://h/d?connect_timeout=0", "postgresql://h/d?connect_timeout=0"},
		{"postgresql://h/d?sslaccept=strict&sslcert=/ca.pem", "postgresql://h/d?sslmode=verify-full&sslrootcert=/ca.pem"},
		{"postgresql://h/d?sslcert=/c&sslkey=/k&sslrootcert=/r&sslmode=verify-ca&sslpassword=q",
			"postgresql://h/d?sslmode=verify-ca&sslrootcert=/r&sslcert=/c&sslkey=/k&sslpassword=q"},
		{"postgresql://u@x/d?host=/run/pg&port=6", "postgresql://u@/d?host=/run/pg&port=6"},
		{"postgresql://h/d?krbspn=x&default_query_exec_mode=exec", "postgresql://h/d"},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.raw).Tools(); got != tt.want {
			t.Errorf("Tools of %s:\n got %s\nwant %s", tt.raw, got, tt.want)
		}
	}
	url, env := mustParse(t, "postgresql://u:p%40x@h/d?schema=s").ToolsEnv()
	if url != "postgresql://u@h/d?options=-csearch_path%3Ds" || len(env) != 1 || env[0] != "PGPASSWORD=p@x" {
		t.Errorf("ToolsEnv gives %q, %q", url, env)
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, want string }{
		{"postgres://u:canary@h:5432/d?schema=x&connection_limit=3", "postgresql://u:***@h:5432/d?schema=x&connection_limit=3"},
		{"postgres://u@h/d", "postgresql://u@h/d"},
		{"postgres://u@h/d?password=canary&schema=x", "postgresql://u:***@h/d?schema=x"},
		{"postgres://u@h/d?sslpassword=canary&pgbouncer=true", "postgresql://u@h/d?pgbouncer=true&sslpassword=***"},
		{"postgres://u:can%61ry@[fe80::1%25eth0]/d", "postgresql://u:***@[fe80::1%25eth0]/d"},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.raw).Redacted(); got != tt.want {
			t.Errorf("Redacted of %s:\n got %s\nwant %s", tt.raw, got, tt.want)
		}
	}
}

func TestPrintingHidesThePassword(t *testing.T) {
	t.Parallel()
	u := mustParse(t, "postgres://u:canary-password@h/d?sslpassword=canary-key")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "url", u, "in", struct{ U pgurl.URL }{u})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "url", u, "in", struct{ U pgurl.URL }{u})
	asJSON, err := json.Marshal(map[string]any{"url": u})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{log.String(), string(asJSON)}
	hidden := struct{ u pgurl.URL }{u} // fmt does not call methods of unexported fields
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		texts = append(texts, fmt.Sprintf(verb, u), fmt.Sprintf(verb, &u), fmt.Sprintf(verb, hidden), fmt.Sprintf(verb, []any{u}))
	}
	for _, text := range texts {
		if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("a password is shown: %s", text)
		}
	}
}
