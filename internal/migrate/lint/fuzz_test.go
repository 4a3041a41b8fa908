package lint

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
)

// Whatever a file says, an exception has a rule, a reason and one place, or it
// says what is wrong with it.
func FuzzAllowances(f *testing.F) {
	for _, text := range []string{
		"-- lint:allow drop-table because x\nDROP TABLE t;", "--lint : allow drop-table because x", "-- lint:allow",
		"SELECT 1;\n-- lint:allow truncate because of \x00\r\nTRUNCATE t; -- lint:allow truncate because x\n",
		"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n-- lint:allow drop-table because x\n$$;", "/*\n-- lint:allow rename because x\n*/ SELECT 1",
		"\n\n-- lint:allow suppression because x\n-- lint:allow no-such because x\n;;SELECT 'a\n-- lint:allow rename because y\nb'",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		statements := migrate.File{Up: text}.Statements(false)
		last := 0
		for _, a := range allowances(text, statements) {
			switch {
			case a.line <= last || a.line > strings.Count(text, "\n")+1:
				t.Errorf("line %d after %d of %q", a.line, last, text)
			case a.used || a.statement < 0 || a.statement > len(statements):
				t.Errorf("%+v in %q", a, text)
			case a.fault == "":
				line := strings.Split(text, "\n")[a.line-1]
				if _, known := rule(a.rule); !known || !strings.Contains(line, a.rule+" ") || !strings.Contains(line, "because") {
					t.Errorf("%+v in %q", a, text)
				}
				if a.statement > 0 && statements[a.statement-1].Line <= a.line {
					t.Errorf("%+v stands behind its statement in %q", a, text)
				}
			}
			last = a.line
		}
	})
}
