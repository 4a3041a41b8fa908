package pgurl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/pgurl"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const at = "postgresql://u:p@h/d?"
	tests := []struct {
		name, raw string
		wants     []string // in the error
	}{
		{"empty", "", []string{"empty", "postgresql://USER"}},
		{"key and value", "host=h dbname=d password=hunter2hunter2", []string{"key=value", "only URLs"}},
		{"other scheme", "mysql://u:p@h/d", []string{"does not start with postgresql://"}},
		{"jdbc", "jdbc:postgresql://h/d", []string{"JDBC"}},
		{"prisma proxy", "prisma://accelerate.example/?api_key=x", []string{"prisma://"}},
		{"no database", "postgresql://u:p@h", []string{"names no database"}},
		{"too long", "postgresql://h/" + strings.Repeat("d", 9000), []string{"longer than"}},
		{"control character", "postgresql://h/d\n", []string{"control character"}},
		{"encoded NUL", "postgresql://h/d%00", []string{"control character"}},
		{"fragment", "postgresql://h/d#x", []string{"#"}},
		{"slash in the database", "postgresql://h/d/e", []string{"%2F"}},
		{"long database", "postgresql://h/" + strings.Repeat("d", 64), []string{"longer than 63 bytes"}},
		{"port zero", "postgresql://h:0/d", []string{"port"}},
		{"port too large", "postgresql://h:65536/d", []string{"1 to 65535"}},
		{"port by name", "postgresql://h:pg/d", []string{"port"}},
		{"host with a space", "postgresql://h%20h/d", []string{"host"}},
		{"bare IPv6", "postgresql://::1/d", []string{"port"}},
		{"unclosed bracket", "postgresql://[::1/d", []string{"[::1]"}},
		{"bracketed name", "postgresql://[a:b]/d", []string{"host"}},
		{"ports and hosts", at + "port=1,2", []string{"2 ports for 1 hosts"}},

		{"unknown parameter", at + "schemma=x", []string{`"schemma"`, "schema"}},
		{"unknown and case", at + "SSLMODE=require", []string{`"SSLMODE"`, "sslmode"}},
		{"twice", at + "schema=a&schema=b", []string{"schema", "twice"}},
		{"no value", at + "schema", []string{"schema"}},
		{"two equal signs", at + "options=-cx=y", []string{"options", "%3D"}},
		{"raw plus", at + "application_name=a+b", []string{"application_name", "%20"}},
		{"bad encoding", at + "schema=%zz", []string{"schema", "hexadecimal"}},
		{"cut encoding", at + "schema=%2", []string{"schema", "percent"}},
		{"connection_limit", at + "connection_limit=many", []string{"connection_limit", "number"}},
		{"connection_limit 0", at + "connection_limit=0", []string{"connection_limit=0"}},
		{"negative", at + "pool_timeout=-1", []string{"pool_timeout"}},
		{"with unit", at + "connect_timeout=5s", []string{"connect_timeout", "unit"}},
		{"pgbouncer", at + "pgbouncer=yes", []string{"pgbouncer", "true, false"}},
		{"sslmode", at + "sslmode=on", []string{"sslmode", "verify-full"}},
		{"sslaccept", at + "sslaccept=maybe", []string{"sslaccept", "strict"}},
		{"sslidentity", at + "sslidentity=c.p12", []string{"sslidentity", "openssl pkcs12", "sslkey"}},
		{"strict and disable", at + "sslaccept=strict&sslmode=disable", []string{"contradict"}},
		{"invalid and verify", at + "sslaccept=accept_invalid_certs&sslmode=verify-full", []string{"contradict"}},
		{"ssl and disable", at + "ssl=true&sslmode=disable", []string{"contradict"}},
		{"key alone", at + "sslkey=k", []string{"sslcert"}},
		{"two roots", at + "sslcert=c&sslrootcert=r", []string{"sslkey"}},
		{"two paths", at + "schema=a&search_path=b", []string{"schema and search_path"}},
		{"hostaddr", at + "hostaddr=10.0.0.1", []string{"hostaddr", "as the host"}},
		{"pool of pgx", at + "pool_max_conns=3", []string{"pool_max_conns", "DB_POOL_MAX"}},
		{"cache of pgx", at + "statement_cache_capacity=3", []string{"statement_cache_size"}},
		{"revocation list", at + "sslcrl=x", []string{"sslcrl"}},
		{"options through a pooler", at + "pgbouncer=true&options=-cwork_mem%3D1MB", []string{"options", "ALTER ROLE"}},
		{"named statements through a pooler", at + "pgbouncer=true&default_query_exec_mode=cache_statement", []string{"named statements"}},
		{"other setting", at + "work_mem=1MB", []string{`"work_mem"`}},
		{"attrs", at + "target_session_attrs=primary-ish", []string{"target_session_attrs", "read-write"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := pgurl.Parse(tt.raw)
			var e *pgurl.Error
			if !errors.As(err, &e) || e.Problem == "" || e.Hint == "" {
				t.Fatalf("want an *Error with problem and hint, got %v", err)
			}
			for _, want := range tt.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, err)
				}
			}
		})
	}
}

// A password that was not encoded is where errors usually leak: the tail of it
// is taken for a host, a port, a path or a parameter.
func TestParseErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	const a, b = "firsthalf", "secondhalf"
	for _, glue := range []string{"/", "?", "#", "@", "%", "%zz", "/?x=", "?x=", "?x&", ":@", "@:", "\n", "\x00", "[", "?schema=", "@h/d?x="} {
		for _, raw := range []string{
			"postgresql://u:" + a + glue + b + "@host:5432/d",
			"postgresql://u:" + a + glue + b,
			"postgresql://host:5432/d?password=" + a + glue + b,
			"postgresql://host:5432/d?password=" + a + "&" + b + glue,
			"postgresql://host:5432/d?password=" + a + "&" + b + "=" + glue,
			"mysql://u:" + a + glue + b + "@host/d",
			"host=h password=" + a + glue + b,
		} {
			u, err := pgurl.Parse(raw)
			text := u.Redacted()
			if err != nil {
				text = err.Error()
			}
			for _, half := range []string{a, b} {
				if strings.Contains(text, half) {
					t.Errorf("%q shows %q: %s", raw, half, text)
				}
			}
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"sslmode", "schema", "sslcert"}
	for name, want := range map[string]string{"shema": "schema", "SSLMODE": "sslmode", "sslcret": "sslcert", "schema": "schema",
		"foo": "", "x": "", "": "", "sslrootcert": "", "schemes": "schema"} {
		if got := pgurl.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := pgurl.Nearest("x", nil); got != "" {
		t.Errorf("Nearest of nothing = %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"postgresql://postgres:postgres@localhost:5432/af_auth",
		"postgres://u:p%40ss@h1:1,[::1]:2/d?target_session_attrs=read-write&schema=A%20b",
		"postgresql://u@localhost/d?host=/run/pg&port=6432&password=secretpassword",
		"postgresql://u:p@h/d?pgbouncer=true&connection_limit=1&sslaccept=strict&sslpassword=secretpassword",
		"postgresql://u:p?x@h/d", "host=h password=p", "postgresql://[", "postgresql://%", "postgresql:///d?&&",
	} {
		f.Add(seed, "secret-pass/word")
	}
	f.Fuzz(func(t *testing.T, raw, password string) {
		u, err := pgurl.Parse(raw)
		if err == nil {
			checkRoundTrip(t, u)
		}
		// The same password by each door must not come out of any. A short one
		// may be a piece of the texts themselves.
		if len(password) < 12 || strings.Contains(raw, password) {
			return
		}
		for _, door := range []string{
			"postgresql://u:" + password + "@h/d",
			"postgresql://u:" + escapeAll(password) + "@h/d",
			"postgresql://h/d?schema=x&password=" + password,
			"postgresql://h/d?schema=x&password=" + escapeAll(password),
			"postgresql://h/d?sslpassword=" + escapeAll(password),
		} {
			u, err := pgurl.Parse(door)
			text := u.Redacted()
			if err != nil {
				text = err.Error()
			}
			if strings.Contains(text, password) || strings.Contains(text, escapeAll(password)) {
				t.Errorf("%q came out: %s", password, text)
			}
		}
	})
}

// checkRoundTrip holds that what Redacted and Pgx write is read again as the
// same place.
func checkRoundTrip(t *testing.T, u pgurl.URL) {
	t.Helper()
	again, err := pgurl.Parse(u.Redacted())
	if err != nil {
		t.Fatalf("Redacted %q does not parse: %v", u.Redacted(), err)
	}
	if again.Redacted() != u.Redacted() || again.Host() != u.Host() || again.User() != u.User() || again.Database() != u.Database() {
		t.Errorf("Redacted %q is read as %q", u.Redacted(), again.Redacted())
	}
	// settings of pgx that a pooler rules out are not readable as ours again
	if again, err := pgurl.Parse(u.Tools()); err != nil {
		t.Errorf("Tools %q does not parse: %v", u.Tools(), err)
	} else if again.Password() != u.Password() {
		t.Errorf("Tools lost the password")
	}
}

func escapeAll(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		b.Write([]byte{'%', hex[s[i]>>4], hex[s[i]&15]})
	}
	return b.String()
}
