package postgres_test

import (
	"slices"
	"testing"
)

// Whoever empties the record is the first line of the new one: by which role,
// who they say they are, when, and how.
func TestEmptiedRecord(t *testing.T) {
	t.Parallel()
	const line = `SELECT concat_ws('|', kind, details ->> 'table', coalesce(actor, '-'), coalesce(reason, '-'),
		role = session_user, at BETWEEN now() - interval '1 minute' AND now()) FROM events ORDER BY details ->> 'table'`
	for _, tt := range []struct {
		name, sql string
		want      []string
	}{
		{"in plain SQL", "TRUNCATE events", []string{"table.truncated|events|-|-|t|t"}},
		{"with a name and a reason", `BEGIN; SELECT set_config('af_auth.actor', 'sql:ada', true), set_config('af_auth.reason', 'spring', true);
			TRUNCATE events RESTART IDENTITY; COMMIT`, []string{"table.truncated|events|sql:ada|spring|t|t"}},
		{"with everything else", "TRUNCATE events, users, sessions CASCADE",
			[]string{"table.truncated|events|-|-|t|t", "table.truncated|sessions|-|-|t|t", "table.truncated|users|-|-|t|t"}},
		{"twice: only the last is left", "TRUNCATE events; TRUNCATE events", []string{"table.truncated|events|-|-|t|t"}},
		{"taken back", "BEGIN; TRUNCATE events; ROLLBACK; DELETE FROM events", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, _ := watched(t)
			p.run("INSERT INTO events (kind) VALUES ('sign_in.succeeded')")
			p.run(tt.sql)
			if got := p.lines(line); !slices.Equal(got, tt.want) {
				t.Errorf("events %q, want %q", got, tt.want)
			}
		})
	}
}

// A role that may empty the record and not write it is named all the same.
func TestRecordEmptiedByARoleThatMayNotWrite(t *testing.T) {
	t.Parallel()
	p, _ := watched(t)
	p.as(seedRights + "; GRANT TRUNCATE ON events TO ROLE")
	p.run("TRUNCATE events")
	if got := p.lines("SELECT kind FROM events WHERE role = session_user"); !slices.Equal(got, []string{"table.truncated"}) {
		t.Errorf("events %q", got)
	}
}
