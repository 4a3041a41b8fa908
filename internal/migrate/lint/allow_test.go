package lint_test

import (
	"strings"
	"testing"
)

func TestSuppression(t *testing.T) {
	t.Parallel()
	const drop = "DROP TABLE notes;"
	const warning = "1 warning down-missing: there is no 20260101120001_f.down.sql\n"
	const notes = "drops the table notes: its rows are lost | ACCESS EXCLUSIVE on notes: blocks reads and writes\n"
	for _, test := range []struct{ name, up, want string }{
		{"before the statement", "SELECT 1;\n-- lint:allow drop-table because nobody has used it since 2.0\n" + drop, warning},
		{"with more comments between", "SELECT 1;\n-- lint:allow drop-table because nobody\n-- has used it\n  -- since 2.0\n" + drop, warning},
		{"two rules", "SELECT 1;\n-- lint:allow drop-table because of a\n-- lint:allow drop-column because of b\n" + drop,
			warning + "3 error suppression: the comment lint:allow suppresses nothing: drop-column finds nothing here\n"},
		{"in the header", "-- kind: expand\n-- lint:allow drop-table because of 7\n-- lint:allow down-missing because nobody goes back\n\nSELECT 1;\nSELECT 2;\n" + drop, ""},
		{"without a reason", "SELECT 1;\n-- lint:allow drop-table\n" + drop,
			warning + "2 error suppression: the comment lint:allow gives no reason: write -- lint:allow RULE because REASON\n3 error drop-table: " + notes},
		{"with an empty reason", "SELECT 1;\n-- lint:allow drop-table because \n" + drop,
			warning + "2 error suppression: the comment lint:allow gives no reason: write -- lint:allow RULE because REASON\n3 error drop-table: " + notes},
		{"an unknown rule", "SELECT 1;\n-- lint:allow drop-tabel because I said so\n" + drop,
			warning + "2 error suppression: the comment lint:allow names the rule \"drop-tabel\", and there is none\n3 error drop-table: " + notes},
		{"another rule", "SELECT 1;\n-- lint:allow truncate because I said so\n" + drop,
			warning + "2 error suppression: the comment lint:allow suppresses nothing: truncate finds nothing here\n3 error drop-table: " + notes},
		{"itself", "-- lint:allow suppression because I said so\n" + drop,
			warning + "1 error suppression: the comment lint:allow cannot allow what is wrong with itself\n2 error drop-table: " + notes},
		{"another statement", "SELECT 1;\n-- lint:allow drop-table because I said so\nSELECT 2;\n" + drop,
			warning + "2 error suppression: the comment lint:allow suppresses nothing: drop-table finds nothing here\n4 error drop-table: " + notes},
		{"too far away", "SELECT 1;\n-- lint:allow drop-table because I said so\n\n" + drop,
			warning + "2 error suppression: the comment lint:allow is not directly before its statement: nothing but comments may stand between\n4 error drop-table: " + notes},
		{"inside", "SELECT 1;\nDROP TABLE\n-- lint:allow drop-table because I said so\nnotes;",
			warning + "2 error drop-table: " + notes + "3 error suppression: the comment lint:allow stands inside a statement: put it on the line before\n"},
		{"at the end", drop + "\n-- lint:allow drop-table because I said so",
			"1 error drop-table: " + notes + warning + "2 error suppression: the comment lint:allow stands before no statement\n"},
		{"other words", "-- lint:allowed, lint:allow what you like\n" + drop, warning + "2 error drop-table: " + notes},
		{"line ends of Windows", "SELECT 1;\r\n-- lint:allow drop-table because nobody uses it\r\n" + drop, warning},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := text(run(t, folder(t, base, "", test.up, ""))); got != test.want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", test.up, got, test.want)
			}
		})
	}
}

// A comment in one of the two files is not one in the other.
func TestSuppressionInDown(t *testing.T) {
	t.Parallel()
	const allow = "-- lint:allow down-differs because the table is empty\n"
	if found := run(t, folder(t, "CREATE TABLE t (a int);", allow+"SELECT 1;")); len(found) > 0 {
		t.Errorf("%s", text(found))
	}
	got := text(run(t, folder(t, allow+"CREATE TABLE t (a int);", "SELECT 1;")))
	if !strings.Contains(got, "1 error suppression: ") || !strings.Contains(got, "1 error down-differs: ") {
		t.Errorf("%s", got)
	}
}
