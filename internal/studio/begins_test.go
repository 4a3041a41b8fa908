package studio_test

import (
	"fmt"
	"strings"
	"testing"
)

// What a text begins with is found by whatever index can, and is announced as
// slow where none does; the rows are the same.
func TestBeginsByAnIndex(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, index string
		slow        bool
	}{
		{"none", "", true},
		{"in the order of the language", `(lower($))`, true},
		{"on the column", `($ text_pattern_ops)`, true},
		{"some rows", `(lower($) COLLATE "C") WHERE id > 5`, true},
		{"pattern", `(lower($) text_pattern_ops)`, false},
		{"bytes", `(lower($) COLLATE "C", id)`, false},
		{"trigrams", `USING gin ($ gin_trgm_ops)`, false},
	}
	var sql strings.Builder
	sql.WriteString("CREATE EXTENSION pg_trgm;")
	for i, test := range tests {
		fmt.Fprintf(&sql, `CREATE TABLE t%d (id int PRIMARY KEY, word text COLLATE "en-x-icu", "Code" varchar(20) COLLATE "en-x-icu");
INSERT INTO t%[1]d SELECT i, w, w FROM (VALUES (7, 'A_Beta'), (8, 'aXbeta')) v (i, w);`, i)
		if test.index != "" {
			for _, column := range []string{"word", `"Code"`} {
				fmt.Fprintf(&sql, "CREATE INDEX ON t%d %s;", i, strings.ReplaceAll(test.index, "$", column))
			}
		}
	}
	sql.WriteString(`UPDATE pg_class SET reltuples = 1e6, relpages = 1e4 WHERE relname ~ '^t[0-9]$'`)
	w := newWorld(t, sql.String()).open()
	for i, test := range tests {
		for _, column := range []string{"word", "Code"} {
			body := w.page(fmt.Sprintf("/t/public/t%d", i) + query("f", column+".starts.a_b"))
			if !strings.Contains(body, "A_Beta") || strings.Contains(body, "aXbeta") {
				t.Errorf("%s, %s: other rows", test.name, column)
			}
			if strings.Contains(body, "No index helps to look for how "+column+" begins") != test.slow {
				t.Errorf("%s, %s: want slow %v", test.name, column, test.slow)
			}
		}
	}
}
