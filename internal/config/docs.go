package config

import (
	"fmt"
	"strings"
)

// EnvExample returns the text of .env.example: every variable with its meaning,
// defaults as comments. Copied to .env it is enough for development once the
// GitHub credentials are filled in.
func EnvExample() string {
	var b strings.Builder
	b.WriteString(`# Settings of AF Auth for development: cp .env.example .env && chmod 600 .env
# Fill in GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET, and http://127.0.0.1:8080 works.
# An empty value counts as not set. In production this file is not read.
# The environment and --config FILE win over it; docs/config.md has the details.
`)
	group := ""
	for _, v := range Vars() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, "\n\n# --- %s ---\n", group)
		}
		b.WriteString("\n")
		text := upperFirst(v.Meaning) + "."
		if v.derived != "" {
			text += " Default: " + v.derived + "."
		}
		for _, line := range wrap(text, 76) {
			b.WriteString("# " + line + "\n")
		}
		switch {
		case v.starter != nil:
			fmt.Fprintf(&b, "%s=%s\n", v.Name, *v.starter)
		case v.Default != "":
			fmt.Fprintf(&b, "# %s=%s\n", v.Name, v.Default)
		default:
			fmt.Fprintf(&b, "# %s=%s\n", v.Name, v.Example)
		}
	}
	return b.String()
}

// Markdown returns the text of docs/config.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(markdownHead)
	group := ""
	for _, v := range Vars() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, "\n## %s\n\n| variable | value | default | meaning |\n|---|---|---|---|\n", group)
		}
		byDefault := v.derived
		switch {
		case byDefault == "" && v.Default != "":
			byDefault = "`" + v.Default + "`"
		case byDefault == "":
			byDefault = "none"
		}
		name := "`" + v.Name + "`"
		if v.Secret {
			name += " (secret)"
		}
		meaning := upperFirst(v.Meaning) + "."
		if v.Example != v.Default {
			meaning += " Example: `" + v.Example + "`."
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, cell(v.Kind), cell(byDefault), cell(meaning))
	}
	b.WriteString(markdownTail)
	return b.String()
}

const markdownHead = "# Configuration\n\n" +
	"<!-- Written by `go test ./internal/config -update` from the table in internal/config/vars.go. -->\n" + `
Settings come from four places. The strongest wins, and an empty value counts as not set:

1. the command line: ` + "`--data DIR`" + ` means the private PostgreSQL there,
2. the environment,
3. the file given with ` + "`--config FILE`" + `,
4. ` + "`.env`" + ` in the current folder, in development only.

While ` + "`af-auth dev`" + ` runs, the other commands in its folder mean its private PostgreSQL and its GitHub, unless the environment or ` + "`--config`" + ` names a database; a ` + "`DATABASE_URL`" + ` that stands in ` + "`.env`" + ` is then not used, and they say so. ` + "`--config .env`" + ` chooses it.

` + "`af-auth config`" + ` lists every variable with its value, where it came from, its default and its meaning; secrets are hidden.
All faults are reported at once, each with a hint. A name that starts with ` + "`AF_AUTH_`" + ` and is not below is a fault, and so is any unknown name in FILE.

**Production** is ` + "`AF_AUTH_ENV=production`" + `, or an ` + "`AF_AUTH_URL`" + ` that is not loopback; everything else is development. Either has to come from a stronger place than ` + "`.env`" + `.

**Secrets** may stand in a file of their own, as Docker and systemd hand them over: ` + "`GITHUB_CLIENT_SECRET_FILE=/run/secrets/github`" + `. Setting both is a fault.

**Files** hold one ` + "`NAME=value`" + ` a line. Comments start with ` + "`#`" + `, ` + "`export`" + ` before a name is allowed, ` + "`'single quotes'`" + ` keep everything as it stands, and ` + "`\"double quotes\"`" + ` know ` + "`\\\" \\\\ \\n \\r \\t \\$`" + `. Nothing is interpolated.

**Needed by ` + "`af-auth serve`" + `:** ` + "`DATABASE_URL`, `AF_AUTH_URL`, `GITHUB_CLIENT_ID`, `GITHUB_CLIENT_SECRET`" + `.
`

const markdownTail = `
## Database URLs

Only URLs are read: ` + "`postgresql://USER:PASSWORD@HOST:5432/DATABASE`" + `, also with several hosts (` + "`h1:5432,h2:5432`" + `; the one that takes writes is used) or a socket's folder (` + "`?host=/var/run/postgresql`" + `). In a user name or password, ` + "`/ ? # @ : %`" + ` are percent-encoded. The parameters of Prisma projects work as they are:

| parameter | becomes |
|---|---|
| ` + "`schema`" + ` | ` + "`search_path`" + ` |
| ` + "`connection_limit`" + ` | ` + "`DB_POOL_MAX`" + `, where that is not set |
| ` + "`connect_timeout`" + ` (seconds) | ` + "`DB_CONNECTION_TIMEOUT_MS`" + `, where that is not set; at most 60 s |
| ` + "`pool_timeout`" + ` (seconds) | how long a request waits for a connection |
| ` + "`socket_timeout`" + ` (seconds) | how long one query may take |
| ` + "`max_connection_lifetime`, `max_idle_connection_lifetime`" + ` (seconds) | when the pool replaces a connection |
| ` + "`statement_cache_size`" + ` | statements kept on a connection; 0: no named statements |
| ` + "`pgbouncer=true`" + ` | no named statements and no settings at the start of a connection: the schema has to be the role's own ` + "`search_path`, and `DIRECT_URL`" + ` is required |
| ` + "`sslaccept=strict`" + ` | ` + "`sslmode=verify-full`" + `, with the system's authorities unless a file is given |
| ` + "`sslaccept=accept_invalid_certs`" + ` | ` + "`sslmode=require`" + `, unless ` + "`sslmode`" + ` says otherwise |
| ` + "`sslcert`" + ` without ` + "`sslkey`" + ` | ` + "`sslrootcert`" + `: the server's authority |
| ` + "`sslidentity`" + ` | refused: PKCS#12 files have to be split into ` + "`sslcert` and `sslkey`" + ` |

The parameters of libpq work where pgx knows them too, and those that cannot change what is trusted are kept for ` + "`psql` and `pg_dump`" + `. Of the server's settings, ` + "`TimeZone`, `search_path`, `statement_timeout`, `lock_timeout`, `idle_in_transaction_session_timeout`, `client_encoding=UTF8`, `application_name` and `options`" + ` pass. Any other name is a fault, and is never sent.
`

// cell keeps text inside its column.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// wrap breaks text into lines of at most width bytes, where words allow it.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
