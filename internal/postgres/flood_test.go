package postgres_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth"
)

// A role without any right floods the channel. What that costs has bounds, the
// heartbeats come back, and so do confirmations.
func TestFloods(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		payload string // of the g-th message
		most    int    // changes that are told
	}{
		"marks":            {`json_build_object('mark', gen_random_uuid())::text`, 8192},
		"junk":             {`'x' || g`, 1000},
		"junk and marks":   {`CASE g % 2 WHEN 0 THEN 'x' || g ELSE json_build_object('mark', gen_random_uuid())::text END`, 2000},
		"invented persons": {`json_build_object('users', json_build_array(gen_random_uuid()))::text`, 20000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var d diary
			hearAt(t, w.url, w.register("0"), &d)
			eventually(t, "a heartbeat", func() bool { return d.beats() > 0 })
			before := len(d.read())
			w.run(`SET ROLE ` + pgx.Identifier{w.account("")}.Sanitize() + `; SELECT count(pg_notify('af_auth_access', ` + c.payload + `)) FROM generate_series(1, 200000) g; RESET ROLE`)
			last := afauth.NewID()
			w.run(`NOTIFY af_auth_access, '{"users":["` + last.String() + `"]}'`)
			beats := d.beats()
			eventually(t, "heartbeats afterwards", func() bool { return d.beats() > beats+2 })
			eventually(t, "a change afterwards is told, or that anything may have changed", func() bool {
				lines := d.read()
				return d.where(last) >= 0 || slices.ContainsFunc(lines[before:], func(l note) bool { return l.beat == nil && len(l.users) == 0 })
			})
			if c := w.confirm(); len(c.Silent) > 0 {
				t.Errorf("not confirmed afterwards: %+v", c)
			}
			told := 0
			for _, l := range d.read()[before:] {
				if l.beat == nil && !l.lost {
					told++
				}
			}
			if told > c.most {
				t.Errorf("%d changes are told, want %d at most", told, c.most)
			}
			rows := w.count(`SELECT count(*) FROM confirmations`)
			if rows > 8192 {
				t.Errorf("%d rows of marks", rows)
			}
			t.Logf("%d changes told, %d marks confirmed", told, rows)
		})
	}
}
