package diff_test

import (
	"slices"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate"
	"github.com/af-auth/af-auth/internal/migrate/diff"
	"github.com/af-auth/af-auth/internal/pgtest"
)

// What a file makes is looked for in a live schema, attribute by attribute.
func TestEvidence(t *testing.T) {
	t.Parallel()
	files := []migrate.File{
		{Version: "20260101000000", Name: "one", Up: "CREATE TABLE a (x int, y text, z int); CREATE VIEW v AS SELECT x FROM a;"},
		{Version: "20260101000001", Name: "two", Up: "ALTER TABLE a ADD n int; ALTER TABLE a ALTER y TYPE varchar(9); ALTER TABLE a DROP z;" +
			"CREATE TABLE b (k int PRIMARY KEY); CREATE INDEX i ON a (x)"},
	}
	all := []string{"table b", "column a.n", "column a.y with type character varying(9)", "no column a.z", "index a.i"}
	for _, test := range []struct {
		name, live      string
		there, notThere []string
	}{
		{"none of it", files[0].Up, nil, all},
		{"all of it", files[0].Up + files[1].Up, all, nil},
		{"some of it", files[0].Up + "ALTER TABLE a ADD n bigint; CREATE TABLE b (k int)",
			[]string{"table b", "column a.n"},
			[]string{"column b.k: not null: missing: yes", "constraint b.b_pkey: missing", "index b.b_pkey: missing", "column a.n: type: bigint, wanted integer",
				"column a.y with type character varying(9)", "no column a.z", "index a.i"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			live := open(t, pgtest.Empty(t))
			live.run(test.live)
			got, err := diff.Evidence(t.Context(), live.Conn, files, files[1], diff.Options{Shadow: shadowOf(t)})
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range []struct{ got, want []string }{{got.There, test.there}, {got.NotThere, test.notThere}} {
				slices.Sort(list.got)
				want := slices.Sorted(slices.Values(list.want))
				if !slices.Equal(list.got, want) {
					t.Errorf("got  %q\nwant %q", list.got, want)
				}
			}
		})
	}
}
