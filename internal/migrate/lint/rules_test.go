package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/af-auth/af-auth/internal/migrate/lint"
)

const (
	contract = "-- kind: contract\n"
	outside  = "-- transaction: none\n"
)

// ruleCase is a file, and what is found in it. The ways that the rules call safe
// are among them, with nothing found.
type ruleCase struct {
	name string
	up   string
	want string   // findings, one a line; without that for a missing down file
	pre  []string // files between base and this one
	lost bool     // the down file says that something is lost
}

func cases() []ruleCase {
	return slices.Concat(dataCases(), releaseCases(), longCases(), constraintCases(), rowCases())
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, test := range cases() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			texts := []string{base, ""}
			for _, p := range test.pre {
				texts = append(texts, p, "")
			}
			down := ""
			if test.lost {
				down = "-- lost: it\nSELECT 1;"
			}
			found := run(t, folder(t, append(texts, test.up, down)...))
			found = slices.DeleteFunc(found, func(f lint.Finding) bool { return f.Rule == lint.DownMissing })
			if got := strings.TrimSpace(text(found)); got != test.want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", test.up, got, test.want)
			}
			for _, f := range found {
				if f.Why == "" || f.Safe == "" || strings.Contains(f.Safe, "{") || f.File != "20260101120001_f.up.sql" && len(test.pre) == 0 {
					t.Errorf("the finding lacks something: %+v", f)
				}
			}
		})
	}
}

// Every rule is shown by a case, but those about whole files, which have tests
// of their own.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	elsewhere := []string{lint.ConcurrentInside, lint.DownMissing, lint.DownDiffers, lint.Suppression}
	seen := map[string]bool{}
	for _, r := range lint.Rules() {
		if seen[r.ID] || r.Finds == "" || r.Why == "" || r.Safe == "" || r.Example == "" {
			t.Errorf("the rule %q is twice there or lacks something", r.ID)
		}
		seen[r.ID] = true
		shown := func(c ruleCase) bool { return strings.Contains(c.want, " "+r.ID+": ") }
		if !slices.Contains(elsewhere, r.ID) && !slices.ContainsFunc(cases(), shown) {
			t.Errorf("no case shows the rule %s", r.ID)
		}
	}
}

// The safe way names what the finding is about.
func TestSafeWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ up, want string }{
		{`CREATE UNIQUE INDEX ON users (lower(login)) WHERE age > 3;`,
			"-- in a file of its own, with the header line \"-- transaction: none\":\n" +
				"CREATE UNIQUE INDEX CONCURRENTLY users_lower_idx ON users USING btree (lower(login)) WHERE (age > 3);"},
		{`ALTER TABLE notes ADD CONSTRAINT "Owner" FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;`,
			`ALTER TABLE notes ADD CONSTRAINT "Owner" FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE NOT VALID;` +
				"\n-- in a later file, where it blocks neither reads nor writes:\n" + `ALTER TABLE notes VALIDATE CONSTRAINT "Owner";`},
		{`ALTER TABLE users ADD UNIQUE (login, age);`,
			"-- in a file of its own, with the header line \"-- transaction: none\":\n" +
				"CREATE UNIQUE INDEX CONCURRENTLY users_login_age_key ON users USING btree (login, age);\n-- in a later file:\n" +
				"ALTER TABLE users ADD CONSTRAINT users_login_age_key UNIQUE USING INDEX users_login_age_key;"},
		{`CREATE INDEX log_at_idx ON log (at);`,
			"-- in a file of its own, with the header line \"-- transaction: none\":\n" +
				"CREATE INDEX log_at_idx ON ONLY log USING btree (at);\n-- then for each partition an index of its own, CONCURRENTLY, and\n" +
				"ALTER INDEX log_at_idx ATTACH PARTITION …;"},
		{`ALTER TABLE users RENAME COLUMN age TO years;`,
			"-- 1. expand:   ALTER TABLE users ADD COLUMN years …; a trigger keeps it equal to users.age\n" +
				"-- 2. backfill: UPDATE users SET years = age in batches\n" +
				"-- 3. contract: drop users.age and the trigger a release after nothing uses it"},
		{`ALTER VIEW logins RENAME COLUMN name TO "Full name";`,
			"-- 1. expand: let the view have both columns, the new one at its end:\n" +
				"CREATE OR REPLACE VIEW logins AS SELECT …, name AS \"Full name\" FROM …;\n" +
				"-- 2. contract: a release later, make it without logins.name"},
		{`ALTER TABLE other.things RENAME TO "Thing";`,
			"-- 1. expand: in the same file, a view with the old name:\n" +
				"CREATE VIEW other.things AS SELECT * FROM other.\"Thing\";\n-- 2. contract: a release later, DROP VIEW other.things;"},
		{`ALTER FUNCTION full_name(text) RENAME TO whole_name;`,
			"-- 1. expand: make a second function, whole_name(text), and leave full_name(text) as it is\n" +
				"-- 2. contract: a release later, drop full_name(text)"},
		{`ALTER DOMAIN short ADD CONSTRAINT is_short CHECK (length(VALUE) < 10);`,
			"ALTER DOMAIN short ADD CONSTRAINT is_short CHECK ((length(VALUE) < 10)) NOT VALID;\n" +
				"-- in a later file, where it blocks neither reads nor writes:\nALTER DOMAIN short VALIDATE CONSTRAINT is_short;"},
	} {
		t.Run(test.up, func(t *testing.T) {
			t.Parallel()
			found := run(t, folder(t, base, "", "-- lint:allow down-missing because this is a test\n"+test.up, ""))
			if len(found) != 1 || found[0].Safe != test.want {
				t.Errorf("got %+v\nwant %s", found, test.want)
			}
		})
	}
}

// In a project of another schema the safe way names no schema, as its files.
func TestSafeWayInAnotherSchema(t *testing.T) {
	t.Parallel()
	files := folder(t, "CREATE TABLE users (id int)", "", "-- lint:allow down-missing because this is a test\nCREATE INDEX i ON users (id);", "")
	found, err := lint.Run(t.Context(), files, lint.Options{Shadow: shadowOf(t), Schema: "My app"})
	const want = ";\nCREATE INDEX CONCURRENTLY i ON users USING btree (id);"
	if err != nil || len(found) != 2 || !strings.HasSuffix(found[1].Safe, strings.TrimPrefix(want, ";")) {
		t.Errorf("%+v, %v", found, err)
	}
}
