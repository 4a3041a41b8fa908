package cli

import (
	"fmt"
	"slices"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
)

// A plan is read by somebody who is about to say yes: comments are counted, and
// a long file is cut.
func TestPlanned(t *testing.T) {
	t.Parallel()
	var statements []migrate.Statement
	add := func(sql ...string) {
		for _, s := range sql {
			statements = append(statements, migrate.Statement{SQL: s})
		}
	}
	add("CREATE TABLE a (id int)", "COMMENT ON TABLE a IS 'x'", "comment\n on column a.id IS 'y'", "CREATE TABLE b (id int)", "COMMENT ON TABLE b IS 'COMMENT ON'")
	want := []string{"CREATE TABLE a (id int)", "2 comments", "CREATE TABLE b (id int)", "1 comment"}
	if got := planned(statements); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for i := range 8 {
		add(fmt.Sprintf("DROP TABLE t%d", i))
		want = append(want, statements[len(statements)-1].SQL)
	}
	if got := planned(statements); !slices.Equal(got, want) {
		t.Errorf("twelve lines: %q, want %q", got, want)
	}
	add("DROP TABLE t8", "COMMENT ON TABLE a IS 'x'", "COMMENT ON TABLE b IS 'x'")
	want = append(want, "… 3 more")
	if got := planned(statements); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
