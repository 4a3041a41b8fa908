package catalog_test

import (
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate/catalog"
)

func TestCompareTexts(t *testing.T) {
	t.Parallel()
	const before = `CREATE TABLE a (x int, y text DEFAULT 'k'); CREATE TABLE gone (x int); CREATE VIEW v AS SELECT x FROM a;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  RETURN 1;
END $$;
COMMENT ON TABLE a IS 'one
two'; CREATE TABLE "odd
name" (x int)`
	for _, test := range []struct{ name, change, want string }{
		{"nothing", "SELECT 1", ""},
		{"a column", "ALTER TABLE a ADD z int", "column a.z: is new"},
		{"a table, with what is part of it", "CREATE TABLE b (x int PRIMARY KEY)", "table b: is new"},
		{"a table that is gone", "DROP TABLE gone", "table gone: is missing"},
		{"a type", "ALTER TABLE a ALTER y TYPE varchar(3)", "column a.y: type is character varying(3), and was text"},
		{"a default", "ALTER TABLE a ALTER y DROP DEFAULT", "column a.y: default is not set, and was 'k'::text"},
		{"not null", "ALTER TABLE a ALTER x SET NOT NULL", "column a.x: not null is yes, and was not set"},
		{"a function's text", "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 2;\nEND $$", "function f(): definition was changed:\n  -   RETURN 1;\n  +   RETURN 2;"},
		{"a comment of lines", "COMMENT ON TABLE a IS 'one\nthree'", "table a: comment was changed:\n  - two\n  + three"},
		{"an odd name", "DROP TABLE \"odd\nname\"", `table "odd\nname": is missing`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := empty(t)
			s.run(before)
			want := s.read().Text()
			s.run(test.change)
			if got := strings.Join(catalog.CompareTexts(want, s.read().Text()), "\n"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	if got := catalog.CompareTexts("", ""); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// FuzzCompareTexts: whatever stands in a ledger, the comparison ends.
func FuzzCompareTexts(f *testing.F) {
	f.Add("table a\n  comment: x\n", "table a\n  comment:\n    x\n    y\n")
	f.Add("  x", "    y\n\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := catalog.CompareTexts(a, a); len(got) != 0 && !strings.Contains(a, "\n") {
			t.Errorf("a text differs from itself: %q", got)
		}
		catalog.CompareTexts(a, b)
	})
}
