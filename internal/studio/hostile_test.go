package studio_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/address"
)

// hostile are names and values that close quotes, comments, paths and pages.
func hostile() []string {
	return []string{
		`'; DROP TABLE victim; --`, `"; DROP TABLE victim; --`, `$$; DROP TABLE victim; $$`, `a"b`, `a'b`, `a\'; DROP TABLE victim; --`,
		`a/b?c#d`, `..`, `.`, `%2e%2e`, `~`, `~41`, `a b`, `a&b=c`, `a+b`, `a;b`, `a,b`, `a.is.b`, `-1`, `:`, `$1`, `{{.}}`, `</script><script>alert(1)</script>`,
		`" onclick="alert(1)`, `javascript:alert(1)`, `😀`, `Zoë`, "line\nbreak", "tab\there", `\`, `\x00`, `%s%d`, `left`, `r`, `NULL`, `=HYPERLINK("http://evil.test")`,
		`/* x`, `U&"\0041"`, strings.Repeat("x", 63), "\u202eright to left",
	}
}

// fingerprint is everything that the catalogue holds and every row. Roles are the
// whole server's: those of other tests come and go.
const fingerprint = `SELECT md5(concat(
	(SELECT string_agg(c.oid || ' ' || relname || ' ' || relkind::text || ' ' || relnatts || ' ' || relfilenode || coalesce(relacl::text, ''), E'\n' ORDER BY c.oid) FROM pg_class c),
	(SELECT string_agg(attrelid || ' ' || attnum || ' ' || attname || ' ' || atttypid, E'\n' ORDER BY attrelid, attnum) FROM pg_attribute),
	(SELECT string_agg(oid || ' ' || proname || prosrc, E'\n' ORDER BY oid) FROM pg_proc),
	(SELECT string_agg(oid || ' ' || rolname || rolsuper, E'\n' ORDER BY oid) FROM pg_roles WHERE rolname !~ 'af_auth_test'),
	(SELECT string_agg(v::text, E'\n' ORDER BY n) FROM victim v)))`

// C38: whatever names and values hold, they are names and values: what is asked
// for is found, nothing else happens, and the catalogue stays as it is.
func TestHostileNamesAndValues(t *testing.T) {
	t.Parallel()
	var sql strings.Builder
	sql.WriteString("CREATE TABLE victim (n int PRIMARY KEY, t text); INSERT INTO victim VALUES (1, 'alive');\n")
	names := hostile()
	for i, name := range names {
		table := pgx.Identifier{name}.Sanitize()
		fmt.Fprintf(&sql, "CREATE TABLE %s (%s text PRIMARY KEY, plain text);\n", table, table)
		fmt.Fprintf(&sql, "COMMENT ON TABLE %s IS %s;\n", table, quoted(name))
		for j, value := range names {
			fmt.Fprintf(&sql, "INSERT INTO %s VALUES (%s, %s);\n", table, quoted(value), quoted(names[(i+j)%len(names)]))
		}
		for j := range 20 {
			fmt.Fprintf(&sql, "INSERT INTO %s VALUES ('filler %d', %s);\n", table, j, quoted(name))
		}
	}
	sql.WriteString("CREATE SCHEMA " + pgx.Identifier{names[0]}.Sanitize() + "; CREATE TABLE " + pgx.Identifier{names[0], names[1]}.Sanitize() + " (id int PRIMARY KEY);")
	w := newWorld(t, sql.String()).open()
	before := w.ask(fingerprint)
	var base address.Base
	w.page("/")
	w.page("/diagram")
	w.page(base.Table(names[0], names[1], address.View{}))
	for i, name := range names {
		value := names[(i+7)%len(names)]
		views := map[string]address.View{
			"plain": {}, "sorted": {Sort: name}, "turned": {Sort: name, Desc: true}, "chosen": {Columns: []string{name}}, "searched": {Search: value},
			"jumped": {From: value}, "open": {Open: "filter:" + name}, "counted": {Count: true},
		}
		for _, op := range []address.Op{address.Is, address.IsNot, address.Contains, address.Starts, address.Less, address.More, address.Between, address.In, address.Null, address.Empty} {
			f := address.Filter{Column: name, Op: op}
			if n := op.Values(); n != 0 {
				f.Values = []string{value, names[(i+3)%len(names)]}[:max(1, n)]
			}
			views["filtered "+string(op)] = address.View{Filters: []address.Filter{f}}
		}
		for what, v := range views {
			if what != "filtered is" && (i+len(what))%3 != 0 { // each name meets a third of them, each of them a third of the names
				continue
			}
			body := w.page(base.Table("public", name, v))
			if what == "filtered is" && len(column(body, 0)) != 1 {
				t.Errorf("table %q, value %q: %d rows, want the one", name, value, len(column(body, 0)))
			}
			if strings.Contains(body, "<script>alert") || strings.Contains(body, `href="javascript:`) || strings.Contains(body, `onclick="alert`) {
				t.Errorf("table %q: the page holds markup of the value", name)
			}
			if next := link(olderLink, body); next != "" {
				w.page(next)
			}
		}
		if body := w.page(base.Row("public", name, address.Key([]string{value}), address.View{})); !strings.Contains(body, "<dt>") {
			t.Errorf("table %q: row %q is not shown", name, value)
		}
	}
	if after := w.ask(fingerprint); after != before {
		t.Error("the catalogue or the rows have changed")
	}
}

// What is no name and no value is refused, and nothing else happens.
func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `CREATE TABLE victim (n int PRIMARY KEY, t text); INSERT INTO victim VALUES (1, 'alive')`).open()
	before := w.ask(fingerprint)
	for _, value := range append(hostile(), "\x00", "a\x00b", "\xff\xfe", strings.Repeat("y", 30_000), "99999999999999999999") {
		e := url.QueryEscape(value)
		for _, path := range []string{
			"/t/public/victim?sort=" + e, "/t/public/victim?f=" + e, "/t/public/victim?f=n.is." + e, "/t/public/victim?f=t.contains." + e, "/t/public/victim?f=n.in." + e,
			"/t/public/victim?after=" + e, "/t/public/victim?before=" + e, "/t/public/victim?from=" + e, "/t/public/victim?cols=" + e, "/t/public/victim?q=" + e,
			"/t/public/victim?open=" + e, "/t/public/victim?whole=" + e, "/t/public/victim?fc=" + e + "&fo=" + e, "/t/public/victim?choose=1&col=" + e,
			"/?q=" + e, "/t/public/" + url.PathEscape(value), "/t/" + url.PathEscape(value) + "/victim", "/t/public/victim/row/" + url.PathEscape(value),
		} {
			if status, _ := w.get(path); status >= http.StatusInternalServerError {
				t.Errorf("GET %.200s: %d", path, status)
			}
		}
	}
	if after := w.ask(fingerprint); after != before {
		t.Error("the catalogue or the rows have changed")
	}
	if logged := w.log.String(); strings.Contains(logged, "panicked") {
		t.Error(logged)
	}
}

func quoted(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
