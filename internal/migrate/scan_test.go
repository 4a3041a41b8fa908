package migrate

import (
	"slices"
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		want      []string
	}{
		{"nothing", "", nil},
		{"space and semicolons", " ;;\n; ", nil},
		{"comments only", "-- a; b\n/* c; d */", nil},
		{"two", "SELECT 1; SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"comment at the end", "SELECT 1 -- so\n; -- and\nSELECT 2 /* x */", []string{"SELECT 1", "SELECT 2"}},
		{"comment before", "/* a */ SELECT 1;", []string{"SELECT 1"}},
		{"nested comment", "/* a /* ; */ ; */ SELECT 1;", []string{"SELECT 1"}},
		{"comment never closed", "SELECT 1; /* ; SELECT 2", []string{"SELECT 1"}},
		{"string", "SELECT 'a;b'; SELECT 'it''s;'", []string{"SELECT 'a;b'", "SELECT 'it''s;'"}},
		{"backslash is plain", `SELECT 'a\'; SELECT 2`, []string{`SELECT 'a\'`, "SELECT 2"}},
		{"escape string", `SELECT E'a\';b'; SELECT 2`, []string{`SELECT E'a\';b'`, "SELECT 2"}},
		{"escape string, doubled quote", `SELECT e'a'';\';b'; SELECT 2`, []string{`SELECT e'a'';\';b'`, "SELECT 2"}},
		{"escape string over lines", "SELECT E'a'\n  '\\';b'; SELECT 2", []string{"SELECT E'a'\n  '\\';b'", "SELECT 2"}},
		{"no continuation on one line", `SELECT E'a' '\'; SELECT 2`, []string{`SELECT E'a' '\'`, "SELECT 2"}},
		{"a name that ends in e", `SELECT date'a\'; SELECT 2`, []string{`SELECT date'a\'`, "SELECT 2"}},
		{"quoted name", `SELECT 1 AS "a;""b"; SELECT 2`, []string{`SELECT 1 AS "a;""b"`, "SELECT 2"}},
		{"dollars", "DO $$ BEGIN; END $$; SELECT 2", []string{"DO $$ BEGIN; END $$", "SELECT 2"}},
		{"tagged dollars", "DO $a$ x; $$ y; $b$ $a$; SELECT 2", []string{"DO $a$ x; $$ y; $b$ $a$", "SELECT 2"}},
		{"tag of other letters", "DO $é_1$ x; $é_1$; SELECT 2", []string{"DO $é_1$ x; $é_1$", "SELECT 2"}},
		{"parameters are no quotes", "SELECT $1; SELECT $1", []string{"SELECT $1", "SELECT $1"}},
		{"dollar within a name", "SELECT a$b$; SELECT $b$;$b$", []string{"SELECT a$b$", "SELECT $b$;$b$"}},
		{"never closed", "SELECT 1; SELECT 'a; b", []string{"SELECT 1", "SELECT 'a; b"}},
		{"backslash at the end", `SELECT E'a\`, []string{`SELECT E'a\`}},
		{"rule", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
			[]string{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"}},
		{"atomic body", "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3",
			[]string{"CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "SELECT 3"}},
		{"atomic procedure", "create procedure p(\"begin\" int) begin atomic insert into t values (1); end; SELECT 3",
			[]string{"create procedure p(\"begin\" int) begin atomic insert into t values (1); end", "SELECT 3"}},
		{"return body with case", "CREATE FUNCTION f() RETURNS int RETURN CASE WHEN true THEN 1 END; SELECT 3",
			[]string{"CREATE FUNCTION f() RETURNS int RETURN CASE WHEN true THEN 1 END", "SELECT 3"}},
		{"stray parenthesis", "SELECT 1); SELECT 2", []string{"SELECT 1)", "SELECT 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Statements(tt.sql); !slices.Equal(got, tt.want) {
				t.Errorf("scan(%q) = %q, want %q", tt.sql, got, tt.want)
			}
		})
	}
}

func TestScanLines(t *testing.T) {
	t.Parallel()
	var lines []int
	for _, s := range scan("\n-- one\nSELECT 1;\n\nSELECT\n'\n';SELECT 3") {
		lines = append(lines, s.line)
	}
	if want := []int{3, 5, 7}; !slices.Equal(lines, want) {
		t.Errorf("lines %v, want %v", lines, want)
	}
}

// FuzzScan holds the scanner to what its callers rely on: it ends, and its
// statements lie in the file, in order, without touching, and hold text.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"SELECT 1; SELECT 2", "$$;$$;$a$;$b$", "E'\\';';'", `";";`, "/*/**/;*/;", "--;\n;",
		"CREATE FUNCTION f() BEGIN ATOMIC CASE END; END;", "((;);", "E'a'\n'", "$", "é;\xff;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		end := 0
		for _, s := range scan(sql) {
			if s.start < end || s.end <= s.start || s.end > len(sql) {
				t.Fatalf("statement %d–%d after %d in %q", s.start, s.end, end, sql)
			}
			if text := sql[s.start:s.end]; strings.Trim(text, "; \t\n\r\f\v") == "" {
				t.Fatalf("an empty statement %q in %q", text, sql)
			}
			if want := 1 + strings.Count(sql[:s.start], "\n"); s.line != want {
				t.Fatalf("line %d, want %d", s.line, want)
			}
			end = s.end
		}
	})
}
